# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts: what passes, and which field of what does not is named first."""

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from realmos.attest import (
    Anchor,
    Era,
    Policy,
    ReferenceComponent,
    ReferenceRem,
    ReferenceRim,
    Status,
    Verdict,
    default_policy,
    parse_token,
    replay,
    verify,
)
from realmos.errors import TokenError

MakeToken = Callable[..., bytes]
ES256, ES384, ES512 = -7, -35, -36
NONCE = bytes(range(64))
FORMLESS: list[object] = [..., None, -1, b"", [], {}, 1.5, True, b"\2" * 33, 1 << 63]
PLATFORM_FIELDS = {
    265: "profile", 10: "challenge", 2396: "implementation_id", 256: "instance_id", 2401: "config",
    2395: "lifecycle", 2402: "hash_algorithm", 2399: "components",
}  # fmt: skip
REALM_FIELDS = {
    10: "challenge", 44235: "rpv", 44237: "public_key", 44236: "hash_algorithm", 44238: "rim",
    44240: "public_key_hash_algorithm", 44239: "rems",
}  # fmt: skip


def failure(verdict: Verdict) -> str:
    """Return the first failure's line, after a look at what every failed verdict has."""
    assert not verdict.passed
    assert verdict.first_failure is not None
    found = verdict.find(verdict.first_failure.name)
    assert found is not None
    assert found.status is Status.FAIL
    return str(verdict.first_failure)


@pytest.mark.parametrize("era", "ABC")
@pytest.mark.parametrize("algorithms", [*itertools.product((ES256, ES384, ES512), repeat=2)])
def test_good_tokens_pass(
    era: str, algorithms: tuple[int, int], make_token: MakeToken, policy: Policy,
    anchors: dict[int, Anchor],
) -> None:  # fmt: skip
    policy = replace(policy, anchors=(anchors[algorithms[0]],))
    verdict = verify(make_token(era, algorithms=algorithms), policy, nonce=NONCE)
    assert verdict.first_failure is None
    assert verdict.passed
    assert verdict.anchor == "development anchor of this machine"
    assert verdict.token is not None
    assert verdict.token.era is Era(era)


@pytest.mark.parametrize(
    ("era", "tag"), [("B", 907), ("C", 399)], ids=["claims of B", "claims of C"]
)
def test_envelopes_of_one_era_hold_claims_of_another(
    era: str, tag: int, make_token: MakeToken, policy: Policy
) -> None:
    def rewrap(content: dict[object, Any]) -> None:
        for label, value in content.items():
            content[label] = [263, value] if tag == 907 else value[1]

    token = make_token(era, tag=tag, content=rewrap)
    assert verify(token, policy, nonce=NONCE).passed
    assert parse_token(token).tag == tag


@pytest.mark.parametrize(
    ("era", "change"),
    [
        ("A", lambda content: content.update({44234: [263, content[44234]]})),
        ("C", lambda content: content.update({44241: content[44241][1]})),
        ("C", lambda content: content.update({44241: [60, content[44241][1]]})),
        ("C", lambda content: content.update({44241: [263, content[44241][1], 1]})),
        ("C", lambda content: content.update({44241: ["263", content[44241][1]]})),
        ("C", lambda content: content.update({44241: [263]})),
        ("B", lambda content: content.pop(44241)),
        ("B", lambda content: content.pop(44234)),
        ("B", lambda content: content.clear()),
        ("B", lambda content: content.update({1: b""})),
        ("B", lambda content: content.update({"44241": b""})),
        ("B", lambda content: content.update({44241: b""})),
        ("B", lambda content: content.update({44241: None})),
    ],
)
def test_other_envelopes_are_no_token(
    era: str, change: Callable[[object], object], make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(era, content=change)
    with pytest.raises(TokenError):
        parse_token(token)
    verdict = verify(token, policy, nonce=None)
    assert failure(verdict).startswith("token: expected a CCA token")
    assert (verdict.anchor, verdict.token) == ("no anchor", None)


@pytest.mark.parametrize("tag", [18, 398, 400, 908, 55799, 1 << 40])
def test_other_tags_are_no_token(tag: int, make_token: MakeToken, policy: Policy) -> None:
    verdict = verify(make_token(tag=tag), policy, nonce=None)
    assert f"expected tag 399 or tag 907, found tag {tag}" in failure(verdict)


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (label, value)
        for label in PLATFORM_FIELDS
        for value in FORMLESS
        if label != 2401 or not isinstance(value, bytes)  # a configuration may be any bytes
    ],
)
def test_the_platforms_claims_have_their_form(
    label: int, value: object, make_token: MakeToken, policy: Policy
) -> None:
    verdict = verify(make_token(platform={label: value}), policy, nonce=NONCE)
    line = failure(verdict)
    field = f"platform.{PLATFORM_FIELDS[label]}"
    if label in {256, 2396}:
        assert line.startswith("platform.anchor: ")
        check = verdict.find(field)
        assert check is not None
        assert check.status is Status.FAIL
    else:
        assert line.startswith(f"{field}: expected ")
    with pytest.raises(TokenError, match=field):
        parse_token(make_token(platform={label: value}))


