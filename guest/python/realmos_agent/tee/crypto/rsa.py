# SPDX-License-Identifier: BSD-3-Clause
"""RSA: encryption and signatures of PKCS #1, and the bare operation; results are OP-TEE's."""

from typing import NoReturn

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto import algorithms, pkey
from realmos_agent.tee.crypto.bignum import size_of
from realmos_agent.tee.crypto.objects import Attribute, Attributes, TransientObject
from realmos_agent.tee.errors import TeeError

__all__ = ["operate", "verify"]

_OAEP_FLAG = 0x200
_PSS = 0x0900
_PKCS1_SIGNATURE = 0x0800
_INT_MAX = 0x7FFF_FFFF
_CRT = {
    "rsa-factor1": n.ATTR_RSA_PRIME1,
    "rsa-factor2": n.ATTR_RSA_PRIME2,
    "rsa-exponent1": n.ATTR_RSA_EXPONENT1,
    "rsa-exponent2": n.ATTR_RSA_EXPONENT2,
    "rsa-coefficient1": n.ATTR_RSA_COEFFICIENT,
}


def operate(
    algorithm: int, mode: int, key: TransientObject, params: Attributes, data: bytes
) -> bytes:
    """Return the result of encryption, decryption or a signature.

    Raises:
        TeeError: BAD_PARAMETERS: the data or parameters do not go with the algorithm, or decryption
            finds no message; GENERIC: the mode does not go with the bare operation.
    """
    if algorithm == n.ALG_RSA_NOPAD:
        return _bare(mode, key, data)
    if algorithms.class_of(algorithm) == n.OPERATION_ASYMMETRIC_CIPHER:
        return _cipher(mode, key, data, _encryption(algorithm, params))
    if mode != n.MODE_SIGN:
        _refuse()
    how = _signature(algorithm, params, data)
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        return _private(key).sign(data, how)


def verify(
    algorithm: int, key: TransientObject, params: Attributes, digest: bytes, signature: bytes
) -> None:
    """Check a signature.

    Raises:
        TeeError: SIGNATURE_INVALID: it is not one; BAD_PARAMETERS: the digest is not of the
            algorithm's size.
    """
    how = _signature(algorithm, params, digest)
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        valid = _public(key).verify(digest, signature, how)
    if not valid:
        raise TeeError(n.ERROR_SIGNATURE_INVALID)


def _bare(mode: int, key: TransientObject, data: bytes) -> bytes:
    if mode not in {n.MODE_ENCRYPT, n.MODE_DECRYPT}:
        raise TeeError(n.ERROR_GENERIC)
    size = size_of(key.number(n.ATTR_RSA_MODULUS))
    number = data.lstrip(b"\0")
    if len(number) > size:
        _refuse()
    block = number.rjust(size, b"\0")
    how: pkey.Numbers = {"pad-mode": "none"}
    result = _cipher(mode, key, block, how)
    return result.lstrip(b"\0") or b"\0"


def _cipher(mode: int, key: TransientObject, data: bytes, how: pkey.Numbers) -> bytes:
    if mode not in {n.MODE_ENCRYPT, n.MODE_DECRYPT}:
        _refuse()
    with pkey.Failing(n.ERROR_BAD_PARAMETERS):
        if mode == n.MODE_ENCRYPT:
            return _public(key).encrypt(data, how)
        return _private(key).decrypt(data, how)


def _encryption(algorithm: int, params: Attributes) -> pkey.Numbers:
    if algorithm == n.ALG_RSAES_PKCS1_V1_5:
        # A wrong padding is an error to the Trusted Application, as with OP-TEE, and not the random
        # message that libcrypto 3.2 and later would make of it.
        return {"pad-mode": "pkcs1", "implicit-rejection": 0}
    hash_name = algorithms.hash_name(algorithms.internal_hash_of(algorithm))
    if hash_name is None or algorithm & 0xFFF != _OAEP_FLAG | n.MAIN_ALGO_RSA:
        _refuse()
    how: pkey.Numbers = {"pad-mode": "oaep", "digest": hash_name, "mgf1-digest": hash_name}
    for attribute_id, content in params:
        if attribute_id == n.ATTR_RSA_OAEP_LABEL and isinstance(content, bytes):
            how["oaep-label"] = content
        elif attribute_id == n.ATTR_RSA_OAEP_MGF_HASH:
            how["mgf1-digest"] = _mask_hash(content)
    return how


def _mask_hash(content: Attribute) -> str:
    if not isinstance(content, bytes) or len(content) != 4:
        _refuse()
    algorithm = int.from_bytes(content, "little")
    found = algorithms.hash_name(algorithms.main_of(algorithm))
    if found is None or algorithms.class_of(algorithm) != n.OPERATION_DIGEST:
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    return found


def _signature(algorithm: int, params: Attributes, digest: bytes) -> pkey.Numbers:
    if algorithm == n.ALG_RSASSA_PKCS1_V1_5:
        return {"pad-mode": "pkcs1"}
    main = algorithms.digest_hash_of(algorithm)
    hash_name = algorithms.hash_name(main)
    if hash_name is None or len(digest) != algorithms.digest_size_of(main):
        _refuse()
    if algorithm & 0xF00 == _PKCS1_SIGNATURE:
        return {"digest": hash_name, "pad-mode": "pkcs1"}
    if algorithm & 0xF00 != _PSS:
        _refuse()
    return {
        "digest": hash_name,
        "pad-mode": "pss",
        "mgf1-digest": hash_name,
        "saltlen": str(_salt_size(params, len(digest))),
    }


def _salt_size(params: Attributes, default: int) -> int:
    for attribute_id, content in params:
        if attribute_id == n.ATTR_RSA_PSS_SALT_LENGTH and isinstance(content, tuple):
            size = content[0] & 0xFFFF_FFFF
            return size if size < _INT_MAX else default
    return default


def _public(key: TransientObject) -> pkey.Key:
    return key.prepared("public", lambda: pkey.Key("RSA", _public_numbers(key), private=False))


def _private(key: TransientObject) -> pkey.Key:
    return key.prepared("private", lambda: pkey.Key("RSA", _private_numbers(key), private=True))


def _private_numbers(key: TransientObject) -> pkey.Numbers:
    numbers = _public_numbers(key)
    secret = key.number(n.ATTR_RSA_PRIVATE_EXPONENT)
    if not 0 < secret < key.number(n.ATTR_RSA_MODULUS):
        _refuse()
    numbers["d"] = secret
    if key.number(n.ATTR_RSA_PRIME1):
        for name, attribute_id in _CRT.items():
            numbers[name] = key.number(attribute_id)
    return numbers


def _public_numbers(key: TransientObject) -> pkey.Numbers:
    modulus = key.number(n.ATTR_RSA_MODULUS)
    exponent = key.number(n.ATTR_RSA_PUBLIC_EXPONENT)
    if modulus % 2 == 0 or exponent % 2 == 0 or not 1 < exponent < modulus:
        _refuse()
    return {"n": modulus, "e": exponent}


def _refuse() -> NoReturn:
    raise TeeError(n.ERROR_BAD_PARAMETERS)
