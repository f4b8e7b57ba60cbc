# SPDX-License-Identifier: BSD-3-Clause
"""The broker's files on disk: private, read with a limit, and replaced whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path

from realmos.errors import ConfigError


def make_folder(path: Path) -> None:
    """Make a directory that only the user can look into, if it is not there.

    Raises:
        ConfigError: it cannot be made, or others can look into it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}") from error
    _require_private(path, status, "700")


def read_private(path: Path, *, limit: int) -> bytes:
    """Return what is in a file that only the user can read.

    Raises:
        FileNotFoundError: there is none.
        ConfigError: it cannot be read, is open to others, or is larger than `limit` bytes.
    """
    try:
        # Without waiting, for a pipe in its place would never end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 # pathlib opens no descriptors
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{path} is not a file")
            _require_private(path, status, "600")
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise ConfigError(f"{path} is larger than {limit} bytes")
    return data


def write_private(path: Path, data: bytes) -> None:
    """Put `data` in place of a file's content; when this returns, it outlasts a power cut.

    Raises:
        ConfigError: it cannot be done; what was there before is there still.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 # pathlib opens no descriptors
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)  # noqa: PTH105 # as it came from tempfile
        except BaseException:
            os.unlink(name)  # noqa: PTH108 # as it came from tempfile
            raise
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}; what it held before is unchanged",
            hint=f"is the disk full, or {path.parent} read-only or another user's?",
        ) from error
    try:
        _sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(
            f"{path} was written, but may not outlast a power cut: {error.strerror}"
        ) from error


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_private(path: Path, status: os.stat_result, mode: str) -> None:
    if status.st_uid != os.geteuid():
        raise ConfigError(f"{path} belongs to another user", hint="use another --store")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigError(f"others can read {path}", hint=f"chmod {mode} {path}")
