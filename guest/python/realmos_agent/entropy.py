# SPDX-License-Identifier: BSD-3-Clause
"""Renewal of the kernel's random numbers, for a realm that was restored from a snapshot."""

import fcntl
import os
import struct

# Linux, include/uapi/linux/random.h: _IOW('R', 3, int[2]) and _IO('R', 7).
_RNDADDENTROPY = 0x40085203
_RNDRESEEDCRNG = 0x5207


def reseed(data: bytes) -> None:
    """Mix `data` into the kernel's pool and make its generator start over from it.

    Mixing never makes the pool easier to guess, so the peer need not be trusted; what it adds is
    that two copies of one realm differ.

    Raises:
        OSError: the agent may not do this.
    """
    fd = os.open("/dev/urandom", os.O_WRONLY)
    try:
        fcntl.ioctl(fd, _RNDADDENTROPY, struct.pack("ii", 8 * len(data), len(data)) + data)
        fcntl.ioctl(fd, _RNDRESEEDCRNG)
    finally:
        os.close(fd)
