# SPDX-License-Identifier: BSD-3-Clause
"""Policies in TOML: what is written is read again, and what is wrong is named with its line."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos.attest import (
    HASH_SIZES,
    LIFE_CYCLES,
    Anchor,
    AnchorKind,
    Policy,
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
    key_from_pem,
    read_policy,
    sample_anchor,
    write_policy,
)
from realmos.errors import ConfigError

MakeKey = Callable[..., ec.EllipticCurvePrivateKey]
ED25519 = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""

MEASUREMENTS = st.sampled_from(list(HASH_SIZES.values())).flatmap(
    lambda size: st.binary(min_size=size, max_size=size)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = TEXTS.filter(bool)
KINDS: list[AnchorKind] = ["development", "sample", "other"]
ANCHORS = st.builds(
    Anchor,
    st.sampled_from(KINDS),
    st.sampled_from(
        [ec.derive_private_key(7, curve).public_key() for curve in (ec.SECP256R1(), ec.SECP521R1())]
    ),
    st.binary(min_size=32, max_size=32),
    st.none() | st.binary(min_size=33, max_size=33),
    NAMES,
)
REMS = st.builds(
    ReferenceRem, st.integers(1, 4), st.lists(MEASUREMENTS, min_size=1, max_size=2).map(tuple)
) | st.builds(
    ReferenceRem,
    st.integers(1, 4),
    st.just(()),
    st.lists(st.binary(max_size=64), max_size=3).map(tuple),
)
POLICIES = st.builds(
    Policy,
    anchors=st.lists(ANCHORS, max_size=2).map(tuple),
    nonce_required=st.booleans(),
    nonce_max_size=st.integers(1, 64),
    life_cycles=st.lists(st.sampled_from(list(LIFE_CYCLES))).map(tuple),
    configs=st.lists(st.binary(max_size=5), max_size=2).map(tuple),
    components=st.lists(
        st.builds(
            ReferenceComponent,
            TEXTS,
            MEASUREMENTS,
            st.none() | st.binary(max_size=3),
            st.none() | TEXTS,
        ),
        max_size=2,
    ).map(tuple),
    hash_algorithms=st.lists(st.sampled_from(list(HASH_SIZES))).map(tuple),
    rims=st.lists(st.builds(ReferenceRim, TEXTS, MEASUREMENTS), max_size=3).map(tuple),
    rems=st.lists(REMS, max_size=2).map(tuple),
    rpvs=st.lists(st.binary(min_size=64, max_size=64), max_size=2).map(tuple),
)


@settings(deadline=None)
@given(POLICIES)
def test_what_is_written_is_read_again(policy: Policy) -> None:
    assert read_policy(write_policy(policy)) == policy


def test_a_policy_of_nothing_has_the_defaults() -> None:
    assert read_policy("") == Policy(anchors=())
    assert Policy(anchors=()).nonce_required
    assert Policy(anchors=()).life_cycles == ("secured",)


def test_a_short_personalization_value_is_padded() -> None:
    assert read_policy('[realm]\nrpv = ["0102"]').rpvs == (b"\1\2" + bytes(62),)


VALUE = f'value = "{"00" * 32}"'
WRONG = {
    "unknown at the top": ("x = 1", "line 1: x is not a known key"),
    "unknown table": ("\n[realms]\nx = 1", "line 2: realms is not a known key"),
    "unknown tables": ("[[anchors]]\nx = 1", "line 1: anchors is not a known key"),
    "unknown in freshness": ("[freshness]\n\nnonce = true", "line 3: freshness.nonce is not"),
    "unknown in the second rim": (
        f'[[realm.rim]]\nname = "a"\n{VALUE}\n[[realm.rim]]\nname = "b"\nnmae = "c"\n{VALUE}',
        "line 6: realm.rim.nmae is not a known key",
    ),
    "quoted": ('[realm]\n"rims" = 1', "line 2: realm.rims is not a known key"),
    "inline": ("realm = {rims = 1}", "policy: realm.rims is not a known key"),
    "missing": ('[[realm.rim]]\nname = "a"', "line 1: realm.rim.value is missing"),
    "a text for a list": ('[realm]\nrpv = "00"', "line 2: realm.rpv must be a list of texts"),
    "numbers for texts": ("[realm]\nrpv = [1]", "line 2: realm.rpv must be a list of texts"),
    "no hexadecimal": ('[realm]\nrpv = ["0g"]', "line 2: realm.rpv must be in hexadecimal"),
    "odd hexadecimal": ('[platform]\nconfig = ["012"]', "platform.config must be in hexadecimal"),
    "a number for a truth": ("[freshness]\nnonce_required = 1", "must be true or false"),
    "a truth for a number": ("[freshness]\nnonce_max_size = true", "must be a whole number"),
    "a table for tables": ("[anchor]\nx = 1", "line 1: anchor must be tables"),
    "a number for a table": ("realm = 1", "line 1: realm must be a table"),
    "a large nonce": ("[freshness]\nnonce_max_size = 65", "a nonce has 1 to 64 bytes, not 65"),
    "no nonce": ("[freshness]\nnonce_max_size = 0", "a nonce has 1 to 64 bytes, not 0"),
    "life cycle": ('[platform]\nlife_cycle = ["safe"]', "safe is none of the life cycle states"),
    "hash": ('[realm]\nhash_algorithms = ["md5"]', "md5 is none of the hash algorithms"),
    "rim": ('[[realm.rim]]\nname = "a"\nvalue = "00"', "00 is no measurement: it has 1 bytes"),
    "rpv": (f'[realm]\nrpv = ["{"00" * 65}"]', "a personalization value has 64 bytes, not 65"),
    "rem 0": ('[[realm.rem]]\nindex = 0\nlog = [""]', "the numbers 1 to 4, not 0"),
    "rem 5": ("[[realm.rem]]\nindex = 5\nlog = []", "the numbers 1 to 4, not 5"),
    "rem of nothing": ("[[realm.rem]]\nindex = 1", "REM 1 needs either values or a log"),
    "rem of both": (
        f'[[realm.rem]]\nindex = 1\nlog = []\nvalues = ["{"00" * 32}"]',
        "REM 1 needs either values or a log",
    ),
    "long log": (f'[[realm.rem]]\nindex = 1\nlog = ["{"00" * 65}"]', "by 64 bytes at most, not 65"),
    "no TOML": ("= 1", "policy: not TOML: .*line 1"),
    "key twice": ("[realm]\n[realm]", "policy: not TOML: "),
    "deep": ("a = " + "[" * 5000, "policy: not TOML: "),
    "kind": ('[[anchor]]\nkind = "best"', "line 2: anchor.kind must be development or sample or"),
    "key": ('[[anchor]]\nkind = "sample"\npublic_key = "x"', "line 3: anchor.public_key must be"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str) -> None:
    text, problem = WRONG[name]
    with pytest.raises(ConfigError, match=problem):
        read_policy(text)


def test_anchors_of_a_policy_are_checked(anchor: Anchor) -> None:
    for change, problem in (
        ({"implementation_id": bytes(31)}, "an implementation id has 32 bytes, not 31"),
        ({"instance_id": bytes(32)}, "an instance id has 33 bytes, not 32"),
        ({"kind": "other"}, "needs a name"),
        ({"public_key": ec.derive_private_key(7, ec.SECP256K1()).public_key()}, "key is on one of"),
    ):
        with pytest.raises(ConfigError, match=problem):
            Policy(anchors=(replace(anchor, **change),))


@pytest.mark.parametrize("pem", ["", "x", ED25519, ED25519.replace("MCow", "MCox")])
def test_a_key_that_is_of_no_use_is_refused(pem: str) -> None:
    with pytest.raises(ConfigError, match="not a "):
        key_from_pem(pem)


def test_an_anchor_says_what_it_is_worth(anchor: Anchor) -> None:
    assert anchor.worth == "development anchor of this machine"
    assert replace(anchor, kind="sample").worth == "sample anchor, forgeable"
    assert replace(anchor, kind="other", name="our lab").worth == "our lab"
    assert key_from_pem(anchor.to_pem()) == anchor.public_key


def test_the_sample_anchor_is_forgeable_whatever_it_is_called() -> None:
    kinds: tuple[AnchorKind, ...] = ("sample", "development", "other")
    for kind in kinds:
        assert replace(sample_anchor(), kind=kind, name="ours").worth == "sample anchor, forgeable"
