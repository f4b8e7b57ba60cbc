# SPDX-License-Identifier: BSD-3-Clause
"""How sealed data pass to a new realm: with its owner's signature, and no other way."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from realmos.broker import (
    Identity,
    Succession,
    normal_policy,
    owner_private_key,
    owner_public_key,
    sign_succession,
    succeed,
)
from realmos.errors import ConfigError, IntegrityError
from realmos_agent.protocol import Given, Refused, numbers

if TYPE_CHECKING:
    from tests.unit.broker.conftest import Desk, Realm

BROKER = b"\xb0" * 32
KEY = b"\x0e" * 32
NEW_RIM = b"\x99" * 32
MakePolicy = Callable[..., str]


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


@pytest.fixture(params=["ed25519", "p-384"])
def owner(request: pytest.FixtureRequest) -> str:
    """An owner's private key."""
    if request.param == "ed25519":
        return pem(ed25519.Ed25519PrivateKey.generate())
    return pem(ec.generate_private_key(ec.SECP384R1()))


@pytest.fixture
def identity(owner: str, policy_text: str) -> Identity:
    return Identity("ledger", normal_policy(policy_text), owner_public_key(owner), 7, 0, KEY)


@pytest.fixture
def word(owner: str, policy_text: str, make_policy: MakePolicy) -> Succession:
    return sign_succession(
        owner_private_key(owner),
        broker=BROKER,
        identity="ledger",
        serial=1,
        old=policy_text,
        new=make_policy(rim=NEW_RIM),
    )


def test_owner_lets_another_realm_succeed(identity: Identity, word: Succession) -> None:
    again = Succession.from_json(word.to_json())
    assert again == word
    moved = succeed(identity, again, broker=BROKER)
    assert NEW_RIM.hex() in moved.policy
    assert moved == replace(identity, policy=moved.policy, serial=1)


def test_new_realm_gets_the_key_and_the_old_one_no_more(
    desk: "Desk", peer: "Realm", owner: str, policy_text: str, make_policy: MakePolicy
) -> None:
    policy = normal_policy(policy_text)
    known = Identity("ledger", policy, owner_public_key(owner), 7, 0, KEY)
    content = desk.store.update(lambda content: content.with_identity(known))
    signed = sign_succession(
        owner_private_key(owner), broker=content.public_key(), identity="ledger", serial=1,
        old=policy, new=make_policy(rim=NEW_RIM),
    )  # fmt: skip
    moved = succeed(known, signed, broker=content.public_key())
    desk.store.update(lambda content: content.with_identity(moved))
    old = peer.ask(desk.exchange(), numbers.WANT_SEALING_KEY, "ledger")
    assert isinstance(old, Refused)
    peer.rim = NEW_RIM
    new = peer.ask(desk.exchange(), numbers.WANT_SEALING_KEY, "ledger")
    assert isinstance(new, Given)
    assert (new.data, new.counter) == (KEY, 7)


@pytest.mark.parametrize(
    "change",
    [{"new_policy": "mine"}, {"serial": 2}, {"identity": "other"}, {"old_policy": bytes(32)}],
)
def test_changed_word_is_not_the_owners(
    identity: Identity, word: Succession, change: dict[str, str]
) -> None:
    with pytest.raises(IntegrityError, match="not signed by its owner, or was changed"):
        succeed(identity, replace(word, **change), broker=BROKER)  # type: ignore[arg-type]  # names


def test_word_of_somebody_else_is_refused(identity: Identity, word: Succession) -> None:
    other = word.signed(ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(IntegrityError, match="not signed by its owner"):
        succeed(identity, other, broker=BROKER)


def test_word_counts_once_and_for_one_broker_alone(
    identity: Identity, word: Succession, owner: str, make_policy: MakePolicy
) -> None:
    with pytest.raises(ConfigError, match="is for the broker"):
        succeed(identity, word, broker=bytes(32))
    with pytest.raises(ConfigError, match="is for 'ledger', not for 'other'"):
        succeed(replace(identity, name="other"), word, broker=BROKER)
    moved = succeed(identity, word, broker=BROKER)
    with pytest.raises(ConfigError, match="has the number 1, and the next of ledger is 2"):
        succeed(moved, word, broker=BROKER)
    back = sign_succession(
        owner_private_key(owner), broker=BROKER, identity="ledger", serial=2,
        old=make_policy(), new=make_policy(),
    )  # fmt: skip
    with pytest.raises(ConfigError, match="replaces another policy"):
        succeed(moved, back, broker=BROKER)


def test_identity_without_an_owner_stays_as_it_is(identity: Identity, word: Succession) -> None:
    with pytest.raises(ConfigError, match="has no owner"):
        succeed(replace(identity, owner=""), word, broker=BROKER)


def test_keys_of_other_kinds_are_no_owners() -> None:
    small = ec.generate_private_key(ec.SECP256R1())
    public = small.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for text in ("", "PRIVATE", pem(small), public.decode()):
        with pytest.raises(ConfigError, match="owner's key is not an Ed25519 or a P-384 key"):
            owner_public_key(text)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "realmos succession 1"}', "[" * 9999])
def test_document_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a document of a succession"):
        Succession.from_json(text)
