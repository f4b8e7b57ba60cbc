# SPDX-License-Identifier: BSD-3-Clause
"""Asymmetric keys in libcrypto: made from numbers, used, generated.

RSA, DSA and the elliptic curves of Weierstrass' form all come here and not to cryptography, which
has no RSA below 1024 bits or with a public exponent of the caller's choice, no raw RSA, no digests
of another size than their hash's, and no SM2: two ways for one algorithm would be one too many.
"""

import sys
from typing import Any

from realmos_agent.tee.crypto.bignum import from_bn, size_of
from realmos_agent.tee.crypto.libcrypto import LibcryptoError, check, ffi, library, reason
from realmos_agent.tee.errors import TeeError

__all__ = ["Failing", "Key", "Numbers", "Parameters", "generate"]

Numbers = dict[str, int | str | bytes]
"""Parameters by libcrypto's names: numbers of any size, names and strings of bytes."""

_UNSIGNED_INTEGER = 2
_UTF8_STRING = 4
_OCTET_STRING = 5
_PUBLIC = 0x86
_KEYPAIR = 0x87
_WORD = 8


class Failing:
    """A `with` block in which what libcrypto refuses fails the system call with one result code."""

    def __init__(self, code: int) -> None:
        self._code = code

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        """Turn libcrypto's error into the result."""
        if isinstance(error, LibcryptoError):
            raise TeeError(self._code) from error


class Parameters:
    """An OSSL_PARAM array and what it points to; `pointer` is good as long as this object is."""

    def __init__(self, numbers: Numbers) -> None:
        self.pointer = ffi.new("OSSL_PARAM[]", len(numbers) + 1)
        self._held = []
        for index, (name, value) in enumerate(numbers.items()):
            kind, data = _encoded(value)
            key = ffi.new("char[]", name.encode("ascii"))
            # One more than the data: never a null pointer, and names end with a zero.
            buffer = ffi.new("unsigned char[]", len(data) + 1)
            ffi.memmove(buffer, data, len(data))
            self._held.append((key, buffer))
            entry = self.pointer[index]
            entry.key, entry.data_type, entry.data = key, kind, buffer
            entry.data_size, entry.return_size = len(data), ffi.cast("size_t", -1)


def _encoded(value: int | str | bytes) -> tuple[int, bytes]:
    if isinstance(value, int):
        return _UNSIGNED_INTEGER, value.to_bytes(max(size_of(value), _WORD), sys.byteorder)
    if isinstance(value, str):
        return _UTF8_STRING, value.encode("ascii")
    return _OCTET_STRING, value


class Key:
    """An EVP_PKEY: a public key, or with `private` a key pair, of libcrypto's key type `kind`.

    Raises:
        LibcryptoError: the numbers are no such key.
    """

    def __init__(self, kind: str, numbers: Numbers, *, private: bool) -> None:
        lib = library()
        context = _context(kind)
        made = ffi.new("EVP_PKEY **")
        parameters = Parameters(numbers)
        check(lib.EVP_PKEY_fromdata_init(context), "EVP_PKEY_fromdata_init")
        selection = _KEYPAIR if private else _PUBLIC
        done = lib.EVP_PKEY_fromdata(context, made, selection, parameters.pointer)
        check(done, f"a key of {kind}")
        self.pointer = ffi.gc(made[0], lib.EVP_PKEY_free)

    def sign(self, digest: bytes, how: Numbers) -> bytes:
        """Return the signature of a digest."""
        lib = library()
        context = self._started(lib.EVP_PKEY_sign_init_ex, how)
        return self._filled(lib.EVP_PKEY_sign, context, digest)

    def verify(self, digest: bytes, signature: bytes, how: Numbers) -> bool:
        """Tell whether a signature is of a digest."""
        lib = library()
        context = self._started(lib.EVP_PKEY_verify_init_ex, how)
        result = lib.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest))
        lib.ERR_clear_error()
        return bool(result == 1)

    def encrypt(self, plain: bytes, how: Numbers) -> bytes:
        """Return the ciphertext of a message."""
        lib = library()
        context = self._started(lib.EVP_PKEY_encrypt_init_ex, how)
        return self._filled(lib.EVP_PKEY_encrypt, context, plain)

    def decrypt(self, ciphertext: bytes, how: Numbers) -> bytes:
        """Return the message in a ciphertext."""
        lib = library()
        context = self._started(lib.EVP_PKEY_decrypt_init_ex, how)
        return self._filled(lib.EVP_PKEY_decrypt, context, ciphertext)

    def agree(self, peer: "Key") -> bytes:
        """Return the secret shared with the owner of a public key."""
        lib = library()
        context = self._started(lib.EVP_PKEY_derive_init_ex, {})
        check(lib.EVP_PKEY_derive_set_peer(context, peer.pointer), "the peer's key")
        return self._filled(lib.EVP_PKEY_derive, context)

    def number(self, name: str) -> int:
        """Return one of the key's numbers by libcrypto's name."""
        lib = library()
        found = ffi.new("BIGNUM **")
        check(lib.EVP_PKEY_get_bn_param(self.pointer, name.encode(), found), name)
        return from_bn(ffi.gc(found[0], lib.BN_clear_free))

    def _started(self, initialise: Any, how: Numbers) -> Any:  # noqa: ANN401 - cffi's have no types
        lib = library()
        made = lib.EVP_PKEY_CTX_new_from_pkey(ffi.NULL, self.pointer, ffi.NULL)
        if made == ffi.NULL:
            raise LibcryptoError(f"EVP_PKEY_CTX_new_from_pkey: {reason()}")
        context = ffi.gc(made, lib.EVP_PKEY_CTX_free)
        parameters = Parameters(how)
        check(initialise(context, parameters.pointer), f"an operation with {how}")
        return context

    def _filled(self, function: Any, context: Any, *data: bytes) -> bytes:  # noqa: ANN401 - as above
        """Call a function for the size of its output, then for the output."""
        size = ffi.new("size_t *")
        given = [argument for item in data for argument in (item, len(item))]
        check(function(context, ffi.NULL, size, *given), "the size of the result")
        out = ffi.new("unsigned char[]", max(size[0], 1))
        check(function(context, out, size, *given), "the result")
        return bytes(ffi.buffer(out, size[0]))


def generate(kind: str, how: Numbers) -> Key:
    """Return a new key pair.

    Raises:
        LibcryptoError: libcrypto does not make such keys.
    """
    lib = library()
    context = _context(kind)
    check(lib.EVP_PKEY_keygen_init(context), "EVP_PKEY_keygen_init")
    parameters = Parameters(how)
    check(lib.EVP_PKEY_CTX_set_params(context, parameters.pointer), f"keys with {how}")
    made = ffi.new("EVP_PKEY **")
    check(lib.EVP_PKEY_generate(context, made), "EVP_PKEY_generate")
    key = Key.__new__(Key)
    key.pointer = ffi.gc(made[0], lib.EVP_PKEY_free)
    return key


def _context(kind: str) -> Any:  # noqa: ANN401 - as above
    lib = library()
    context = lib.EVP_PKEY_CTX_new_from_name(ffi.NULL, kind.encode(), ffi.NULL)
    if context == ffi.NULL:
        raise LibcryptoError(f"libcrypto has no keys of {kind}: {reason()}")
    return ffi.gc(context, lib.EVP_PKEY_CTX_free)
