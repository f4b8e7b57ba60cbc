# SPDX-License-Identifier: BSD-3-Clause
"""What realms get from a broker, and what becomes of those that are not what its policies want."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from realmos.broker import Identity, Secret, normal_policy
from realmos.errors import ConfigError, PeerError
from realmos_agent import attestation
from realmos_agent.asking import Asking, Question
from realmos_agent.identity import server_context
from realmos_agent.protocol import (
    Asked,
    Channel,
    Given,
    Hello,
    Refused,
    RemoteProtocolError,
    Run,
    Secure,
    Serve,
    Welcome,
    numbers,
    tls,
)

if TYPE_CHECKING:
    from tests.unit.broker.conftest import Desk, Realm

SECRET = b"correct horse battery staple"
KEY = sha256(SECRET).digest()

MakePolicy = Callable[..., str]


def with_identity(desk: "Desk", policy: str, *, counter: int = 0) -> None:
    identity = Identity("ledger", policy, "", counter, 0, KEY)
    desk.store.update(lambda content: content.with_identity(identity))


def test_realm_that_satisfies_the_policy_gets_the_secret(desk: "Desk", peer: "Realm") -> None:
    answer = peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    assert isinstance(answer, Given)
    assert (answer.data, answer.exclusive) == (SECRET, True)
    (line,) = desk.said
    assert line.startswith(f"gave secret 'model' to the realm with RIM {peer.rim.hex()}")
    assert "development anchor" in line


def test_policy_without_rem_1_leaves_the_realm_open(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy
) -> None:
    secret = Secret("other", make_policy(rem1=None), b"x")
    desk.store.update(lambda content: content.with_secret(secret))
    answer = peer.ask(desk.exchange(), numbers.WANT_SECRET, "other")
    assert isinstance(answer, Given)
    assert not answer.exclusive


@pytest.mark.parametrize(("field", "check"), [("rim", "realm.rim"), ("rem1", "realm.rem1")])
def test_other_realm_is_refused_and_told_why(
    desk: "Desk", peer: "Realm", field: str, check: str
) -> None:
    setattr(peer, field, b"\x99" * 32)
    answer = peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    assert isinstance(answer, Refused)
    assert answer.code == numbers.REFUSAL_REALM
    assert answer.reason.startswith(f"{check}: expected ")
    assert "99" * 32 in answer.reason
    assert desk.said[0].startswith(f"refused secret 'model': {check}")


def test_every_decision_is_logged_with_its_verdict_and_no_secret(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy
) -> None:
    with_identity(desk, make_policy())
    peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    peer.ask(desk.exchange(), numbers.WANT_SEALING_KEY, "ledger")
    peer.rim = bytes(32)
    peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    peer.ask(desk.exchange(), numbers.WANT_SECRET, "unheard\nof" * 99)
    text = desk.log.path.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["decision"] for line in lines] == ["given", "given", "refused", "refused"]
    assert [bool(line["verdict"]) for line in lines] == [True, True, True, False]
    assert lines[2]["reason"].startswith("realm.rim: ")
    for kept in (SECRET.decode(), SECRET.hex(), KEY.hex(), repr(KEY)[2:-1]):
        assert kept not in text
        assert kept not in "".join(desk.said)
    assert desk.log.path.stat().st_mode & 0o777 == 0o600
    assert all(line.isprintable() and len(line) < 1000 for line in desk.said)


def test_what_cannot_be_logged_is_not_given(
    desk: "Desk", peer: "Realm", monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object, _decision: object) -> None:
        raise ConfigError("the disk is full")

    monkeypatch.setattr(type(desk.log), "note", fail)
    answer = peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    assert isinstance(answer, Refused)
    assert answer.code == numbers.REFUSAL_BROKEN
    assert "disk" not in answer.reason
    assert "the disk is full" in desk.complaints


def test_store_that_is_damaged_gives_nothing(desk: "Desk", peer: "Realm") -> None:
    data = desk.store.path.read_bytes()
    desk.store.path.write_bytes(data[:-1])
    answer = peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    assert isinstance(answer, Refused)
    assert answer.code == numbers.REFUSAL_BROKEN
    assert "cut short" in desk.complaints[0]


def test_unknown_names_and_wants_are_refused(desk: "Desk", peer: "Realm") -> None:
    for want, name in [(numbers.WANT_SECRET, "none"), (numbers.WANT_COUNTER, "model"), (99, "a")]:
        answer = peer.ask(desk.exchange(), want, name)
        assert isinstance(answer, Refused)
        assert answer.code == numbers.REFUSAL_UNKNOWN


def test_sealing_key_is_that_of_the_identity(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy
) -> None:
    with_identity(desk, make_policy(), counter=5)
    answer = peer.ask(desk.exchange(), numbers.WANT_SEALING_KEY, "ledger")
    assert isinstance(answer, Given)
    assert (answer.data, answer.counter) == (KEY, 5)


def test_counter_advances_by_one_from_where_it_is_believed_to_be(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy
) -> None:
    with_identity(desk, make_policy(), counter=5)

    def ask(want: int, value: int = 0) -> Given | Refused:
        return peer.ask(desk.exchange(), want, "ledger", value)

    assert ask(numbers.WANT_COUNTER).counter == 5
    assert ask(numbers.WANT_ADVANCE, 5).counter == 6
    again = ask(numbers.WANT_ADVANCE, 5)
    assert isinstance(again, Refused)
    assert (again.code, again.counter) == (numbers.REFUSAL_COUNTER, 6)
    assert again.reason == "the counter of ledger is 6, not 5"
    assert ask(numbers.WANT_ADVANCE, 7).counter == 6
    assert desk.store.read().identities["ledger"].counter == 6


def test_counter_keeps_the_mark_that_it_was_advanced_with(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy
) -> None:
    with_identity(desk, make_policy())

    def ask(want: int, value: int = 0, mark: bytes = b"") -> tuple[bytes, int]:
        answer = peer.ask(desk.exchange(), want, "ledger", value, mark=mark)
        assert isinstance(answer, Given)
        return answer.data, answer.counter

    longest = b"m" * numbers.WANT_MARK_MAX
    assert ask(numbers.WANT_COUNTER) == (b"", 0)
    assert ask(numbers.WANT_ADVANCE, 0, longest) == (b"", 1)
    assert ask(numbers.WANT_COUNTER) == (longest, 1)
    for value, mark in ((0, b"late"), (1, longest + b"m")):
        refused = peer.ask(desk.exchange(), numbers.WANT_ADVANCE, "ledger", value, mark=mark)
        assert isinstance(refused, Refused)
        assert ask(numbers.WANT_COUNTER) == (longest, 1)
    assert ask(numbers.WANT_ADVANCE, 1) == (b"", 2)
    assert ask(numbers.WANT_COUNTER) == (b"", 2)


def test_counter_that_moved_while_it_was_looked_at_is_told_as_it_is(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_identity(desk, make_policy(), counter=5)
    seen, read = [desk.store.read()], type(desk.store).read
    assert peer.ask(desk.exchange(), numbers.WANT_ADVANCE, "ledger", 5).counter == 6
    monkeypatch.setattr(type(desk.store), "read", lambda store: seen.pop() if seen else read(store))
    assert peer.ask(desk.exchange(), numbers.WANT_ADVANCE, "ledger", 6).counter == 7


def test_counter_that_cannot_be_kept_does_not_advance(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_identity(desk, make_policy())

    def fail(_path: object, _data: object) -> None:
        raise ConfigError("the disk is full")

    monkeypatch.setattr("realmos.broker._store.write_private", fail)
    answer = peer.ask(desk.exchange(), numbers.WANT_ADVANCE, "ledger", 0)
    assert isinstance(answer, Refused)
    assert answer.code == numbers.REFUSAL_BROKEN
    assert desk.store.read().identities["ledger"].counter == 0


def test_other_realm_does_not_move_a_counter(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy
) -> None:
    with_identity(desk, make_policy(rim=b"\x01" * 32))
    answer = peer.ask(desk.exchange(), numbers.WANT_ADVANCE, "ledger", 0)
    assert isinstance(answer, Refused)
    assert answer.code == numbers.REFUSAL_REALM
    assert desk.store.read().identities["ledger"].counter == 0


def test_identities_of_copies_are_told_apart_by_rpv(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy
) -> None:
    with_identity(desk, make_policy(rpvs=(b"\x07".ljust(64, b"\0"),)))
    answer = peer.ask(desk.exchange(), numbers.WANT_SEALING_KEY, "ledger")
    assert isinstance(answer, Refused)
    assert answer.reason.startswith("realm.rpv: ")
    peer.rpv = b"\x07".ljust(64, b"\0")
    assert isinstance(peer.ask(desk.exchange(), numbers.WANT_SEALING_KEY, "ledger"), Given)


def test_answer_counts_for_whoever_knows_the_brokers_key(desk: "Desk", peer: "Realm") -> None:
    key = desk.store.read().public_key()
    answer = peer.ask(desk.exchange(), numbers.WANT_SECRET, "model", broker=key)
    assert isinstance(answer, Given)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(RemoteProtocolError, match="another broker than the one that was named"):
        peer.ask(desk.exchange(), numbers.WANT_SECRET, "model", broker=other)


def test_answer_that_was_not_signed_for_this_question_is_refused(
    desk: "Desk", peer: "Realm", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody between who passes another broker's key off for his own."""
    key = desk.store.read().public_key()
    right = type(desk.broker).answer

    def forged(self: object, asked: Asked, channel: object) -> Given | Refused:
        given = right(self, asked, channel)  # type: ignore[arg-type] # bound by hand
        assert isinstance(given, Given)
        fields = {**vars(given), "data": b"another secret"}
        return Given(**fields)

    monkeypatch.setattr(type(desk.broker), "answer", forged)
    with pytest.raises(RemoteProtocolError, match="did not sign"):
        peer.ask(desk.exchange(), numbers.WANT_SECRET, "model", broker=key)


