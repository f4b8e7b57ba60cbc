# SPDX-License-Identifier: BSD-3-Clause
"""TAs that are Python generators, in the place of runners and loaders.

A TA's code gets how it is entered and its runner; it yields system calls, which are functions of
the instance, gets their results, and returns its own result or how it faulted.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from realmos_agent.tee import numbers
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.clocks import Clocks
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.manager import Manager, Outcome
from realmos_agent.tee.params import Params
from realmos_agent.tee.parts import (
    Base,
    Body,
    Call,
    Entry,
    Event,
    Fault,
    PseudoTa,
    Returned,
    RunnerError,
    Segment,
)
from realmos_agent.tee.services import Services
from realmos_agent.tee.session import INFINITE, Cancellation, Identity, Session
from realmos_agent.tee.storage import Storage

T = TypeVar("T")
WAIT_S = 10

SystemCall = Callable[[Instance], object]
Code = Generator[SystemCall, object, int | Fault]
Script = Callable[[Entry, "FakeRunner"], Code]

OPEN = numbers.ENTRY_OPEN_SESSION
CLOSE = numbers.ENTRY_CLOSE_SESSION
INVOKE = numbers.ENTRY_INVOKE_COMMAND
SINGLE = numbers.TA_FLAG_SINGLE_INSTANCE
MULTI = SINGLE | numbers.TA_FLAG_MULTI_SESSION
KEEP = MULTI | numbers.TA_FLAG_INSTANCE_KEEP_ALIVE
KEEP_CRASHED = KEEP | numbers.TA_FLAG_INSTANCE_KEEP_CRASHED
SEGV = Fault(11, 1, 0x10, 0x1000, 0x2000, 0x3000)
CLIENT = Identity(numbers.LOGIN_PUBLIC, UUID(int=0))


def a_uuid(number: int) -> UUID:
    """Return a UUID that is not nil."""
    return UUID(int=number + 1, version=4)


def quiet(entry: Entry, runner: "FakeRunner") -> Code:
    """Do nothing, with success."""
    del entry, runner
    yield from ()
    return numbers.SUCCESS


@dataclass(frozen=True)
class FakeSegment:
    """A segment."""

    address: int
    size: int
    prot: int
    data: bytes


@dataclass
class FakePlaced:
    """An image of one page."""

    uuid: UUID
    flags: int
    entry: int
    segments: Sequence[Segment]
    stack_size: int = 5000

    def take_segments(self) -> Sequence[Segment]:
        """Return the page."""
        return self.segments

    def open_library(
        self, uuid: UUID, base: Base
    ) -> tuple[Sequence[FakeSegment], Sequence[tuple[int, bytes]]]:
        """Add a page, and change four bytes of the first."""
        data = uuid.bytes
        return [FakeSegment(base(4096), 4096, 5, data)], [(self.entry, b"dlpi")]

    def symbol(self, uuid: UUID | None, name: str) -> int | None:
        """Know one symbol."""
        del uuid
        return 0x12_3456_789A if name == "known" else None

    def locate(self, address: int) -> str:
        """Name an address."""
        return f"ta+{address - self.entry:#x}"


class FakeRunner:
    """A runner whose TA is a script."""

    dispatcher = 0x1234
    socket = -1

    def __init__(self, world: "World", number: int, script: Script) -> None:
        self.world = world
        self.number = number
        self.script = script
        self.memory: dict[int, bytearray] = {}
        self.stacks: list[int] = []
        self.regions: list[int] = []
        self.entries: list[Entry] = []
        self.vals: list[int] = []
        self.brings = b""  # output memory, with the result
        self.closed = False
        self.ended = threading.Event()
        self.call: SystemCall | None = None
        self._code: Code | None = None

    def map(self, address: int, size: int, prot: int, data: bytes, *, stack: bool) -> None:
        """Take memory."""
        assert address % 4096 == size % 4096 == 0
        assert prot
        self.memory[address] = bytearray(data.ljust(size, b"\0"))
        if stack:
            self.stacks.append(address)

    def map_all(self, segments: Sequence[Segment], stack: tuple[int, int] | None = None) -> None:
        """Take memory."""
        for each in segments:
            self.map(each.address, each.size, each.prot, each.data, stack=False)
        if stack is not None:
            self.map(*stack, 3, b"", stack=True)

    def unmap(self, address: int, size: int) -> None:
        """Give memory back."""
        assert len(self.memory.pop(address)) == size

    def write(self, address: int, data: bytes) -> None:
        """Change memory."""
        self.memory[address][: len(data)] = data

    def region(self, address: int, data: Body, *, secure: bool) -> None:
        """Take a region."""
        del secure
        self.memory[address] = bytearray(data)
        self.regions.append(address)

    def give_state(self, handle: int, algorithm: int, mode: int, key: bytes) -> None:
        """Leave a state to the core."""

    def take_key(self, handle: int) -> None:
        """Have none."""

    def enter(self, entry: Entry) -> Event:
        """Start the script."""
        if self.closed:
            raise RunnerError("closed")
        self.entries.append(entry)
        self.vals = list(entry.vals)
        self._code = self.script(entry, self)
        return self._next(None)

    def resume(self, said: bytes) -> Event:
        """Go on where somebody else has begun; `said` is which command."""
        vals = (0,) * 8
        return self.enter(Entry(INVOKE, int(said), 0, 0, 0, 0, vals))

    def reply(self, body: bytes) -> None:
        """Take an answer."""
        del body

    def event(self) -> Event:
        """Go on with the script."""
        return self._next(self.world.answers.pop(self.number))

    def fetch(self, address: int, size: int) -> bytes:
        """Read memory."""
        for start, data in self.memory.items():
            if start <= address <= address + size <= start + len(data):
                return bytes(data[address - start :][:size])
        raise RunnerError("nothing there")

    def close(self) -> None:
        """End."""
        self.closed = True
        self.ended.set()

    def _next(self, value: object) -> Event:
        assert self._code is not None
        try:
            self.call = self._code.send(value)
        except StopIteration as stop:
            if self.closed:
                raise RunnerError("closed") from None
            result: int | Fault = stop.value
            if isinstance(result, Fault):
                return result
            return Returned(result, tuple(self.vals), self.brings)
        return Call(self.number, 0, b"")


@dataclass
class World:
    """A manager with fake TAs; `tas` has flags and script of each."""

    tas: dict[UUID, tuple[int, Script]]
    pseudo: tuple[PseudoTa, ...] = ()
    log: list[str] = field(default_factory=list)
    runners: list[FakeRunner] = field(default_factory=list)
    answers: dict[int, object] = field(default_factory=dict)
    storage: Storage | None = None
    memory: Budget = field(default_factory=lambda: Budget(1 << 30))

    def __post_init__(self) -> None:
        self.services = Services(
            self.log.append, Clocks(), UUID(int=7), storage=self.storage, memory=self.memory
        )
        self.manager = self.services.manager = Manager(self._create, self.pseudo)

    def load(self, uuid: UUID, dispatcher: int, base: Base) -> FakePlaced:
        """Place a TA."""
        assert dispatcher == FakeRunner.dispatcher
        address = base(4096)
        segment = FakeSegment(address, 4096, 5, uuid.bytes)
        return FakePlaced(uuid, self.tas[uuid][0], address, [segment])

    def dispatch(self, ta: Instance, number: int, count: int, body: Body) -> bytes:
        """Run the system call that a script yielded."""
        assert count == 0
        call = self.runners[number].call
        assert call is not None
        try:
            self.answers[number] = call(ta)
        except TeeError as error:
            self.answers[number] = error
        return bytes(body)

    def open(
        self,
        uuid: UUID,
        params: Params | None = None,
        *,
        identity: Identity = CLIENT,
        timeout_ms: int = INFINITE,
    ) -> Outcome:
        """Open a session as a client does."""
        chain = Chain(1)
        params = params or Params()
        outcome = self.manager.open(
            uuid, identity, 1, chain, params, cancellation=Cancellation(timeout_ms)
        )
        self.manager.settle(chain)
        return outcome

    def opened(self, uuid: UUID) -> Session:
        """Open a session, which must succeed."""
        session = self.open(uuid).session
        assert session is not None
        return session

    def invoke(
        self,
        session: Session,
        command: int = 0,
        params: Params | None = None,
        cancellation: Cancellation | None = None,
    ) -> Outcome:
        """Invoke a command as a client does."""
        chain = Chain(1)
        outcome = self.manager.invoke(session, command, chain, params or Params(), cancellation)
        self.manager.settle(chain)
        return outcome

    def close(self, session: Session) -> int:
        """Close a session as a client does."""
        chain = Chain(1)
        result = self.manager.close(session, chain)
        self.manager.settle(chain)
        return result

    def _create(self, uuid: UUID) -> Instance:
        if uuid not in self.tas:
            raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
        runner = FakeRunner(self, len(self.runners), self.tas[uuid][1])
        self.runners.append(runner)
        return Instance(uuid, self, runner, self.dispatch, self.services)

    def check_what_is_left(self) -> None:
        """Check that, all clients gone, only TAs that are kept are there, and what they use."""
        left = self.manager.instances
        opened = [session for instance in left for session in instance.opened.values()]
        sessions = self.manager._sessions._sessions  # noqa: SLF001 -- seen nowhere else
        assert set(sessions.values()) == set(opened)
        for one in left:
            assert one.keep_alive or one.sessions
            assert one.sessions == [session.target for session in opened].count(one)
            turn = one.turn.whole()
            assert (len(turn.put_off), turn.holder) == (0, None)


def in_thread(run: Callable[[], T]) -> "Future[T]":
    """Run something in a thread of its own."""
    future: Future[T] = Future()

    def target() -> None:
        try:
            future.set_result(run())
        except BaseException as error:  # noqa: BLE001 -- the future raises it
            future.set_exception(error)

    threading.Thread(target=target, daemon=True).start()
    return future
