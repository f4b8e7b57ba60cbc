# SPDX-License-Identifier: BSD-3-Clause
"""The hub's end of connections: sockets of this machine, for who serves Trusted Applications."""

import errno
import select
import socket
import struct
import threading
from collections import deque

from realmos_agent.tee import client_numbers, numbers, wire
from realmos_agent.tee.connections import PIECE_MS, WAITING_MAX
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.workers import Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_SECONDS = 60.0
_NAME_MAX = 1024
_NET = struct.Struct(client_numbers.NET_FORMAT)
_DONE = struct.Struct(client_numbers.NET_DONE_FORMAT)
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
        self._sockets: dict[int, socket.socket] = {}
        self._answers: deque[bytes] = deque()
        self._closed = False

    def ask(self, frame: wire.Frame) -> None:
        """Take a request.

        Raises:
            WireError: there are too many, or it is none.
        """
        if frame.client or not _NET.size <= len(frame.body) <= _NET.size + _most():
            raise wire.WireError("what asks for a connection is cut short or too long")
        with self._lock:
            if self._running >= WAITING_MAX:
                raise wire.WireError("it asks for more connections at a time than there can be")
            self._running += 1
        self._workers.run(lambda: self._serve(frame))

    def take_answers(self) -> list[bytes]:
        """Return the frames that are for the core."""
        found = []
        while self._answers:
            found.append(self._answers.popleft())
        return found

    def close(self) -> None:
        """Disconnect all."""
        with self._lock:
            self._closed = True
            sockets = list(self._sockets.values())
            self._sockets.clear()
        for each in sockets:
            _disconnect(each)

    def _serve(self, frame: wire.Frame) -> None:
        result, value, data = numbers.SUCCESS, 0, b""
        try:
            value, data = self._do(frame.body)
        except TeeError as error:
            result = error.code
        except OSError:
            result = numbers.ERROR_BAD_PARAMETERS  # as tee-supplicant has it
        body = _DONE.pack(result, value) + data
        answer = wire.Frame(client_numbers.KIND_NET_DONE, 0, frame.request, body)
        self._answers.append(answer.to_bytes())
        with self._lock:
            self._running -= 1
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
            found = self._sockets.get(number)
            if what == client_numbers.NET_CLOSE:
                self._sockets.pop(number, None)
        if found is None:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if what == client_numbers.NET_CLOSE:
            _disconnect(found)
            return 0, b""
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

    def _open(self, version: int, port: int, protocol: int, name: bytes) -> int:
        if version not in _FAMILIES or protocol not in _KINDS or port > 0xFFFF:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        made = _connect(name, port, _FAMILIES[version], _KINDS[protocol])
        with self._lock:
            if self._closed or len(self._sockets) >= client_numbers.NET_SOCKETS_MAX:
                made.close()
                raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
            self._last += 1
            self._sockets[self._last] = made
            return self._last


def _most() -> int:
    return client_numbers.NET_BYTES_MAX


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
    """Connect to the first address that answers.

    Raises:
        TeeError: none does.
    """
    result = numbers.ERROR_COMMUNICATION
    for its_family, its_kind, protocol, address in _addresses(name, port, family, kind):
        try:
            made = socket.socket(its_family, its_kind, protocol)
        except OSError as error:
            exhausted = error.errno in _EXHAUSTED
            result = numbers.ISOCKET_ERROR_OUT_OF_RESOURCES if exhausted else numbers.ERROR_GENERIC
            continue
        try:
            made.settimeout(CONNECT_SECONDS)
            made.connect(address)
            made.setblocking(False)
        except OSError as error:
            made.close()
            late = isinstance(error, TimeoutError)
            result = numbers.ISOCKET_ERROR_TIMEOUT if late else numbers.ERROR_COMMUNICATION
            continue
        return made
    raise TeeError(result)


def _disconnect(connection: socket.socket) -> None:
    """Close; who waits for it in another thread learns that first."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the peer was first
    connection.close()


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