@pytest.mark.parametrize("label", REALM_FIELDS)
@pytest.mark.parametrize("value", [..., None, -1, "", [], {}, 1.5, True, [b"\2" * 32] * 5, 1 << 63])
def test_the_realms_claims_have_their_form(
    label: int, value: object, make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(realm={label: value})
    assert failure(verify(token, policy, nonce=NONCE)).startswith(f"realm.{REALM_FIELDS[label]}: ")
    with pytest.raises(TokenError, match=f"realm.{REALM_FIELDS[label]}"):
        parse_token(token)


@pytest.mark.parametrize(
    ("claims", "line"),
    [
        ({10: bytes(63)}, "realm.challenge: expected 64 bytes, found 63 bytes"),
        ({10: bytes(32)}, "realm.challenge: expected 64 bytes, found 32 bytes"),
        ({44235: bytes(32)}, "realm.rpv: expected 64 bytes"),
        ({44238: bytes(33)}, "realm.rim: expected 32 or 48 or 64 bytes, found 33 bytes"),
        ({44239: [bytes(32)] * 3}, "realm.rems: expected an array of 4, found an array of 3"),
        ({44239: [bytes(32)] * 3 + [bytes(31)]}, "realm.rem4: expected 32"),
        ({44239: [bytes(32), "x", bytes(32), bytes(32)]}, "realm.rem2: expected 32"),
        ({44236: "sha-1"}, "realm.hash_algorithm: expected sha-256 or sha-512, found 'sha-1'"),
        ({44236: "SHA-256"}, "realm.hash_algorithm: "),
        ({44236: "sha-384"}, "realm.hash_algorithm: "),
        ({44240: "md5"}, "realm.public_key_hash_algorithm: "),
        ({44240: "shake_128"}, "realm.public_key_hash_algorithm: "),
        ({265: "tag:arm.com,2023:realm#1.0.1"}, "realm.profile: "),
        ({265: 1}, "realm.profile: "),
    ],
)
def test_lengths_and_names_of_the_realms_claims(
    claims: dict[int, object], line: str, make_token: MakeToken, policy: Policy
) -> None:
    assert failure(verify(make_token(realm=claims), policy, nonce=NONCE)).startswith(line)


@pytest.mark.parametrize(
    ("component", "line"),
    [
        ({5: b"\1"}, "platform.components[0].measurement: "),
        ({2: bytes(31), 5: b"\1"}, "platform.components[0].measurement: "),
        ({2: bytes(32)}, "platform.components[0].signer: "),
        ({1: 1, 2: bytes(32), 5: b"\1"}, "platform.components[0].type: "),
        ({2: bytes(32), 4: 1, 5: b"\1"}, "platform.components[0].version: "),
        ({2: bytes(32), 5: b"\1", 6: 1}, "platform.components[0].hash_algorithm: "),
    ],
)
def test_components_have_their_form(
    component: dict[int, object], line: str, make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(platform={2399: [component]})
    assert failure(verify(token, policy, nonce=NONCE)).startswith(line)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({256: ...}, "instance_id"),
        ({256: b"\2" + bytes(32)}, "instance_id"),
        ({44243: ...}, "mec_policy"),
        ({44243: 2}, "mec_policy"),
        ({44243: True}, "mec_policy"),
    ],
)
def test_era_c_has_claims_of_its_own(
    change: dict[int, object], field: str, make_token: MakeToken, policy: Policy
) -> None:
    verdict = verify(make_token("C", realm=change), policy, nonce=NONCE)
    assert failure(verdict).startswith(f"realm.{field}: ")
    same = make_token("B", realm={label: value for label, value in change.items() if value != ...})
    assert verify(same, policy, nonce=NONCE).passed, "to era B, a claim like any that is not known"


