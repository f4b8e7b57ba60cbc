# SPDX-License-Identifier: BSD-3-Clause
"""The realm pseudo TA: who gets a token, for what, and what a verifier makes of it."""

import hashlib
import re
from pathlib import Path
from uuid import UUID

import pytest
from fake_ta import CLIENT, World
from pta_rig import A, B, PtaUsers, command, memory
from realmos_agent import attestation, secrets
from realmos_agent.protocol.evidence import channel_challenge, ta_challenge
from realmos_agent.tee import numbers
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.params import Memref, Params, param_types
from realmos_agent.tee.pta import NoTokenError, RealmPta, realm_token

MEMREF_IN, MEMREF_OUT = numbers.PARAM_TYPE_MEMREF_INPUT, numbers.PARAM_TYPE_MEMREF_OUTPUT
TYPES = param_types(MEMREF_IN, MEMREF_IN, MEMREF_OUT)
TOKEN = b"a token"


class Setup(PtaUsers):
    """TAs that invoke the pseudo TA as they are told."""

    def __init__(self) -> None:
        self.challenges: list[bytes] = []
        self.problem: NoTokenError | None = None
        self.log: list[str] = []
        super().__init__(RealmPta(self._token, self.log.append))

    def ask(
        self, params: Params, *, number: int = numbers.REALM_PTA_TOKEN, uuid: UUID = A
    ) -> object:
        """Have a TA ask; return the result code."""
        (code,) = self.run(command(number, params), uuid=uuid)
        return code

    def _token(self, challenge: bytes) -> bytes:
        self.challenges.append(challenge)
        if self.problem is not None:
            raise self.problem
        return TOKEN


def asked(nonce: bytes, statement: bytes = b"", room: int = 64) -> tuple[Memref, Params]:
    out = memory(bytes(room))
    return out, Params(TYPES, (memory(nonce), memory(statement), out, None))


def test_it_is_for_tas_only() -> None:
    world = World({}, (RealmPta(lambda _: TOKEN, lambda _: None),))
    outcome = world.open(RealmPta.uuid, identity=CLIENT)
    assert outcome == Outcome(numbers.ERROR_ACCESS_DENIED, numbers.ORIGIN_TRUSTED_APP)


def test_a_ta_gets_a_token_for_itself_its_nonce_and_its_statement() -> None:
    setup = Setup()
    requests = [(A, b"n", b"s"), (A, b"n", b"s"), (B, b"n", b"s"), (A, b"m", b"s"), (A, b"n", b"")]
    for uuid, nonce, statement in requests:
        out, params = asked(nonce, statement)
        assert setup.ask(params, uuid=uuid) == numbers.SUCCESS
        assert out.written == TOKEN
    assert setup.challenges == [
        ta_challenge(uuid.bytes, nonce, statement) for uuid, nonce, statement in requests
    ]
    assert len(set(setup.challenges)) == 4


def test_nothing_moves_between_nonce_and_statement() -> None:
    assert ta_challenge(A.bytes, b"ab", b"c") != ta_challenge(A.bytes, b"a", b"bc")


def test_no_nonce_makes_a_channels_challenge_a_tas() -> None:
    """A client chooses the first 64 bytes of what a channel's challenge is the hash of."""
    label = hashlib.sha512(b"realmos TA token 1").digest()
    array = b"\x83\x50" + A.bytes + b"\x41n\x41s"
    assert channel_challenge(label, array) == ta_challenge(A.bytes, b"n", b"s")
    der_sequence = 0x30
    assert array[0] != der_sequence


def test_a_short_buffer_tells_how_much_is_needed() -> None:
    out, params = asked(b"n", room=len(TOKEN) - 1)
    assert Setup().ask(params) == numbers.ERROR_SHORT_BUFFER
    assert out.size == len(TOKEN)


@pytest.mark.parametrize(("nonce", "statement"), [(0, 0), (65, 0), (1, 65537)])
def test_nonce_and_statement_have_bounds(nonce: int, statement: int) -> None:
    setup = Setup()
    assert setup.ask(asked(bytes(nonce), bytes(statement))[1]) == numbers.ERROR_BAD_PARAMETERS
    assert setup.ask(asked(bytes(64), bytes(65536))[1]) == numbers.SUCCESS
    assert len(setup.challenges) == 1


def test_unknown_commands_and_other_parameters_are_refused() -> None:
    setup = Setup()
    assert setup.ask(Params(), number=1) == numbers.ERROR_NOT_IMPLEMENTED
    assert setup.ask(Params()) == numbers.ERROR_BAD_PARAMETERS
    assert not setup.challenges


def test_who_gets_no_token_is_told_so_and_the_log_why() -> None:
    setup = Setup()
    setup.problem = NoTokenError("no realm")
    assert setup.ask(asked(b"n")[1]) == numbers.ERROR_NOT_SUPPORTED
    setup.problem = NoTokenError("no memory", numbers.ERROR_GENERIC)
    assert setup.ask(asked(b"n")[1]) == numbers.ERROR_GENERIC
    assert setup.log == [f"{A} gets no token: no realm", f"{A} gets no token: no memory"]


def test_there_is_no_token_on_the_build_machine() -> None:
    with pytest.raises(NoTokenError, match="not one of realmos's images"):
        realm_token(bytes(64))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (attestation.NoDeviceError, numbers.ERROR_NOT_SUPPORTED),
        (attestation.AttestationError, numbers.ERROR_GENERIC),
    ],
)
def test_a_token_that_failed_is_not_a_realm_that_there_is_not(
    error: type[attestation.AttestationError], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_challenge: bytes) -> bytes:
        raise error("the report has failed")

    monkeypatch.setattr(attestation, "config", lambda: None)
    monkeypatch.setattr(attestation, "token", fail)
    monkeypatch.setattr(secrets, "become_exclusive", lambda: None)
    with pytest.raises(NoTokenError, match="the report has failed") as caught:
        realm_token(bytes(64))
    assert caught.value.code == code


def test_the_realm_takes_no_more_work_before_there_is_a_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who commands the realm could read the TA's key afterwards, in the memory of the core."""
    done: list[str] = []

    def give(_challenge: bytes) -> bytes:
        done.append("token")
        return TOKEN

    monkeypatch.setattr(attestation, "config", lambda: None)
    monkeypatch.setattr(attestation, "token", give)
    monkeypatch.setattr(secrets, "become_exclusive", lambda: done.append("exclusive"))
    assert realm_token(bytes(64)) == TOKEN
    assert done == ["exclusive", "token"]

    def refuse() -> None:
        raise secrets.SecretsError("no agent")

    monkeypatch.setattr(secrets, "become_exclusive", refuse)
    with pytest.raises(NoTokenError, match="open to other work: no agent"):
        realm_token(bytes(64))
    assert done == ["exclusive", "token"]


def test_header_for_tas_says_the_same_as_the_table(top: Path) -> None:
    header = (top / "guest/optee/include/pta_realm.h").read_text("utf-8")
    assert str(RealmPta.uuid) in header
    assert "".join(re.findall(r"0x([0-9a-f]+)", header)[:11]) == RealmPta.uuid.hex
    defined = dict(re.findall(r"#define PTA_REALM_(\w+)\s+(\d+)", header))
    assert {name: int(value) for name, value in defined.items()} == {
        "TOKEN": numbers.REALM_PTA_TOKEN,
        "NONCE_MAX": numbers.REALM_PTA_NONCE_MAX,
        "STATEMENT_MAX": numbers.REALM_PTA_STATEMENT_MAX,
    }
