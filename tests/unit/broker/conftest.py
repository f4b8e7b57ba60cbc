# SPDX-License-Identifier: BSD-3-Clause
"""Stores, and realms that attest with tokens of keys made up here."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import pytest
from realmos.attest import Policy, ReferenceRem, write_policy
from realmos.broker import Broker, DecisionLog, Exchange, KeyFile, Secret, Store
from realmos_agent import attestation
from realmos_agent.asking import Asking, Question
from realmos_agent.identity import server_context
from realmos_agent.protocol import Given, Refused

REM1 = b"\x11" * 32
SECRET = b"correct horse battery staple"


def _attest_conftest() -> ModuleType:
    """The folder of the verifier's tests makes tokens; its name for them is `conftest`, too."""
    path = Path(__file__).parents[1] / "attest" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tokens_of_attest_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TOKENS = _attest_conftest()


@dataclass
class Realm:
    """A realm in this process; what it attests to can be changed."""

    rim: bytes = TOKENS.RIM
    rem1: bytes = REM1
    rpv: bytes = TOKENS.RPV
    challenges: list[bytes] = field(default_factory=list)

    def token(self, challenge: bytes) -> bytes:
        self.challenges.append(challenge)
        rems = [self.rem1, *[bytes(32)] * 3]
        claims = {10: challenge, 44238: self.rim, 44239: rems, 44235: self.rpv}
        token: bytes = TOKENS.build_token(realm=claims)
        return token

    def ask(
        self,
        exchange: Exchange,
        want: int,
        name: str,
        value: int = 0,
        *,
        mark: bytes = b"",
        broker: bytes = b"",
    ) -> Given | Refused:
        """Have a whole conversation with a broker's side of it, byte for byte."""
        asking = Asking(Question(want, name, value, mark, broker), server_context)
        while not exchange.over:
            asking.feed(exchange.take_output())
            exchange.feed(b"".join(asking.take_output()))
        assert asking.answer is not None
        return asking.answer


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Realm:
    """A realm that satisfies `policy_text`."""
    made = Realm()
    monkeypatch.setattr(attestation, "token", made.token)
    return made


@pytest.fixture
def make_policy() -> Callable[..., str]:
    """Return a function that returns a policy for one RIM and one REM 1, in TOML."""

    def make(*, rim: bytes = TOKENS.RIM, rem1: bytes | None = REM1, **changes: object) -> str:
        key = TOKENS.private_key(-35).public_key()
        anchor = TOKENS.Anchor("development", key, TOKENS.IMPLEMENTATION, TOKENS.INSTANCE)
        policy = Policy(
            anchors=(anchor,),
            rims=(TOKENS.ReferenceRim("demo", rim),),
            rems=() if rem1 is None else (ReferenceRem(1, (rem1,)),),
        )
        return write_policy(replace(policy, **changes))  # type: ignore[arg-type] # names are checked

    return make


@pytest.fixture
def policy_text(make_policy: Callable[..., str]) -> str:
    return make_policy()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that is not there yet."""
    return Store(tmp_path / "broker", KeyFile(tmp_path / "broker" / "key"))


@dataclass
class Desk:
    """A broker, what it said, and how to talk to it."""

    store: Store
    broker: Broker
    log: DecisionLog
    said: list[str]
    complaints: list[str]

    def exchange(self) -> Exchange:
        return Exchange(self.broker.answer)


@pytest.fixture
def desk(store: Store, policy_text: str) -> Desk:
    """A broker that has the secret `model`."""
    store.update(lambda content: content.with_secret(Secret("model", policy_text, SECRET)))
    said: list[str] = []
    complaints: list[str] = []
    path = store.path.with_name("log.jsonl")
    log = DecisionLog(path, say=said.append, complain=complaints.append)
    return Desk(store, Broker(store, log), log, said, complaints)