@pytest.mark.parametrize(
    ("era", "platform", "field"),
    [
        ("A", "tag:arm.com,2023:cca_platform#1.0.0", "realm.profile"),
        ("A", "tag:arm.com,2024:cca_platform#2.0.0", "realm.profile"),
        ("B", "http://arm.com/CCA-SSD/1.0.0", "realm.profile"),
        ("B", "tag:arm.com,2024:cca_platform#2.0.0", "realm.profile"),
        ("C", "http://arm.com/CCA-SSD/1.0.0", "realm.profile"),
        ("B", "http://arm.com/CCA-SSD/2.0.0", "platform.profile"),
    ],
)
def test_profiles_come_in_pairs(
    era: str, platform: str, field: str, make_token: MakeToken, policy: Policy
) -> None:
    verdict = verify(make_token(era, platform={265: platform}), policy, nonce=NONCE)
    assert failure(verdict).startswith(f"{field}: expected ")


def test_newer_platform_profiles_go_with_era_c(make_token: MakeToken, policy: Policy) -> None:
    token = make_token("C", platform={265: "tag:arm.com,2024:cca_platform#2.0.0", 2394: 1})
    assert verify(token, policy, nonce=NONCE).passed


def test_a_platform_that_nobody_vouches_for_fails(
    make_token: MakeToken, policy: Policy, anchor: Anchor
) -> None:
    for anchors in (
        (),
        (replace(anchor, implementation_id=bytes(32)),),
        (replace(anchor, instance_id=b"\1" * 33),),
    ):
        verdict = verify(make_token(), replace(policy, anchors=anchors), nonce=NONCE)
        assert failure(verdict).startswith("platform.anchor: expected ")
        assert verdict.anchor == "no anchor"


def test_an_anchor_may_vouch_for_every_instance(
    make_token: MakeToken, policy: Policy, anchor: Anchor
) -> None:
    every = replace(anchor, instance_id=None, kind="other", name="our lab")
    verdict = verify(make_token(), replace(policy, anchors=(every,)), nonce=NONCE)
    assert (verdict.passed, verdict.anchor) == (True, "our lab")


def test_the_anchor_of_several_is_the_one_that_signed(
    make_token: MakeToken, policy: Policy, anchor: Anchor, anchors: dict[int, Anchor]
) -> None:
    others = (replace(anchors[ES256], kind="sample"), anchor, anchors[ES512])
    verdict = verify(make_token(), replace(policy, anchors=others), nonce=NONCE)
    assert (verdict.passed, verdict.anchor) == (True, "development anchor of this machine")


def test_a_platform_signed_by_another_key_fails(
    make_token: MakeToken, policy: Policy, anchors: dict[int, Anchor]
) -> None:
    wrong = replace(policy, anchors=(anchors[ES256],))
    verdict = verify(make_token(), wrong, nonce=NONCE)
    assert "does not go with a key on secp256r1" in failure(verdict)
    assert verdict.anchor == "no anchor"


