# SPDX-License-Identifier: BSD-3-Clause
"""Connections of Trusted Applications over the tee wire (docs/tee-wire.md): the core's end.

GlobalPlatform's sockets are the hub's, which is on the untrusted side: what goes through one is as
public as on any network. A wait is asked for in pieces, so that it ends with who waits.
"""

import contextlib
import struct
import threading
from functools import partial

from realmos_agent.tee import client_numbers, numbers
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.workers import Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.questions import Questions

PIECE_MS = 500
"""The longest wait that the hub is asked for at once."""
WAITING_MAX = 2 * client_numbers.NET_SOCKETS_MAX
"""Requests at a time; what disconnects is not among them."""

_NET = struct.Struct(client_numbers.NET_FORMAT)
_DONE = struct.Struct(client_numbers.NET_DONE_FORMAT)


class Connections:
    """Connections that the hub makes. Each method may raise TeeError.

    Args:
        questions: to the hub.
    """

    def __init__(self, questions: "Questions") -> None:
        self._questions = questions
        self._room = threading.BoundedSemaphore(WAITING_MAX)
        self._workers = Workers()

    def open(self, version: int, port: int, protocol: int, name: bytes) -> int:
        """Connect; return the socket. One that comes too late is closed."""
        return self._ask(client_numbers.NET_OPEN, 0, (version, port, protocol), name)[0]

    def close(self, socket: int) -> None:
        """Disconnect."""
        self._ask(client_numbers.NET_CLOSE, socket)

    def send(self, socket: int, data: bytes, wait_ms: int) -> int:
        """Send what goes now, or in `wait_ms`; return how many bytes that were."""
        sent, _ = self._ask(client_numbers.NET_SEND, socket, (wait_ms, 0, 0), data)
        if sent > len(data):
            raise TeeError(numbers.ERROR_COMMUNICATION)
        return sent

    def receive(self, socket: int, size: int, wait_ms: int) -> bytes:
        """Return what is there now, or in `wait_ms`; nothing when the peer has closed."""
        _, data = self._ask(client_numbers.NET_RECEIVE, socket, (wait_ms, size, 0))
        if len(data) > size:
            raise TeeError(numbers.ERROR_COMMUNICATION)
        return data

    def control(self, socket: int, command: int, data: bytes) -> None:
        """Change something about a socket."""
        self._ask(client_numbers.NET_CONTROL, socket, (command, 0, 0), data)

    def _ask(
        self, what: int, socket: int, words: tuple[int, int, int] = (0, 0, 0), data: bytes = b""
    ) -> tuple[int, bytes]:
        """Ask the hub; return the value and the bytes of its answer.

        Raises:
            TeeError: it could not, or does not answer so that it makes sense.
        """
        body = _NET.pack(what, socket, *words) + data
        counted = what != client_numbers.NET_CLOSE
        if counted and not self._room.acquire(blocking=False):
            raise TeeError(numbers.ISOCKET_ERROR_OUT_OF_RESOURCES)
        late = partial(self._take_late, what) if counted else None
        answered = True
        try:
            answer = self._questions.ask(client_numbers.KIND_NET, body, late)
        except OSError as error:
            answered = not isinstance(error, TimeoutError)
            raise TeeError(numbers.ERROR_COMMUNICATION) from error
        finally:
            if counted and answered:  # else the hub is busy with it
                self._room.release()
        return _parsed(answer)

    def _take_late(self, what: int, answer: bytes) -> None:
        """Take the answer to what was given up."""
        self._room.release()
        with contextlib.suppress(TeeError):
            socket, _ = _parsed(answer)
            if what == client_numbers.NET_OPEN:
                self._workers.run_sometime(lambda: self._close_late(socket))

    def _close_late(self, socket: int) -> None:
        with contextlib.suppress(TeeError):
            self.close(socket)


def _parsed(answer: bytes) -> tuple[int, bytes]:
    """Return the value and the bytes of an answer.

    Raises:
        TeeError: it is an error, or makes no sense.
    """
    if not _DONE.size <= len(answer) <= _DONE.size + client_numbers.NET_BYTES_MAX:
        raise TeeError(numbers.ERROR_COMMUNICATION)
    result, value = _DONE.unpack_from(answer)
    if result != numbers.SUCCESS:
        raise TeeError(result)
    return value, answer[_DONE.size :]
