# SPDX-License-Identifier: BSD-3-Clause
"""Generation of keys, for each type of object that can have one; results are OP-TEE's."""

import os
from collections.abc import Callable

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import bignum, ec, pkey
from realmos_agent.tee.crypto.object_types import Kind, Use, key_size_fits, with_parity
from realmos_agent.tee.crypto.objects import (
    Attribute,
    Attributes,
    TransientObject,
    check_attributes,
)
from realmos_agent.tee.errors import TeeError

__all__ = ["generate"]

_EXPONENT = 65537
_EXPONENT_MAX = 1 << 256
_LIBCRYPTO_RSA_MIN = 512
"""Bits of the smallest RSA key that libcrypto makes; those below are made of its primes."""
_RSA = {
    n.ATTR_RSA_MODULUS: "n",
    n.ATTR_RSA_PUBLIC_EXPONENT: "e",
    n.ATTR_RSA_PRIVATE_EXPONENT: "d",
    n.ATTR_RSA_PRIME1: "rsa-factor1",
    n.ATTR_RSA_PRIME2: "rsa-factor2",
    n.ATTR_RSA_EXPONENT1: "rsa-exponent1",
    n.ATTR_RSA_EXPONENT2: "rsa-exponent2",
    n.ATTR_RSA_COEFFICIENT: "rsa-coefficient1",
}

Made = dict[int, Attribute]


def generate(key: TransientObject, key_size: int, params: Attributes) -> None:
    """Give an object a new key of `key_size` bits.

    Raises:
        TeeError: BAD_STATE: it has a key, is persistent, or a parameter is too large for it;
            NOT_SUPPORTED: the type has no keys of that size; ITEM_NOT_FOUND: a parameter is
            missing, twice there, or of another type; BAD_PARAMETERS: there is no such key;
            BAD_FORMAT: keys of the type are not generated; EXCESS_DATA: the key is too large.
    """
    if key.persistent or key.initialized:
        raise TeeError(n.ERROR_BAD_STATE)
    if not key_size_fits(key.type, key_size):
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    check_attributes(
        key.spec, params, Use.GENERATE_REQUIRED, Use.GENERATE_OPTIONAL, whole_group=False
    )
    make = _makers().get(key.type)
    if make is None:
        raise TeeError(n.ERROR_BAD_FORMAT)
    given, _ = key.converted(params)
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        made = make(key, key_size, given)
    key.take(made, key_size)


def _makers() -> dict[int, Callable[[TransientObject, int, Made], Made]]:
    return {
        n.TYPE_AES: _secret,
        n.TYPE_DES: _secret,
        n.TYPE_DES3: _secret,
        n.TYPE_SM4: _secret,
        n.TYPE_HMAC_MD5: _secret,
        n.TYPE_HMAC_SHA1: _secret,
        n.TYPE_HMAC_SHA224: _secret,
        n.TYPE_HMAC_SHA256: _secret,
        n.TYPE_HMAC_SHA384: _secret,
        n.TYPE_HMAC_SHA512: _secret,
        n.TYPE_HMAC_SHA3_224: _secret,
        n.TYPE_HMAC_SHA3_256: _secret,
        n.TYPE_HMAC_SHA3_384: _secret,
        n.TYPE_HMAC_SHA3_512: _secret,
        n.TYPE_HMAC_SM3: _secret,
        n.TYPE_GENERIC_SECRET: _secret,
        n.TYPE_RSA_KEYPAIR: _rsa,
        n.TYPE_DSA_KEYPAIR: _dsa,
        n.TYPE_DH_KEYPAIR: _dh,
        n.TYPE_ECDSA_KEYPAIR: _ec,
        n.TYPE_ECDH_KEYPAIR: _ec,
        n.TYPE_SM2_DSA_KEYPAIR: _sm2,
        n.TYPE_SM2_PKE_KEYPAIR: _sm2,
        n.TYPE_SM2_KEP_KEYPAIR: _sm2,
        n.TYPE_ED25519_KEYPAIR: _ed25519,
        n.TYPE_X25519_KEYPAIR: _x25519,
        n.TYPE_X448_KEYPAIR: _x448,
    }


def _secret(key: TransientObject, key_size: int, _given: Made) -> Made:
    size = with_parity(key.type, key_size) // 8
    if size > key.spec.secret_size:
        raise TeeError(n.ERROR_EXCESS_DATA)
    assert key.spec.attributes[0].kind is Kind.SECRET
    return {key.spec.attributes[0].id: os.urandom(size)}


def _rsa(_key: TransientObject, key_size: int, given: Made) -> Made:
    exponent = _number(given, n.ATTR_RSA_PUBLIC_EXPONENT) or _EXPONENT
    if exponent % 2 == 0 or not _EXPONENT <= exponent < _EXPONENT_MAX or key_size % 8:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    if key_size < _LIBCRYPTO_RSA_MIN:
        return _small_rsa(key_size, exponent)
    pair = pkey.generate("RSA", {"bits": key_size, "e": exponent})
    return _numbers({name: pair.number(theirs) for name, theirs in _RSA.items()})


