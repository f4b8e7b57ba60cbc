# SPDX-License-Identifier: BSD-3-Clause
"""The consoles of a machine: QEMU writes them into pipes, and a thread from there into logs.

A realm can print for as long as it runs, so a log is bounded: it keeps its beginning and its end,
and says what is missing between. Nothing is lost on the way there: a console that is faster than
the thread waits.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

LOG_HEAD = 1 << 20
LOG_TAIL = 2 << 20
LOG_LIMIT = 4 << 20
"""A log that would be longer is cut to its first LOG_HEAD and its last LOG_TAIL bytes."""
LINE_LIMIT = 1024
_PIPE_SIZE = 1 << 20
_PIECE = 1 << 16
_PIECES = 64
"""Read at once from one console at most: the others have their turn."""
_PERIOD = 0.02


class BoundedLog:
    """A log file of LOG_LIMIT bytes at most.

    Args:
        path: the file.
        append: go on where it ends, if there is one.
    """

    def __init__(self, path: Path, *, append: bool) -> None:
        self._file = path.open("r+b" if append and path.exists() else "w+b", buffering=0)
        self._size = self._file.seek(0, os.SEEK_END)
        self._body = LOG_HEAD
        self._left_out = 0

    def write(self, data: bytes) -> None:
        """Append up to LOG_HEAD bytes. A disk that is full costs lines, but not the machine."""
        with contextlib.suppress(OSError):
            if self._size + len(data) > LOG_LIMIT:
                self._cut()
            self._file.seek(self._size)
            self._size += self._file.write(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut(self) -> None:
        """Leave out what lies between the beginning and the end."""
        self._file.seek(self._size - LOG_TAIL)
        tail = self._file.read(LOG_TAIL)
        tail = tail[tail.find(b"\n") + 1 :]
        self._left_out += self._size - len(tail) - self._body
        note = (
            f"\n[realmos: {self._left_out} bytes are left out here; a console's log has at most "
            f"{LOG_LIMIT >> 20} MiB]\n"
        ).encode()
        self._file.truncate(LOG_HEAD)
        self._file.seek(LOG_HEAD)
        self._body = LOG_HEAD + len(note)
        self._size = LOG_HEAD + self._file.write(note + tail)


class Lines:
    """Cuts a stream of bytes into lines; one that is longer than LINE_LIMIT becomes several."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> list[str]:
        """Take bytes and return the lines that are whole now."""
        *whole, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > LINE_LIMIT:
            whole.append(self._partial)
            self._partial = b""
        return [
            raw[at : at + LINE_LIMIT].decode("utf-8", "replace").rstrip("\r")
            for raw in whole
            for at in range(0, max(len(raw), 1), LINE_LIMIT)
        ]


class Console:
    """One console: the named pipe that QEMU opens, and the log behind it.

    Args:
        pipe: made anew.
        log: what comes through it.
        append: go on where the log ends.
        on_data: called with what comes.
    """

    def __init__(
        self,
        pipe: Path,
        log: Path,
        *,
        append: bool = False,
        on_data: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe, 0o600)
        # With a writer of our own the pipe never ends, whether or not QEMU is there.
        self._fd = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # more than this user may have
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        self._log = BoundedLog(log, append=append)
        self._on_data = on_data

    def pump(self) -> None:
        """Move what has come into the log."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_PIECES):
                data = os.read(self._fd, _PIECE)
                self._log.write(data)
                self._on_data(data)

    def close(self) -> None:
        """Move what is left, and close both ends."""
        self.pump()
        os.close(self._fd)
        self._log.close()


class Consoles:
    """All consoles of a machine, followed by a thread; a context manager.

    Args:
        consoles: closed at the end.
    """

    def __init__(self, consoles: Sequence[Console]) -> None:
        self._consoles = consoles
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="consoles", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()
        for console in self._consoles:
            console.close()

    def pump(self) -> None:
        """Move all that has come until now into the logs."""
        with self._lock:
            for console in self._consoles:
                console.pump()

    def _follow(self) -> None:
        while not self._end.wait(_PERIOD):
            self.pump()
