# SPDX-License-Identifier: BSD-3-Clause
"""Large numbers: between Python and libcrypto, and the arithmetic with secrets that it does.

What computes with a secret runs in libcrypto: Python's own numbers take times that tell of their
values. The one exception is RSA keys below 512 bits, which keep no secret anyway.
"""

import os
from typing import Any

from realmos_agent.tee.crypto.libcrypto import LibcryptoError, check, ffi, library, reason

__all__ = [
    "from_bn",
    "generate_prime",
    "mod_add_product",
    "mod_exp",
    "new_bn",
    "new_context",
    "random_below",
    "size_of",
    "to_bn",
]

_SLACK = 8
"""Bytes drawn beyond a range's size, so that no value is likelier than another to matter."""


def size_of(number: int) -> int:
    """Return how many bytes a number takes, 0 for zero."""
    return (number.bit_length() + 7) // 8


def to_bn(number: int) -> Any:  # noqa: ANN401 - cffi's pointers have no types
    """Return a BIGNUM, freed and cleared with the last reference to it."""
    lib = library()
    data = number.to_bytes(size_of(number), "big")
    made = lib.BN_bin2bn(data, len(data), ffi.NULL)
    if made == ffi.NULL:
        raise LibcryptoError(f"BN_bin2bn: {reason()}")
    return ffi.gc(made, lib.BN_clear_free)


def new_bn() -> Any:  # noqa: ANN401 - as to_bn
    """Return a BIGNUM that is zero."""
    return to_bn(0)


def from_bn(number: Any) -> int:  # noqa: ANN401 - as to_bn
    """Return a BIGNUM's value."""
    lib = library()
    size = (lib.BN_num_bits(number) + 7) // 8
    out = ffi.new("unsigned char[]", max(size, 1))
    if lib.BN_bn2binpad(number, out, size) != size:
        raise LibcryptoError(f"BN_bn2binpad: {reason()}")
    return int.from_bytes(ffi.buffer(out, size)[:], "big")


def new_context() -> Any:  # noqa: ANN401 - as to_bn
    """Return a BN_CTX, room for libcrypto to compute in."""
    lib = library()
    return ffi.gc(lib.BN_CTX_secure_new(), lib.BN_CTX_free)


def mod_exp(base: int, exponent: int, modulus: int) -> int:
    """Return base ** exponent mod modulus, which is odd and above 1, in constant time.

    Raises:
        LibcryptoError: there is no such thing.
    """
    if modulus < 3 or modulus % 2 == 0:
        raise LibcryptoError("the modulus is not an odd number above 1")
    result = new_bn()
    done = library().BN_mod_exp_mont_consttime(
        result, to_bn(base % modulus), to_bn(exponent), to_bn(modulus), new_context(), ffi.NULL
    )
    check(done, "BN_mod_exp_mont_consttime")
    return from_bn(result)


def mod_add_product(number: int, left: int, right: int, modulus: int) -> int:
    """Return number + left * right, modulo modulus."""
    lib, result, of, context = library(), new_bn(), to_bn(modulus), new_context()
    done = lib.BN_mod_mul(result, to_bn(left), to_bn(right), of, context)
    check(done, "BN_mod_mul")
    check(lib.BN_mod_add(result, result, to_bn(number), of, context), "BN_mod_add")
    return from_bn(result)


def random_below(limit: int) -> int:
    """Return a random number from 1 to limit - 1.

    Raises:
        LibcryptoError: there is none.
    """
    if limit < 2:
        raise LibcryptoError(f"there is no number from 1 to {limit - 1}")
    drawn = int.from_bytes(os.urandom(size_of(limit) + _SLACK), "big")
    return drawn % (limit - 1) + 1


def generate_prime(bits: int) -> int:
    """Return a random prime whose two highest bits are set."""
    prime = new_bn()
    done = library().BN_generate_prime_ex(prime, bits, 0, ffi.NULL, ffi.NULL, ffi.NULL)
    check(done, "BN_generate_prime_ex")
    return from_bn(prime)
