# SPDX-License-Identifier: BSD-3-Clause
"""OpenSSL's libcrypto through cffi: what cryptography withholds, or cannot copy in mid-stream.

It is the library that cryptography itself uses in a realm. It is loaded at the first use, and every
failure comes out as a LibcryptoError with the library's own words.
"""

from functools import cache
from typing import Any

from realmos_agent.tee.crypto._libcrypto_abi import ffi

__all__ = ["LibcryptoError", "check", "ffi", "library", "reason"]

_NAMES = ("libcrypto.so.3", "libcrypto.so.4")
_REASON_SIZE = 256


class LibcryptoError(Exception):
    """Libcrypto is not there, or refused what it was asked; the text says which, and why."""


@cache
def library() -> Any:  # noqa: ANN401 - cffi's library objects have no types
    """Return the library, loaded.

    Raises:
        LibcryptoError: the machine has no libcrypto of OpenSSL 3 or later.
    """
    faults = []
    for name in _NAMES:
        try:
            return ffi.dlopen(name)
        except OSError as error:
            faults.append(str(error))
    raise LibcryptoError(f"OpenSSL's libcrypto cannot be loaded: {'; '.join(faults)}")


def reason() -> str:
    """Return what the library says of its last failure, and clear it."""
    lib = library()
    number = lib.ERR_get_error()
    lib.ERR_clear_error()
    if not number:
        return "no reason given"
    text = ffi.new("char[]", _REASON_SIZE)
    lib.ERR_error_string_n(number, text, _REASON_SIZE)
    said: bytes = ffi.string(text)
    return said.decode("ascii", "replace")


def check(result: int, what: str) -> None:
    """Raise the library's reason unless a call returned 1.

    Raises:
        LibcryptoError: it did not.
    """
    if result != 1:
        raise LibcryptoError(f"{what}: {reason()}")
