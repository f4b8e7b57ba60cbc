# SPDX-License-Identifier: BSD-3-Clause
"""The types of key objects: their sizes, their attributes, and what each attribute is for.

The table is OP-TEE 4.10's as Debian builds it (with keys of DES counted with and without parity
bits). It has the public keys of X25519 and X448, and X448 altogether, over and above.
"""

from enum import Enum, IntFlag, auto
from typing import NamedTuple

from realmos_agent.tee import numbers as n

__all__ = [
    "BIGNUM_MAX_BITS",
    "TYPES",
    "AttributeSpec",
    "Kind",
    "TypeSpec",
    "Use",
    "key_size_fits",
    "with_parity",
]

BIGNUM_MAX_BITS = 4096
"""The largest number an attribute may hold; the largest RSA key with it."""


class Use(IntFlag):
    """What an attribute is for, when an object is populated and when a key is generated."""

    NONE = 0
    REQUIRED = 1
    GROUP = 2
    """All of the group or none."""
    SIZE = 4
    """Its size is that of the object."""
    GENERATE_OPTIONAL = 8
    GENERATE_REQUIRED = 16
    MAX_BITS = 32
    """It may have no more bits than the object."""


class Kind(Enum):
    """How an attribute is held."""

    SECRET = auto()
    BIGNUM = auto()
    VALUE = auto()
    POINT = auto()
    """A string of exactly `size` bytes: a key of a Montgomery or Edwards curve."""


class AttributeSpec(NamedTuple):
    """One attribute of a type; `size` in bytes for a POINT."""

    id: int
    kind: Kind
    use: Use
    size: int = 0


class TypeSpec(NamedTuple):
    """One type of object; sizes in bits, `secret_size` the most bytes of a secret."""

    quantum: int
    minimum: int
    maximum: int
    attributes: tuple[AttributeSpec, ...]
    secret_size: int = 0

    def attribute(self, attribute_id: int) -> AttributeSpec | None:
        """Return an attribute of the type by its number."""
        return next((spec for spec in self.attributes if spec.id == attribute_id), None)


