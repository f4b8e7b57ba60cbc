# SPDX-License-Identifier: BSD-3-Clause
"""Files to and from the realm, as the client sees them."""

from collections.abc import Callable
from typing import BinaryIO

from realmos_agent.protocol import Data, Done, Eof, Message, Opened, numbers

from realmos.agent._connection import Connection
from realmos.agent._operations import Operation


class Upload(Operation):
    """Sends a file."""

    def __init__(self, connection: Connection, number: int, what: str, file: BinaryIO) -> None:
        super().__init__(connection, number, what)
        self._file = file
        self._sent_all = False
        self.progress = 0

    def refresh(self, *, input_ready: bool) -> None:
        """Send as far as there is credit."""
        del input_ready  # a file is always ready
        while not self._sent_all and (room := self.room()):
            data = self._file.read(room)
            if data:
                self.connection.send(Data(self.number, numbers.STREAM_IN, data))
                self.progress += len(data)
            else:
                self.connection.send(Eof(self.number, numbers.STREAM_IN))
                self._sent_all = True


class Download(Operation):
    """Receives a file."""

    def __init__(
        self, connection: Connection, number: int, what: str, write: Callable[[bytes], object]
    ) -> None:
        super().__init__(connection, number, what)
        self._write = write
        self.progress = 0
        self.mode = 0

    def on_data(self, stream: int, data: bytes) -> None:
        """Write a piece."""
        del stream
        self._write(data)
        self.progress += len(data)

    def on_message(self, message: Message) -> bool:
        """Note the file's mode, and the end."""
        if isinstance(message, Opened):
            self.mode = message.mode
        return isinstance(message, Done)
