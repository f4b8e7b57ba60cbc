# SPDX-License-Identifier: BSD-3-Clause
"""The .ta files of the untrusted side, as the core reads them."""

import os
import stat
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

FILE_MAX: Final = 16 << 20
"""The largest TA, in bytes."""
_COARSE_NS: Final = 2_000_000_000
_FINE_NS: Final = 50_000_000
_FINE_STEP_NS: Final = 1_000_000
"""A change within the resolution of a file's times may leave them as they were. That is seconds on
some file systems, whose times tell it, and a tick of the kernel's clock, at most 10 ms, on all."""

Identity = tuple[int, ...]
"""What tells a file from what it was before."""


def is_settled(changed: int, now: int) -> bool:
    """Return whether a file that was changed at a time would tell if it were changed now."""
    return now - changed >= (_FINE_NS if changed % _FINE_STEP_NS else _COARSE_NS)


class Files:
    """Signed files in a directory, by the UUIDs that they are named by.

    Args:
        directory: where they are.
        log: takes a line on one that cannot be read.
        now: the time in nanoseconds.
    """

    def __init__(
        self, directory: str, log: Callable[[str], None], now: Callable[[], int] = time.time_ns
    ) -> None:
        self._directory = directory
        self._log = log
        self._now = now

    def identify(self, uuid: UUID) -> Identity | None:
        """Return the identity of a file, which differs whenever its content does.

        None if that cannot be said, because it is not there or has changed of late.
        """
        try:
            found = os.stat(self._path(uuid))
        except OSError:
            return None
        if not is_settled(found.st_ctime_ns, self._now()):
            return None
        times = found.st_mtime_ns, found.st_ctime_ns
        return found.st_dev, found.st_ino, found.st_size, *times

    def read(self, uuid: UUID) -> bytes | None:
        """Return a file's content; None if there is none."""
        path = self._path(uuid)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._log(f"{path}: {error.strerror}")
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_MAX:
                self._log(f"{path}: not a file of at most {FILE_MAX} bytes")
                return None
            with open(fd, "rb", closefd=False) as file:
                return file.read(FILE_MAX)
        finally:
            os.close(fd)

    def _path(self, uuid: UUID) -> str:
        return os.path.join(self._directory, f"{uuid}.ta")
