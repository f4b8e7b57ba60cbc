# SPDX-License-Identifier: BSD-3-Clause
"""Symmetric ciphers under the names and with the keys that libcrypto wants."""

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

AES_BLOCK = 16
DES_BLOCK = 8
SM4_KEY = 16


def triple_des(key: bytes) -> bytes:
    """Return a key for triple DES that does what a key of 8, 16 or 24 bytes does.

    DES is triple DES with three equal keys: OpenSSL 3 has no other outside its legacy provider.

    Raises:
        TeeError: BAD_STATE: a key of another size.
    """
    if len(key) == 8:
        return key * 3
    if len(key) == 16:
        return key + key[:8]
    if len(key) == 24:
        return key
    raise TeeError(numbers.ERROR_BAD_STATE)


def aes_name(key: bytes, mode: str) -> str:
    """Return libcrypto's name of AES with this key in a mode.

    Raises:
        TeeError: BAD_STATE: not a size of AES keys.
    """
    if len(key) not in {16, 24, 32}:
        raise TeeError(numbers.ERROR_BAD_STATE)
    return f"AES-{len(key) * 8}-{mode}"


def named(main: int, key: bytes, mode: str) -> tuple[str, bytes]:
    """Return name and key of a cipher (MAIN_ALGO_*) in a mode, for `evp.Cipher`.

    Raises:
        TeeError: BAD_STATE: the key's size is not the cipher's.
    """
    if main == numbers.MAIN_ALGO_AES:
        return aes_name(key, mode), key
    if main == numbers.MAIN_ALGO_SM4:
        if len(key) != SM4_KEY:
            raise TeeError(numbers.ERROR_BAD_STATE)
        return f"SM4-{mode}", key
    return f"DES-EDE3-{mode}", triple_des(key)
