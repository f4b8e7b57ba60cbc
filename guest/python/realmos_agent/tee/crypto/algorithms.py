# SPDX-License-Identifier: BSD-3-Clause
"""What an algorithm's number says: its class, its main algorithm, its mode and its hashes.

The bits are those of GlobalPlatform's table "Structure of Algorithm Identifier"; the exceptions are
those of OP-TEE, whose own algorithms and a few of GlobalPlatform's do not follow it.
"""

from realmos_agent.tee import numbers as n

__all__ = [
    "HASH_NAMES",
    "chain_mode_of",
    "class_of",
    "digest_hash_of",
    "digest_size_of",
    "hash_name",
    "internal_hash_of",
    "key_types",
    "main_of",
    "translate_compat",
]

_CLASSES = {
    n.ALG_SM2_PKE: n.OPERATION_ASYMMETRIC_CIPHER,
    n.ALG_SM2_KEP: n.OPERATION_KEY_DERIVATION,
    n.ALG_RSASSA_PKCS1_V1_5: n.OPERATION_ASYMMETRIC_SIGNATURE,
    n.ALG_DES3_CMAC: n.OPERATION_MAC,
    n.ALG_SM4_XTS: n.OPERATION_CIPHER,
    n.ALG_RSASSA_PKCS1_PSS_MGF1_MD5: n.OPERATION_ASYMMETRIC_SIGNATURE,
    n.ALG_RSAES_PKCS1_OAEP_MGF1_MD5: n.OPERATION_ASYMMETRIC_CIPHER,
}
_MAINS = {
    n.ALG_SM2_PKE: n.MAIN_ALGO_SM2_PKE,
    n.ALG_SM2_KEP: n.MAIN_ALGO_SM2_KEP,
    n.ALG_X25519: n.MAIN_ALGO_X25519,
    n.ALG_X448: n.MAIN_ALGO_X448,
    n.ALG_ED25519: n.MAIN_ALGO_ED25519,
    n.ALG_ECDSA_SHA1: n.MAIN_ALGO_ECDSA,
    n.ALG_ECDSA_SHA224: n.MAIN_ALGO_ECDSA,
    n.ALG_ECDSA_SHA256: n.MAIN_ALGO_ECDSA,
    n.ALG_ECDSA_SHA384: n.MAIN_ALGO_ECDSA,
    n.ALG_ECDSA_SHA512: n.MAIN_ALGO_ECDSA,
    n.ALG_HKDF: n.MAIN_ALGO_HKDF,
    n.ALG_SHAKE128: n.MAIN_ALGO_SHAKE128,
    n.ALG_SHAKE256: n.MAIN_ALGO_SHAKE256,
}
_COMPAT = {
    n.ALG_ECDSA_P192_OPTEE: n.ALG_ECDSA_SHA1,
    n.ALG_ECDSA_P224_OPTEE: n.ALG_ECDSA_SHA224,
    n.ALG_ECDSA_P256_OPTEE: n.ALG_ECDSA_SHA256,
    n.ALG_ECDSA_P384_OPTEE: n.ALG_ECDSA_SHA384,
    n.ALG_ECDSA_P521_OPTEE: n.ALG_ECDSA_SHA512,
    n.ALG_ECDH_P192_OPTEE: n.ALG_ECDH_DERIVE_SHARED_SECRET,
    n.ALG_ECDH_P224_OPTEE: n.ALG_ECDH_DERIVE_SHARED_SECRET,
    n.ALG_ECDH_P256_OPTEE: n.ALG_ECDH_DERIVE_SHARED_SECRET,
    n.ALG_ECDH_P384_OPTEE: n.ALG_ECDH_DERIVE_SHARED_SECRET,
    n.ALG_ECDH_P521_OPTEE: n.ALG_ECDH_DERIVE_SHARED_SECRET,
}

HASH_NAMES = {
    n.MAIN_ALGO_MD5: ("MD5", 16),
    n.MAIN_ALGO_SHA1: ("SHA1", 20),
    n.MAIN_ALGO_SHA224: ("SHA224", 28),
    n.MAIN_ALGO_SHA256: ("SHA256", 32),
    n.MAIN_ALGO_SHA384: ("SHA384", 48),
    n.MAIN_ALGO_SHA512: ("SHA512", 64),
    n.MAIN_ALGO_SM3: ("SM3", 32),
    n.MAIN_ALGO_SHA3_224: ("SHA3-224", 28),
    n.MAIN_ALGO_SHA3_256: ("SHA3-256", 32),
    n.MAIN_ALGO_SHA3_384: ("SHA3-384", 48),
    n.MAIN_ALGO_SHA3_512: ("SHA3-512", 64),
}
"""A hash's main algorithm: OpenSSL's name of it and its size in bytes."""

