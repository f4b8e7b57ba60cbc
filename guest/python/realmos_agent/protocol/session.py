# SPDX-License-Identifier: BSD-3-Clause
"""The protocol's state machine: bytes in, messages out, and the other way round.

A session begins with a client's hello, which may come at any time and ends the session before.
Every frame carries the session's tag, taken from the hello's nonce, so that what is left of an
old session in some buffer is never mistaken for the new one's. A violation by the peer ends the
session too; frames that still carry its tag are dropped.
"""

from realmos_agent.protocol import numbers
from realmos_agent.protocol.errors import LocalProtocolError, RemoteProtocolError
from realmos_agent.protocol.frame import PREAMBLE, Frame, FrameDecoder, encode_frame
from realmos_agent.protocol.messages import (
    Error,
    Hello,
    Message,
    OperationMessage,
    Secure,
    Welcome,
    decode_message,
    encode_message,
)
from realmos_agent.protocol.operation import Operation, Refusal, is_opening
from realmos_agent.protocol.rules import SESSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.protocol.rules import Role, State

# The messages that may carry the tag 0: those of a peer that is in no session.
_UNTAGGED = {"client": numbers.MSG_HELLO, "agent": numbers.MSG_ERROR}


def _tag(nonce: bytes) -> int:
    # The lowest bit keeps it from being 0, which means no session.
    return int.from_bytes(nonce[:8], "little") | 1


class Session:
    """One side of the protocol.

    Args:
        role: the side that the caller is.
        sealed: whether it is the session inside a channel, where no other channel can begin.
    """

    def __init__(self, role: "Role", *, sealed: bool = False) -> None:
        self._sealed = sealed
        self.role: Role = role
        self.peer: Role = "agent" if role == "client" else "client"
        self.state: State = "idle"
        self._decoder = FrameDecoder()
        self._nonce = b""
        self._operations: dict[int, Operation] = {}
        self._last_id = 0

    def feed(self, data: bytes) -> None:
        """Take bytes received from the peer, in pieces of any size."""
        self._decoder.feed(data)

    def next_event(self) -> Message | None:
        """Return the next message from the peer, or None when more bytes are needed.

        Raises:
            RemoteProtocolError: the peer broke the protocol; the session is over. Go on calling:
                a new session may follow.
        """
        while True:
            try:
                frame = self._decoder.next_frame()
                if frame is None:
                    return None
                message = self._receive(frame)
            except RemoteProtocolError:
                if self.role == "client" and self.state != "open":
                    continue  # the tail of a session that another client left behind
                self._end()
                raise
            if message is not None:
                return message

    def send(self, message: Message) -> bytes:
        """Return the bytes that send `message`.

        Raises:
            LocalProtocolError: the protocol forbids it now; nothing has changed.
        """
        kind, payload = encode_message(message)
        tag = _tag(self._nonce) if self._nonce and not isinstance(message, Hello) else 0
        try:
            self._apply(self.role, message)
        except Refusal as refusal:
            raise LocalProtocolError(str(refusal)) from refusal
        data = encode_frame(Frame(kind, tag, payload))
        if not isinstance(message, Hello):
            return data
        # What has come so far may be half a frame of an old session, which no preamble of the
        # agent's completes: it would take the welcome for the rest. Inside a channel nobody can
        # have left such a thing, on either side.
        if self._sealed:
            return data
        self._decoder.reset()
        return PREAMBLE + data

    def disconnected(self) -> None:
        """Note that the stream broke off: the session is over, and so is an unfinished frame."""
        self._decoder.reset()
        self._end()

    def credit(self, operation: int, stream: int) -> int:
        """Return how many bytes may be sent on a stream now; 0 once it or the operation is over."""
        live = self._operations.get(operation)
        return live.credit(stream) if live else 0

    @property
    def operations(self) -> tuple[int, ...]:
        """The ids of the live operations."""
        return tuple(self._operations)

    def _end(self) -> None:
        self.state = "idle"
        self._operations = {}

    def _receive(self, frame: Frame) -> Message | None:
        untagged = frame.session == 0 and frame.type == _UNTAGGED[self.peer]
        if not untagged and (self.state == "idle" or frame.session != _tag(self._nonce)):
            return None  # an old session's
        message = decode_message(frame.type, frame.payload)
        if self.role == "client" and self.state == "greeting" and self._is_stale(message, frame):
            return None
        try:
            return message if self._apply(self.peer, message) else None
        except Refusal as refusal:
            raise RemoteProtocolError(str(refusal), refusal.code) from refusal

    def _is_stale(self, message: Message, frame: Frame) -> bool:
        return frame.session == 0 or not isinstance(message, (Welcome, Error))

    def _apply(self, sender: "Role", message: Message) -> bool:
        """Account for `message`; return False if it comes too late to matter."""
        if isinstance(message, OperationMessage) or (isinstance(message, Error) and message.id):
            return self._apply_operation(sender, message)
        state = SESSION[sender].get((self.state, type(message)))
        if self._sealed and isinstance(message, Secure):
            state = None
        if isinstance(message, Error) and sender == "agent":
            state = "idle"
        if state is None:
            raise Refusal(f"{type(message).__name__} in a session that is {self.state}")
        if isinstance(message, Hello):
            return self._apply_hello(message)
        if isinstance(message, Welcome):
            if message.nonce != self._nonce:
                raise Refusal("a welcome to another session")
            again, self.state = self.state == "open", state
            return not again or sender == self.role
        if state == "idle":
            self._end()
        self.state = state
        return True

    def _apply_hello(self, hello: Hello) -> bool:
        if len(hello.nonce) != numbers.NONCE_SIZE:
            raise Refusal(f"a nonce of {len(hello.nonce)} bytes", numbers.ERR_BAD_MESSAGE)
        if self.state == "open" and hello.nonce == self._nonce:
            return True  # a client that asked twice
        self.state = "greeting"
        self._nonce = hello.nonce
        self._operations = {}
        self._last_id = 0
        return True

    def _apply_operation(self, sender: "Role", message: Message) -> bool:
        if self.state != "open":
            raise Refusal(f"{type(message).__name__} in a session that is {self.state}")
        number: int = getattr(message, "id")  # noqa: B009 - Error's and OperationMessage's alike
        if is_opening(message):
            if sender != "client" or number <= self._last_id:
                raise Refusal(f"{type(message).__name__} cannot begin operation {number}")
            self._operations[number] = Operation(message)
            self._last_id = number
            return True
        operation = self._operations.get(number)
        if operation is None:
            if sender == "client" and self.role == "agent" and number <= self._last_id:
                return False  # sent before the client learnt that the agent ended it
            raise Refusal(f"{type(message).__name__} for operation {number}, which is not live")
        operation.apply(sender, message)
        if operation.phase == "ended":
            del self._operations[number]
        return True
