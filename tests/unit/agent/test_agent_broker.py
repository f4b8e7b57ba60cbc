# SPDX-License-Identifier: BSD-3-Clause
"""Secrets for workloads: the agent, the client that relays, a broker, and each one's ill will."""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import realmos_agent
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos.agent import AgentClient, RunHandle, RunResult
from realmos.agent._files import Upload
from realmos.attest import Check, Policy, Status, Verdict
from realmos.broker import (
    Address,
    Broker,
    Channel,
    DecisionLog,
    Identity,
    KeyFile,
    Secret,
    Server,
    Store,
)
from realmos.errors import PeerRefusedError
from realmos_agent.protocol import Asked, Given, Put, Refused, numbers
from realmos_agent.protocol.evidence import EVIDENCE_OID, channel_challenge
from realmos_agent.protocol.frame import PREAMBLE

if TYPE_CHECKING:
    from tests.unit.agent.conftest import Agent, Starter

TIMEOUT = 30.0
MARK = b"token for "
SECRET = b"the model's key"
OPEN, EXCLUSIVE = "open", "exclusive"
PYTHONPATH = str(Path(realmos_agent.__file__).parents[1])
PREFIX = "import sys; from realmos_agent import secrets\n"


def judge(certificate: bytes, policy: Policy, *, nonce: bytes) -> Verdict:
    """Trust a certificate whose token is for this nonce and its key."""
    parsed = x509.load_der_x509_certificate(certificate)
    evidence = parsed.extensions.get_extension_for_oid(x509.ObjectIdentifier(EVIDENCE_OID)).value
    assert isinstance(evidence, x509.UnrecognizedExtension)
    spki = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    del policy
    if evidence.value == MARK + channel_challenge(nonce, spki):
        return Verdict(True, "none", (), None, None)
    check = Check("realm.challenge", Status.FAIL, why="another's")
    return Verdict(False, "none", (check,), None, check)


class Endless:
    """A file whose end never comes."""

    def read(self, size: int) -> bytes:
        time.sleep(0.001)
        return bytes(size)


class Place:
    """A broker at an address."""

    def __init__(self, folder: Path, exclusive: str) -> None:
        self.address = Address.parse(str(folder / "socket"))
        self.store = Store(folder, KeyFile(folder / "key"))
        self.said: list[str] = []
        self.seen = bytearray()
        rem = '[[realm.rem]]\nindex = 1\nvalues = ["' + "00" * 32 + '"]' * (exclusive == EXCLUSIVE)
        policy = "" if exclusive == OPEN else rem
        secret = Secret("model", policy, SECRET)
        identity = Identity("ledger", policy, "", 0, 0, b"\x0e" * 32)
        content = self.store.update(lambda content: content.with_secret(secret))
        self.key = content.public_key().hex()
        self.store.update(lambda content: content.with_identity(identity))
        log = DecisionLog(folder / "log", say=self.said.append, complain=self.said.append)
        self._broker = Broker(self.store, log)
        self.judged, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def answer(self, asked: Asked, channel: Channel) -> Given | Refused:
        answer = self._broker.answer(asked, channel)
        self.judged.set()
        assert self.go_on.wait(TIMEOUT)
        return answer

    def connect(self) -> socket.socket:
        return self.address.connect()


@pytest.fixture
def exclusive() -> str:
    return OPEN


