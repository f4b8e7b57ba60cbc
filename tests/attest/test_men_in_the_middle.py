# SPDX-License-Identifier: BSD-3-Clause
"""Whoever sits between a client and a realm: refused by name, and told nothing.

The realms, their tokens and the verifier are real. The attacker holds the agent's socket, talks to
whichever realm it likes, and plays the agent to the client.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos.agent import AgentClient
from realmos.errors import AttestationError, PeerError, PeerTimeoutError
from realmos.machine import agent_socket
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Session, _boot
from realmos_agent.protocol import Error, Hello, Sealed, Secure, Secured, Welcome, numbers
from realmos_agent.protocol.evidence import channel_challenge
from realmos_agent.protocol.frame import Frame
from realmos_agent.protocol.messages import decode_message, encode_message

if TYPE_CHECKING:
    from tests.attest.conftest import Attack, Between, Impostor, Middle, Recording, Relay, Wire

pytestmark = pytest.mark.qemu

MIB = 1 << 20
PATIENCE = 300.0
VICTIM, TWIN, OTHER = range(3)

# In the realm: a token for a challenge of somebody's choice.
ORACLE = b"""
import sys
from realmos_agent import attestation
sys.stdout.buffer.write(attestation.token(bytes.fromhex(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def session(realm_factory: RealmFactory) -> Iterator[Session]:
    """Realms: the one that clients mean, one of the same image, and one that is built otherwise."""
    config = RealmConfig(memory=384 * MIB)
    other = replace(config, cmdline="realmos.other=1")
    with realm_factory(realms=(config, config, other), cold=True) as made:
        for agent in made.agents:
            agent.close()
        yield made


def port(session: Session, number: int = VICTIM) -> Path:
    return agent_socket(session.machine.spec, number)


def meet(
    session: Session, path: Path, *, meant: int = VICTIM, patience: float = PATIENCE
) -> Session:
    """Do what a session does with a realm's agent, at another socket than the realm's."""
    realms = (session.prepared.realms[meant],)
    client = AgentClient(path, timeout=patience)
    met = replace(
        session, prepared=replace(session.prepared, realms=realms), agents=[client], verdicts=[]
    )
    try:
        met.secure()
    except BaseException:
        client.close()
        raise
    return met


def check_refused(session: Session, middle: "Middle", field: str, *, meant: int = VICTIM) -> None:
    """Check that a client refuses, says why, and sent nothing but its half of a handshake."""
    with pytest.raises(AttestationError, match=f"not to be trusted\n  {field}: ") as caught:
        meet(session, middle.path, meant=meant)
    assert caught.value.hint
    middle.over.wait(PATIENCE)
    check_told_nothing(middle)


def check_told_nothing(middle: "Middle") -> None:
    assert middle.got == []
    sealed = middle.frames.count(numbers.MSG_SEALED)
    assert sealed <= 2  # ClientHello; Finished
    assert set(middle.frames) <= {numbers.MSG_HELLO, numbers.MSG_SECURE, numbers.MSG_SEALED}


def test_the_realm_itself_is_trusted_also_behind_who_only_passes_bytes_on(
    session: Session, between: "Between", relay: "Relay"
) -> None:
    with between(relay(port(session))) as middle:
        met = meet(session, middle.path)
        assert met.verdicts[0].passed
        met.agent.close()
    assert numbers.MSG_RUN not in middle.frames


def test_a_token_for_the_realms_key_does_not_vouch_for_another(
    session: Session, between: "Between", impostor: "Impostor", record: "Recording"
) -> None:
    """The attacker asks the realm with the client's own nonce, and shows what it gets."""

    def relayed(nonce: bytes, _: bytes) -> bytes:
        return record(port(session), nonce).token

    with between(impostor(relayed)) as middle:
        check_refused(session, middle, "realm.challenge")


def test_an_old_token_is_refused(
    session: Session, between: "Between", impostor: "Impostor", record: "Recording"
) -> None:
    old = record(port(session), secrets.token_bytes(numbers.CHALLENGE_SIZE))
    with between(impostor(lambda *_: old.token)) as middle:
        check_refused(session, middle, "realm.challenge")


def test_an_old_certificate_is_of_no_use_without_its_key(
    session: Session, between: "Between", record: "Recording"
) -> None:
    old = record(port(session), secrets.token_bytes(numbers.CHALLENGE_SIZE))

    def replay(wire: "Wire") -> None:
        wire.play_agent()
        wire.send_raw(Secured(), *map(Sealed, old.sealed))
        while True:  # until the client goes, whose half of the handshake means nothing here
            wire.read()

    with between(replay) as middle:
        with pytest.raises(PeerError, match="broke the protocol: TLS: "):
            meet(session, middle.path)
        middle.over.wait(PATIENCE)
        check_told_nothing(middle)


def test_a_certificate_without_a_token_is_refused(
    session: Session, between: "Between", impostor: "Impostor"
) -> None:
    with between(impostor(lambda *_: None)) as middle:
        check_refused(session, middle, "certificate")


@pytest.mark.parametrize(("there", "field"), [(TWIN, "realm.rpv"), (OTHER, "realm.rim")])
def test_another_realm_in_place_of_the_one_that_is_meant_is_refused(
    session: Session, between: "Between", relay: "Relay", there: int, field: str
) -> None:
    with between(relay(port(session, there))) as middle:
        check_refused(session, middle, field)


def test_a_changed_nonce_is_refused(session: Session, between: "Between", relay: "Relay") -> None:
    def edit(frame: Frame) -> Frame:
        if frame.type == numbers.MSG_SECURE:
            _, payload = encode_message(Secure(bytes(numbers.CHALLENGE_SIZE)))
            return Frame(frame.type, frame.session, payload)
        return frame

    with between(relay(port(session), edit)) as middle:
        check_refused(session, middle, "realm.challenge")


def changed(cls: type[Hello | Welcome], **fields: object) -> Callable[[Frame], Frame]:
    """Return a function that changes fields of a message."""

    def edit(frame: Frame) -> Frame:
        message = decode_message(frame.type, frame.payload)
        if not isinstance(message, cls):
            return frame
        _, payload = encode_message(cls(**{**vars(message), **fields}))
        return Frame(frame.type, frame.session, payload)

    return edit


@pytest.mark.parametrize("cls", [Hello, Welcome])
def test_a_greeting_with_another_nonce_leads_nowhere(
    session: Session, between: "Between", relay: "Relay", cls: type[Hello | Welcome]
) -> None:
    edit = changed(cls, nonce=bytes(numbers.NONCE_SIZE))
    with between(relay(port(session), edit)) as middle:
        with pytest.raises(PeerTimeoutError, match="did not answer"):
            meet(session, middle.path, patience=4.0)
        middle.over.wait(PATIENCE)
    assert set(middle.frames) == {numbers.MSG_HELLO}


def test_what_was_changed_in_the_welcome_counts_for_nothing(
    session: Session, between: "Between", relay: "Relay"
) -> None:
    edit = changed(Welcome, agent="other", agent_nonce=bytes(16), work_dir=b"/tmp/theirs", marks=())
    with between(relay(port(session), edit)) as middle:
        met = meet(session, middle.path)
        greeting = met.agent.hello()
        assert greeting.work_dir != "/tmp/theirs"  # noqa: S108 - not here
        assert greeting.nonce != bytes(16)
        met.agent.close()


def answer_with_an_error(wire: "Wire") -> None:
    wire.play_agent()
    wire.send_raw(Error(0, numbers.ERR_FAILED, "no channels here"))


def keep_silent(wire: "Wire") -> None:
    wire.play_agent()


@pytest.mark.parametrize(
    ("attack", "refusal"),
    [
        (answer_with_an_error, (PeerError, "no channels here")),
        (keep_silent, (PeerTimeoutError, "did not answer")),
    ],
)
def test_a_client_without_its_channel_does_not_go_on_in_the_open(
    session: Session,
    between: "Between",
    monkeypatch: pytest.MonkeyPatch,
    attack: "Attack",
    refusal: tuple[type[PeerError], str],
) -> None:
    monkeypatch.setattr(_boot, "_CHANNEL_TIMEOUT", 4.0)
    with between(attack) as middle:
        with pytest.raises(refusal[0], match=refusal[1]):
            meet(session, middle.path)
        middle.over.wait(PATIENCE)
        check_told_nothing(middle)


def test_who_goes_on_without_verification_gets_the_other_realm_and_is_told(
    session: Session, between: "Between", relay: "Relay"
) -> None:
    options = replace(session.prepared.options, verify=False)
    careless = replace(session, prepared=replace(session.prepared, options=options))
    with between(relay(port(session, OTHER))) as middle:
        met = meet(careless, middle.path)
        (verdict,) = met.verdicts
        assert not verdict.passed
        assert verdict.first_failure is not None
        assert verdict.first_failure.name == "realm.rim"
        with contextlib.closing(met.agent):
            assert b"realmos.other=1" in met.agent.run(["cat", "/proc/cmdline"]).stdout


# The realms that answered are not fresh any more: the last tests of this machine.


def test_an_agent_that_answers_the_attackers_challenge_gives_itself_away(
    session: Session, between: "Between", impostor: "Impostor"
) -> None:
    """The token fits the attacker's key, and the client's nonce: the realm was asked for it."""

    def asked(nonce: bytes, spki: bytes) -> bytes:
        with AgentClient(port(session), timeout=PATIENCE) as agent:
            return agent.attest(channel_challenge(nonce, spki)).token

    with between(impostor(asked)) as middle:
        check_refused(session, middle, "realm.rem1")


def test_a_program_that_answers_the_attackers_challenge_gives_itself_away(
    session: Session, between: "Between", impostor: "Impostor"
) -> None:
    def run(nonce: bytes, spki: bytes) -> bytes:
        with AgentClient(port(session, TWIN), timeout=PATIENCE) as agent:
            challenge = channel_challenge(nonce, spki).hex()
            return agent.run(["oracle.py", challenge], script=ORACLE, timeout=PATIENCE).stdout

    with between(impostor(run)) as middle:
        check_refused(session, middle, "realm.rem1", meant=TWIN)
