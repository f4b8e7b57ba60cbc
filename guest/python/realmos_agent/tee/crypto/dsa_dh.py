# SPDX-License-Identifier: BSD-3-Clause
"""DSA signatures, and Diffie-Hellman in a field of numbers; results are OP-TEE's."""

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import algorithms, bignum, der, pkey
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError

__all__ = ["agree", "sign", "verify"]


def sign(algorithm: int, key: TransientObject, digest: bytes) -> bytes:
    """Return a signature, r and s in a row.

    Raises:
        TeeError: SECURITY: the digest has not the size of the hash, cut to that of the subprime;
            GENERIC: there is no signature with this key.
    """
    size = bignum.size_of(key.number(n.ATTR_DSA_SUBPRIME))
    if len(digest) != min(_hash_size(algorithm), size):
        raise TeeError(n.ERROR_SECURITY)
    numbers = _numbers(key)
    numbers["priv"] = key.number(n.ATTR_DSA_PRIVATE_VALUE)
    with pkey.Failing(n.ERROR_GENERIC):
        return der.raw_signature(pkey.Key("DSA", numbers, private=True).sign(digest, {}), size)


def verify(algorithm: int, key: TransientObject, digest: bytes, signature: bytes) -> None:
    """Check a signature.

    Raises:
        TeeError: SIGNATURE_INVALID: it is not one; BAD_PARAMETERS: the digest has neither the size
            of the hash nor that of the subprime; GENERIC: the key is none.
    """
    size = bignum.size_of(key.number(n.ATTR_DSA_SUBPRIME))
    if len(digest) not in {_hash_size(algorithm), size}:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    with pkey.Failing(n.ERROR_GENERIC):
        public = pkey.Key("DSA", _numbers(key), private=False)
    if not public.verify(digest, der.signature(signature), {}):
        raise TeeError(n.ERROR_SIGNATURE_INVALID)


def agree(key: TransientObject, public: int) -> bytes:
    """Return the secret shared with the owner of a public value, without leading zeros.

    Raises:
        TeeError: BAD_PARAMETERS: the value shares nothing, or the key is none.
    """
    prime = key.number(n.ATTR_DH_PRIME)
    if not 1 < public < prime - 1:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        shared = bignum.mod_exp(public, key.number(n.ATTR_DH_PRIVATE_VALUE), prime)
    return shared.to_bytes(bignum.size_of(shared), "big")


def _hash_size(algorithm: int) -> int:
    size = algorithms.digest_size_of(algorithms.digest_hash_of(algorithm))
    if size is None:
        raise TeeError(n.ERROR_NOT_IMPLEMENTED)
    return size


def _numbers(key: TransientObject) -> pkey.Numbers:
    return {
        "p": key.number(n.ATTR_DSA_PRIME),
        "q": key.number(n.ATTR_DSA_SUBPRIME),
        "g": key.number(n.ATTR_DSA_BASE),
        "pub": key.number(n.ATTR_DSA_PUBLIC_VALUE),
    }
