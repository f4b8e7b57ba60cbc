# SPDX-License-Identifier: BSD-3-Clause
"""Operations as the client sees them: something that receives messages until it is over."""

from realmos_agent.protocol import Credit, Data, Error, Message, numbers

from realmos.agent._connection import Connection
from realmos.errors import PeerRefusedError, RealmosError

# Credit is given back in few, large pieces.
_CREDIT_STEP = numbers.WINDOW // 4


class Operation:
    """Base of all operations.

    Args:
        connection: the session it belongs to.
        number: its id.
        what: what it does, for messages.
    """

    def __init__(self, connection: Connection, number: int, what: str) -> None:
        self.connection = connection
        self.number = number
        self.what = what
        self.over = False
        self.error: RealmosError | None = None
        self.answer: Message | None = None
        self._owed: dict[int, int] = {}

    @property
    def input_fd(self) -> int | None:
        """A descriptor that the operation waits for, if any."""
        return None

    def receive(self, message: Message) -> None:
        """Take a message of this operation."""
        if isinstance(message, Error):
            self.end(PeerRefusedError(f"{self.what}: {message.message}", code=message.code))
        elif isinstance(message, Data):
            self.on_data(message.stream, message.data)
            self._give_credit(message)
        elif not isinstance(message, Credit) and self.on_message(message):
            self.answer = message
            self.end(None)

    def refresh(self, *, input_ready: bool) -> None:
        """Send what can be sent now.

        Args:
            input_ready: `input_fd` has something to read.
        """

    def on_data(self, stream: int, data: bytes) -> None:
        """Take data of a stream."""

    def on_message(self, message: Message) -> bool:
        """Take any other message; return whether it is the last."""
        del message
        return True

    def end(self, error: RealmosError | None) -> None:
        """Note that the operation is over, with an error or without."""
        self.over = True
        self.error = error

    def room(self) -> int:
        """Return how many bytes may be sent on IN now."""
        if self.over or not self.connection.has_room:
            return 0
        credit = self.connection.session.credit(self.number, numbers.STREAM_IN)
        return min(credit, numbers.DATA_MAX)

    def _give_credit(self, message: Data) -> None:
        owed = self._owed.get(message.stream, 0) + len(message.data)
        if owed >= _CREDIT_STEP:
            self.connection.send(Credit(self.number, message.stream, owed))
            owed = 0
        self._owed[message.stream] = owed
