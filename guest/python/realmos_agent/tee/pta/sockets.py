# SPDX-License-Identifier: BSD-3-Clause
"""The socket pseudo TA, behind GlobalPlatform's TEE Sockets API."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from realmos_agent.tee import client_numbers, numbers
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.connections import PIECE_MS, Connections
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.params import Params, param_types
from realmos_agent.tee.pta.caller import calling_ta
from realmos_agent.tee.session import INFINITE

_VALUE_IN = numbers.PARAM_TYPE_VALUE_INPUT
_VALUE_OUT = numbers.PARAM_TYPE_VALUE_OUTPUT
_MEMREF_IN = numbers.PARAM_TYPE_MEMREF_INPUT
_MEMREF_OUT = numbers.PARAM_TYPE_MEMREF_OUTPUT
_MEMREF_INOUT = numbers.PARAM_TYPE_MEMREF_INOUT

SHARE = 16
"""Sockets of one TA, all its instances together."""

T = TypeVar("T")


class _Opened:
    """The sockets of one session.

    Attributes:
        owner: the TA whose session it is.
    """

    def __init__(self, owner: UUID) -> None:
        self.owner = owner
        self._lock = threading.Lock()
        self._sockets: set[int] = set()

    def add(self, socket: int) -> None:
        with self._lock:
            self._sockets.add(socket)

    def check(self, socket: int) -> int:
        """Return the socket, if it is the session's.

        Raises:
            TeeError: it is not.
        """
        with self._lock:
            if socket not in self._sockets:
                raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        return socket

    def remove(self, socket: int) -> None:
        """Forget a socket.

        Raises:
            TeeError: it is not the session's.
        """
        with self._lock:
            if socket not in self._sockets:
                raise TeeError(numbers.ERROR_BAD_PARAMETERS)
            self._sockets.remove(socket)

    def all(self) -> list[int]:
        with self._lock:
            return sorted(self._sockets)


class SocketPta:
    """The pseudo TA. Its clients are TAs only, each with sockets of its own.

    Args:
        connections: what makes them.
    """

    uuid = UUID("3b996a7d-2c2b-4a49-a896-e1fb5766d2f4")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._lock = threading.Lock()
        self._held: Counter[UUID] = Counter()
        self._commands: dict[int, tuple[int, Callable[[Chain, _Opened, Params], None]]] = {
            numbers.SOCKET_PTA_OPEN: (
                param_types(_VALUE_IN, _MEMREF_IN, _VALUE_IN, _VALUE_OUT), self._open,
            ),
            numbers.SOCKET_PTA_CLOSE: (param_types(_VALUE_IN), self._close),
            numbers.SOCKET_PTA_SEND: (param_types(_VALUE_IN, _MEMREF_IN, _VALUE_OUT), self._send),
            numbers.SOCKET_PTA_RECV: (param_types(_VALUE_IN, _MEMREF_OUT), self._receive),
            numbers.SOCKET_PTA_IOCTL: (param_types(_VALUE_IN, _MEMREF_INOUT), self._control),
        }  # fmt: skip

    def open(self, chain: Chain, params: Params) -> object:
        """Open a session for a TA.

        Raises:
            TeeError: it is not a TA that asks.
        """
        del params
        return _Opened(calling_ta(chain).uuid)

    def invoke(self, chain: Chain, context: object, command: int, params: Params) -> None:
        """Do what a command says.

        Raises:
            TeeError: it is no command, has other parameters, or fails.
        """
        assert isinstance(context, _Opened)
        if command not in self._commands:
            raise TeeError(numbers.ERROR_NOT_IMPLEMENTED)
        types, run = self._commands[command]
        if params.types != types:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        run(chain, context, params)

    def close(self, context: object) -> None:
        """Close a session, and what it has left open."""
        assert isinstance(context, _Opened)
        for socket in context.all():
            self._forget(context, socket)

    def _open(self, chain: Chain, opened: _Opened, params: Params) -> None:
        del chain
        where, name, protocol = params.value(0), params.memref(1), params.value(2)
        text = bytes(name.view[: client_numbers.NET_BYTES_MAX])
        self._take(opened.owner)
        try:
            socket = self._connections.open(where.a, where.b, protocol.a, text)
        except BaseException:
            self._give_back(opened.owner)
            raise
        opened.add(socket)
        params.value(3).a = socket

    def _close(self, chain: Chain, opened: _Opened, params: Params) -> None:
        del chain
        self._forget(opened, params.value(0).a)

    def _forget(self, opened: _Opened, socket: int) -> None:
        opened.remove(socket)
        self._give_back(opened.owner)
        try:
            self._connections.close(socket)
        except TeeError:
            pass  # the hub has lost it before

    def _take(self, owner: UUID) -> None:
        with self._lock:
            if self._held[owner] >= SHARE:
                raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
            self._held[owner] += 1

    def _give_back(self, owner: UUID) -> None:
        with self._lock:
            self._held[owner] -= 1

    def _send(self, chain: Chain, opened: _Opened, params: Params) -> None:
        socket, wait_ms = opened.check(params.value(0).a), params.value(0).b
        data = bytes(params.memref(1).view[: client_numbers.NET_BYTES_MAX])
        params.value(2).a = _in_pieces(
            chain, wait_ms, lambda piece: self._connections.send(socket, data, piece)
        )

    def _receive(self, chain: Chain, opened: _Opened, params: Params) -> None:
        socket, wait_ms = opened.check(params.value(0).a), params.value(0).b
        room = params.memref(1)
        size = min(room.capacity, client_numbers.NET_BYTES_MAX)
        room.write(
            _in_pieces(chain, wait_ms, lambda piece: self._connections.receive(socket, size, piece))
        )

    def _control(self, chain: Chain, opened: _Opened, params: Params) -> None:
        del chain
        socket, command = opened.check(params.value(0).a), params.value(0).b
        data = bytes(params.memref(1).view[: client_numbers.NET_BYTES_MAX])
        self._connections.control(socket, command, data)


def _in_pieces(chain: Chain, wait_ms: int, attempt: Callable[[int], T]) -> T:
    """Try, and try again, until it succeeds or time is up.

    Raises:
        TeeError: it failed, or took too long.
        RunnerError: the TA has been ended meanwhile.
    """
    end = None if wait_ms == INFINITE else time.monotonic() + wait_ms / 1000
    while True:
        left = PIECE_MS if end is None else max(0, int((end - time.monotonic()) * 1000))
        try:
            return attempt(min(left, PIECE_MS))
        except TeeError as error:
            if error.code != numbers.ISOCKET_ERROR_TIMEOUT or left == 0:
                raise
        caller = chain.caller
        if caller is not None and caller.session.cancellation.wait(0):
            raise TeeError(numbers.ERROR_CANCEL)