@pytest.mark.parametrize(
    "signature", [bytes(96), b"\xff" * 96, bytes(47) + b"\1" + bytes(48), b"\1" * 96]
)
@pytest.mark.parametrize("part", ["platform", "realm"])
def test_impossible_signatures_fail(
    part: str, signature: bytes, make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(edit=lambda parts: parts[part].__setitem__(3, signature))
    assert failure(verify(token, policy, nonce=NONCE)).startswith(f"{part}.signature: ")


def test_parts_of_two_tokens_do_not_go_together(make_token: MakeToken, policy: Policy) -> None:
    """The realm's part of a machine with another key, beside the platform's of ours."""
    pieces: dict[str, list[Any]] = {}
    make_token(algorithms=(ES384, ES512), edit=pieces.update)
    swapped = make_token(edit=lambda parts: parts.update(realm=pieces["realm"]))
    assert failure(verify(swapped, policy, nonce=NONCE)).startswith("binding: expected sha-256")


def test_the_parts_of_a_token_cannot_change_places(make_token: MakeToken, policy: Policy) -> None:
    def swap(content: dict[object, object]) -> None:
        content[44234], content[44241] = content[44241], content[44234]

    assert not verify(make_token(content=swap), policy, nonce=NONCE).passed
    one = make_token(content=lambda content: content.update({44241: content[44234]}))
    assert not verify(one, policy, nonce=NONCE).passed


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
def test_the_binding_is_by_the_hash_that_the_realm_names(
    algorithm: str, make_token: MakeToken, policy: Policy
) -> None:
    assert verify(make_token(realm={44240: algorithm}), policy, nonce=NONCE).passed


def test_the_binding_is_over_the_very_bytes_of_the_key(
    make_token: MakeToken, policy: Policy
) -> None:
    """A key that means the same, in other bytes, is another to the platform."""
    claims = parse_token(make_token()).realm
    other = cbor2.dumps(dict(reversed(cbor2.loads(claims.public_key).items())))
    assert verify(make_token(rak=other), policy, nonce=NONCE).passed
    line = failure(verify(make_token(realm={44237: other}), policy, nonce=NONCE))
    assert line.startswith("binding: expected sha-256 of the realm's key, ")


@pytest.mark.parametrize("rak", [b"\x04" + bytes(96), b"\x04" + b"\1" * 96, b"\xa0", b"\x04"])
@pytest.mark.parametrize("era", "AB")
def test_a_bound_key_that_is_none_fails(
    era: str, rak: bytes, make_token: MakeToken, policy: Policy
) -> None:
    verdict = verify(make_token(era, rak=rak), policy, nonce=NONCE)
    assert failure(verdict).startswith("realm.signature: expected a key to verify it with")


def test_raw_keys_are_for_era_a_alone(make_token: MakeToken, policy: Policy) -> None:
    raw, encoded = (parse_token(make_token(era)).realm.public_key for era in "AB")
    assert "not strict CBOR" in failure(verify(make_token("B", rak=raw), policy, nonce=NONCE))
    assert "uncompressed" in failure(verify(make_token("A", rak=encoded), policy, nonce=NONCE))


@pytest.mark.parametrize("algorithm", [ES256, ES512])
def test_an_algorithm_other_than_the_keys_fails(
    algorithm: int, make_token: MakeToken, policy: Policy
) -> None:
    """The realm's part says that it is signed as it is not, on a curve that is not its key's."""

    def confuse(parts: dict[str, list[Any]]) -> None:
        parts["realm"][0] = {ES256: b"\xa1\x01\x26", ES512: b"\xa1\x01\x38\x23"}[algorithm]
        parts["realm"][3] = b"\1" * {ES256: 64, ES512: 132}[algorithm]

    line = failure(verify(make_token(edit=confuse), policy, nonce=NONCE))
    assert line.startswith("realm.signature: ")
    assert "does not go with a key on secp384r1" in line


def test_nonces(make_token: MakeToken, policy: Policy) -> None:
    for size in (1, 32, 63, 64):
        token = make_token(realm={10: NONCE[:size].ljust(64, b"\0")})
        assert verify(token, policy, nonce=NONCE[:size]).passed
    for wrong in (NONCE[:32], NONCE[:63], NONCE[1:], bytes(64), NONCE + b"\0", b""):
        line = failure(verify(make_token(), policy, nonce=wrong))
        assert line.startswith("realm.challenge: expected ")
    zeros = make_token(realm={10: bytes(64)})
    assert "nonces have 1 to 64 bytes" in failure(verify(zeros, policy, nonce=b""))
    small = replace(policy, nonce_max_size=63)
    assert "nonces have 1 to 63" in failure(verify(make_token(), small, nonce=NONCE))


def test_a_nonce_can_be_left_out_if_the_policy_says_so(
    make_token: MakeToken, policy: Policy
) -> None:
    assert failure(verify(make_token(), policy, nonce=None)).startswith("realm.challenge: ")
    verdict = verify(make_token(), replace(policy, nonce_required=False), nonce=None)
    check = verdict.find("realm.challenge")
    assert verdict.passed
    assert check is not None
    assert check.status is Status.NOT_CHECKED


@pytest.mark.parametrize(
    ("value", "name"),
    [(0, "unknown"), (0x10FF, "assembly_and_test"), (0x4000, "non_platform_rot_debug"),
     (0x3100, "reserved"), (0x2FFF, "reserved"), (0xFFFF, "reserved"), (0x6000, "decommissioned")],
)  # fmt: skip
def test_life_cycles(value: int, name: str, make_token: MakeToken, policy: Policy) -> None:
    token = make_token(platform={2395: value})
    line = failure(verify(token, policy, nonce=NONCE))
    assert line.startswith(f"platform.lifecycle: expected secured, found {name} ({value:#06x})")
    if name != "reserved":
        assert verify(token, replace(policy, life_cycles=("secured", name)), nonce=NONCE).passed
    assert verify(token, replace(policy, life_cycles=()), nonce=NONCE).passed


@pytest.mark.parametrize("value", [0x3000, 0x3003, 0x30FF])
def test_every_secured_state_is_one(value: int, make_token: MakeToken, policy: Policy) -> None:
    assert verify(make_token(platform={2395: value}), policy, nonce=NONCE).passed


def test_the_component_that_differs_is_named(make_token: MakeToken, policy: Policy) -> None:
    rmm, bl31 = policy.components
    cases = {
        "the component that differs: RMM": (replace(rmm, measurement=bytes(32)), bl31),
        "expected aaaa": (replace(rmm, signer=bytes(32)), bl31),
        "version 1.0": (replace(rmm, version="1.1"), bl31),
        "the component that differs: AP_BL31": (rmm,),
        "the component that is missing: AP_BL1": (rmm, bl31, replace(bl31, type="AP_BL1")),
    }
    for said, components in cases.items():
        verdict = verify(make_token(), replace(policy, components=components), nonce=NONCE)
        assert said in failure(verdict)
    either = (replace(rmm, measurement=bytes(32)), rmm, bl31)
    assert verify(make_token(), replace(policy, components=either), nonce=NONCE).passed


def test_every_component_of_a_type_has_to_match(make_token: MakeToken, policy: Policy) -> None:
    rmm = {1: "RMM", 2: policy.components[0].measurement, 4: "1.0", 5: b"\x51" * 32}
    for other in ({**rmm, 2: bytes(32)}, {2: bytes(32), 5: b"\1"}):
        token = make_token(platform={2399: [rmm, other]})
        only = replace(policy, components=policy.components[:1])
        assert "the component that differs: " in failure(verify(token, only, nonce=NONCE))


def test_a_component_without_a_type_matches_a_reference_without_one(
    make_token: MakeToken, policy: Policy
) -> None:
    token = make_token(platform={2399: [{2: bytes(32), 5: b"\1"}]})
    only = replace(policy, components=(ReferenceComponent("", bytes(32), b"\1"),))
    assert verify(token, only, nonce=NONCE).passed


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rims": (ReferenceRim("a", bytes(32)), ReferenceRim("b", b"\1" * 32))},
         f"realm.rim: expected {'00' * 32} (a) or {'01' * 32} (b), found {'33' * 32}"),
        ({"rpvs": (bytes(64),)}, f"realm.rpv: expected {'00' * 64}, found {'77' * 64}"),
        ({"configs": (b"\1", b"\2")}, "platform.config: expected 01 or 02, found c0fe"),
        ({"hash_algorithms": ("sha-512",)}, "realm.hash_algorithm: expected sha-512, found "),
        ({"rems": (ReferenceRem(2, (b"\1" * 32,)),)},
         f"realm.rem2: expected {'01' * 32}, found {'00' * 32}"),
        ({"rems": (ReferenceRem(1, log=(b"first",)),)}, "realm.rem1: expected "),
    ],
)  # fmt: skip
def test_a_reference_that_is_not_met_is_named(
    change: dict[str, Any], line: str, make_token: MakeToken, policy: Policy
) -> None:
    verdict = verify(make_token(), replace(policy, **change), nonce=NONCE)
    assert failure(verdict).startswith(line)


