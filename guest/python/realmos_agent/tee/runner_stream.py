# SPDX-License-Identifier: BSD-3-Clause
"""The bytes between the core and a runner, for one thread at a time; any thread may end them."""

import contextlib
import select
import socket
import struct
import threading

from realmos_agent.tee import runner_numbers as numbers

_FRAME = struct.Struct(numbers.FRAME_FORMAT)
_JOINED_MAX = 1 << 16  # what is worth a copy for the sake of one system call less
_AHEAD = 4096  # more than most frames have, so that one system call takes all of such a frame
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
        self._held = b""
        self._taken = b""

    def limit(self, seconds: float | None) -> None:
        """Have what follows fail with TimeoutError if it takes longer."""
        with self._using:
            self._socket.settimeout(seconds)

    def is_open(self) -> bool:
        """Return whether the runner has not ended the connection."""
        end = select.poll()
        end.register(self._socket, 0)  # that it has ended is told unasked
        return not end.poll(0)

    def send(self, kind: int, head: bytes, data: bytes = b"", *, hold: bool = False) -> None:
        """Send a frame, or hold it back, if it is small, until the next one is sent.

        The runner wakes for each that is sent, which costs more than most of them.
        """
        length = numbers.LENGTH_MIN + len(head) + len(data)
        first, self._held = self._held + _FRAME.pack(length, kind) + head, b""
        if len(data) <= _JOINED_MAX:
            first, data = first + data, b""
        if hold and not data and len(first) <= _JOINED_MAX:
            self._held = first
            return
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
        taken = self._taken
        if len(taken) >= size:
            self._taken = taken[size:]
            return taken[:size]
        parts, missing, self._taken = [taken], size - len(taken), b""
        while missing > 0:
            with self._using:
                part = self._receive(missing)
            if not part:
                raise EOFError
            parts.append(part[:missing])
            self._taken = part[missing:]
            missing -= len(part)
        return b"".join(parts)

    def _receive(self, missing: int) -> bytes:
        if missing < _AHEAD:
            return self._socket.recv(_AHEAD, 0)
        return self._socket.recv(missing, socket.MSG_WAITALL)

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
