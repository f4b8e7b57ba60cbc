# SPDX-License-Identifier: BSD-3-Clause
"""The bytes between the core and a runner, for one thread at a time; any thread may end them."""

import contextlib
import select
import socket
import struct
import threading
import time

from realmos_agent.tee import runner_numbers as numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from realmos_agent.tee.parts import Body

_FRAME = struct.Struct(numbers.FRAME_FORMAT)
_JOINED_MAX = 1 << 12  # what is worth a copy to have one buffer less
_HELD_MAX = 1 << 20
_BUFFERS_MAX = 64
_LEAST_SECONDS = 0.001  # zero would mean: do not wait
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
        self._held: list[Body] = []
        self._held_size = 0
        self._taken = b""

    def limit(self, seconds: float | None) -> None:
        """Have what follows fail with TimeoutError if it takes longer."""
        with self._using:
            self._socket.settimeout(seconds)

    @property
    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def is_open(self) -> bool:
        """Return whether the runner has not ended the connection."""
        end = select.poll()
        end.register(self._socket, 0)  # that it has ended is told unasked
        return not end.poll(0)

    def send(
        self,
        kind: int,
        head: bytes,
        data: "Body" = b"",
        *,
        hold: bool = False,
        seconds: float | None = None,
    ) -> None:
        """Send a frame, or hold it back, if there is room for it, until the next one is sent.

        The runner wakes for each that is sent, which costs more than most of them.

        Args:
            kind: of the frame.
            head: its body.
            data: and what follows, which nobody changes until it is sent.
            hold: whether it may be held back.
            seconds: how long the runner may take to receive it; None for as long as it takes.
        """
        first = _FRAME.pack(numbers.LENGTH_MIN + len(head) + len(data), kind) + head
        if len(data) <= _JOINED_MAX:
            first, data = first + data, b""
        self._held += (first, data) if data else (first,)
        self._held_size += len(first) + len(data)
        if hold and self._held_size <= _HELD_MAX and len(self._held) < _BUFFERS_MAX:
            return
        buffers, self._held, self._held_size = self._held, [], 0
        if seconds is None:
            self._send_all(buffers)
            return
        with self._limited(seconds) as limit:
            self._send_all(buffers, limit)

    def _send_all(self, buffers: "list[Body]", limit: "Callable[[], None] | None" = None) -> None:
        while buffers:
            with self._using:
                if limit is not None:
                    limit()
                if len(buffers) == 1:
                    self._socket.sendall(buffers[0])
                    return
                sent = self._socket.sendmsg(buffers)
            buffers = _behind(buffers, sent)

    @contextlib.contextmanager
    def _limited(self, seconds: float) -> "Iterator[Callable[[], None]]":
        """Have all that follows fail with TimeoutError if it takes longer together.

        What this yields is called each time before the socket is used.
        """
        end = time.monotonic() + seconds

        def limit() -> None:
            self._socket.settimeout(max(end - time.monotonic(), _LEAST_SECONDS))

        try:
            yield limit
        finally:
            self.limit(None)

    def put_back(self, data: bytes) -> None:
        """Let bytes be taken that somebody else has received."""
        self._taken += data

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

    def take_large(self, size: int, seconds: float | None) -> memoryview:
        """Take many bytes, with no copy of them on the way.

        Args:
            size: how many.
            seconds: how long all of them may take to come; None for as long as it takes.

        Raises:
            TimeoutError: they did not.
        """
        memory = memoryview(bytearray(size))
        start, self._taken = self._taken[:size], self._taken[size:]
        memory[: len(start)] = start
        left = memory[len(start) :]
        if seconds is None:
            self._receive_all(left)
        else:
            with self._limited(seconds) as limit:
                self._receive_all(left, limit)
        return memory.toreadonly()

    def _receive_all(self, left: memoryview, limit: "Callable[[], None] | None" = None) -> None:
        while left:
            with self._using:
                if limit is not None:
                    limit()
                count = self._socket.recv_into(left, 0, socket.MSG_WAITALL)
            if not count:
                raise EOFError
            left = left[count:]

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


def _behind(buffers: "list[Body]", sent: int) -> "list[Body]":
    """Return what is left of buffers when so many bytes of them have been sent."""
    for index, buffer in enumerate(buffers):
        if sent < len(buffer):
            return [memoryview(buffer)[sent:], *buffers[index + 1 :]]
        sent -= len(buffer)
    return []
