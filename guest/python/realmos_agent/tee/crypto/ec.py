# SPDX-License-Identifier: BSD-3-Clause
"""ECDSA and ECDH on the curves P-192 to P-521; results are OP-TEE's."""

from typing import NamedTuple

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import der, pkey
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError

__all__ = [
    "Curve",
    "agree",
    "curve",
    "private_key",
    "private_key_of",
    "public_key",
    "public_key_of",
    "sign",
    "verify",
]


class Curve(NamedTuple):
    """A curve: libcrypto's name and type of key, and the size of its field and order in bits."""

    group: str
    kind: str
    bits: int

    @property
    def size(self) -> int:
        """Size of a coordinate, and of a half of a signature, in bytes."""
        return (self.bits + 7) // 8


_CURVES = {
    n.ECC_CURVE_NIST_P192: Curve("prime192v1", "EC", 192),
    n.ECC_CURVE_NIST_P224: Curve("secp224r1", "EC", 224),
    n.ECC_CURVE_NIST_P256: Curve("prime256v1", "EC", 256),
    n.ECC_CURVE_NIST_P384: Curve("secp384r1", "EC", 384),
    n.ECC_CURVE_NIST_P521: Curve("secp521r1", "EC", 521),
    n.ECC_CURVE_SM2: Curve("SM2", "SM2", 256),
}


def curve(number: int) -> Curve:
    """Return a curve by its number.

    Raises:
        TeeError: NOT_SUPPORTED: there is no such curve here.
    """
    if number not in _CURVES:
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    return _CURVES[number]


def private_key(of: Curve, secret: int) -> pkey.Key:
    """Return the key pair of a private value.

    Raises:
        TeeError: BAD_PARAMETERS: it is not on the curve.
    """
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        return pkey.Key(of.kind, {"group": of.group, "priv": secret}, private=True)


def public_key(of: Curve, x: int, y: int) -> pkey.Key:
    """Return the public key at a point.

    Raises:
        TeeError: BAD_PARAMETERS: it is not on the curve.
    """
    if max(x, y).bit_length() > of.bits:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    point = b"\4" + x.to_bytes(of.size, "big") + y.to_bytes(of.size, "big")
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        return pkey.Key(of.kind, {"group": of.group, "pub": point}, private=False)


def private_key_of(key: TransientObject, of: Curve) -> pkey.Key:
    """Return the key pair that an object holds; as `private_key`."""
    return key.prepared("private", lambda: private_key(of, key.number(n.ATTR_ECC_PRIVATE_VALUE)))


def public_key_of(key: TransientObject, of: Curve) -> pkey.Key:
    """Return the public key that an object holds; as `public_key`."""
    x, y = key.number(n.ATTR_ECC_PUBLIC_VALUE_X), key.number(n.ATTR_ECC_PUBLIC_VALUE_Y)
    return key.prepared("public", lambda: public_key(of, x, y))


def sign(of: Curve, key: TransientObject, digest: bytes) -> bytes:
    """Return a signature, r and s in a row.

    Raises:
        TeeError: GENERIC: there is none; BAD_PARAMETERS: the key is not on the curve.
    """
    pair = private_key_of(key, of)
    with pkey.Failing(n.ERROR_GENERIC):
        return der.raw_signature(pair.sign(digest, {}), of.size)


def verify(of: Curve, key: TransientObject, digest: bytes, signature: bytes) -> None:
    """Check a signature.

    Raises:
        TeeError: SIGNATURE_INVALID: it is not one; BAD_PARAMETERS: it is of a wrong size, or the
            key is not on the curve.
    """
    if len(signature) != 2 * of.size:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    public = public_key_of(key, of)
    if not public.verify(digest, der.signature(signature), {}):
        raise TeeError(n.ERROR_SIGNATURE_INVALID)


def agree(key: TransientObject, x: int, y: int) -> bytes:
    """Return the secret shared with the owner of the public key at a point of the same curve.

    Raises:
        TeeError: BAD_PARAMETERS: one of the keys is not on the curve.
    """
    of = curve(key.value(n.ATTR_ECC_CURVE))
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        return private_key_of(key, of).agree(public_key(of, x, y))
