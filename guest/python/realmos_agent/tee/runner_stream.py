# SPDX-License-Identifier: BSD-3-Clause
"""The bytes between the core and a runner, for one thread at a time; any thread may end them."""

import contextlib
import socket
import struct
import threading

from realmos_agent.tee import runner_numbers as numbers

_FRAME = struct.Struct(numbers.FRAME_FORMAT)
_JOINED_MAX = 1 << 16  # what is worth a copy for the sake of one system call less
_WASTE = 1 << 16


class RunnerStream:
    """The core's end of a runner's socket.

    A descriptor that one thread closes while another is about to read it may be somebody else's by
    then, such as the next runner's. So `wake` only ends the connection, whatever waits for it, and
    `close` waits for who uses it.

    Args:
        end: the socket; it is the stream's from now on.

    Raises:
        OSError: in each method but the last two: the connection fails, or has been ended.
        EOFError: the runner has ended it.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._using = threading.Lock()

    def limit(self, seconds: float | None) -> None:
        """Have what follows fail with TimeoutError if it takes longer."""
        with self._using:
            self._socket.settimeout(seconds)

    def send(self, kind: int, head: bytes, data: bytes = b"") -> None:
        """Send a frame."""
        length = numbers.LENGTH_MIN + len(head) + len(data)
        first = _FRAME.pack(length, kind) + head
        if len(data) <= _JOINED_MAX:
            first, data = first + data, b""
        with self._using:
            self._socket.sendall(first)
            if data:
                self._socket.sendall(data)

    def next_frame(self) -> tuple[int, int]:
        """Return the kind of the next frame, and what it claims as its length."""
        length, kind = _FRAME.unpack(self.take(_FRAME.size))
        return kind, length

    def take(self, size: int) -> bytes:
        """Take the next bytes."""
        parts = []
        while size:
            with self._using:
                part = self._socket.recv(size, socket.MSG_WAITALL)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, size: int) -> None:
        """Take bytes and forget them."""
        while size:
            size -= len(self.take(min(size, _WASTE)))

    def wake(self) -> None:
        """End the connection: who waits for it in another thread learns that."""
        with contextlib.suppress(OSError):  # the other end has gone already, so nobody waits
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection, as soon as nobody uses it; `wake` comes first."""
        with self._using:
            self._socket.close()
