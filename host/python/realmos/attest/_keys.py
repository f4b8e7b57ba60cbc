# SPDX-License-Identifier: BSD-3-Clause
"""Public keys in tokens: raw SEC1 points and COSE_Keys, and the three algorithms they serve."""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from realmos_abi import load

from realmos.attest._cbor import decode, is_map, kind
from realmos.errors import TokenError

_CCA = load("attestation")
_UNCOMPRESSED: Final = b"\x04"


@dataclass(frozen=True)
class Algorithm:
    """One of the signature algorithms that a token may use, with the one curve that goes with it.

    Attributes:
        name: as in RFC 9053.
        number: its COSE identifier.
        curve: what keys are on.
        curve_number: the curve's COSE identifier.
        hash: what is signed.
        order: of the curve's base point; both halves of a signature are below it, and not 0.
    """

    name: str
    number: int
    curve: ec.EllipticCurve
    curve_number: int
    hash: hashes.HashAlgorithm
    order: int

    @property
    def size(self) -> int:
        """Bytes of a coordinate, and of each half of a signature."""
        return (self.curve.key_size + 7) // 8


ALGORITHMS: Final = (
    Algorithm(
        "ES256", _CCA["COSE_ALG_ES256"], ec.SECP256R1(), _CCA["COSE_CRV_P256"], hashes.SHA256(),
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    Algorithm(
        "ES384", _CCA["COSE_ALG_ES384"], ec.SECP384R1(), _CCA["COSE_CRV_P384"], hashes.SHA384(),
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
    Algorithm(
        "ES512", _CCA["COSE_ALG_ES512"], ec.SECP521R1(), _CCA["COSE_CRV_P521"], hashes.SHA512(),
        0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    ),
)  # fmt: skip
"""Every algorithm that is accepted. Nothing a token says can add to these."""

CURVES: Final = tuple(algorithm.curve.name for algorithm in ALGORITHMS)
"""The curves of keys, by cryptography's names."""


def cose_key(data: bytes, what: str) -> ec.EllipticCurvePublicKey:
    """Return the public key that a COSE_Key of type EC2 holds.

    Raises:
        TokenError: it is none, is not on its curve, or has a private part.
    """
    fields = decode(data, what)
    if not is_map(fields):
        raise TokenError(f"expected a COSE_Key, found {kind(fields)}", field=what)
    if not _is(fields.get(_CCA["COSE_KEY_KTY"]), _CCA["COSE_KTY_EC2"]):
        raise TokenError("expected a COSE_Key of type EC2", field=what)
    if _CCA["COSE_KEY_D"] in fields:
        raise TokenError("the COSE_Key has a private part", field=what)
    curve = fields.get(_CCA["COSE_KEY_CRV"])
    for algorithm in ALGORITHMS:
        if _is(curve, algorithm.curve_number):
            if not _is(fields.get(_CCA["COSE_KEY_ALG"], algorithm.number), algorithm.number):
                raise TokenError("the COSE_Key's algorithm is not its curve's", field=what)
            halves = (fields.get(_CCA[name]) for name in ("COSE_KEY_X", "COSE_KEY_Y"))
            return _point(algorithm, tuple(halves), what)
    raise TokenError("the COSE_Key is not on P-256, P-384 or P-521", field=what)


def raw_key(data: bytes, what: str) -> ec.EllipticCurvePublicKey:
    """Return the public key that an uncompressed SEC1 point is.

    Raises:
        TokenError: it is none, or is not on the curve of its size.
    """
    for algorithm in ALGORITHMS:
        if len(data) == 1 + 2 * algorithm.size and data[:1] == _UNCOMPRESSED:
            middle = 1 + algorithm.size
            return _point(algorithm, (data[1:middle], data[middle:]), what)
    raise TokenError(f"expected an uncompressed point, found {len(data)} bytes", field=what)


def _is(value: object, number: int) -> bool:
    """Return whether a decoded value is this integer, and not a float that equals it."""
    return type(value) is int and value == number


def _point(
    algorithm: Algorithm, halves: tuple[object, ...], what: str
) -> ec.EllipticCurvePublicKey:
    sizes = [len(half) for half in halves if isinstance(half, bytes)]
    if sizes != [algorithm.size] * 2:
        raise TokenError(f"a coordinate has not {algorithm.size} bytes", field=what)
    x, y = (int.from_bytes(half) for half in halves if isinstance(half, bytes))
    if not (x or y):
        raise TokenError("the key is zero", field=what)
    try:
        return ec.EllipticCurvePublicNumbers(x, y, algorithm.curve).public_key()
    except ValueError as error:
        raise TokenError(f"the key is not on {algorithm.curve.name}", field=what) from error
