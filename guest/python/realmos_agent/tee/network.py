# SPDX-License-Identifier: BSD-3-Clause
"""The hub's end of connections: sockets of this machine, for who serves Trusted Applications."""

import contextlib
import errno
import select
import socket
import struct
import threading
import time
from collections import deque

from realmos_agent.tee import client_numbers, numbers, wire
from realmos_agent.tee.connections import PIECE_MS, WAITING_MAX
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.workers import Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECT_SECONDS = 60.0
"""How long a name's addresses may take, all together: well below the time that the core waits."""
_NAME_MAX = 1024
_NET = struct.Struct(client_numbers.NET_FORMAT)
_DONE = struct.Struct(client_numbers.NET_DONE_FORMAT)
_MOST = _NET.size + client_numbers.NET_BYTES_MAX
_PORT = struct.Struct("<H")
_BUFFER = struct.Struct("<i")
_FAMILIES = {
    numbers.SOCKET_IP_ANY: socket.AF_UNSPEC,
    numbers.SOCKET_IP_4: socket.AF_INET,
    numbers.SOCKET_IP_6: socket.AF_INET6,
}
_KINDS = {numbers.SOCKET_TCP: socket.SOCK_STREAM, numbers.SOCKET_UDP: socket.SOCK_DGRAM}
_BUFFERS = {
    numbers.SOCKET_TCP_SET_RECVBUF: socket.SO_RCVBUF,
    numbers.SOCKET_TCP_SET_SENDBUF: socket.SO_SNDBUF,
}
_EXHAUSTED = (errno.ENOMEM, errno.ENOBUFS, errno.EMFILE, errno.ENFILE)


