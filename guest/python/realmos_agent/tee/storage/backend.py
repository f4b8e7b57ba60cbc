# SPDX-License-Identifier: BSD-3-Clause
"""Where blobs are: the interface to whoever holds them, and a directory of files that does."""

import errno
import os
import re
import stat

from realmos_agent.tee.storage.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Backend(Protocol):
        """Named blobs; see `NAME` and `BLOB_MAX`. Any method may raise OSError."""

        def get(self, name: str) -> bytes | None:
            """Return a blob, None if there is none."""

        def put(self, name: str, blob: bytes) -> None:
            """Make or replace a blob: all of it, durably, before this returns; or nothing."""

        def delete(self, name: str) -> None:
            """Forget a blob, if there is one."""

        def names(self) -> list[str]:
            """Return the names of all blobs."""

else:
    Backend = object

INDEX = "index"
NAME = re.compile(r"index|[0-9a-f]{32}")
"""What blobs are called."""
BLOB_MAX = (16 << 20) + (1 << 16)
"""The most bytes of one: those of the largest object, with its key and seal."""
DIRECTORY_MAX = 1 << 30
"""Bytes that a directory takes of its disk, whatever asks for it."""
_FILE_MIN = 4096  # that a file takes however small it is, so that their number has a bound
_TEMPORARY = ".new"
_OURS = re.compile(rf"(?:{NAME.pattern})\.new")


class DirectoryBackend:
    """A file for each blob; made durable by fsync and atomic by rename.

    Other files in the directory are left alone.

    Args:
        path: the directory; made, for its owner only, if it is not there. It is this object's
            alone until that ends.

    Raises:
        StoreError: it is no store, or another's.
        OSError: it cannot be made or looked at.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._directory = -1
        self._sizes: dict[str, int] = {}
        _make(path)
        self._directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._claim()
        except BaseException:
            self.close()
            raise

    def _claim(self) -> None:
        """Take the directory, if it is a store or empty, and clear up after a power cut."""
        import fcntl

        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{self._path} is in use: a store serves one TEE at a time") from None
        found = os.listdir(self._path)
        temporary = {name for name in found if _OURS.fullmatch(name)}
        if INDEX not in found and set(found) - temporary:
            raise StoreError(
                f"{self._path} is no store of objects, and not empty: name another directory"
            )
        for name in temporary:
            os.unlink(os.path.join(self._path, name))
        for name in self.names():
            self._sizes[name] = os.lstat(self._file(name)).st_size

    def close(self) -> None:
        """Let go of the directory."""
        fd, self._directory = self._directory, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        """Let go of it."""
        self.close()

    def _file(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(f"no name of a blob: {name!r}")
        return os.path.join(self._path, name)

    def get(self, name: str) -> bytes | None:
        """Return a blob, None if there is none."""
        path = self._file(name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size > BLOB_MAX:
                raise OSError(errno.EINVAL, f"{path} is not a file of at most {BLOB_MAX} bytes")
            return file.read(BLOB_MAX)

    def put(self, name: str, blob: bytes) -> None:
        """Make or replace a blob."""
        target = self._file(name)
        taken = sum(max(size, _FILE_MIN) for size in self._sizes.values())
        if taken + max(len(blob), _FILE_MIN) > DIRECTORY_MAX:
            raise OSError(errno.ENOSPC, f"{self._path} has as much as it may")
        temporary = target + _TEMPORARY
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(temporary, flags | os.O_NONBLOCK, 0o600)
        try:
            try:
                left = memoryview(blob)
                while left:
                    left = left[os.write(fd, left) :]
                os.fsync(fd)
            finally:
                os.close(fd)
            self._need_claim()
            os.rename(temporary, target)
        except OSError:
            if self._directory >= 0:
                os.unlink(temporary)  # or it would keep a full disk full
            raise
        self._sizes[name] = len(blob)
        os.fsync(self._directory)

    def _need_claim(self) -> None:
        if self._directory < 0:  # a disk can be so slow that nobody waits for it any more
            raise OSError(errno.EBADF, f"{self._path} may be another TEE's by now")

    def delete(self, name: str) -> None:
        """Forget a blob, if there is one."""
        self._need_claim()
        try:
            os.unlink(self._file(name))
        except FileNotFoundError:
            pass
        self._sizes.pop(name, None)

    def names(self) -> list[str]:
        """Return the names of all blobs."""
        return sorted(name for name in os.listdir(self._path) if NAME.fullmatch(name))


def _make(path: str) -> None:
    """Make a directory if it is not there, durably, or a power cut takes all that is in it."""
    parents = []
    missing = os.path.abspath(path)
    while not os.path.isdir(missing):
        missing = os.path.dirname(missing)
        parents.append(missing)
    os.makedirs(path, mode=0o700, exist_ok=True)
    for parent in reversed(parents):
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class MemoryBackend:
    """Blobs that end with the process."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """Return a blob, None if there is none."""
        return self._blobs.get(name)

    def put(self, name: str, blob: bytes) -> None:
        """Make or replace a blob."""
        self._blobs[name] = blob

    def delete(self, name: str) -> None:
        """Forget a blob, if there is one."""
        self._blobs.pop(name, None)

    def names(self) -> list[str]:
        """Return the names of all blobs."""
        return sorted(self._blobs)
