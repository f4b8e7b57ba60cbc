# SPDX-License-Identifier: BSD-3-Clause
"""The other end of the server's stream, and a TA that waits."""

import queue
import threading
from collections.abc import Callable
from uuid import UUID

from fake_ta import INVOKE, WAIT_S, Code, FakeRunner, World, a_uuid
from realmos_agent.tee import blobs, numbers, wire
from realmos_agent.tee.edge import Edge
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.server import GRACE_S, Server
from realmos_agent.tee.wire import Close, Closed, Gone, Invoke, Invoked, Open, Opened, Params

A = a_uuid(1)
ME, OTHER = 5, 6


class Hub:
    """The other end of the server's stream."""

    def __init__(self, world: World, grace_s: float = GRACE_S, *, edge: Edge | None = None) -> None:
        self.world = world
        self.server = Server(world.manager, self._sent, world.log.append, grace_s, edge=edge)
        self._framer = wire.Framer(blobs.FROM_CORE)
        self._answers: queue.Queue[wire.Message] = queue.Queue()
        self._requests = 0

    def send(self, message: wire.Message) -> None:
        """Send a message."""
        self.server.receive(wire.encode(message))

    def answer(self) -> wire.Message:
        """Wait for an answer."""
        return self._answers.get(timeout=WAIT_S)

    def open(
        self, who: int = ME, login: int = 0, identity: UUID = wire.NIL, uuid: UUID = A
    ) -> Opened:
        """Open a session."""
        self._requests += 1
        self.send(Open(who, self._requests, uuid, login, identity))
        answer = self.answer()
        assert isinstance(answer, Opened)
        return answer

    def invoke(
        self, session: int, command: int = 0, params: Params = wire.NO_PARAMS, who: int = ME
    ) -> Invoked:
        """Invoke a command."""
        self._requests += 1
        self.send(Invoke(who, self._requests, session, command, params))
        answer = self.answer()
        assert isinstance(answer, Invoked)
        assert (answer.client, answer.request) == (who, self._requests)
        return answer

    def close(self, session: int, who: int = ME) -> None:
        """Close a session."""
        self._requests += 1
        self.send(Close(who, self._requests, session))
        assert self.answer() == Closed(who, self._requests)

    def _sent(self, data: bytes) -> None:
        self._framer.feed(data)
        frame = self._framer.next_frame()
        assert frame is not None
        self._answers.put(wire.decode(frame))


def one_frame(data: bytes, kind: int) -> wire.Frame:
    """Return the frame of this kind that these bytes are."""
    framer = wire.Framer(frozenset({kind}))
    framer.feed(data)
    frame = framer.next_frame()
    assert frame is not None
    return frame


def until(true: Callable[[], bool]) -> None:
    """Wait until it comes true."""
    for turn in range(WAIT_S * 300):
        if true():
            return
        threading.Event().wait(min(0.001 * turn, 0.01))
    raise AssertionError("it did not come true")


class Waits:
    """A TA whose command 1 waits, unmasked, until it is cancelled or let go."""

    def __init__(self, *, unmask: bool = True) -> None:
        self.inside = threading.Event()
        self.go_on = threading.Event()
        self.unmask = unmask
        self.functions: list[int] = []

    def __call__(self, entry: Entry, runner: FakeRunner) -> Code:
        del runner
        self.functions.append(entry.function)
        if entry.function == INVOKE and entry.command == 1:
            if self.unmask:
                yield lambda ta: ta.session.cancellation.mask(masked=False)
            self.inside.set()
            if not self.unmask:
                assert self.go_on.wait(WAIT_S)
                return numbers.SUCCESS
            cancelled = yield lambda ta: ta.session.cancellation.wait(WAIT_S * 3000)
            return numbers.ERROR_CANCEL if cancelled else numbers.SUCCESS
        return numbers.SUCCESS


def leave_busy(hub: Hub, ta: Waits) -> int:
    """Leave a session whose TA is busy for another; return that one's session."""
    hub.open()
    others = hub.open(OTHER).session
    hub.send(Invoke(OTHER, 2000, others, 1))
    assert ta.inside.wait(WAIT_S)
    hub.send(Gone(ME))
    until(lambda: not hub.server._leaving)  # noqa: SLF001 -- the close is put off
    return others
