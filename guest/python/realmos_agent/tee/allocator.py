# SPDX-License-Identifier: BSD-3-Clause
"""What the C library does with memory that was freed."""

from realmos_agent.tee.budget import limits

# mallopt, malloc.h of glibc
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGE = 32 << 20  # the most that glibc takes for M_MMAP_THRESHOLD


def keep_memory() -> None:
    """Use again what large buffers of a call have left, in the next call.

    By default each of them is mapped anew and unmapped: the kernel has to take, clear and give back
    every page of it, which costs several times what the bytes' way through the core does.
    """
    from realmos_agent.tee.crypto._libcrypto_abi import ffi

    mallopt = ffi.dlopen(None).mallopt
    for parameter, value in (
        (_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, limits().freed),
    ):  # fmt: skip
        mallopt(parameter, value)
