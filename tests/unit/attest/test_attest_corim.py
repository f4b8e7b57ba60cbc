# SPDX-License-Identifier: BSD-3-Clause
"""CoRIM: what is written is read again, nothing is accepted besides, errors name what is wrong."""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import pytest
from realmos.attest import (
    CorimIdentity,
    CorimPart,
    Policy,
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
    export_corim,
    import_corim,
    replay,
    sample_anchor,
    verify,
)
from realmos.errors import ConfigError

MakeToken = Callable[..., bytes]
VECTOR = (
    Path(__file__).resolve().parents[4]
    / "shared/reference/vectors/corim/corim-cca-realm-valid.cbor"
)
A, B, C, D = (letter * 32 for letter in (b"a", b"b", b"c", b"d"))
LONG, RPV, NONCE = b"l" * 64, b"r" * 64, bytes(range(64))


def realm_policy(
    *rims: bytes, rems: tuple[ReferenceRem, ...] = (), rpvs: tuple[bytes, ...] = ()
) -> Policy:
    return Policy(
        anchors=(),
        rims=tuple(ReferenceRim(f"rim {n}", rim) for n, rim in enumerate(rims)),
        rems=rems,
        rpvs=rpvs,
    )


def triple(rim: bytes, **values: bytes) -> list[Any]:
    """Return a reference triple of a realm."""
    numbers = {32: 1, 48: 7, 64: 8}
    measurements: list[Any] = []
    for key, value in {"rim": rim, **values}.items():
        content = (
            {4: cbor2.CBORTag(560, value)} if key == "rpv" else {2: [[numbers[len(value)], value]]}
        )
        measurements.append({0: f"cca.{key}", 1: content})
    return [{0: {0: cbor2.CBORTag(560, rim)}}, measurements]


def corim(triples: object, part: str = "realm", **changes: object) -> bytes:
    """Return a CoRIM with one CoMID of these triples."""
    comid = cbor2.dumps({1: {0: b"t" * 16}, 4: triples})
    fields = {
        0: "id",
        1: [cbor2.CBORTag(506, comid)],
        3: cbor2.CBORTag(32, f"tag:arm.com,2025:cca_{part}#1.0.0"),
    }
    fields |= {int(key[1:]): value for key, value in changes.items()}
    return cbor2.dumps(cbor2.CBORTag(501, fields))


@pytest.mark.skipif(not VECTOR.is_file(), reason="no vectors lie beside the checkout")
def test_the_vector_is_read_and_written_again_byte_for_byte() -> None:
    data = VECTOR.read_bytes()
    policy = import_corim(data)
    assert [rim.value for rim in policy.rims] == [b"C" * 64]
    assert [(rem.index, rem.values) for rem in policy.rems] == [
        (index, (b"C" * 64,)) for index in range(1, 5)
    ]
    assert policy.rpvs == (b"AD" * 32,)
    assert policy.hash_algorithms == ("sha-512",)
    identity = CorimIdentity(
        "00000000-0000-0000-cca4-0000000000001",
        bytes.fromhex("43bbe37f2e614b33aed353cff1428b16"),
        "Veraison Project",
    )
    assert export_corim(policy, identity=identity) == data


def test_a_realm_is_encoded_as_veraison_reads_it() -> None:
    policy = realm_policy(LONG, rems=(ReferenceRem(2, (b"2" * 64,)),), rpvs=(RPV,))
    data = export_corim(policy, identity=CorimIdentity("id", b"t" * 16, "me"))
    assert data == corim({0: [triple(LONG, rem1=b"2" * 64, rpv=RPV)]}, _5=[{0: "me", 2: [1]}])


