# SPDX-License-Identifier: BSD-3-Clause
"""Files that a command line names: errors say which, and what can be known to fail fails early."""

import os
from pathlib import Path

from realmos.errors import ConfigError


def read_input(path: Path, what: str, *, limit: int, hint: str) -> bytes:
    """Return a file's content.

    Args:
        path: the file; it may be a pipe.
        what: what it is to be, for messages.
        limit: bytes that are read at most. There may be more, so what is too large stays that.
        hint: what to do when it is not there.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise ConfigError(
            f"the {what} {path} cannot be read: {error.strerror}", hint=hint
        ) from error


def check_output(option: str, path: Path | None) -> None:
    """Refuse, before any work is done, a file that could not be written after it.

    Raises:
        ConfigError: it is a directory, is in none, or is not to be written.
    """
    reason = "" if path is None else _why_not_writable(path)
    if reason:
        raise ConfigError(
            f"{option}: {path} {reason}", hint=f"give {option} a file in a directory of yours"
        )


def write_output(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; what is no file (a pipe, a device) just gets the bytes.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path.resolve(), data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# Nothing is opened: what is given may be a pipe.
def _why_not_writable(path: Path) -> str:
    if path.is_dir():
        return "is a directory"
    if not path.parent.is_dir():
        return f"cannot be written: there is no directory {path.parent}"
    if path.exists() and not path.is_file():
        return "" if os.access(path, os.W_OK) else "cannot be written"
    return "" if os.access(path.parent, os.W_OK | os.X_OK) else "cannot be written"
