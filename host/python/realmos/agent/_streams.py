# SPDX-License-Identifier: BSD-3-Clause
"""Where a workload's output goes, and where its input comes from."""

import io
import os
from collections.abc import Callable
from typing import BinaryIO, Protocol, runtime_checkable

Sink = Callable[[bytes], object] | BinaryIO | None
"""A function, a binary file, or None to capture."""


@runtime_checkable
class Source(Protocol):
    """Where input comes from."""

    fd: int | None

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end."""


Input = Source | BinaryIO | bool | None
"""A source, a binary file, True for input that is written by hand, or nothing."""


class FileSource:
    """A file, read through its descriptor when it has one, so that waiting for it is possible."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        try:
            self.fd: int | None = file.fileno()
        except (OSError, io.UnsupportedOperation):
            self.fd = None

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end."""
        return self._file.read(size) if self.fd is None else os.read(self.fd, size)


def source_of(given: Input) -> Source | None:
    """Return the source that `given` stands for, or None when there is none."""
    if given is None or isinstance(given, bool):
        return None
    return given if isinstance(given, Source) else FileSource(given)


class Capture:
    """A sink that keeps the beginning of what it is given, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.truncated = False

    def __call__(self, data: bytes) -> None:
        room = self._limit - len(self._kept)
        self._kept += data[:room]
        self.truncated = self.truncated or len(data) > room

    @property
    def data(self) -> bytes:
        """What was kept."""
        return bytes(self._kept)


def deliver(sink: Callable[[bytes], object] | BinaryIO, data: bytes) -> None:
    """Give `data` to a sink at once: files are flushed, for they are being watched."""
    if callable(sink):
        sink(data)
        return
    sink.write(data)
    sink.flush()
