# SPDX-License-Identifier: BSD-3-Clause
"""Where workloads ask for what a broker keeps: a socket in the realm, for root alone.

A question is a length in two bytes and one CBOR array, `realmos_agent.secrets` sends it; the answer
is one CBOR map, up to the end of the connection. Questions are asked one after the other, in the
order of their arrival, as the client offers relays: one for each.

One thing is asked of the agent itself: that the realm do nothing but what it has begun.
"""

import _socket
import os
import struct

from realmos_agent.asking import Question
from realmos_agent.loop import READ, WRITE
from realmos_agent.protocol import Given, Refused, cbor, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.relays import RelayOperation
    from realmos_agent.service import Service

EXCLUSIVE = "exclusive"
"""The question by which a realm takes no more work, and the answer's key."""

_QUESTION_MAX = 1024
_VISITORS_MAX = 32
_NO_BROKER = "this session was given no broker: start it with `realmos run --broker ADDRESS`"
_CREDENTIALS = struct.Struct("3i")


class Desk:
    """The socket, who waits at it, and the relay that the next question can have.

    Args:
        service: the session that relays belong to, and the loop.
        path: the socket's.
    """

    def __init__(self, service: "Service", path: bytes) -> None:
        self.service = service
        self._relays: list[RelayOperation] = []
        self._offered = False
        self._waiting: list[Visitor] = []
        self._visitors = 0
        try:
            os.unlink(path)  # an earlier agent's
        except FileNotFoundError:
            pass
        kind = _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        self._listener = _socket.socket(_socket.AF_UNIX, kind)
        mask = os.umask(0o177)
        try:
            self._listener.bind(path)
        finally:
            os.umask(mask)
        self._listener.listen(_VISITORS_MAX)
        self._watch()

    def offer(self, relay: "RelayOperation") -> None:
        """Take a relay for the next question."""
        self._offered = True
        self._relays.append(relay)
        self._serve()

    def withdraw(self, relay: "RelayOperation") -> None:
        """Forget a relay that is over."""
        if relay in self._relays:
            self._relays.remove(relay)

    def session_over(self) -> None:
        """Tell all who wait that nobody will relay their questions."""
        self._offered = False
        self._relays.clear()
        for visitor in self._waiting:
            visitor.tell(_NO_BROKER)
        self._waiting.clear()

    def queue(self, visitor: "Visitor") -> None:
        """Ask a question as soon as there is a relay for it."""
        if not self._offered:
            visitor.tell(_NO_BROKER)
            return
        self._waiting.append(visitor)
        self._serve()

    def gone(self, visitor: "Visitor") -> None:
        """Forget a visitor."""
        if visitor in self._waiting:
            self._waiting.remove(visitor)
        self._visitors -= 1
        self._watch()

    def _serve(self) -> None:
        while self._relays and self._waiting:
            self._waiting.pop(0).ask(self._relays.pop(0))

    def _watch(self) -> None:
        events = READ if self._visitors < _VISITORS_MAX else 0
        self.service.loop.watch(self._listener.fileno(), events, self._accept)

    def _accept(self) -> None:
        try:
            fd, _ = self._listener._accept()  # type: ignore[attr-defined] # noqa: SLF001 - it is what `socket` is made of
        except OSError:
            return  # gone again
        connection = _socket.socket(fileno=fd)
        _, uid, _ = _CREDENTIALS.unpack(
            connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if uid != os.geteuid():
            connection.close()
            return
        self._visitors += 1
        Visitor(self, connection)
        self._watch()


class Visitor:
    """A workload with a question."""

    def __init__(self, desk: Desk, connection: "_socket.socket") -> None:
        self._desk = desk
        self._socket = connection
        self._received = b""
        self._question: Question | None = None
        self._relay: RelayOperation | None = None
        self._answer = b""
        connection.setblocking(False)
        self._watch(READ)

    def ask(self, relay: "RelayOperation") -> None:
        """Ask the question through a relay."""
        assert self._question is not None
        self._relay = relay
        relay.dial(self._question, self.tell)

    def _watch(self, events: int) -> None:
        self._desk.service.loop.watch(self._socket.fileno(), events, self._on_ready)

    def _on_ready(self) -> None:
        try:
            if self._answer:
                self._write()
            else:
                self._read()
        except BlockingIOError:
            return
        except OSError:
            self._leave()

    def _read(self) -> None:
        piece = self._socket.recv(_QUESTION_MAX)
        self._received += piece
        if not piece or self._question is not None:
            self._leave()  # whoever asked does not wait for the answer, or goes on talking
            return
        size = int.from_bytes(self._received[:2], "big")
        if len(self._received) < 2 or len(self._received) < 2 + size <= 2 + _QUESTION_MAX:
            return
        found = _decoded(self._received[2:])
        if found == (EXCLUSIVE,):
            self._desk.service.become_exclusive()
            self._reply({EXCLUSIVE: True})
            return
        self._question = _question(found)
        if self._question is None:
            self.tell("this is no question for a broker")
        else:
            self._desk.queue(self)

    def _write(self) -> None:
        count = self._socket.send(self._answer)
        self._answer = self._answer[count:]
        if not self._answer:
            self._leave()

    def tell(self, answer: Given | Refused | str) -> None:
        """Pass on the answer, or why there is none."""
        self._relay = None
        self._reply(_answer(answer))

    def _reply(self, answer: "dict[str, cbor.Value]") -> None:
        self._answer = cbor.encode(answer)
        self._watch(WRITE)

    def _leave(self) -> None:
        self._desk.service.loop.forget(self._socket.fileno())
        self._socket.close()
        self._desk.gone(self)
        if self._relay is not None:
            relay, self._relay = self._relay, None
            relay.hang_up()


def _decoded(data: bytes) -> "cbor.Value":
    try:
        return cbor.decode(data)
    except cbor.CborError:
        return None


def _question(found: "cbor.Value") -> Question | None:
    match found:
        case (int(want), str(name), int(value), bytes(mark), bytes(broker)) if (
            want >= 0 and value >= 0 and len(mark) <= numbers.WANT_MARK_MAX
        ):
            return Question(want, name, value, mark, broker)
    return None


def _answer(answer: Given | Refused | str) -> "dict[str, cbor.Value]":
    if isinstance(answer, Given):
        return {"data": answer.data, "counter": answer.counter}
    if isinstance(answer, Refused):
        return {"refusal": answer.code, "why": answer.reason, "counter": answer.counter}
    return {"why": answer}
