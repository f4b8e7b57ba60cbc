# SPDX-License-Identifier: BSD-3-Clause
"""A non-blocking socket that frames travel on: one at a time in, a queue of them out."""

import socket
from collections import deque

from realmos_agent.tee import wire

SMALL = 1 << 18
"""Frames of this size and less are taken at once, whatever else is held."""


class StreamError(Exception):
    """The peer is of no use any more; says why."""


class Stream:
    """One end of the tee wire.

    Args:
        connection: the socket; becomes non-blocking, and this object's to close.
        kinds: kinds of frames that may come.

    Attributes:
        queued: bytes that wait to be sent.
    """

    def __init__(self, connection: socket.socket, kinds: frozenset[int]) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.queued = 0
        self._framer = wire.Framer(kinds)
        self._held = 0
        self._queue: deque[memoryview] = deque()

    @property
    def incoming(self) -> int:
        """The size of the frame that is coming in, as far as it is known."""
        return 0 if self._framer.idle else self._held + self._framer.missing

    def receive(self) -> wire.Frame | None:
        """Take what is there of one frame, never more; return the frame when it is whole.

        Of a frame that is not small only one piece is taken, for the caller to look at `incoming`.

        Raises:
            StreamError: the peer is gone, or what it sends is no frame.
        """
        try:
            while True:
                data = self.socket.recv(min(self._framer.missing, SMALL))
                if not data:
                    raise StreamError("it was closed")
                self._framer.feed(data)
                self._held += len(data)
                if (frame := self._framer.next_frame()) is not None:
                    self._held = 0
                    return frame
                if self.incoming > SMALL:
                    return None
        except BlockingIOError:
            return None
        except OSError as error:
            raise StreamError(f"the connection broke off: {error.strerror}") from error
        except wire.WireError as error:
            raise StreamError(str(error)) from error

    def queue(self, data: bytes) -> None:
        """Send these bytes when the peer takes them."""
        self._queue.append(memoryview(data))
        self.queued += len(data)

    def flush(self) -> None:
        """Send what the peer takes now.

        Raises:
            StreamError: the peer is gone.
        """
        sent = 0
        try:
            while self._queue:
                count = self.socket.send(self._queue[0])
                sent += count
                if count < len(self._queue[0]):
                    self._queue[0] = self._queue[0][count:]
                else:
                    self._queue.popleft()
        except BlockingIOError:
            pass
        except OSError as error:
            raise StreamError(f"the connection broke off: {error.strerror}") from error
        finally:
            self.queued -= sent
