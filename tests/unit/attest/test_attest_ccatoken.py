# SPDX-License-Identifier: BSD-3-Clause
"""The JSON stores of rust-ccatoken: written in its shape, read again, and refused by name."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from realmos.attest import (
    Policy,
    ReferenceComponent,
    ReferenceRem,
    export_ccatoken,
    import_ccatoken,
    sample_anchor,
)
from realmos.errors import ConfigError

A, B = b"a" * 32, b"b" * 32
Change = Callable[[Any, Any], object]


@pytest.fixture
def whole(policy: Policy) -> Policy:
    """A policy that says all that the stores have."""
    components = tuple(replace(part, signer=b"\x51" * 32) for part in policy.components)
    rems = tuple(ReferenceRem(index, (bytes([index]) * 32,)) for index in range(1, 5))
    return replace(policy, components=components, rems=rems, rims=policy.rims[1:])


def test_the_stores_have_the_shape_that_rust_ccatoken_loads(whole: Policy) -> None:
    ta, rv = map(json.loads, export_ccatoken(whole))
    (anchor,) = ta
    assert anchor.keys() == {"instance-id", "implementation-id", "pkey"}
    assert anchor["instance-id"] == "01" + bytes(range(32)).hex()
    assert anchor["pkey"].keys() == {"kty", "crv", "x", "y"}
    assert (anchor["pkey"]["kty"], anchor["pkey"]["crv"]) == ("EC", "P-384")
    assert len(anchor["pkey"]["x"]) == len(anchor["pkey"]["y"]) == 64
    assert rv == {
        "platform": [
            {
                "implementation-id": bytes(range(32)).hex(),
                "platform-configuration": "c0fe",
                "sw-components": [
                    {
                        "component-type": "RMM",
                        "measurement-value": "aa" * 32,
                        "signer-id": "51" * 32,
                        "version": "1.0",
                    },
                    {
                        "component-type": "AP_BL31",
                        "measurement-value": "bb" * 32,
                        "signer-id": "51" * 32,
                    },
                ],
            }
        ],
        "realm": [
            {
                "initial-measurement": "33" * 32,
                "rak-hash-algorithm": "sha-256",
                "extensible-measurements": [f"0{index}" * 32 for index in range(1, 5)],
                "personalization-value": "77" * 64,
            }
        ],
    }


def test_what_was_written_is_read_again(whole: Policy) -> None:
    policy = import_ccatoken(*export_ccatoken(whole))
    assert policy == replace(whole, anchors=policy.anchors, rims=policy.rims)
    assert [rim.value for rim in policy.rims] == [rim.value for rim in whole.rims]
    (anchor,), (other,) = policy.anchors, whole.anchors
    assert anchor.public_key.public_numbers() == other.public_key.public_numbers()
    assert anchor.instance_id == other.instance_id
    assert anchor.worth.startswith("rust-ccatoken anchor 01")


def test_capitals_and_null_are_read_as_rust_ccatoken_writes_them(whole: Policy) -> None:
    ta, rv = export_ccatoken(whole)
    store = json.loads(rv)
    store["platform"][0]["sw-components"][1]["version"] = None
    upper = json.dumps(store).replace("aa" * 32, "AA" * 32)
    assert import_ccatoken(ta, upper).components == whole.components


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rems": (ReferenceRem(1, (A,)),)}, "all 4 REMs or none, and the policy 1"),
        ({"rims": ()}, "no RIM"),
        ({"anchors": ()}, "no anchor"),
        ({"anchors": (sample_anchor(),)}, "instance id"),
        ({"configs": ()}, "no configuration"),
        ({"components": ()}, "no component"),
        ({"components": (ReferenceComponent("BL", A),)}, "none for BL"),
    ],
)
def test_what_the_stores_cannot_hold_is_refused(
    changes: dict[str, Any], complaint: str, whole: Policy
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        export_ccatoken(replace(whole, **changes))


def test_rems_and_rpv_may_be_left_out(whole: Policy) -> None:
    ta, rv = export_ccatoken(replace(whole, rems=(), rpvs=()))
    assert json.loads(rv)["realm"][0].keys() == {"initial-measurement", "rak-hash-algorithm"}
    assert import_ccatoken(ta, rv).rems == ()


def test_values_tied_to_one_another_are_no_policy(whole: Policy) -> None:
    ta, rv = export_ccatoken(whole)
    store = json.loads(rv)
    other = {
        **store["realm"][0],
        "initial-measurement": "44" * 32,
        "personalization-value": "00" * 64,
    }
    store["realm"].append(other)
    with pytest.raises(ConfigError, match="certain combinations"):
        import_ccatoken(ta, json.dumps(store))


MALFORMED: dict[str, tuple[Change, str]] = {
    "private": (lambda ta, _: ta[0]["pkey"].update(d="AA"), "d is not a key"),
    "curve": (lambda ta, _: ta[0]["pkey"].update(crv="P-999"), "pkey: expected a key"),
    "type": (lambda ta, _: ta[0]["pkey"].update(kty="oct"), "pkey: expected a key"),
    "off curve": (lambda ta, _: ta[0]["pkey"].update(x="A" * 64), "not on P-384"),
    "padding": (lambda ta, _: ta[0]["pkey"].update(x="A" * 64 + "="), "x: "),
    "short": (lambda ta, _: ta[0]["pkey"].update(y="AAAA"), "48 bytes"),
    "not base64": (lambda ta, _: ta[0]["pkey"].update(y="\ud800"), "surrogate"),
    "key twice": (lambda ta, _: ta.append(ta[0]), "an anchor is there twice"),
    "instance": (lambda ta, _: ta[0].update({"instance-id": "zz"}), "instance-id: not in hex"),
    "spaces": (lambda ta, _: ta[0].update({"instance-id": " 01"}), "instance-id: not in hex"),
    "no list": (lambda _, rv: rv.update(realm={}), "expected a list"),
    "deny": (lambda _, rv: rv["realm"][0].update({"x-reason": "revoked"}), "x-reason"),
    "other": (lambda _, rv: rv.update(more=[]), "more is not a key"),
    "three": (lambda _, rv: rv["realm"][0]["extensible-measurements"].pop(), "expected 4 digests"),
    "RPV": (lambda _, rv: rv["realm"][0].update({"personalization-value": "00"}), "64 bytes"),
    "RIM": (lambda _, rv: rv["realm"][0].update({"initial-measurement": "00"}), "no digest"),
    "hash": (lambda _, rv: rv["realm"][0].update({"rak-hash-algorithm": "md5"}), "md5"),
    "none": (lambda _, rv: rv["platform"][0].update({"sw-components": []}), "there are none"),
    "stranger": (
        lambda _, rv: rv["platform"][0].update({"implementation-id": "00" * 32}),
        "no anchor",
    ),
    "digest": (
        lambda _, rv: rv["platform"][0]["sw-components"][0].update({"hash-algo-id": "sha-512"}),
        "no digest of sha-512",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_by_name(name: str, whole: Policy) -> None:
    change, complaint = MALFORMED[name]
    ta, rv = map(json.loads, export_ccatoken(whole))
    change(ta, rv)
    with pytest.raises(ConfigError, match=complaint) as caught:
        import_ccatoken(json.dumps(ta), json.dumps(rv))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,]", '{"a": 1, "a": 2}', "NaN", "[" * 100_000, "1" * 5000, " " * (2 << 20), "7"],
    ids=["empty", "cut", "comma", "twice", "NaN", "deep", "long number", "large", "number"],
)
def test_what_is_no_store_is_refused(text: str) -> None:
    for ta, rv in ((text, "{}"), ("[]", text)):
        with pytest.raises(ConfigError, match=r"(ta|rv)\.json"):
            import_ccatoken(ta, rv)


def test_empty_stores_accept_nothing() -> None:
    assert import_ccatoken("[]", "{}") == Policy(anchors=())