def test_the_rim_that_was_accepted_is_named(make_token: MakeToken, policy: Policy) -> None:
    check = verify(make_token(), policy, nonce=NONCE).find("realm.rim")
    assert check is not None
    assert check.found == f"{'33' * 32} (linux)"


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
def test_a_log_is_replayed_by_the_realms_hash(
    algorithm: str, make_token: MakeToken, policy: Policy
) -> None:
    log = (b"first", b"\2" * 64, b"")
    rem = replay(log, algorithm)
    token = make_token(realm={44236: algorithm, 44239: [rem, *[bytes(len(rem))] * 3]})
    policy = replace(policy, hash_algorithms=(algorithm,))
    for accepted in (ReferenceRem(1, log=log), ReferenceRem(1, (b"\1" * 32, rem))):
        assert verify(token, replace(policy, rems=(accepted,)), nonce=NONCE).passed
    wrong = ReferenceRem(1, log=log[::-1])
    verdict = verify(token, replace(policy, rems=(wrong,)), nonce=NONCE)
    assert failure(verdict).startswith("realm.rem1: ")


def test_extending_is_as_in_the_specification() -> None:
    assert replay((), "sha-512") == bytes(64)
    assert replay((b"x",), "sha-256") == hashlib.sha256(bytes(32) + b"x").digest()
    assert replay((b"",), "sha-256") == hashlib.sha256(bytes(32)).digest()


