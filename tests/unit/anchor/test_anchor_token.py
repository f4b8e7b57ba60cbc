# SPDX-License-Identifier: BSD-3-Clause
"""The platform token: its bytes by the format alone, its signature by the public key."""

import hashlib
from dataclasses import replace

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos.anchor import (
    IMPLEMENTATION_ID,
    DevelopmentAnchor,
    cose_key,
    platform_token,
    realm_key,
)
from realmos.attest import SoftwareComponent
from realmos.errors import ToolError

# Of TF-A's sample realm attestation key, which is public.
SAMPLE_RAK = bytes.fromhex(
    "2011c7f03cee4325176e524f033c0ce1e21a76e6c1a4f0b839aa1df61e0e8a5c"
    "8a05740f9b69efa7eb1a4185bd117f68"
)
SAMPLE_CHALLENGE = "0d22e08a98469058486318283489bdb36f09dbefeb1864df433fa6e54ea2d711"


@pytest.fixture(scope="module")
def anchor() -> DevelopmentAnchor:
    return DevelopmentAnchor.new()


def components(anchor: DevelopmentAnchor) -> list[SoftwareComponent]:
    return [
        SoftwareComponent("AP_BL1", bytes([1] * 32), "2.12", anchor.signer_id, "sha-256"),
        SoftwareComponent("RMM", bytes([2] * 32), None, anchor.signer_id, "sha-256"),
    ]


def verified(token: bytes, key: ec.EllipticCurvePublicKey) -> dict[int, object]:
    """Return the claims of a COSE_Sign1 that `key` signed."""
    assert token.startswith(bytes.fromhex("d28444a1013822"))
    envelope = cbor2.loads(token)
    protected, unprotected, payload, signature = envelope.value
    assert (envelope.tag, protected, dict(unprotected)) == (18, bytes.fromhex("a1013822"), {})
    r, s = int.from_bytes(signature[:48]), int.from_bytes(signature[48:])
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA384()))
    claims = cbor2.loads(payload)
    assert cbor2.dumps(claims, canonical=True) == payload
    return dict(claims)


def test_token_says_what_booted_and_is_signed(anchor: DevelopmentAnchor) -> None:
    claims = verified(platform_token(anchor, components(anchor)), anchor.cpak.public_key())
    config = claims.pop(2401)
    assert isinstance(config, bytes)
    assert claims == {
        10: hashlib.sha256(cose_key(realm_key(anchor, components(anchor)))).digest(),
        256: anchor.instance_id,
        265: "tag:arm.com,2023:cca_platform#1.0.0",
        2395: 0x3000,
        2396: IMPLEMENTATION_ID,
        2399: [
            {1: "AP_BL1", 2: bytes([1] * 32), 4: "2.12", 5: anchor.signer_id, 6: "sha-256"},
            {1: "RMM", 2: bytes([2] * 32), 5: anchor.signer_id, 6: "sha-256"},
        ],
        2402: "sha-256",
    }


def test_identities_have_the_sizes_that_the_format_asks_for(anchor: DevelopmentAnchor) -> None:
    assert (len(anchor.instance_id), anchor.instance_id[0]) == (33, 1)
    assert len(anchor.implementation_id) == len(anchor.signer_id) == 32
    assert len(realm_key(anchor, components(anchor))) == 48
    assert DevelopmentAnchor.new().instance_id != anchor.instance_id


def test_the_realm_key_is_encoded_as_the_rmm_does_it() -> None:
    encoded = cose_key(SAMPLE_RAK)
    assert len(encoded) == 107
    assert encoded.startswith(bytes.fromhex("a401022002215830"))
    assert hashlib.sha256(encoded).hexdigest() == SAMPLE_CHALLENGE


def test_equal_anchors_and_components_give_equal_bytes(anchor: DevelopmentAnchor) -> None:
    token = platform_token(anchor, components(anchor))
    assert platform_token(anchor, components(anchor)) == token


def test_another_component_another_key_or_another_anchor_gives_another_token(
    anchor: DevelopmentAnchor,
) -> None:
    bl1, rmm = components(anchor)
    other = DevelopmentAnchor.new()
    tokens = {
        platform_token(anchor, [bl1, rmm]),
        platform_token(anchor, [bl1, replace(rmm, measurement=bytes([2] * 31 + [3]))]),
        platform_token(replace(anchor, rak_root=other.rak_root), [bl1, rmm]),
        platform_token(replace(anchor, instance_id=other.instance_id), [bl1, rmm]),
        platform_token(replace(anchor, cpak=other.cpak), [bl1, rmm]),
    }
    assert len(tokens) == 5
    with pytest.raises(InvalidSignature):
        verified(platform_token(other, [bl1, rmm]), anchor.cpak.public_key())


def test_a_realm_key_is_of_one_anchor_and_one_platform(anchor: DevelopmentAnchor) -> None:
    bl1, rmm = components(anchor)
    other = replace(DevelopmentAnchor.new(), cpak=anchor.cpak)
    keys = {
        realm_key(anchor, [bl1, rmm]),
        realm_key(anchor, [bl1]),
        realm_key(anchor, [bl1, replace(rmm, measurement=bytes([2] * 31 + [3]))]),
        realm_key(other, [bl1, rmm]),
    }
    assert len(keys) == 4
    assert realm_key(anchor, components(anchor)) in keys


def test_the_verifiers_half_is_the_public_one(anchor: DevelopmentAnchor) -> None:
    public = anchor.attest_anchor()
    assert public.kind == "development"
    assert public.worth == "development anchor of this machine"
    assert public.public_key.public_numbers() == anchor.cpak.public_key().public_numbers()
    assert (public.implementation_id, public.instance_id) == (
        anchor.implementation_id, anchor.instance_id,
    )  # fmt: skip


def test_the_signer_is_named_by_the_hash_of_its_public_key(anchor: DevelopmentAnchor) -> None:
    der = anchor.cpak.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert anchor.signer_id == hashlib.sha256(der).digest()


def test_a_library_that_cannot_sign_deterministically_is_named(anchor: DevelopmentAnchor) -> None:
    class Old:
        def sign(self, *_: object) -> bytes:
            raise UnsupportedAlgorithm("deterministic")

    with pytest.raises(ToolError, match="deterministic") as caught:
        platform_token(replace(anchor, cpak=Old()), components(anchor))  # type: ignore[arg-type] # a stand-in
    assert "cryptography" in caught.value.hint