def _small_rsa(key_size: int, exponent: int) -> Made:
    """Return a key that anybody can break: what is done here need not take constant time."""
    from math import gcd

    while True:
        # Their highest two bits are set, so the modulus has its size.
        p, q = bignum.generate_prime(key_size // 2), bignum.generate_prime(key_size // 2)
        if p != q and gcd(exponent, (p - 1) * (q - 1)) == 1:
            break
    p, q = max(p, q), min(p, q)
    secret = pow(exponent, -1, (p - 1) * (q - 1))
    return _numbers({
        n.ATTR_RSA_MODULUS: p * q,
        n.ATTR_RSA_PUBLIC_EXPONENT: exponent,
        n.ATTR_RSA_PRIVATE_EXPONENT: secret,
        n.ATTR_RSA_PRIME1: p,
        n.ATTR_RSA_PRIME2: q,
        n.ATTR_RSA_EXPONENT1: secret % (p - 1),
        n.ATTR_RSA_EXPONENT2: secret % (q - 1),
        n.ATTR_RSA_COEFFICIENT: pow(q, -1, p),
    })  # fmt: skip


def _dsa(_key: TransientObject, key_size: int, given: Made) -> Made:
    p, q = _number(given, n.ATTR_DSA_PRIME), _number(given, n.ATTR_DSA_SUBPRIME)
    g = _number(given, n.ATTR_DSA_BASE)
    if p.bit_length() != key_size or not 2 < q < p or not 1 < g < p - 1:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    x = bignum.random_below(q)
    y = bignum.mod_exp(g, x, p)
    return given | _numbers({n.ATTR_DSA_PRIVATE_VALUE: x, n.ATTR_DSA_PUBLIC_VALUE: y})


def _dh(_key: TransientObject, key_size: int, given: Made) -> Made:
    p, g = _number(given, n.ATTR_DH_PRIME), _number(given, n.ATTR_DH_BASE)
    if bignum.size_of(p) * 8 != key_size or not 1 < g < p - 1:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    limit = _number(given, n.ATTR_DH_SUBPRIME) or p - 1
    bits, _ = given.get(n.ATTR_DH_X_BITS, (0, 0))
    assert isinstance(bits, int)
    if limit >= p or bits > limit.bit_length() or not (bits or limit > 3):
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    x = _dh_secret(limit, bits)
    y = bignum.mod_exp(g, x, p)
    made = _numbers({n.ATTR_DH_PRIVATE_VALUE: x, n.ATTR_DH_PUBLIC_VALUE: y})
    return given | made | {n.ATTR_DH_X_BITS: (bits, 0)}


def _dh_secret(limit: int, bits: int) -> int:
    """Return a secret below a limit, of exactly so many bits unless that is 0."""
    if not bits:
        return bignum.random_below(limit)
    least = 1 << bits - 1
    span = min(limit, 2 * least) - least
    return least + bignum.random_below(span + 1) - 1


def _ec(_key: TransientObject, key_size: int, given: Made) -> Made:
    content = given[n.ATTR_ECC_CURVE]
    assert isinstance(content, tuple)
    of = ec.curve(content[0])
    if of.bits != key_size:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    return given | _point(of)


def _sm2(_key: TransientObject, _key_size: int, _given: Made) -> Made:
    return _point(ec.curve(n.ECC_CURVE_SM2))


def _point(of: ec.Curve) -> Made:
    pair = pkey.generate(of.kind, {"group": of.group})
    return _numbers({
        n.ATTR_ECC_PRIVATE_VALUE: pair.number("priv"),
        n.ATTR_ECC_PUBLIC_VALUE_X: pair.number("qx"),
        n.ATTR_ECC_PUBLIC_VALUE_Y: pair.number("qy"),
    })  # fmt: skip


def _ed25519(_key: TransientObject, _key_size: int, _given: Made) -> Made:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pair = Ed25519PrivateKey.generate()
    return {
        n.ATTR_ED25519_PRIVATE_VALUE: pair.private_bytes_raw(),
        n.ATTR_ED25519_PUBLIC_VALUE: pair.public_key().public_bytes_raw(),
    }


def _x25519(_key: TransientObject, _key_size: int, _given: Made) -> Made:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    pair = X25519PrivateKey.generate()
    return {
        n.ATTR_X25519_PRIVATE_VALUE: pair.private_bytes_raw(),
        n.ATTR_X25519_PUBLIC_VALUE: pair.public_key().public_bytes_raw(),
    }


def _x448(_key: TransientObject, _key_size: int, _given: Made) -> Made:
    from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey

    pair = X448PrivateKey.generate()
    return {
        n.ATTR_X448_PRIVATE_VALUE: pair.private_bytes_raw(),
        n.ATTR_X448_PUBLIC_VALUE: pair.public_key().public_bytes_raw(),
    }


def _number(given: Made, attribute_id: int) -> int:
    content = given.get(attribute_id, b"")
    assert isinstance(content, bytes)
    return int.from_bytes(content, "big")


def _numbers(made: dict[int, int]) -> Made:
    return {key: number.to_bytes(bignum.size_of(number), "big") for key, number in made.items()}