class _Connection:
    """A socket that several threads may use, which is closed when it is ended and nobody does."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made
        self._lock = threading.Lock()
        self._users = 0
        self._ended = False

    @contextlib.contextmanager
    def used(self) -> "Iterator[socket.socket]":
        """Use it.

        Raises:
            TeeError: it is ended.
        """
        with self._lock:
            if self._ended:
                raise TeeError(numbers.ERROR_BAD_PARAMETERS)
            self._users += 1
        try:
            yield self._socket
        finally:
            with self._lock:
                self._users -= 1
                self._close()

    def end(self) -> None:
        """End it; who waits for it learns that first."""
        with self._lock:
            self._ended = True
            with contextlib.suppress(OSError):  # the peer was first
                self._socket.shutdown(socket.SHUT_RDWR)
            self._close()

    def _close(self) -> None:
        if self._ended and not self._users:
            self._socket.close()


class Network:
    """Makes connections for a core, and serves them.

    Args:
        wake: called, by any thread, when there is an answer.
    """

    def __init__(self, wake: "Callable[[], None]") -> None:
        self._wake = wake
        self._workers = Workers()
        self._lock = threading.Lock()
        self._running = 0
        self._last = 0
        self._sockets: dict[int, _Connection] = {}
        self._answers: deque[bytes] = deque()
        self._closed = False

    def ask(self, frame: wire.Frame) -> None:
        """Take a request; refuse it if there are too many at a time.

        Raises:
            WireError: it is none.
        """
        if frame.client or not _NET.size <= len(frame.body) <= _MOST:
            raise wire.WireError("what asks for a connection is cut short or too long")
        what, number, *_ = _NET.unpack_from(frame.body)
        if what == client_numbers.NET_CLOSE:  # always, and at once: it makes room
            self._answer(frame, self._close(number))
            return
        with self._lock:
            begins = self._running < WAITING_MAX
            self._running += begins
        if begins and self._workers.run(lambda: self._serve(frame)):
            return
        with self._lock:
            self._running -= begins
        self._answer(frame, numbers.ISOCKET_ERROR_OUT_OF_RESOURCES)

    def take_answers(self) -> list[bytes]:
        """Return the frames that are for the core."""
        found = []
        while self._answers:
            found.append(self._answers.popleft())
        return found

    def close(self) -> None:
        """Disconnect all."""
        self._workers.end()
        with self._lock:
            self._closed = True
            sockets = list(self._sockets.values())
            self._sockets.clear()
        for each in sockets:
            each.end()

    def _serve(self, frame: wire.Frame) -> None:
        result, value, data = numbers.SUCCESS, 0, b""
        try:
            value, data = self._do(frame.body)
        except TeeError as error:
            result = error.code
        except OSError:
            result = numbers.ERROR_BAD_PARAMETERS  # as tee-supplicant has it
        with self._lock:
            self._running -= 1  # before the core can ask for more
        self._answer(frame, result, value, data)

    def _answer(self, frame: wire.Frame, result: int, value: int = 0, data: bytes = b"") -> None:
        body = _DONE.pack(result, value) + data
        answer = wire.Frame(client_numbers.KIND_NET_DONE, 0, frame.request, body)
        self._answers.append(answer.to_bytes())
        self._wake()

    def _do(self, body: bytes) -> tuple[int, bytes]:
        """Do what is asked for.

        Raises:
            TeeError: it makes no sense, or cannot be done.
            OSError: the socket is of no use.
        """
        what, number, a, b, c = _NET.unpack_from(body)
        data = body[_NET.size :]
        if what == client_numbers.NET_OPEN:
            return self._open(a, b, c, data), b""
        with self._lock:
            connection = self._sockets.get(number)
        if connection is None:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        with connection.used() as found:
            if what == client_numbers.NET_SEND:
                _wait(found, select.POLLOUT, a)
                return _send(found, data), b""
            if what == client_numbers.NET_RECEIVE:
                _wait(found, select.POLLIN, a)
                return 0, _receive(found, min(b, client_numbers.NET_BYTES_MAX))
            if what == client_numbers.NET_CONTROL:
                _control(found, a, data)
                return 0, b""
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)

    def _close(self, number: int) -> int:
        with self._lock:
            found = self._sockets.pop(number, None)
        if found is None:
            return numbers.ERROR_BAD_PARAMETERS
        found.end()
        return numbers.SUCCESS

    def _open(self, version: int, port: int, protocol: int, name: bytes) -> int:
        if version not in _FAMILIES or protocol not in _KINDS or port > 0xFFFF:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        made = _connect(name, port, _FAMILIES[version], _KINDS[protocol])
        with self._lock:
            if self._closed or len(self._sockets) >= client_numbers.NET_SOCKETS_MAX:
                made.close()
                raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
            self._last += 1
            self._sockets[self._last] = _Connection(made)
            return self._last


def _addresses(
    name: bytes, port: int, family: int, kind: int
) -> "list[tuple[int, int, int, tuple[str | int | bytes, ...]]]":
    """Look a name up.

    Raises:
        TeeError: it is no name, or nobody has it.
    """
    text, end, _ = name.partition(b"\0")
    try:
        if not end or not text or len(text) > _NAME_MAX:
            raise ValueError("no name")  # noqa: TRY301 -- one refusal
        found = socket.getaddrinfo(text.decode("ascii"), port, family, kind)
    except (OSError, ValueError) as error:
        raise TeeError(numbers.ISOCKET_ERROR_HOSTNAME) from error
    return [(family, kind, number, address) for family, kind, number, _, address in found]


def _connect(name: bytes, port: int, family: int, kind: int) -> socket.socket:
    """Connect to the first address that answers: each has its part of the time that is left.

    Raises:
        TeeError: none does in time.
    """
    result, end = numbers.ERROR_COMMUNICATION, time.monotonic() + CONNECT_SECONDS
    found = _addresses(name, port, family, kind)
    for tried, (its_family, its_kind, protocol, address) in enumerate(found):
        left = (end - time.monotonic()) / (len(found) - tried)
        if left <= 0:
            raise TeeError(numbers.ISOCKET_ERROR_TIMEOUT)
        try:
            made = socket.socket(its_family, its_kind, protocol)
        except OSError as error:
            exhausted = error.errno in _EXHAUSTED
            result = numbers.ISOCKET_ERROR_OUT_OF_RESOURCES if exhausted else numbers.ERROR_GENERIC
            continue
        try:
            made.settimeout(left)
            made.connect(address)
            made.setblocking(False)
        except OSError as error:
            made.close()
            late = isinstance(error, TimeoutError)
            result = numbers.ISOCKET_ERROR_TIMEOUT if late else numbers.ERROR_COMMUNICATION
            continue
        return made
    raise TeeError(result)


def _wait(connection: socket.socket, event: int, wait_ms: int) -> None:
    poll = select.poll()
    poll.register(connection, event)
    if not poll.poll(min(wait_ms, PIECE_MS)):
        raise TeeError(numbers.ISOCKET_ERROR_TIMEOUT)


def _send(connection: socket.socket, data: bytes) -> int:
    try:
        return connection.send(data)
    except BlockingIOError as error:
        raise TeeError(numbers.ISOCKET_ERROR_TIMEOUT) from error


def _receive(connection: socket.socket, size: int) -> bytes:
    try:
        return connection.recv(size)
    except BlockingIOError as error:
        raise TeeError(numbers.ISOCKET_ERROR_TIMEOUT) from error


def _control(connection: socket.socket, command: int, data: bytes) -> None:
    """Set a buffer's size of TCP, or where UDP goes to.

    Raises:
        TeeError: this kind of socket has no such command, or the buffer makes no sense.
    """
    stream = connection.type == socket.SOCK_STREAM
    if stream and command in _BUFFERS and len(data) == _BUFFER.size:
        connection.setsockopt(socket.SOL_SOCKET, _BUFFERS[command], *_BUFFER.unpack(data))
        return
    address, port = connection.getpeername()[:2]
    if not stream and command == numbers.SOCKET_UDP_CHANGEPORT and len(data) == _PORT.size:
        (port,) = _PORT.unpack(data)
    elif not stream and command == numbers.SOCKET_UDP_CHANGEADDR:
        found = _addresses(data, port, connection.family, socket.SOCK_DGRAM)
        address = found[0][3][0]
    else:
        raise TeeError(numbers.ERROR_NOT_SUPPORTED)
    connection.connect((address, port))
