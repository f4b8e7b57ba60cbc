# SPDX-License-Identifier: BSD-3-Clause
"""A symmetric cipher of libcrypto in mid-stream: it can be copied, which cryptography's cannot.

Data goes in in pieces of any size that the mode can take, and as much comes out: padding is off.
"""

from functools import cache
from typing import Any

from realmos_agent.tee.crypto.libcrypto import LibcryptoError, check, ffi, library, reason

# EVP_CIPHER_CTX_ctrl, openssl/evp.h.
_SET_IV_SIZE = 0x9
_GET_TAG = 0x10
_SET_TAG = 0x11

_UTF8_STRING = 4  # OSSL_PARAM, openssl/core.h
_KEPT: list[Any] = []  # what C structures point at

_SIZE_MAX = 0x7FFFFFFF - 64  # in one call: libcrypto counts in int


@cache
def _fetch(name: str) -> Any:  # noqa: ANN401 - cffi's objects have no types
    cipher = library().EVP_CIPHER_fetch(ffi.NULL, name.encode(), ffi.NULL)
    if cipher == ffi.NULL:
        raise LibcryptoError(f"libcrypto has no {name}: {reason()}")
    return cipher


def _context() -> Any:  # noqa: ANN401 - cffi's objects have no types
    lib = library()
    context = lib.EVP_CIPHER_CTX_new()
    if context == ffi.NULL:
        raise MemoryError
    return ffi.gc(context, lib.EVP_CIPHER_CTX_free)


@cache
def _cts_parameters() -> Any:  # noqa: ANN401 - cffi's objects have no types
    """Return the parameters that ask CBC-CTS for its variant CS3, as GlobalPlatform wants it."""
    key, value = ffi.new("char[]", b"cts_mode"), ffi.new("char[]", b"CS3")
    parameters = ffi.new("OSSL_PARAM[2]")
    parameters[0] = (key, _UTF8_STRING, value, len(b"CS3"), 0)
    _KEPT.append((key, value))
    return parameters


class Cipher:
    """One direction of one cipher with its key, somewhere in a stream.

    Args:
        name: as libcrypto knows it, "AES-128-CBC".
        key: of the size that the name says.
        iv: its size is the mode's; of GCM, 1 to 128 bytes.

    Raises:
        LibcryptoError: libcrypto has no such cipher, or refused the key or the IV.
    """

    __slots__ = ("_context", "_count", "_lib", "name")

    def __init__(self, name: str, key: bytes, iv: bytes | None, *, encrypt: bool) -> None:
        self.name = name
        self._lib = lib = library()
        self._context = context = _context()
        self._count = ffi.new("int *")
        null = ffi.NULL
        init = lib.EVP_CipherInit_ex2
        parameters = _cts_parameters() if name.endswith("-CTS") else null
        check(init(context, _fetch(name), null, null, encrypt, parameters), name)
        if iv is not None and name.endswith("-GCM"):
            check(lib.EVP_CIPHER_CTX_ctrl(context, _SET_IV_SIZE, len(iv), null), f"{name} IV")
        check(init(context, null, key, null if iv is None else iv, -1, null), f"{name} key")
        check(lib.EVP_CIPHER_CTX_set_padding(context, 0), name)

    def update(self, data: bytes) -> bytes:
        """Return what comes of more data: as many bytes."""
        size = len(data)
        if not size:
            return b""
        if size > _SIZE_MAX:
            raise LibcryptoError(f"{self.name} of {size} bytes at once")
        out = bytearray(size + 32)  # libcrypto may use a block more than it tells
        count = self._count
        done = self._lib.EVP_CipherUpdate(self._context, ffi.from_buffer(out), count, data, size)
        check(done, self.name)
        if count[0] != size:
            raise LibcryptoError(f"{self.name} made {count[0]} bytes of {size}")
        return bytes(memoryview(out)[:size])

    def authenticate(self, data: bytes) -> None:
        """Take data that is authenticated only; an AEAD mode, before any other data."""
        if len(data) > _SIZE_MAX:
            raise LibcryptoError(f"{self.name} of {len(data)} bytes at once")
        if data:
            done = self._lib.EVP_CipherUpdate(self._context, ffi.NULL, self._count, data, len(data))
            check(done, f"{self.name} AAD")

    def tag(self, size: int) -> bytes:
        """End an encryption; return its tag."""
        lib = self._lib
        out = ffi.new("unsigned char[]", 32)
        check(lib.EVP_CipherFinal_ex(self._context, out, self._count), self.name)
        check(lib.EVP_CIPHER_CTX_ctrl(self._context, _GET_TAG, size, out), f"{self.name} tag")
        return bytes(ffi.buffer(out, size))

    def verify(self, tag: bytes) -> bool:
        """End a decryption; return whether the tag is right."""
        lib = self._lib
        check(lib.EVP_CIPHER_CTX_ctrl(self._context, _SET_TAG, len(tag), tag), f"{self.name} tag")
        out = ffi.new("unsigned char[]", 32)
        if lib.EVP_CipherFinal_ex(self._context, out, self._count) == 1:
            return True
        lib.ERR_clear_error()
        return False

    def copy(self) -> "Cipher":
        """Return another of these that goes on from here."""
        context = _context()
        check(self._lib.EVP_CIPHER_CTX_copy(context, self._context), self.name)
        return Cipher._around(self.name, context)

    @classmethod
    def _around(cls, name: str, context: Any) -> "Cipher":  # noqa: ANN401 - cffi's have no types
        cipher = object.__new__(cls)
        cipher.name, cipher._lib, cipher._context = name, library(), context
        cipher._count = ffi.new("int *")
        return cipher