def test_what_a_policy_does_not_say_is_not_checked(make_token: MakeToken, anchor: Anchor) -> None:
    unknown = {99999: b"\1", "text": "\x1b[31m"}
    token = make_token(platform=unknown, realm=unknown)
    verdict = verify(token, Policy(anchors=(anchor,)), nonce=NONCE)
    assert verdict.passed
    unchecked = {
        check.name
        for root in verdict.checks
        for check in root.walk()
        if check.status is Status.NOT_CHECKED
    }
    rems = {f"realm.rem{index}" for index in range(1, 5)}
    parts = {f"platform.components{name}" for name in ("", ".RMM", ".AP_BL31")}
    others = {f"{part}.claim {label}" for part in ("platform", "realm") for label in unknown}
    fixed = {"realm.rim", "realm.rpv", "platform.config", "platform.service"}
    assert unchecked == fixed | rems | parts | others
    assert verdict.token is not None
    assert dict(verdict.token.realm.unknown) == unknown


def test_the_default_policy_is_of_one_machine_and_realm(
    make_token: MakeToken, policy: Policy, anchor: Anchor
) -> None:
    default = default_policy(
        anchor, components=policy.components, rims=policy.rims[1:], rpv=policy.rpvs[0],
        rems=(ReferenceRem(1, log=()),), hash_algorithm="sha-256",
    )  # fmt: skip
    assert verify(make_token(), default, nonce=NONCE).passed
    assert not verify(make_token(), default, nonce=None).passed
    assert not verify(make_token(platform={2395: 0}), default, nonce=NONCE).passed
    assert default_policy(anchor, components=(), rims=(), rpv=b"\1").rpvs == (b"\1" + bytes(63),)


def test_the_first_failure_is_the_first_in_the_order_of_verification(
    make_token: MakeToken, policy: Policy
) -> None:
    """Of the reasons below each hides those before it."""
    reasons: list[tuple[dict[str, Any], str]] = [
        ({}, "realm.rim"),
        ({"platform": {2395: 0}}, "platform.lifecycle"),
        ({"realm": {10: bytes(64), 44238: bytes(64)}}, "realm.challenge"),
        ({"edit": lambda parts: parts["realm"].__setitem__(3, bytes(96))}, "realm.signature"),
    ]
    arguments: dict[str, Any] = {}
    only = replace(policy, rims=policy.rims[:1])
    for change, field in reasons:
        arguments |= change
        assert failure(verify(make_token(**arguments), only, nonce=NONCE)).startswith(field)
    bound = arguments | {"platform": {2395: 0, 10: bytes(32)}}
    assert failure(verify(make_token(**bound), only, nonce=NONCE)).startswith("binding")
