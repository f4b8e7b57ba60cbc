# SPDX-License-Identifier: BSD-3-Clause
"""The two directions between a workload's descriptors and an operation's streams.

Both keep within bounds whatever the two ends do: output is read only as far as there is credit
for it and room towards the build machine; input never exceeds the window that the client has.
"""

import errno
import os

from realmos_agent.loop import READ, WRITE
from realmos_agent.protocol import Credit, Data, Eof, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.service import Service

# What a terminal takes for the end of input.
_END_OF_TRANSMISSION = b"\x04"


class OutputPipe:
    """Reads a workload's output and sends it on a stream.

    Args:
        service: the session to send in, and the loop.
        operation: the operation's id.
        stream: the stream's number.
        fd: where the output comes from; owned by this object.
        ended: called once, when the stream is over.
    """

    def __init__(
        self,
        service: "Service",
        operation: int,
        stream: int,
        fd: int,
        ended: "Callable[[], None]",
    ) -> None:
        self._service = service
        self._operation = operation
        self._stream = stream
        self._fd = fd
        self._ended = ended
        self._draining = False
        self.open = True
        os.set_blocking(fd, False)

    def drain(self) -> None:
        """Send what is there, and then end, even if somebody still holds the other end."""
        self._draining = True

    def refresh(self) -> None:
        """Watch the descriptor if, and only if, something read from it could be sent."""
        if self.open:
            events = READ if self._room() else 0
            self._service.loop.watch(self._fd, events, self._on_ready)
        while self._draining and self.open and self._room():
            self._on_ready()

    def close(self) -> None:
        """Close the descriptor without telling the client."""
        if self.open:
            self.open = False
            self._service.loop.forget(self._fd)
            os.close(self._fd)

    def _room(self) -> int:
        if self._service.congested:
            return 0
        credit = self._service.channel.credit(self._operation, self._stream)
        return min(credit, numbers.DATA_MAX)

    def _on_ready(self) -> None:
        room = self._room()
        if not room:
            return
        try:
            data = os.read(self._fd, room)
        except BlockingIOError:
            if not self._draining:
                return
            data = b""
        except OSError as error:
            if error.errno != errno.EIO:  # a terminal that nobody has open any more
                raise
            data = b""
        if data:
            self._service.send(Data(self._operation, self._stream, data))
            return
        self.close()
        self._service.send(Eof(self._operation, self._stream))
        self._ended()


class InputPipe:
    """Writes a stream from the client into a workload's input.

    Args:
        service: the session to give credit in, and the loop.
        operation: the operation's id; the stream is `IN`.
        fd: where the input goes; owned by this object.
        terminal: the descriptor is a terminal's, which has no end of file of its own.
    """

    def __init__(self, service: "Service", operation: int, fd: int, *, terminal: bool) -> None:
        self._service = service
        self._operation = operation
        self._fd = fd
        self._terminal = terminal
        self._queue: list[bytes] = []
        self._over = False
        self._open = True
        os.set_blocking(fd, False)

    def push(self, data: bytes) -> None:
        """Take data from the client; after the workload closed its input, drop it."""
        if not self._open:
            self._grant(len(data))
        elif data:
            self._queue.append(data)

    def end(self) -> None:
        """Take the end of the stream."""
        self._over = True
        if self._terminal:
            self._queue.append(_END_OF_TRANSMISSION)

    def refresh(self) -> None:
        """Watch the descriptor while there is something to write; close it at the end."""
        if not self._open:
            return
        if self._over and not self._queue and not self._terminal:
            self.close()
            return
        self._service.loop.watch(self._fd, WRITE if self._queue else 0, self._on_ready)

    def close(self) -> None:
        """Close the descriptor and drop what was not written."""
        if self._open:
            self._open = False
            self._service.loop.forget(self._fd)
            os.close(self._fd)
            self._queue.clear()

    def _on_ready(self) -> None:
        data = self._queue[0]
        try:
            count = os.write(self._fd, data)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            unwritten = sum(map(len, self._queue))
            self.close()
            self._grant(unwritten)
            return
        if count < len(data):
            self._queue[0] = data[count:]
        else:
            del self._queue[0]
        self._grant(count)

    def _grant(self, size: int) -> None:
        if size and not self._over:
            self._service.send(Credit(self._operation, numbers.STREAM_IN, size))
