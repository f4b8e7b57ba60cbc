# SPDX-License-Identifier: BSD-3-Clause
"""A hash of a file that is mostly holes, for the cost of what is written in it."""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

_WINDOW = 1 << 16
_ZEROS = bytes(_WINDOW)


def sparse_sha256(path: Path) -> str:
    """Return a hash of a file's size and bytes, in hex; it is not the file's plain SHA-256.

    Only windows with a byte that is not zero are hashed, each with its offset. So holes cost
    nothing, and a copy in which they are filled with zeros has the same hash.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        total = hashlib.sha256(size.to_bytes(8, "little"))
        for start in _windows(file.fileno(), size):
            window = os.pread(file.fileno(), _WINDOW, start)
            if window != _ZEROS[: len(window)]:
                total.update(start.to_bytes(8, "little"))
                total.update(window)
    return total.hexdigest()


def _windows(file: int, size: int) -> Iterator[int]:
    """Yield the offset of each window that has data in it, each once, ascending."""
    start = 0
    while start < size:
        try:
            data = os.lseek(file, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        start = data - data % _WINDOW
        end = os.lseek(file, data, os.SEEK_HOLE)
        while start < end:
            yield start
            start += _WINDOW