def _secret(attribute_id: int, quantum: int, minimum: int, maximum: int, held: int) -> TypeSpec:
    spec = AttributeSpec(attribute_id, Kind.SECRET, Use.REQUIRED | Use.SIZE)
    return TypeSpec(quantum, minimum, maximum, (spec,), held // 8)


def _key(quantum: int, minimum: int, maximum: int) -> TypeSpec:
    return _secret(n.ATTR_SECRET_VALUE, quantum, minimum, maximum, maximum)


def _number(attribute_id: int, use: Use = Use.REQUIRED) -> AttributeSpec:
    return AttributeSpec(attribute_id, Kind.BIGNUM, use)


def _point(attribute_id: int, size: int) -> AttributeSpec:
    return AttributeSpec(attribute_id, Kind.POINT, Use.REQUIRED, size)


_CAPPED = Use.REQUIRED | Use.MAX_BITS
_MODULUS = _number(n.ATTR_RSA_MODULUS, Use.REQUIRED | Use.SIZE)
_X = _number(n.ATTR_ECC_PUBLIC_VALUE_X)
_Y = _number(n.ATTR_ECC_PUBLIC_VALUE_Y)
_D = _number(n.ATTR_ECC_PRIVATE_VALUE)
_CURVE = AttributeSpec(n.ATTR_ECC_CURVE, Kind.VALUE, Use.REQUIRED | Use.SIZE)
_CURVE_OF_PAIR = _CURVE._replace(use=Use.REQUIRED | Use.SIZE | Use.GENERATE_REQUIRED)

_RSA_PUBLIC = TypeSpec(
    1, 256, BIGNUM_MAX_BITS, (_MODULUS, _number(n.ATTR_RSA_PUBLIC_EXPONENT))
)  # fmt: skip
_RSA_PAIR = TypeSpec(
    1,
    256,
    BIGNUM_MAX_BITS,
    (
        _MODULUS,
        _number(n.ATTR_RSA_PUBLIC_EXPONENT, Use.REQUIRED | Use.GENERATE_OPTIONAL),
        _number(n.ATTR_RSA_PRIVATE_EXPONENT),
        _number(n.ATTR_RSA_PRIME1, Use.GROUP),
        _number(n.ATTR_RSA_PRIME2, Use.GROUP),
        _number(n.ATTR_RSA_EXPONENT1, Use.GROUP),
        _number(n.ATTR_RSA_EXPONENT2, Use.GROUP),
        _number(n.ATTR_RSA_COEFFICIENT, Use.GROUP),
    ),
)
_DSA_PUBLIC = TypeSpec(
    64,
    512,
    3072,
    (
        _number(n.ATTR_DSA_PRIME, _CAPPED | Use.SIZE),
        _number(n.ATTR_DSA_SUBPRIME),
        _number(n.ATTR_DSA_BASE, _CAPPED),
        _number(n.ATTR_DSA_PUBLIC_VALUE, _CAPPED),
    ),
)
_DSA_PAIR = TypeSpec(
    64,
    512,
    3072,
    (
        _number(n.ATTR_DSA_PRIME, _CAPPED | Use.SIZE | Use.GENERATE_REQUIRED),
        _number(n.ATTR_DSA_SUBPRIME, Use.REQUIRED | Use.GENERATE_REQUIRED),
        _number(n.ATTR_DSA_BASE, _CAPPED | Use.GENERATE_REQUIRED),
        _number(n.ATTR_DSA_PRIVATE_VALUE, _CAPPED),
        _number(n.ATTR_DSA_PUBLIC_VALUE, _CAPPED),
    ),
)
_DH_PAIR = TypeSpec(
    1,
    256,
    2048,
    (
        _number(n.ATTR_DH_PRIME, Use.REQUIRED | Use.SIZE | Use.GENERATE_REQUIRED),
        _number(n.ATTR_DH_BASE, Use.REQUIRED | Use.GENERATE_REQUIRED),
        _number(n.ATTR_DH_PUBLIC_VALUE),
        _number(n.ATTR_DH_PRIVATE_VALUE),
        _number(n.ATTR_DH_SUBPRIME, Use.GROUP | Use.GENERATE_OPTIONAL),
        AttributeSpec(n.ATTR_DH_X_BITS, Kind.VALUE, Use.GENERATE_OPTIONAL),
    ),
)
_EC_PUBLIC = TypeSpec(1, 192, 521, (_X, _Y, _CURVE))
_EC_PAIR = TypeSpec(1, 192, 521, (_D, _X, _Y, _CURVE_OF_PAIR))
# As in OP-TEE, no attribute of these gives the object's size, which is zero once populated.
_SM2_PUBLIC = TypeSpec(1, 256, 256, (_X, _Y))
_SM2_PAIR = TypeSpec(1, 256, 256, (_D, _X, _Y))


def _edwards(size: int, public: int, private: int | None = None) -> TypeSpec:
    points = [_point(public, size)]
    if private is not None:
        points.insert(0, _point(private, size))
    return TypeSpec(1, size * 8, size * 8, tuple(points))


TYPES = {
    n.TYPE_DATA: TypeSpec(1, 0, 0, ()),
    n.TYPE_AES: _key(64, 128, 256),
    n.TYPE_DES: _key(64, 64, 64),
    n.TYPE_DES3: _key(64, 128, 192),
    n.TYPE_SM4: _key(128, 128, 128),
    n.TYPE_HMAC_MD5: _key(8, 64, 512),
    n.TYPE_HMAC_SHA1: _key(8, 80, 512),
    n.TYPE_HMAC_SHA224: _key(8, 112, 512),
    n.TYPE_HMAC_SHA256: _key(8, 192, 1024),
    n.TYPE_HMAC_SHA384: _key(8, 256, 1024),
    n.TYPE_HMAC_SHA512: _key(8, 256, 1024),
    n.TYPE_HMAC_SHA3_224: _key(8, 192, 1024),
    n.TYPE_HMAC_SHA3_256: _key(8, 256, 1024),
    n.TYPE_HMAC_SHA3_384: _key(8, 256, 1024),
    n.TYPE_HMAC_SHA3_512: _key(8, 256, 1024),
    n.TYPE_HMAC_SM3: _secret(n.ATTR_SECRET_VALUE, 8, 80, 1024, 512),
    n.TYPE_GENERIC_SECRET: _key(8, 0, 4096),
    n.TYPE_HKDF: _key(8, 0, 4096),
    n.TYPE_HKDF_IKM: _secret(n.ATTR_HKDF_IKM, 8, 0, 4096, 4096),
    n.TYPE_CONCAT_KDF_Z: _secret(n.ATTR_CONCAT_KDF_Z, 8, 0, 4096, 4096),
    n.TYPE_PBKDF2_PASSWORD: _secret(n.ATTR_PBKDF2_PASSWORD, 8, 0, 4096, 4096),
    n.TYPE_RSA_PUBLIC_KEY: _RSA_PUBLIC,
    n.TYPE_RSA_KEYPAIR: _RSA_PAIR,
    n.TYPE_DSA_PUBLIC_KEY: _DSA_PUBLIC,
    n.TYPE_DSA_KEYPAIR: _DSA_PAIR,
    n.TYPE_DH_KEYPAIR: _DH_PAIR,
    n.TYPE_ECDSA_PUBLIC_KEY: _EC_PUBLIC,
    n.TYPE_ECDSA_KEYPAIR: _EC_PAIR,
    n.TYPE_ECDH_PUBLIC_KEY: _EC_PUBLIC,
    n.TYPE_ECDH_KEYPAIR: _EC_PAIR,
    n.TYPE_SM2_DSA_PUBLIC_KEY: _SM2_PUBLIC,
    n.TYPE_SM2_DSA_KEYPAIR: _SM2_PAIR,
    n.TYPE_SM2_PKE_PUBLIC_KEY: _SM2_PUBLIC,
    n.TYPE_SM2_PKE_KEYPAIR: _SM2_PAIR,
    n.TYPE_SM2_KEP_PUBLIC_KEY: _SM2_PUBLIC,
    n.TYPE_SM2_KEP_KEYPAIR: _SM2_PAIR,
    n.TYPE_X25519_PUBLIC_KEY: _edwards(32, n.ATTR_X25519_PUBLIC_VALUE),
    n.TYPE_X25519_KEYPAIR: _edwards(
        32, n.ATTR_X25519_PUBLIC_VALUE, n.ATTR_X25519_PRIVATE_VALUE
    ),
    n.TYPE_X448_PUBLIC_KEY: _edwards(56, n.ATTR_X448_PUBLIC_VALUE),
    n.TYPE_X448_KEYPAIR: _edwards(56, n.ATTR_X448_PUBLIC_VALUE, n.ATTR_X448_PRIVATE_VALUE),
    n.TYPE_ED25519_PUBLIC_KEY: _edwards(32, n.ATTR_ED25519_PUBLIC_VALUE),
    n.TYPE_ED25519_KEYPAIR: _edwards(
        32, n.ATTR_ED25519_PUBLIC_VALUE, n.ATTR_ED25519_PRIVATE_VALUE
    ),
}  # fmt: skip
"""Each type that an object can have."""

_WITHOUT_PARITY = {(n.TYPE_DES, 56): 64, (n.TYPE_DES3, 112): 128, (n.TYPE_DES3, 168): 192}


def with_parity(object_type: int, bits: int) -> int:
    """Return a key's size with parity bits: Internal API 1.0 did not count those of DES."""
    return _WITHOUT_PARITY.get((object_type, bits), bits)


def key_size_fits(object_type: int, bits: int) -> bool:
    """Tell whether a key of a type may have a size."""
    spec = TYPES[object_type]
    bits = with_parity(object_type, bits)
    return bits % spec.quantum == 0 and spec.minimum <= bits <= spec.maximum
