# SPDX-License-Identifier: BSD-3-Clause
"""The broker on a socket: a thread for each conversation, each with a bound on time and bytes."""

import contextlib
import itertools
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from realmos.broker._decide import Answer
from realmos.broker._exchange import Exchange
from realmos.errors import PeerError

PATIENCE: Final = 120.0
"""Seconds for a conversation: an emulated realm makes a key, a token and a handshake in them."""
CONNECTIONS_MAX: Final = 32
"""Conversations at once. One more ends the oldest that has not shown a certificate yet."""

_PIECE = 16 << 10
_TICK_S = 0.25
_FAREWELL_S = 2.0
_LAST_S = 0.001  # a time-out of 0 would mean not to wait at all


class Server:
    """Serves whoever connects.

    Args:
        listener: a listening socket; the caller closes it.
        answer: decides; called in several threads.
        complain: given a line about each conversation that came to nothing.
        patience: seconds for one conversation.
        connections: how many at once.
    """

    def __init__(
        self,
        listener: socket.socket,
        answer: Answer,
        *,
        complain: Callable[[str], None],
        patience: float = PATIENCE,
        connections: int = CONNECTIONS_MAX,
    ) -> None:
        self._listener = listener
        self._answer = answer
        self._complain = complain
        self._patience = patience
        self._max = connections
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()
        self._live: dict[int, _Conversation] = {}

    def serve(self, until: Callable[[], bool] = lambda: False) -> None:
        """Accept until `until` says so, or an exception (Ctrl-C) comes; then end what goes on."""
        self._listener.setblocking(False)
        try:
            while not until():
                if not select.select([self._listener], [], [], _TICK_S)[0]:
                    continue
                with contextlib.suppress(BlockingIOError, ConnectionError):  # gone again
                    connection, _ = self._listener.accept()
                    self._begin(connection)
        finally:
            self._end()

    def _begin(self, connection: socket.socket) -> None:
        number = next(self._numbers)
        conversation = _Conversation(connection, Exchange(self._answer), self._patience)
        with self._turn:
            unproven = [each for each in self._live.values() if not each.exchange.attested]
            if len(self._live) >= self._max and unproven:
                unproven[0].cut("somebody else wants to talk")
            full = len(self._live) >= 2 * self._max  # those that were cut take a moment to end
            if not full:
                self._live[number] = conversation
        if full:
            connection.close()
            return
        thread = threading.Thread(target=self._run, args=(number, conversation), daemon=True)
        conversation.thread = thread
        thread.start()

    def _run(self, number: int, conversation: "_Conversation") -> None:
        try:
            conversation.hold()
        except PeerError as error:
            self._complain(f"connection {number}: {error}")
        finally:
            conversation.close()
            with self._turn:
                del self._live[number]

    def _end(self) -> None:
        with self._turn:
            live = list(self._live.values())
        for each in live:
            each.cut("the broker ends")
        deadline = time.monotonic() + _FAREWELL_S
        for each in live:
            if each.thread is not None:
                each.thread.join(max(0.0, deadline - time.monotonic()))


class _Conversation:
    """An exchange on a socket."""

    def __init__(self, connection: socket.socket, exchange: Exchange, patience: float) -> None:
        self.exchange = exchange
        self.thread: threading.Thread | None = None
        self._socket = connection
        self._deadline = time.monotonic() + patience
        self._cut = ""

    def hold(self) -> None:
        """Talk to the end.

        Raises:
            PeerError: the peer breaks the protocol, goes away or takes too long.
        """
        spoke = False
        while not self.exchange.over:
            data = self._turn()
            if data:
                spoke = True
                self.exchange.feed(data)
            elif spoke and (self._cut or not self.exchange.answered):
                raise PeerError(self._cut or "it hung up before the end")
            else:
                return  # it has its answer, or only looked whether a broker is there

    def cut(self, why: str) -> None:
        """End it from another thread."""
        self._cut = why
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _turn(self) -> bytes:
        """Say what is to be said, and return what comes back; nothing when the peer is gone."""
        try:
            if output := self.exchange.take_output():
                self._set_timeout()
                self._socket.sendall(output)
            self._set_timeout()
            return self._socket.recv(_PIECE)
        except TimeoutError as error:
            raise PeerError("it took too long") from error
        except OSError:
            return b""

    def _set_timeout(self) -> None:
        self._socket.settimeout(max(self._deadline - time.monotonic(), _LAST_S))
