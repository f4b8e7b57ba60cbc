# SPDX-License-Identifier: BSD-3-Clause
"""The keys that vouch for TAs, and those that encrypted TAs are encrypted with.

OP-TEE's dev kit signs with a development key whose private half everybody has: a TA signed by it
alone is anybody's. It is the default, as it is OP-TEE's, and whoever uses it is to say so.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
)

from realmos_agent.record import Record
from realmos_agent.tee import numbers as tee

_DEVELOPMENT_EXPONENT: Final = 65537
_DEVELOPMENT_MODULUS: Final = (
    "e9ee82639f0bcdded5c5bfc1f64e3b5fc7eebe4604f0ed697a8d549e611a7ae008f75cbac0548b92"
    "883bb8f65c8b30f1caa037381b5b16a8bb9d1d1f4ecfa7af7ed6fb21521999636555f1b9d3288dc7"
    "2c8073fda4c523966baeff52122f2bc0e50f11e802eb4e63695107cda9c76920181fc120d4ac1514"
    "d0f22aea2894771a16b6e0bbd4e80a878360f0d5dd2101e2255c31da2fc90789627560cf258fe74c"
    "b2a7983cdb2adc8a59e41fcf81498038c30138595c049ea1a1295a68d10ef7db1ba23bce2536d238"
    "8003947c4fa86df43770a09f8220aa2fb1cba475e74f67d6fcfc87ac062654459bfba70a803162d5"
    "6fddcf423d5adbc573c99396e0caffa1afbda98d3f775f40a41e58255ee17fa7d66399b03dd006b8"
    "ee05a578a77a60fe1cb5c65c0bbaf8f9737ed256f7b52dbc4e4333392b326f4362385ed5bd401079"
    "4360933b593a518bdcf80ae07299e7390ac2857d900909094a839aa33ca03bdc21f53c1b55cc02be"
    "37c92d6ec200228897d1a439c88b58f45cb1a9db92b7676dd2d3e3ae37e5bc7588d7edbbce0632d2"
    "c58e96c496cb3f4d3281fdc75206574fee7cebe7b3de72dd7477a6d1c8ac1d6265d7d27410954c70"
    "2c71592c0fc156942d92fc415e76a61c0776634751696fd45e18ad82852554fc3c60f976b7033517"
    "a38173f2b35a277fc1bc1f0da610e18b7f75204a0fbbf6d14d59ba313fd81da1"
)
"""Of keys/default.pem of OP-TEE 4.10, in hexadecimal digits."""
_DEVELOPMENT_ENCRYPTION: Final = "e3ff381eb7859bb961c52f9b78b693f725c261e75eb488ef5893d6de5d097e6a"
"""What mk/link.mk of OP-TEE 4.10 encrypts with by default: derived from a device key of zeros."""


class RootKey(Record):
    """A key that signs TAs and subkeys. `name` is for messages."""

    name: str
    key: RSAPublicKey

    @property
    def is_development(self) -> bool:
        """Whether it is the key whose private half is public."""
        return self.key.public_numbers() == _development_numbers()


class Keys(NamedTuple):
    """What is configured: root keys, and by `SHDR_ENC_KEY_*` AES keys of encrypted TAs."""

    roots: tuple[RootKey, ...]
    encryption: Mapping[int, bytes] = MappingProxyType({})


@cache
def development_key() -> RootKey:
    """Return OP-TEE's public development key."""
    return RootKey("OP-TEE's public development key", _development_numbers().public_key())


def development_keys() -> Keys:
    """Return the keys that OP-TEE has where nobody configured any; everybody has them."""
    encryption = {tee.SHDR_ENC_KEY_DEV_SPECIFIC: bytes.fromhex(_DEVELOPMENT_ENCRYPTION)}
    return Keys((development_key(),), encryption)


def root_key(pem: bytes, name: str) -> RootKey:
    """Return the RSA key in a PEM file; of a private key, its public half.

    Raises:
        ValueError: there is none.
    """
    from cryptography.hazmat.primitives import serialization

    if b"PRIVATE KEY" in pem:
        private = serialization.load_pem_private_key(pem, password=None)
        if isinstance(private, RSAPrivateKey):
            return RootKey(name, private.public_key())
    else:
        public = serialization.load_pem_public_key(pem)
        if isinstance(public, RSAPublicKey):
            return RootKey(name, public)
    raise ValueError(f"{name} holds no RSA key; TAs are signed with RSA")


def _development_numbers() -> RSAPublicNumbers:
    return RSAPublicNumbers(_DEVELOPMENT_EXPONENT, int(_DEVELOPMENT_MODULUS, 16))