# The types of key that do for an algorithm of one key type, whatever the mode.
_SYMMETRIC = {
    n.MAIN_ALGO_MD5: n.TYPE_HMAC_MD5,
    n.MAIN_ALGO_SHA1: n.TYPE_HMAC_SHA1,
    n.MAIN_ALGO_SHA224: n.TYPE_HMAC_SHA224,
    n.MAIN_ALGO_SHA256: n.TYPE_HMAC_SHA256,
    n.MAIN_ALGO_SHA384: n.TYPE_HMAC_SHA384,
    n.MAIN_ALGO_SHA512: n.TYPE_HMAC_SHA512,
    n.MAIN_ALGO_SHA3_224: n.TYPE_HMAC_SHA3_224,
    n.MAIN_ALGO_SHA3_256: n.TYPE_HMAC_SHA3_256,
    n.MAIN_ALGO_SHA3_384: n.TYPE_HMAC_SHA3_384,
    n.MAIN_ALGO_SHA3_512: n.TYPE_HMAC_SHA3_512,
    n.MAIN_ALGO_SM3: n.TYPE_HMAC_SM3,
    n.MAIN_ALGO_AES: n.TYPE_AES,
    n.MAIN_ALGO_DES: n.TYPE_DES,
    n.MAIN_ALGO_DES3: n.TYPE_DES3,
    n.MAIN_ALGO_SM4: n.TYPE_SM4,
    n.MAIN_ALGO_DH: n.TYPE_DH_KEYPAIR,
    n.MAIN_ALGO_ECDH: n.TYPE_ECDH_KEYPAIR,
    n.MAIN_ALGO_X25519: n.TYPE_X25519_KEYPAIR,
    n.MAIN_ALGO_X448: n.TYPE_X448_KEYPAIR,
    n.MAIN_ALGO_CONCAT_KDF: n.TYPE_CONCAT_KDF_Z,
    n.MAIN_ALGO_PBKDF2: n.TYPE_PBKDF2_PASSWORD,
}
# Main algorithm: key pair, public key, and the modes for which the public key does.
_PUBLIC_MODES = (n.MODE_ENCRYPT, n.MODE_VERIFY)
_ASYMMETRIC = {
    n.MAIN_ALGO_RSA: (n.TYPE_RSA_KEYPAIR, n.TYPE_RSA_PUBLIC_KEY),
    n.MAIN_ALGO_DSA: (n.TYPE_DSA_KEYPAIR, n.TYPE_DSA_PUBLIC_KEY),
    n.MAIN_ALGO_ECDSA: (n.TYPE_ECDSA_KEYPAIR, n.TYPE_ECDSA_PUBLIC_KEY),
    n.MAIN_ALGO_ED25519: (n.TYPE_ED25519_KEYPAIR, n.TYPE_ED25519_PUBLIC_KEY),
}
# Of these, the public operation takes the public key only.
_SM2 = {
    n.MAIN_ALGO_SM2_PKE: (n.TYPE_SM2_PKE_KEYPAIR, n.TYPE_SM2_PKE_PUBLIC_KEY),
    n.MAIN_ALGO_SM2_DSA_SM3: (n.TYPE_SM2_DSA_KEYPAIR, n.TYPE_SM2_DSA_PUBLIC_KEY),
}


def translate_compat(algorithm: int) -> int:
    """Return the algorithm meant by a number that OP-TEE gave an elliptic curve's before 4.0."""
    return _COMPAT.get(algorithm, algorithm)


def class_of(algorithm: int) -> int:
    """Return the OPERATION_* that an algorithm is of."""
    return _CLASSES.get(algorithm, algorithm >> 28 & 0xF)


def main_of(algorithm: int) -> int:
    """Return the MAIN_ALGO_* of an algorithm."""
    return _MAINS.get(algorithm, algorithm & 0xFF)


def chain_mode_of(algorithm: int) -> int:
    """Return the CHAIN_MODE_* of a cipher, MAC or AE algorithm."""
    return algorithm >> 8 & 0xF


def digest_hash_of(algorithm: int) -> int:
    """Return the main algorithm of the hash that a signature or derivation is made with."""
    if algorithm == n.ALG_SM2_DSA_SM3:
        return n.MAIN_ALGO_SM3
    return algorithm >> 12 & 0xF


def internal_hash_of(algorithm: int) -> int:
    """Return the main algorithm of the hash inside a padding: OAEP's, and MGF1's of PSS."""
    return algorithm >> 20 & 0xF


def hash_name(main: int) -> str | None:
    """Return OpenSSL's name of a hash, None if there is no such hash."""
    found = HASH_NAMES.get(main)
    return found and found[0]


def digest_size_of(main: int) -> int | None:
    """Return the size of a hash in bytes, None if there is no such hash."""
    found = HASH_NAMES.get(main)
    return found and found[1]


def key_types(algorithm: int, mode: int) -> tuple[int, ...]:
    """Return the object types that may be the key of an operation; none if it takes no key."""
    main = main_of(algorithm)
    if main in _SYMMETRIC:
        return (_SYMMETRIC[main],)
    if main in _ASYMMETRIC:
        pair, public = _ASYMMETRIC[main]
        return (pair, public) if mode in _PUBLIC_MODES else (pair,)
    if main in _SM2:
        pair, public = _SM2[main]
        return (public,) if mode in _PUBLIC_MODES else (pair,)
    if main == n.MAIN_ALGO_SM2_KEP:
        return (n.TYPE_SM2_KEP_KEYPAIR, n.TYPE_SM2_KEP_PUBLIC_KEY)
    if main == n.MAIN_ALGO_HKDF:
        return (n.TYPE_HKDF_IKM, n.TYPE_HKDF)
    return ()