def test_a_platform_is_encoded_as_veraison_reads_it(policy: Policy) -> None:
    anchor = policy.anchors[0]
    component = ReferenceComponent("RMM", A, B, "1.0")
    data = export_corim(
        Policy(anchors=(anchor,), components=(component,), configs=(b"\xc0\xfe",)),
        identity=CorimIdentity("id", b"t" * 16, "me"),
    )
    class_ = {0: cbor2.CBORTag(560, anchor.implementation_id)}
    measurements = [
        {
            0: "cca.software-component",
            1: {0: {0: "1.0"}, 2: [[1, A]], 11: "RMM", 13: [cbor2.CBORTag(560, B)]},
        },
        {0: "cca.platform-config", 1: {4: cbor2.CBORTag(560, b"\xc0\xfe"), 5: b"\xff\xff"}},
    ]
    key = cbor2.CBORTag(554, anchor.to_pem().strip())
    instance = cbor2.CBORTag(550, anchor.instance_id)
    assert data == corim(
        {0: [[{0: class_}, measurements]], 3: [[{0: class_, 1: instance}, [key]]]},
        "platform",
        _5=[{0: "me", 2: [1]}],
    )


def test_equal_policies_make_equal_bytes_and_others_others() -> None:
    assert export_corim(realm_policy(A)) == export_corim(realm_policy(A))
    first, second = (cbor2.loads(export_corim(realm_policy(rim))).value for rim in (A, B))
    assert first[0] != second[0]


def test_an_imported_policy_decides_as_the_one_that_was_exported(
    policy: Policy, make_token: MakeToken
) -> None:
    components = tuple(replace(part, signer=b"\x51" * 32) for part in policy.components)
    policy = replace(policy, components=components, rems=(ReferenceRem(1, log=(b"x",)),))
    documents = export_corim(policy, "platform"), export_corim(policy, "realm")
    imported = import_corim(*documents)
    assert imported.anchors[0].worth.startswith("anchor of CoRIM ")
    rem = replay((b"x",), "sha-256")
    for rems, platform in itertools.product(
        ([rem, *[bytes(32)] * 3], [bytes(32)] * 4), ({}, {2401: b"\xc0\xff"})
    ):
        token = make_token(realm={44239: rems}, platform=platform)
        first, second = (verify(token, p, nonce=NONCE) for p in (policy, imported))
        assert first.passed is second.passed is (rems[0] == rem and not platform)


def test_alternatives_are_read_as_they_were_written() -> None:
    rems = (ReferenceRem(1, (A, B)), ReferenceRem(4, (C,)))
    policy = realm_policy(A, B, rems=rems, rpvs=(RPV, bytes(64)))
    imported = import_corim(export_corim(policy))
    assert [rim.value for rim in imported.rims] == [A, B]
    assert (imported.rems, imported.rpvs) == (rems, policy.rpvs)


def test_each_hash_algorithm_has_rems_of_its_own() -> None:
    rems = (ReferenceRem(1, (A, LONG)),)
    imported = import_corim(export_corim(realm_policy(B, b"m" * 64, rems=rems)))
    assert imported.rems == rems
    assert imported.hash_algorithms == ("sha-256", "sha-512")
    with pytest.raises(ConfigError, match="no value of REM 1 is a digest of sha-512"):
        export_corim(realm_policy(LONG, rems=(ReferenceRem(1, (A,)),)))


def test_values_tied_to_one_another_are_no_policy() -> None:
    """A policy would accept the RIM of one with the REM of the other."""
    tied = corim({0: [triple(A, rem0=C), triple(B, rem0=D)]})
    with pytest.raises(ConfigError, match="certain combinations"):
        import_corim(tied)
    with pytest.raises(ConfigError, match="certain combinations"):
        import_corim(corim({0: [triple(A, rem0=C), triple(B)]}))
    every = [triple(rim, rem0=rem) for rim in (A, B) for rem in (C, D)]
    assert len(import_corim(corim({0: every})).rems) == 1


def test_two_components_of_a_type_are_no_alternatives(policy: Policy) -> None:
    both = Policy(
        anchors=policy.anchors,
        components=(ReferenceComponent("BL", A, C), ReferenceComponent("BL", B, C)),
    )
    data = export_corim(both, "platform")
    assert import_corim(data).components == both.components
    loaded = cbor2.loads(cbor2.loads(data).value[1][0].value)[4]
    first, second = (part[1][0] for part in loaded[0])
    environment, key = loaded[0][0][0], loaded[3]
    with pytest.raises(ConfigError, match="certain combinations"):
        import_corim(corim({0: [[environment, [first, second]]], 3: key}, "platform"))


