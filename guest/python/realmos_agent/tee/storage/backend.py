# SPDX-License-Identifier: BSD-3-Clause
"""Where blobs are: the interface to whoever holds them, and a directory of files that does."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Backend(Protocol):
        """Named blobs; names are of a-z and 0-9. Any method may raise OSError."""

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

_TEMPORARY = ".new"


class DirectoryBackend:
    """A file for each blob; made durable by fsync and atomic by rename. One at a time on a path.

    Args:
        path: the directory; made, for its owner only, if it is not there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        os.makedirs(path, mode=0o700, exist_ok=True)
        for name in os.listdir(path):
            if name.endswith(_TEMPORARY):  # the power went
                os.unlink(os.path.join(path, name))

    def _file(self, name: str) -> str:
        if not (name.isascii() and name.isalnum() and name == name.lower()):
            raise ValueError(f"no name of a blob: {name!r}")
        return os.path.join(self._path, name)

    def get(self, name: str) -> bytes | None:
        """Return a blob, None if there is none."""
        try:
            with open(self._file(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def put(self, name: str, blob: bytes) -> None:
        """Make or replace a blob."""
        target = self._file(name)
        temporary = target + _TEMPORARY
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(temporary, flags, 0o600)
        try:
            left = memoryview(blob)
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, target)
        self._sync()

    def delete(self, name: str) -> None:
        """Forget a blob, if there is one."""
        try:
            os.unlink(self._file(name))
        except FileNotFoundError:
            pass

    def names(self) -> list[str]:
        """Return the names of all blobs."""
        return sorted(name for name in os.listdir(self._path) if name.isalnum())

    def _sync(self) -> None:
        fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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
