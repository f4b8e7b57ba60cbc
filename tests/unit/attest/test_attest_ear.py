# SPDX-License-Identifier: BSD-3-Clause
"""EAR: what a verdict affirms, what it warns of, and that nothing unchecked is affirmed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from realmos.attest import Policy, ReferenceComponent, ReferenceRem, ReferenceRim, verify

MakeToken = Callable[..., bytes]
NONCE = bytes(range(64))
GOOD_PLATFORM = {
    "configuration": 2,
    "executables": 2,
    "hardware": 2,
    "instance-identity": 2,
    "runtime-opaque": 2,
    "storage-opaque": 2,
}
GOOD_REALM = {"executables": 2, "instance-identity": 2}
Submodules = tuple[dict[str, Any], dict[str, Any]]


def submodules(token: bytes, policy: Policy, nonce: bytes | None = NONCE) -> Submodules:
    ear: Any = verify(token, policy, nonce=nonce).to_ear()
    assert ear["submods"].keys() == {"CCA_SSD_PLATFORM", "CCA_REALM"}
    assert json.loads(json.dumps(ear)) == ear
    return ear["submods"]["CCA_SSD_PLATFORM"], ear["submods"]["CCA_REALM"]


def vectors(*parts: dict[str, Any]) -> list[dict[str, int]]:
    return [part["ear.trustworthiness-vector"] for part in parts]


def states(*parts: dict[str, Any]) -> list[str]:
    return [part["ear.status"] for part in parts]


@pytest.fixture
def whole(policy: Policy) -> Policy:
    """A policy that checks everything that `build_token` says."""
    return replace(policy, rems=(ReferenceRem(1, (bytes(32),)),))


@pytest.mark.parametrize("era", "ABC")
def test_a_good_token_has_the_good_vectors(era: str, make_token: MakeToken, whole: Policy) -> None:
    both = submodules(make_token(era), whole)
    assert vectors(*both) == [GOOD_PLATFORM, GOOD_REALM]
    assert states(*both) == ["affirming", "affirming"]


def test_the_claims_set_is_what_tools_read(make_token: MakeToken, whole: Policy) -> None:
    verdict = verify(make_token(), whole, nonce=NONCE)
    ear = verdict.to_ear(issued_at=1234, policy_id="policy:mine")
    assert ear["eat_profile"] == "tag:github.com,2023:veraison/ear"
    assert ear["iat"] == 1234
    assert ear["ear.verifier-id"] == {
        "developer": "realmos",
        "build": "realmos, development anchor of this machine",
    }
    platform, realm = submodules(make_token(), whole)
    evidence = platform["ear.veraison.annotated-evidence"]
    assert evidence["cca-platform-config"] == "wP4="
    assert evidence["cca-platform-lifecycle"] == 0x3003
    assert evidence["cca-platform-sw-components"][1].keys() == {
        "measurement-type",
        "measurement-value",
        "signer-id",
    }
    evidence = realm["ear.veraison.annotated-evidence"]
    assert len(evidence["cca-realm-extensible-measurements"]) == 4
    assert realm["ear.veraison.policy-claims"] == {
        "anchor": "development anchor of this machine",
        "verdict": "pass",
    }


def test_a_forgeable_anchor_affirms_no_hardware(make_token: MakeToken, whole: Policy) -> None:
    anchors = (replace(whole.anchors[0], kind="sample"),)
    both = submodules(make_token(), replace(whole, anchors=anchors))
    assert states(*both) == ["warning", "warning"]
    platform, realm = vectors(*both)
    assert platform["hardware"] == 32
    assert "instance-identity" not in platform
    assert "instance-identity" not in realm
    for part in both:
        assert part["ear.veraison.policy-claims"]["anchor"] == "sample anchor, forgeable"


def test_what_was_not_checked_is_not_affirmed(make_token: MakeToken, whole: Policy) -> None:
    anchors = (replace(whole.anchors[0], instance_id=None),)
    bare = Policy(anchors=anchors, life_cycles=(), nonce_required=False)
    both = submodules(make_token(), bare, nonce=None)
    assert vectors(*both) == [{"executables": 33, "hardware": 2}, {"executables": 33}]
    assert states(*both) == ["warning", "warning"]


def test_without_rems_only_the_boot_is_approved(make_token: MakeToken, policy: Policy) -> None:
    _, realm = submodules(make_token(), policy)
    assert vectors(realm) == [{"executables": 3, "instance-identity": 2}]
    assert states(realm) == ["affirming"]


def test_a_token_that_may_be_old_is_a_warning(make_token: MakeToken, whole: Policy) -> None:
    both = submodules(make_token(), replace(whole, nonce_required=False), nonce=None)
    assert "instance-identity" not in vectors(*both)[0]
    assert vectors(*both)[1] == {"executables": 2}
    assert states(*both)[1] == "warning"


@pytest.mark.parametrize(
    ("changes", "realm", "executables"),
    [
        ({"rims": (ReferenceRim("other", bytes(32)),)}, "contraindicated", 96),
        ({"rpvs": (bytes(64),)}, "contraindicated", 96),
        ({"rems": (ReferenceRem(1, (b"1" * 32,)),)}, "contraindicated", 96),
        ({"hash_algorithms": ("sha-512",)}, "contraindicated", 96),
        ({"rims": ()}, "warning", 33),
    ],
)
def test_a_wrong_realm_leaves_its_platform_good(
    changes: dict[str, Any],
    realm: str,
    executables: int,
    make_token: MakeToken,
    whole: Policy,
) -> None:
    both = submodules(make_token(), replace(whole, **changes))
    assert states(*both) == ["affirming", realm]
    assert vectors(*both) == [GOOD_PLATFORM, {"executables": executables, "instance-identity": 2}]


@pytest.mark.parametrize(
    ("changes", "claim", "value"),
    [
        ({"configs": (b"",)}, "configuration", 32),
        ({"components": (ReferenceComponent("RMM", b"1" * 32),)}, "executables", 33),
        ({"life_cycles": ("decommissioned",)}, "runtime-opaque", 96),
        ({"life_cycles": ("decommissioned",)}, "instance-identity", 96),
    ],
)
def test_a_wrong_platform_leaves_nothing_to_say_of_its_realm(
    changes: dict[str, Any], claim: str, value: int, make_token: MakeToken, whole: Policy
) -> None:
    both = submodules(make_token(), replace(whole, **changes))
    platform, realm = vectors(*both)
    assert platform[claim] == value
    assert realm == {}
    assert states(*both) == ["contraindicated", "none"]
    assert both[1]["ear.veraison.policy-claims"]["verdict"] == "fail"


def test_a_platform_that_can_be_debugged_protects_nothing(
    make_token: MakeToken, whole: Policy
) -> None:
    policy = replace(whole, life_cycles=("recoverable_platform_rot_debug",))
    both = submodules(make_token(platform={2395: 0x5000}), policy)
    assert vectors(*both)[0]["runtime-opaque"] == vectors(*both)[0]["storage-opaque"] == 96
    assert states(*both)[0] == "contraindicated"


def test_what_nothing_vouches_for_is_not_shown(
    make_token: MakeToken, whole: Policy, make_key: Callable[..., Any]
) -> None:
    stranger = replace(whole.anchors[0], public_key=make_key(-35, 99).public_key())
    for anchors, claim in (((), 97), ((stranger,), 99)):
        both = submodules(make_token(), replace(whole, anchors=anchors))
        assert vectors(*both)[0] == {"instance-identity": claim, "hardware": claim}
        assert states(*both) == ["contraindicated", "none"]
        assert all("ear.veraison.annotated-evidence" not in part for part in both)


@pytest.mark.parametrize(
    "spoil",
    [
        {"realm": {10: bytes(64)}},
        {"platform": {10: bytes(32)}},
        {"edit": lambda parts: parts["realm"].__setitem__(3, b"\1" * 96)},
        {"platform": {265: "tag:arm.com,2024:cca_platform#2.0.0"}},
    ],
    ids=["nonce", "binding", "realm signature", "profile"],
)
def test_a_token_of_another_occasion_affirms_nobody(
    spoil: dict[str, Any], make_token: MakeToken, whole: Policy
) -> None:
    both = submodules(make_token(**spoil), whole)
    assert states(*both)[0] == "contraindicated"
    assert states(*both)[1] in {"contraindicated", "none"}
    assert all(part.get("instance-identity") != 2 for part in vectors(*both))


@pytest.mark.parametrize("data", [b"", b"\xd9\x01\x8f\xa0"])
def test_what_is_no_token_is_contraindicated(data: bytes, whole: Policy) -> None:
    both = submodules(data, whole)
    assert states(*both) == ["contraindicated", "contraindicated"]
    assert vectors(*both) == [{"instance-identity": 1}] * 2


def test_a_malformed_claim_affirms_nobody(make_token: MakeToken, whole: Policy) -> None:
    for spoil in ({"realm": {44238: b"short"}}, {"platform": {2396: ...}}):
        assert "affirming" not in states(*submodules(make_token(**spoil), whole))
