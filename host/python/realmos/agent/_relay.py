# SPDX-License-Identifier: BSD-3-Clause
"""The client's end of a relay: bytes between a realm and a broker, which it cannot read.

Neither end is trusted. One connection at a time is open for a realm; what waits for the broker is
bounded by the stream's credit, which is given back as the broker takes it, and what waits for the
realm stays in the socket.
"""

import socket
from collections.abc import Callable

from realmos_agent.protocol import Credit, Data, Dialled, Error, Hangup, Message, numbers

from realmos.agent._connection import Connection
from realmos.agent._operations import Operation

Connect = Callable[[], socket.socket]
"""Returns a connection to the broker; raises OSError."""


class RelayOperation(Operation):
    """One offer to relay, and the connection that comes of it.

    Args:
        connection: the session it belongs to.
        number: its id.
        connect: makes the connection to the broker.
        again: called when it is over, unless the realm refused it.
    """

    def __init__(
        self, connection: Connection, number: int, connect: Connect, again: Callable[[], None]
    ) -> None:
        super().__init__(connection, number, "relay to the broker")
        self._connect = connect
        self._again = again
        self._socket: socket.socket | None = None
        self._unsent = bytearray()

    @property
    def input_fd(self) -> int | None:
        """The broker's socket, while something read from it could be sent."""
        return self._socket.fileno() if self._socket is not None and self.room() else None

    def receive(self, message: Message) -> None:
        """Take a message; credit comes later than elsewhere, see `refresh`."""
        if isinstance(message, Dialled):
            self._dial()
        elif isinstance(message, Data):
            self._pass_on(message.data)
        elif isinstance(message, Error):
            super().receive(message)
            self.close()
        elif not isinstance(message, Credit):
            self.end(None)
            self.close()
            self._again()

    def refresh(self, *, input_ready: bool) -> None:
        """Send what the broker takes, and fetch what it says as far as there is credit."""
        self._flush()
        if self._socket is None or not input_ready:
            return
        try:
            data = self._socket.recv(self.room())
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.connection.send(Data(self.number, numbers.STREAM_IN, data))
        else:
            self._hang_up("")

    def close(self) -> None:
        """Close the broker's connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._unsent.clear()

    def _dial(self) -> None:
        try:
            self._socket = self._connect()
            self._socket.setblocking(False)
        except OSError as error:
            self._hang_up(f"no broker answers: {error.strerror or error}")

    def _pass_on(self, data: bytes) -> None:
        if self._socket is None:
            self._give(len(data))
            return
        self._unsent += data
        self._flush()

    def _flush(self) -> None:
        if self._socket is None or not self._unsent:
            return
        try:
            count = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            self._hang_up("")
            return
        del self._unsent[:count]
        self._give(count)

    def _give(self, count: int) -> None:
        if count and not self.over:
            self.connection.send(Credit(self.number, numbers.STREAM_OUT, count))

    def _hang_up(self, reason: str) -> None:
        self.close()
        self.connection.send(Hangup(self.number, reason))