def test_a_platform_without_an_anchor_is_refused(policy: Policy) -> None:
    data = export_corim(
        Policy(anchors=policy.anchors, components=(ReferenceComponent("BL", A, C),))
    )
    loaded = dict(cbor2.loads(cbor2.loads(data).value[1][0].value)[4])
    del loaded[3]
    alone = corim(loaded, "platform")
    with pytest.raises(ConfigError, match="no anchor") as caught:
        import_corim(alone)
    assert "together with an anchor" in caught.value.hint
    assert import_corim(alone, anchors=policy.anchors).components[0].type == "BL"


@pytest.mark.parametrize("wide", [True, False], ids=["draft", "veraison"])
def test_both_encodings_of_a_configuration_are_read(wide: bool, policy: Policy) -> None:
    anchor = policy.anchors[0]
    value = (
        {4: cbor2.CBORTag(563, [b"\1\2", b"\xff\0"])}
        if wide
        else {4: cbor2.CBORTag(560, b"\1\2"), 5: b"\1\2"}
    )
    measurements = [
        {0: "cca.software-component", 1: {2: [["sha-256", A]], 13: [cbor2.CBORTag(560, B)]}},
        {0: "cca.platform-config", 1: value},
    ]
    environment = {0: {0: cbor2.CBORTag(560, anchor.implementation_id)}}
    data = corim({0: [[environment, measurements]]}, "platform")
    assert import_corim(data, anchors=[anchor]).configs == (b"\1\2",)


def test_the_sample_key_stays_what_it_is() -> None:
    anchor = replace(sample_anchor(), instance_id=b"\1" * 33)
    imported = import_corim(export_corim(Policy(anchors=(anchor,)), "platform"))
    assert imported.anchors[0].kind == "other"
    assert imported.anchors[0].worth == "sample anchor, forgeable"


@pytest.mark.parametrize(
    ("changes", "part", "complaint"),
    [
        ({}, None, "realm and platform, which take a CoRIM each"),
        ({"rims": (), "rems": (), "rpvs": ()}, "realm", "no reference values of a realm"),
        ({"rims": ()}, "realm", "no RIM"),
        ({"anchors": ()}, "platform", "no anchor"),
        ({"anchors": (sample_anchor(),)}, "platform", "instance id"),
        ({"components": (ReferenceComponent("BL", A),)}, "platform", "none for BL"),
        ({"components": (ReferenceComponent("BL", A, b"short"),)}, "platform", "none for BL"),
        ({"hash_algorithms": ("sha-512",)}, "realm", "does not accept"),
        ({"rpvs": tuple(bytes([n]) * 64 for n in range(129))}, "realm", "258 combinations"),
    ],
)
def test_what_a_corim_cannot_hold_is_refused(
    changes: dict[str, Any], part: CorimPart | None, complaint: str, policy: Policy
) -> None:
    signed = tuple(replace(component, signer=b"\x51" * 32) for component in policy.components)
    with pytest.raises(ConfigError, match=complaint):
        export_corim(replace(replace(policy, components=signed), **changes), part)


