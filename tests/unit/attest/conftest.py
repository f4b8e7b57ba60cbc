# SPDX-License-Identifier: BSD-3-Clause
"""Tokens of every era, made and signed here, and policies that accept them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realmos.attest import Anchor, Policy, ReferenceComponent, ReferenceRim

IMPLEMENTATION, INSTANCE = bytes(range(32)), b"\x01" + bytes(range(32))
CONFIG, SIGNER, RMM, BL31 = b"\xc0\xfe", b"\x51" * 32, b"\xaa" * 32, b"\xbb" * 32
NONCE, RPV, RIM = bytes(range(64)), b"\x77" * 64, b"\x33" * 32
REALM_PROFILES = {
    "A": None,
    "B": "tag:arm.com,2023:realm#1.0.0",
    "C": "tag:arm.com,2024:realm#2.0.0",
}
PLATFORM_PROFILES = {
    "A": "http://arm.com/CCA-SSD/1.0.0",
    "B": "tag:arm.com,2023:cca_platform#1.0.0",
    "C": "tag:arm.com,2023:cca_platform#1.0.0",
}
ALGORITHMS: dict[int, tuple[ec.EllipticCurve, int, hashes.HashAlgorithm]] = {
    -7: (ec.SECP256R1(), 1, hashes.SHA256()),
    -35: (ec.SECP384R1(), 2, hashes.SHA384()),
    -36: (ec.SECP521R1(), 3, hashes.SHA512()),
}

Claims = dict[object, object]
Parts = dict[str, list[Any]]


def private_key(algorithm: int, number: int = 0x1234567) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ALGORITHMS[algorithm][0])


def sign1(payload: bytes, algorithm: int, key: ec.EllipticCurvePrivateKey) -> list[Any]:
    """Return the four elements of a COSE_Sign1."""
    protected = cbor2.dumps({1: algorithm})
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    size = (key.curve.key_size + 7) // 8
    halves = decode_dss_signature(key.sign(signed, ec.ECDSA(ALGORITHMS[algorithm][2])))
    return [protected, {}, payload, b"".join(half.to_bytes(size) for half in halves)]


def encode_key(era: str, algorithm: int, key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a realm's public key as its claim has it."""
    if era == "A":
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    size, numbers = (key.curve.key_size + 7) // 8, key.public_numbers()
    halves = {-2: numbers.x.to_bytes(size), -3: numbers.y.to_bytes(size)}
    return cbor2.dumps({1: 2, -1: ALGORITHMS[algorithm][1], **halves})


def platform_claims(era: str, challenge: bytes) -> Claims:
    components = [
        {1: "RMM", 2: RMM, 4: "1.0", 5: SIGNER, 6: "sha-256"},
        {1: "AP_BL31", 2: BL31, 5: SIGNER},
    ]
    return {
        265: PLATFORM_PROFILES[era], 10: challenge, 2396: IMPLEMENTATION, 256: INSTANCE,
        2401: CONFIG, 2395: 0x3003, 2402: "sha-256", 2399: components, 2400: "service.example",
    }  # fmt: skip


def realm_claims(era: str, key: bytes) -> Claims:
    claims: Claims = {
        10: NONCE, 44235: RPV, 44237: key, 44236: "sha-256", 44240: "sha-256",
        44238: RIM, 44239: [bytes(32)] * 4,
    }  # fmt: skip
    if era != "A":
        claims[265] = REALM_PROFILES[era]
    if era == "C":
        claims |= {256: INSTANCE, 44243: 0}
    return claims


def changed(claims: Claims, changes: Mapping[object, object] | None) -> bytes:
    """Return claims with some changed, or without those that are to be `...`, encoded."""
    every = claims | dict(changes or {})
    return cbor2.dumps({label: value for label, value in every.items() if value is not ...})


def build_token(
    era: str = "B",
    *,
    platform: Mapping[object, object] | None = None,
    realm: Mapping[object, object] | None = None,
    algorithms: tuple[int, int] = (-35, -35),
    rak: bytes | None = None,
    edit: Callable[[Parts], object] | None = None,
    content: Callable[[dict[object, object]], object] | None = None,
    tag: int | None = None,
) -> bytes:
    """Return a token, with whatever is wrong with it done before it is signed, or after by `edit`.

    Args:
        era: A, B or C.
        platform: claims to change, `...` to leave them out.
        realm: ditto.
        algorithms: of the platform's and the realm's signature.
        rak: the realm key's claim instead of its own; bound like it.
        edit: gets the elements of both COSE_Sign1.
        content: gets the envelope's map.
        tag: the envelope's.
    """
    rak_key = private_key(algorithms[1], 0x7654321)
    key = rak if rak is not None else encode_key(era, algorithms[1], rak_key.public_key())
    realm_all = changed(realm_claims(era, key), realm)
    algorithm = str(cbor2.loads(realm_all).get(44240, "sha-256")).replace("-", "")
    known = algorithm in {"sha256", "sha384", "sha512"}
    challenge = hashlib.new(algorithm if known else "sha256", key).digest()
    platform_all = changed(platform_claims(era, challenge), platform)
    parts = {
        "platform": sign1(platform_all, algorithms[0], private_key(algorithms[0])),
        "realm": sign1(realm_all, algorithms[1], rak_key),
    }
    if edit:
        edit(parts)
    encoded = [cbor2.dumps(cbor2.CBORTag(18, part)) for part in parts.values()]
    values: list[object] = [[263, part] if era == "C" else part for part in encoded]
    map_ = dict[object, object](zip((44234, 44241), values, strict=True))
    if content:
        content(map_)
    return cbor2.dumps(cbor2.CBORTag(tag or (907 if era == "C" else 399), map_))


@pytest.fixture
def make_token() -> Callable[..., bytes]:
    """`build_token`."""
    return build_token


@pytest.fixture
def make_key() -> Callable[..., ec.EllipticCurvePrivateKey]:
    """`private_key`: by algorithm; the platform's unless another number is given."""
    return private_key


@pytest.fixture
def anchor() -> Anchor:
    """The anchor of ES384's tokens."""
    return Anchor("development", private_key(-35).public_key(), IMPLEMENTATION, INSTANCE)


@pytest.fixture
def anchors(anchor: Anchor) -> dict[int, Anchor]:
    """The anchor by the algorithm that the platform signs with."""
    keys = {number: private_key(number).public_key() for number in ALGORITHMS}
    return {number: replace(anchor, public_key=key) for number, key in keys.items()}


@pytest.fixture
def policy(anchor: Anchor) -> Policy:
    """Accepts nothing but what `build_token` says by itself, in ES384."""
    return Policy(
        anchors=(anchor,),
        configs=(CONFIG,),
        components=(
            ReferenceComponent("RMM", RMM, SIGNER, "1.0"),
            ReferenceComponent("AP_BL31", BL31),
        ),
        hash_algorithms=("sha-256",),
        rims=(ReferenceRim("other", bytes(32)), ReferenceRim("linux", RIM)),
        rpvs=(RPV,),
    )
