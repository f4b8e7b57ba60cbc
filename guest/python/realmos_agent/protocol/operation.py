# SPDX-License-Identifier: BSD-3-Clause
"""One operation of a session: its phase, and the credit of its streams."""

from realmos_agent.protocol import numbers
from realmos_agent.protocol.messages import Credit, Data, Eof, Message, OperationMessage
from realmos_agent.protocol.rules import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.protocol.rules import Phase, Role


class Refusal(Exception):  # noqa: N818 - not an error yet: the session says whose it is
    """A message that breaks a rule; becomes a local or a remote protocol error."""

    def __init__(self, message: str, code: int = numbers.ERR_BAD_STATE) -> None:
        super().__init__(message)
        self.code = code


class _Stream:
    """A stream in one direction: how much may still be sent on it, and whether it is over."""

    def __init__(self) -> None:
        self.credit = numbers.WINDOW
        self.over = False


class Operation:
    """Applies the rules to the messages of one operation, whoever sends them."""

    def __init__(self, opening: Message) -> None:
        self._kind = KINDS[type(opening)]
        self.phase: Phase = "requested"
        self._streams = {
            number: _Stream() for number in (*self._kind.from_client, *self._kind.from_agent)
        }

    def credit(self, stream: int) -> int:
        """Return how many bytes may be sent on `stream` now; 0 when it is over."""
        flow = self._streams[stream]
        return 0 if flow.over else flow.credit

    def apply(self, sender: "Role", message: Message) -> None:
        """Account for `message` from `sender`.

        Raises:
            Refusal: the message is against the rules; nothing has changed.
        """
        phase = self._next_phase(sender, message)
        if isinstance(message, (Data, Eof, Credit)):
            self._apply_stream(sender, message)
        self.phase = phase

    def _next_phase(self, sender: "Role", message: Message) -> "Phase":
        if sender == "client":
            if not isinstance(message, self._kind.client):
                raise Refusal(f"{type(message).__name__} does not belong to this operation")
            return self.phase
        allowed = self._kind.agent.get(self.phase, {})
        for cls, phase in allowed.items():
            if isinstance(message, cls):
                return phase
        raise Refusal(f"{type(message).__name__} for an operation that is {self.phase}")

    def _apply_stream(self, sender: "Role", message: Data | Eof | Credit) -> None:
        kind = self._kind
        outgoing = kind.from_client if sender == "client" else kind.from_agent
        incoming = kind.from_agent if sender == "client" else kind.from_client
        if message.stream not in (incoming if isinstance(message, Credit) else outgoing):
            raise Refusal(f"{type(message).__name__} on stream {message.stream}")
        flow = self._streams[message.stream]
        if isinstance(message, Credit):
            if flow.credit + message.size > numbers.WINDOW:
                raise Refusal("more credit than the window", numbers.ERR_OVERRUN)
            flow.credit += message.size
        elif flow.over:
            raise Refusal(f"{type(message).__name__} on a stream that is over")
        elif isinstance(message, Eof):
            flow.over = True
        elif len(message.data) > min(flow.credit, numbers.DATA_MAX):
            raise Refusal("more data than there is credit for", numbers.ERR_OVERRUN)
        else:
            flow.credit -= len(message.data)


def is_opening(message: Message) -> bool:
    """Tell whether `message` begins an operation."""
    return isinstance(message, OperationMessage) and type(message) in KINDS