GOOD = corim({0: [triple(A, rem0=B, rpv=RPV)]})
MALFORMED = {
    "trailing": (GOOD + b"\0", "follow its end"),
    "signed": (cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"", b""])), "expected tag 501"),
    "no tag": (GOOD[3:], "expected tag 501"),
    "no map": (cbor2.dumps(cbor2.CBORTag(501, [])), "expected a map"),
    "huge": (GOOD + bytes(1 << 17), "more than"),
    "deep": (b"\xd9\x01\xf5" + b"\x81" * 5000, "nested more than"),
    "id": (corim({0: [triple(A)]}, _0=7), "CoRIM id"),
    "profile": (corim({0: [triple(A)]}, "moon"), "CoRIM profile"),
    "profile's tag": (corim({0: [triple(A)]}, _3="tag:arm.com,2025:cca_realm#1.0.0"), "tag 32"),
    "odd profile": (corim({}, _3=cbor2.CBORTag(32, [{1: []}])), "CoRIM profile"),
    "validity": (corim({0: [triple(A)]}, _4={1: 0}), "key 4"),
    "no CoMID": (corim({}, _1=[]), "CoRIM tags"),
    "other tag": (corim({}, _1=[cbor2.CBORTag(505, b"")]), "expected tag 506"),
    "CoMID no bytes": (corim({}, _1=[cbor2.CBORTag(506, {})]), "byte string"),
    "CoMID trailing": (
        corim({}, _1=[cbor2.CBORTag(506, cbor2.dumps({1: {0: b"t" * 16}, 4: {}}) + b"\0")]),
        "follow its end",
    ),
    "CoMID twice": (
        corim(
            {},
            _1=[
                cbor2.CBORTag(506, cbor2.dumps({1: {0: "t"}, 4: {0: [triple(rim)]}}))
                for rim in (A, B)
            ],
        ),
        "that of another",
    ),
    "no triples": (corim({}), "key 0 is missing"),
    "other triples": (corim({0: [triple(A)], 1: []}), "key 1"),
    "key triples": (corim({0: [triple(A)], 3: []}), "key 3"),
    "empty triples": (corim({0: []}), "an array of 1 or more"),
    "duplicate": (corim({0: [triple(A), triple(A)]}), "there twice"),
    "class": (corim({0: [[{0: {0: cbor2.CBORTag(560, B)}}, triple(A)[1]]]}), "class id"),
    "instance": (
        corim({0: [[{**triple(A)[0], 1: cbor2.CBORTag(550, b"")}, triple(A)[1]]]}),
        "key 1",
    ),
    "no RIM": (corim({0: [[triple(A)[0], triple(A, rem0=B)[1][1:]]]}), "cca.rim"),
    "twice": (corim({0: [[triple(A)[0], triple(A)[1] * 2]]}), "there twice"),
    "key": (corim({0: [triple(A, rem4=B)]}), "cca.rem4"),
    "RPV": (corim({0: [triple(A, rpv=b"short")]}), "64 bytes"),
    "mixed": (corim({0: [triple(A, rem0=LONG)]}), "another hash algorithm"),
    "flat digest": (
        corim({0: [[triple(A)[0], [{0: "cca.rim", 1: {2: ["sha-256", A]}}]]]}),
        "an array of 1",
    ),
    "two digests": (
        corim({0: [[triple(A)[0], [{0: "cca.rim", 1: {2: [[1, A], [1, B]]}}]]]}),
        "an array of 1",
    ),
    "hash": (corim({0: [[triple(A)[0], [{0: "cca.rim", 1: {2: [[2, A]]}}]]]}), "digest"),
    "true hash": (corim({0: [[triple(A)[0], [{0: "cca.rim", 1: {2: [[True, A]]}}]]]}), "digest"),
    "odd hash": (corim({0: [[triple(A)[0], [{0: "cca.rim", 1: {2: [[[{}], A]]}}]]]}), "digest"),
    "length": (corim({0: [[triple(A)[0], [{0: "cca.rim", 1: {2: [[8, A]]}}]]]}), "64 bytes"),
    "authority": (
        corim({0: [[triple(A)[0], [{**triple(A)[1][0], 2: []}]]]}),
        "key 2 is not one",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_by_name(name: str) -> None:
    data, complaint = MALFORMED[name]
    with pytest.raises(ConfigError, match=complaint):
        import_corim(data)


def test_whatever_is_done_to_a_corim_only_known_errors_come_of_it() -> None:
    for size in range(len(GOOD)):
        with pytest.raises(ConfigError):
            import_corim(GOOD[:size])
    for position, bit in itertools.product(range(len(GOOD)), range(8)):
        spoilt = bytearray(GOOD)
        spoilt[position] ^= 1 << bit
        with contextlib.suppress(ConfigError):
            import_corim(bytes(spoilt))
