# SPDX-License-Identifier: BSD-3-Clause
"""Real realms and a broker: secrets, sealed data that outlast a realm, and who gets neither."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from realmos.attest import Policy, ReferenceRem, write_policy
from realmos.broker import Address, Broker, DecisionLog, Identity, KeyFile, Secret, Server, Store
from realmos.errors import PeerRefusedError
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig, Workload, extended_measurement, workload_events
from realmos.session import Session
from realmos.session._trust import policy_of

pytestmark = pytest.mark.qemu

PATIENCE = 300.0
SECRET = b"what the owner keeps"
RPV = b"ledger"

# In the realm: what was sealed before, if anything was, is opened, and sealed anew.
LEDGER = """
import os, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from realmos_agent import secrets

path = "/run/sealed"
key = AESGCM(secrets.sealing_key("ledger"))
count = secrets.counter("ledger")
entries = b""
if count:
    with open(path, "rb") as file:
        sealed = file.read()
    entries = key.decrypt(sealed[:12], sealed[12:], b"%d" % count)
nonce = os.urandom(12)
count += 1
sealed = nonce + key.encrypt(nonce, entries + b"!", b"%d" % count)
assert secrets.advance("ledger", count - 1) == count
with open(path, "wb") as file:
    file.write(sealed)
print(count, entries.decode())
"""
ASK = "from realmos_agent import secrets; print(secrets.get('plan').decode())"


@dataclass
class Owner:
    """A broker that serves, and what it said."""

    store: Store
    address: Address
    said: list[str]

    @property
    def key(self) -> str:
        return self.store.read().public_key().hex()

    def connect(self) -> socket.socket:
        return self.address.connect()

    def keep_secret(self, policy: Policy) -> None:
        secret = Secret("plan", write_policy(policy), SECRET)
        self.store.update(lambda content: content.with_secret(secret))

    def keep_identity(self, policy: Policy) -> None:
        identity = Identity("ledger", write_policy(policy), "", 0, 0, secrets.token_bytes(32))
        self.store.update(lambda content: content.with_identity(identity))


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    folder = tmp_path / "b"
    store = Store(folder, KeyFile(folder / "key"))
    store.update(lambda content: content)
    said: list[str] = []
    log = DecisionLog(folder / "log", say=said.append, complain=said.append)
    address = Address.parse(str(folder / "s"))
    over = threading.Event()
    with address.listening() as listener:
        server = Server(listener, Broker(store, log).answer, complain=said.append)
        thread = threading.Thread(target=server.serve, args=(over.is_set,))
        thread.start()
        try:
            yield Owner(store, address, said)
        finally:
            over.set()
            thread.join()


def policy_for(session: Session, name: str, script: str, **env: str) -> Policy:
    """Return the policy of a realm in which one script runs, and nothing else did."""
    (realm,) = session.prepared.realms
    policy = policy_of(session.prepared.flash, realm)
    workload = Workload((name,), script.encode(), env=tuple(env.items()))
    rem = extended_measurement(workload_events(workload), realm.config.hash_algorithm)
    return replace(policy, rpvs=(), rems=(ReferenceRem(1, (rem,)),))


def test_realm_with_a_secret_serves_its_program_alone(realm_machine: Session, owner: Owner) -> None:
    agent = realm_machine.agent
    owner.keep_secret(policy_for(realm_machine, "ask.py", ASK))
    seen = bytearray()

    class Tap(socket.socket):
        def send(self, data: bytes, *_: int) -> int:  # type: ignore[override] # as much as we use
            seen.extend(data)
            return super().send(data)

        def recv(self, size: int, *_: int) -> bytes:
            data = super().recv(size)
            seen.extend(data)
            return data

    agent.relay(lambda: Tap(fileno=owner.connect().detach()))
    done = agent.run(["ask.py"], script=ASK.encode(), timeout=PATIENCE)
    assert done.stdout.strip() == SECRET, (done.stderr.decode(), owner.said)
    assert SECRET not in seen
    refused: tuple[Callable[[], object], ...] = (
        lambda: agent.run(["cat", "/proc/kcore"]),
        lambda: agent.put_bytes(b"", "/run/x"),
    )
    for attempt in refused:
        with pytest.raises(PeerRefusedError, match="holds secrets for what it runs"):
            attempt()
    with pytest.raises(PeerRefusedError):
        agent.get_bytes("/proc/kcore")
    # It goes on showing what it is.
    assert realm_machine.attest().verdict.passed


def test_realm_that_ran_something_before_is_refused(realm_machine: Session, owner: Owner) -> None:
    agent = realm_machine.agent
    owner.keep_secret(policy_for(realm_machine, "ask.py", ASK))
    agent.relay(owner.connect)
    agent.run(["true"])
    done = agent.run(["ask.py"], script=ASK.encode(), timeout=PATIENCE)
    assert b"RefusedError: the broker refused 'plan': realm.rem1: expected " in done.stderr
    assert owner.said[0].startswith("refused secret 'plan': realm.rem1: ")
    assert SECRET not in done.stdout + done.stderr


def test_sealed_data_outlast_their_realm_and_are_not_rolled_back(
    realm_factory: RealmFactory, owner: Owner
) -> None:
    config = RealmConfig(rpv=RPV)
    env = {"REALMOS_BROKER_KEY": owner.key}

    @contextlib.contextmanager
    def ledger(rpv: bytes = RPV) -> Iterator[Session]:
        with realm_factory(realms=(replace(config, rpv=rpv),), cold=False) as session:
            session.agent.relay(owner.connect)
            yield session

    def run(session: Session) -> tuple[int, str, str]:
        done = session.agent.run(["l.py"], script=LEDGER.encode(), env=env, timeout=PATIENCE)
        return done.status, done.stdout.decode().strip(), done.stderr.decode()

    states: list[bytes] = []
    with ledger() as session:
        policy = policy_for(session, "l.py", LEDGER, **env)
        # The state of before is put into the realm, so REM 1 is not known in advance.
        owner.keep_identity(replace(policy, rems=(), rpvs=(RPV.ljust(64, b"\0"),)))
        assert run(session)[:2] == (0, "1"), owner.said
        states.append(session.agent.get_bytes("/run/sealed"))
        assert run(session)[:2] == (0, "2 !"), owner.said
        states.append(session.agent.get_bytes("/run/sealed"))
    with ledger() as session:
        session.agent.put_bytes(states[0], "/run/sealed")
        status, _, said = run(session)
        assert status == 1
        assert "InvalidTag" in said  # an older state than the counter tells
        session.agent.put_bytes(states[1], "/run/sealed")
        assert run(session)[:2] == (0, "3 !!"), owner.said
    with ledger(b"another") as session:
        assert "realm.rpv: expected " in run(session)[2]