def test_token_is_made_for_each_question(desk: "Desk", peer: "Realm") -> None:
    for _ in range(2):
        peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    assert len(set(peer.challenges)) == 2


def test_replayed_token_is_refused(
    desk: "Desk", peer: "Realm", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A realm's peer with a key of its own, and a token that was made for another."""
    old: list[bytes] = []
    honest = peer.token

    def replay(challenge: bytes) -> bytes:
        old.append(honest(challenge))
        return old[0]

    monkeypatch.setattr(attestation, "token", replay)
    peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    answer = peer.ask(desk.exchange(), numbers.WANT_SECRET, "model")
    assert isinstance(answer, Refused)
    assert answer.reason.startswith("realm.challenge: ")


def asking() -> Asking:
    return Asking(Question(numbers.WANT_SECRET, "model", 0, b"", b""), server_context)


def client(asked: Asking) -> Channel:
    """A broker by hand, up to the session inside TLS."""
    ours = Channel("client")

    def pump() -> None:
        asked.feed(b"".join(ours.take_output()))
        for frame in asked.take_output():
            ours.feed(frame)

    ours.send(Hello(numbers.VERSION, bytes(numbers.NONCE_SIZE), "by hand"))
    pump()
    assert isinstance(ours.next_event(), Welcome)
    ours.send(Secure(bytes(numbers.CHALLENGE_SIZE)))
    pump()
    ours.next_event()
    ours.secure(tls.context(server=False))
    pump()
    ours.next_event()
    ours.trust()
    ours.send(Hello(numbers.VERSION, bytes(numbers.NONCE_SIZE), "by hand"))
    pump()
    assert isinstance(ours.next_event(), Welcome)
    return ours


def test_broker_cannot_run_programs_in_a_realm(peer: "Realm") -> None:
    asked = asking()
    ours = client(asked)
    ours.send(Run(1, (b"id",), (), None, python=False, stdin=False, pty=None))
    with pytest.raises(RemoteProtocolError, match="Run where a broker has no use for it"):
        asked.feed(b"".join(ours.take_output()))
    assert len(peer.challenges) == 1


@pytest.mark.parametrize("early", [True, False])
def test_answer_in_the_open_or_unasked_is_refused(peer: "Realm", early: bool) -> None:
    asked = asking()
    ours = client(asked) if not early else Channel("client")
    given = Given(1, b"mine", 0, exclusive=False, key=bytes(32), signature=bytes(64))
    if early:
        ours.send(Hello(numbers.VERSION, bytes(numbers.NONCE_SIZE), "by hand"))
        asked.feed(b"".join(ours.take_output()))
        ours.feed(b"".join(asked.take_output()))
        ours.next_event()
        assert not peer.challenges
    ours.send(Serve(1))
    if not early:
        ours.send(given)
        asked.feed(b"".join(ours.take_output()))  # it was asked by then: order is the stream's
        assert asked.answer == given
        return
    with pytest.raises(RemoteProtocolError, match="Serve where"):
        asked.feed(b"".join(ours.take_output()))


def test_realm_that_sends_too_much_is_given_up(desk: "Desk") -> None:
    exchange = desk.exchange()
    for _ in range(16):
        exchange.feed(bytes(64 << 10))
    with pytest.raises(PeerError, match="more than any realm"):
        exchange.feed(b"!")


@pytest.mark.parametrize("policy", ["", "junk = 1", "[[anchor]]"])
def test_policy_that_decides_nothing_is_refused(policy: str) -> None:
    with pytest.raises(ConfigError, match=r"policy|junk|anchor"):
        normal_policy(policy)


def test_policy_without_a_rim_is_refused(make_policy: MakePolicy) -> None:
    with pytest.raises(ConfigError, match="names no RIM"):
        normal_policy(make_policy(rims=()))
    text = make_policy()
    assert normal_policy(normal_policy(text)) == normal_policy(text)


def test_identity_that_was_exchanged_meanwhile_does_not_advance(
    desk: "Desk", peer: "Realm", make_policy: MakePolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_identity(desk, make_policy())
    update = type(desk.store).update

    def late(self: object, change: object) -> object:
        monkeypatch.setattr(type(desk.store), "update", update)
        identity = desk.store.read().identities["ledger"]
        other = replace(identity, key=bytes(32))
        desk.store.update(lambda content: content.with_identity(other))
        return update(self, change)  # type: ignore[arg-type] # bound by hand

    monkeypatch.setattr(type(desk.store), "update", late)
    answer = peer.ask(desk.exchange(), numbers.WANT_ADVANCE, "ledger", 0)
    assert isinstance(answer, Refused)
    assert desk.store.read().identities["ledger"].counter == 0
