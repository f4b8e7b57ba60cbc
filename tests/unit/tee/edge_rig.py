# SPDX-License-Identifier: BSD-3-Clause
"""The edge's library between a hub and runners that are all the test's."""

import queue
import socket
import struct
import threading
from typing import TYPE_CHECKING, NamedTuple, Self, cast

from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee import wire
from realmos_agent.tee.edge import Begun, Loan, NativeEdge, Place

if TYPE_CHECKING:
    from realmos_agent.tee.instance import Instance

WAIT_S = 10
FOR_EVER_MS = 3_600_000
CLIENT, SESSION, WINDOW = 3, 7, 0x10_0000_0000
ENTRY_POINT, STACK_TOP = 0x20_0000_0000, 0x30_0000_0000


class Order(NamedTuple):
    """What a runner was told."""

    kind: int
    body: bytes


class Ta:
    """An instance in the core's hands, and its runner's end in the test's."""

    def __init__(self, edge: NativeEdge) -> None:
        self.core, self.runner = socket.socketpair()
        self.runner.settimeout(WAIT_S)
        assert edge.window % 4096 == 0
        self.place = Place(self.core.fileno(), ENTRY_POINT, STACK_TOP, WINDOW)
        self.loan: Loan = edge.lend(cast("Instance", self))

    def heard(self) -> list[Order]:
        """Return what the runner was told, up to an entry."""
        orders: list[Order] = []
        while not orders or orders[-1].kind != run.ENTER:
            head = self.runner.recv(run.FRAME_SIZE, socket.MSG_WAITALL)
            length, kind = struct.unpack(run.FRAME_FORMAT, head)
            size = length - run.LENGTH_MIN
            body = self.runner.recv(size, socket.MSG_WAITALL) if size else b""
            orders.append(Order(kind, body))
        return orders

    def say(self, kind: int, body: bytes = b"") -> bytes:
        """Say something as the runner; return it."""
        data = struct.pack(run.FRAME_FORMAT, run.LENGTH_MIN + len(body), kind) + body
        self.runner.sendall(data)
        return data

    def returns(self, result: int = 0, vals: tuple[int, ...] = (0,) * 8, data: bytes = b"") -> None:
        """Return from the TA."""
        self.say(run.RETURNED, struct.pack(run.RETURNED_FORMAT, result, 0, *vals) + data)


class Rig:
    """The library, and what it leaves to the core."""

    def __init__(self, library: str, patience_ms: int = FOR_EVER_MS) -> None:
        self.hub, self._core = socket.socketpair()
        self.hub.settimeout(WAIT_S)
        self.edge = NativeEdge(library, self._core.fileno(), patience_ms)
        self._tas: list[Ta] = []
        self.left: queue.SimpleQueue[bytes | Begun | str] = queue.SimpleQueue()
        self._framer = wire.Framer(wire.FROM_CORE)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hub.close()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        self._core.close()
        for ta in self._tas:
            ta.core.close()
            ta.runner.close()

    def ta(self, session: int = SESSION, client: int = CLIENT) -> Ta:
        """Lend an instance with a session, and give it."""
        ta = Ta(self.edge)
        self._tas.append(ta)
        ta.loan.add(session, client)
        ta.loan.give()
        return ta

    def send(self, *messages: wire.Message) -> bytes:
        """Send messages at once; return their bytes."""
        data = b"".join(map(wire.encode, messages))
        self.hub.sendall(data)
        return data

    def answer(self) -> wire.Message:
        """Return the next answer."""
        while (frame := self._framer.next_frame()) is None:
            data = self.hub.recv(1 << 16)
            assert data
            self._framer.feed(data)
        return wire.decode(frame)

    def next_left(self) -> bytes | Begun | str:
        """Return what the core is given next: bytes, a call, or `freed`, `end` or an error."""
        return self.left.get(timeout=WAIT_S)

    def adopted(self) -> Begun:
        """Return a call that the core is given next."""
        begun = self.next_left()
        assert isinstance(begun, Begun), begun
        return begun

    def _serve(self) -> None:
        try:
            self.edge.serve(
                self._core.fileno(), self.left.put, self.left.put, lambda: self.left.put("freed")
            )
            self.left.put("end")
        except OSError as error:
            self.left.put(str(error))