@pytest.fixture
def place(tmp_path: Path, exclusive: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr("realmos.broker._decide.verify_certificate", judge)
    folder = tmp_path / "broker"
    folder.mkdir(mode=0o700)
    place = Place(folder, exclusive)
    over = threading.Event()
    with place.address.listening() as listener:
        server = Server(listener, place.answer, complain=place.said.append)
        thread = threading.Thread(target=server.serve, args=(over.is_set,))
        thread.start()
        yield place
        over.set()
        thread.join()


@pytest.fixture
def attesting(start_agent: "Starter") -> "Agent":
    return start_agent(attests=True)


@pytest.fixture
def client(attesting: "Agent") -> Iterator[AgentClient]:
    with AgentClient(attesting.port.path, timeout=TIMEOUT, reply_timeout=TIMEOUT) as client:
        yield client


Script = Callable[..., Any]


@pytest.fixture
def script(client: AgentClient, attesting: "Agent") -> Script:
    """Return a function that runs Python in the realm, where a broker can be asked."""

    def run(code: str, *, wait: bool = True, **env: str) -> RunResult | RunHandle:
        known = {"PYTHONPATH": PYTHONPATH, "REALMOS_BROKER_SOCKET": f"{attesting.work}/broker"}
        argv = [sys.executable, "-c", PREFIX + code]
        handle = client.start(argv, env={**known, **env})
        return handle.wait(TIMEOUT) if wait else handle

    return run


GET = 'print(secrets.get("model").decode())'


def test_workload_gets_its_secret_inside_tls(
    client: AgentClient, script: Script, place: Place
) -> None:
    client.secure(lambda _certificate, _nonce: None)
    client.relay(place.connect)
    for _ in range(3):
        done = script(GET)
        assert (done.status, done.stdout.strip()) == (0, SECRET), done.stderr.decode()
    assert [line.partition(" ")[0] for line in place.said] == ["gave"] * 3


def test_relaying_client_sees_ciphertext(client: AgentClient, script: Script, place: Place) -> None:
    seen = bytearray()

    class Tap(socket.socket):
        def send(self, data: bytes, *_: int) -> int:  # type: ignore[override]
            seen.extend(data)
            return super().send(data)

        def recv(self, size: int, *_: int) -> bytes:
            data = super().recv(size)
            seen.extend(data)
            return data

    client.relay(lambda: Tap(fileno=place.connect().detach()))
    assert script(GET).stdout.strip() == SECRET
    assert len(seen) > 5000
    assert SECRET not in seen
    assert b"model" not in seen


def test_refusal_reaches_the_workload_with_its_reason(
    client: AgentClient, script: Script, place: Place
) -> None:
    client.relay(place.connect)
    done = script('secrets.get("other")')
    assert done.status == 1
    assert (
        done.stderr.decode()
        .strip()
        .endswith("RefusedError: the broker refused 'other': there is no secret 'other'")
    )


def test_counter_and_sealing_key_take_the_brokers_key(
    client: AgentClient, script: Script, place: Place
) -> None:
    client.relay(place.connect)
    done = script('secrets.counter("ledger")')
    assert b"ValueError: a sealing key and a counter are worth nothing" in done.stderr
    done = script(
        """
assert secrets.sealing_key("ledger") == b"\\x0e" * 32
assert secrets.counter("ledger") == 0
assert secrets.advance("ledger", 0) == 1
try:
    secrets.advance("ledger", 0)
except secrets.CounterError as error:
    assert error.value == 1, error
    assert str(error) == "the counter of ledger is 1, not 0"
else:
    sys.exit("it advanced twice from one place")
assert secrets.advance("ledger", 1, mark=b"this one") == 2
assert secrets.counter_state("ledger") == (2, b"this one")
try:
    secrets.advance("ledger", 2, mark=b"x" * 65)
except ValueError as error:
    assert "up to 64 bytes" in str(error)
else:
    sys.exit("it took a long mark")
""",
        REALMOS_BROKER_KEY=place.key,
    )
    assert done.status == 0, done.stderr.decode()
    assert place.store.read().identities["ledger"].counter == 2


def test_another_broker_than_the_one_that_is_named_is_refused(
    client: AgentClient, script: Script, place: Place
) -> None:
    client.relay(place.connect)
    done = script(GET, REALMOS_BROKER_KEY="ab" * 32)
    assert done.status == 1
    assert b"another broker than the one that was named" in done.stderr


def test_without_a_broker_the_error_says_how_to_have_one(
    client: AgentClient, script: Script, place: Place
) -> None:
    done = script(GET)
    assert b"SecretsError: 'model' cannot be had: this session was given no broker" in done.stderr
    client.relay(place.connect)
    assert script(GET).status == 0
    client.renew()
    done = script(GET)  # the socket is still there, and nobody relays
    assert b"this session was given no broker" in done.stderr


def test_broker_that_is_not_there_is_an_error_and_no_end(
    client: AgentClient, script: Script, tmp_path: Path
) -> None:
    client.relay(Address.parse(str(tmp_path / "none")).connect)
    for _ in range(2):
        done = script(GET)
        assert b"no broker answers: No such file" in done.stderr


@pytest.fixture
def impostor() -> Iterator[
    Callable[[Callable[[socket.socket], None]], Callable[[], socket.socket]]
]:
    """Return a function that returns what connects to somebody who is no broker."""
    threads: list[threading.Thread] = []
    ends: list[socket.socket] = []

    def make(behave: Callable[[socket.socket], None]) -> Callable[[], socket.socket]:
        def act(theirs: socket.socket) -> None:
            with contextlib.suppress(OSError):
                behave(theirs)

        def connect() -> socket.socket:
            ours, theirs = socket.socketpair()
            ends.append(theirs)
            threads.append(threading.Thread(target=act, args=(theirs,)))
            threads[-1].start()
            return ours

        return connect

    yield make
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    for end in ends:
        end.close()


Impostor = Callable[[Callable[[socket.socket], None]], Callable[[], socket.socket]]


def hang_up(end: socket.socket) -> None:
    end.close()


def junk(end: socket.socket) -> None:
    end.sendall(os.urandom(1 << 20))


def zeros(end: socket.socket) -> None:
    while True:
        end.sendall(PREAMBLE)


def wait(end: socket.socket) -> None:
    end.recv(1)


@pytest.mark.parametrize("behave", [hang_up, junk, zeros, wait])
def test_impostor_harms_nobody(
    client: AgentClient,
    script: Script,
    impostor: Impostor,
    attesting: "Agent",
    behave: Callable[[socket.socket], None],
) -> None:
    client.relay(impostor(behave))
    client.run(["true"])
    before = attesting.memory()
    done = script('secrets.get("model", timeout=2)')
    assert b"SecretsError" in done.stderr
    assert client.run(["echo", "alive"]).stdout == b"alive\n"
    # Up to 15 MiB are work in progress; who keeps what `zeros` sends has hundreds.
    assert attesting.memory() - before < 32 << 20


def test_workload_that_goes_away_frees_the_relay(
    client: AgentClient, script: Script, place: Place, impostor: Impostor
) -> None:
    silent = impostor(wait)
    brokers = iter([silent, place.connect])
    client.relay(lambda: next(brokers)())  # noqa: PLW0108 -- another one each time
    assert script('secrets.get("model", timeout=1)').status == 1
    assert script(GET).stdout.strip() == SECRET


def test_several_workloads_ask_at_once(client: AgentClient, script: Script, place: Place) -> None:
    client.relay(place.connect)
    ask = """
import threading
found = []
threads = [threading.Thread(target=lambda: found.append(secrets.get("model"))) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(found), len(set(found)))
"""
    assert script(ask).stdout == b"8 1\n"


@pytest.mark.parametrize(
    "question", [b"", b"\0", b"\xff\xff" + bytes(2000), b"\0\1\xa0", b"\0\5abc"]
)
def test_desk_lives_through_questions_of_no_form(
    client: AgentClient, script: Script, place: Place, attesting: "Agent", question: bytes
) -> None:
    client.relay(place.connect)
    assert script(GET).status == 0
    with socket.socket(socket.AF_UNIX) as desk:
        desk.settimeout(TIMEOUT)
        desk.connect(f"{attesting.work}/broker")
        desk.sendall(question)
        desk.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while desk.recv(1 << 16):
                pass
    assert script(GET).status == 0
    assert (attesting.work / "broker").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("exclusive", [EXCLUSIVE])
def test_realm_that_holds_a_secret_takes_no_other_work(
    client: AgentClient, script: Script, place: Place
) -> None:
    """Whoever commands the realm could otherwise fetch the secret from its memory."""
    work = client.hello().work_dir
    client.put_bytes(b"result", f"{work}/result")
    client.relay(place.connect)
    client.run(["true"])
    started = client.start(["sleep", "60"])
    while started.pid is None:
        client.pump(0.1)
    assert script(GET).stdout.strip() == SECRET
    for refused in (
        lambda: client.run(["true"]),
        lambda: client.put_bytes(b"", f"{work}/x"),
    ):
        with pytest.raises(PeerRefusedError, match="holds secrets for what it runs") as caught:
            refused()
        assert caught.value.code == numbers.ERR_DENIED
    for path in (f"/proc/{started.pid}/maps", "/proc/self/environ"):
        with pytest.raises(PeerRefusedError) as caught:
            client.get_bytes(path)
        assert caught.value.code == numbers.ERR_DENIED
    assert client.get_bytes(f"{work}/result") == b"result"
    client.renew()
    with pytest.raises(PeerRefusedError, match="holds secrets"):
        client.run(["true"])
    assert client.report().agent


@pytest.mark.parametrize("exclusive", [EXCLUSIVE])
@pytest.mark.parametrize("what", ["run", "put"])
def test_work_between_token_and_answer_costs_the_answer(
    client: AgentClient, script: Script, place: Place, what: str
) -> None:
    """It would run beside the program that the broker saw, and could read its memory."""
    place.go_on.clear()
    client.relay(place.connect)
    asking = script(GET, wait=False)
    assert isinstance(asking, RunHandle)
    while not place.judged.is_set():
        client.pump(0.1)
    if what == "run":
        client.run(["true"])
    else:
        client.put_bytes(b"", f"{client.hello().work_dir}/x")
    place.go_on.set()
    done = asking.wait(TIMEOUT)
    assert b"other work between the token and the answer" in done.stderr
    assert SECRET not in done.stdout
    assert client.run(["true"]).status == 0


@pytest.mark.parametrize("exclusive", [EXCLUSIVE])
def test_file_that_is_under_way_when_a_secret_comes_does_not_appear(
    client: AgentClient, script: Script, place: Place, attesting: "Agent"
) -> None:
    client.relay(place.connect)
    target = attesting.work / "late"
    engine = client._engine  # noqa: SLF001 - our client sends files in one go

    number = engine.next_id()
    upload = Upload(engine.connection, number, "late", Endless())  # type: ignore[arg-type]
    engine.begin(upload, Put(number, bytes(target), 0o644, parents=False))
    assert script(GET).stdout.strip() == SECRET
    assert upload.over
    assert "holds secrets" in str(upload.error)
    assert not target.exists()


def test_realm_takes_no_more_work_when_what_it_runs_wants_it(
    client: AgentClient, script: Script, attesting: "Agent"
) -> None:
    """Without any broker: a token would otherwise hold for the past only."""
    target = attesting.work / "late"
    engine = client._engine  # noqa: SLF001 - our client sends files in one go
    number = engine.next_id()
    upload = Upload(engine.connection, number, "late", Endless())  # type: ignore[arg-type]
    engine.begin(upload, Put(number, bytes(target), 0o644, parents=False))
    done = script('secrets.become_exclusive(); print("alone")')
    assert (done.stderr, done.stdout) == (b"", b"alone\n")
    assert upload.over
    assert not target.exists()
    for _ in range(2):
        with pytest.raises(PeerRefusedError, match="nothing else any more") as caught:
            client.run(["true"])
        assert caught.value.code == numbers.ERR_DENIED
        client.renew()
