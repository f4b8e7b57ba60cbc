# SPDX-License-Identifier: BSD-3-Clause
"""Many clients at once, whose TAs call each other, hang and crash: nothing of it stays."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable

import pytest
from fake_hub import until
from fake_ta import (
    CLIENT,
    CLOSE,
    INVOKE,
    KEEP,
    MULTI,
    SEGV,
    SINGLE,
    WAIT_S,
    Code,
    FakeRunner,
    Script,
    World,
    a_uuid,
)
from realmos_agent.tee import blobs, numbers, wire
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.params import Params
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.server import Server
from realmos_agent.tee.session import INFINITE
from realmos_agent.tee.wire import Close, Gone, Invoke, Open, Opened

TAS = [a_uuid(number) for number in range(5)]
FLAGS = [0, SINGLE, MULTI, KEEP, MULTI]
REQUESTS = 600
GRACE_S = 0.2


def calling(number: int, *, closes: bool) -> Callable[[Instance], object]:
    """Return a system call that uses another TA, and may leave a session open."""

    def call(ta: Instance) -> object:
        manager = ta.services.manager
        session = manager.open(TAS[number], CLIENT, ta, ta.chain, Params()).session
        if session is not None:
            manager.invoke(session, 0, ta.chain, Params())
            if closes:
                manager.close(session, ta.chain)
        return None

    return call


def wild(chance: random.Random) -> Script:
    """Return a TA that does as chance has it."""

    def script(entry: Entry, runner: FakeRunner) -> Code:
        act = chance.random()
        if entry.function == INVOKE and act < 0.4:
            yield calling(chance.randrange(len(TAS)), closes=act < 0.2)
        elif entry.function == INVOKE and act < 0.45:
            return SEGV
        elif entry.function == INVOKE and act < 0.5:
            yield lambda ta: ta.session.cancellation.wait(INFINITE)
        elif act > 0.97 and entry.function in {INVOKE, CLOSE}:
            runner.ended.wait(WAIT_S)
        return numbers.SUCCESS

    return script


class Storm:
    """A server, and clients that come, ask and go as chance has it."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 -- chance, no secret
        pairs = zip(TAS, FLAGS, strict=True)
        self.world = World({ta: (flags, wild(self._chance)) for ta, flags in pairs})
        self.server = Server(self.world.manager, self._sent, self.world.log.append, GRACE_S)
        self.over = threading.Event()
        self._framer = wire.Framer(blobs.FROM_CORE)
        self._sessions: dict[int, list[int]] = defaultdict(list)
        self._clients = [1]

    def rage(self) -> None:
        """Send all requests, and then that nobody is left."""
        for number in range(1, REQUESTS + 1):
            self.server.receive(wire.encode(self._request(number)))
        self.server.receive(wire.encode(Gone(0)))

    def _request(self, number: int) -> wire.Message:
        act, client = self._chance.random(), self._chance.choice(self._clients)
        if act < 0.1:
            self._clients.append(number + 1)
        elif act < 0.2 and len(self._clients) > 1:
            self._clients.remove(client)
            return Gone(client)
        sessions = self._sessions[client]
        if act < 0.5 or not sessions:
            return Open(client, number, self._chance.choice(TAS))
        if act < 0.85:
            return Invoke(client, number, self._chance.choice(sessions), 0)
        return Close(client, number, sessions.pop())

    def _sent(self, data: bytes) -> None:
        self._framer.feed(data)
        frame = self._framer.next_frame()
        assert frame is not None
        answer = wire.decode(frame)
        if isinstance(answer, Opened) and answer.session:
            self._sessions[answer.client].append(answer.session)
        elif answer == Gone(0):
            self.over.set()


def scarce(storm: Storm, seed: int) -> None:
    """Have no thread for every other call and close; but there is one already."""
    workers, chance = storm.server._workers, random.Random(seed)  # noqa: S311, SLF001 -- the machine's
    run = workers.run
    workers.run_sometime(lambda: None)

    def hardly(job: Callable[[], None]) -> bool:
        return chance.random() < 0.5 and run(job)

    workers.run = hardly  # type: ignore[method-assign] # the threads are the machine's, too


def weather(seed: int, *, few_threads: bool = False) -> None:
    """Have a storm, and look at what it leaves."""
    storm = Storm(seed)
    if few_threads:
        scarce(storm, seed)
    storm.rage()
    assert storm.over.wait(WAIT_S * 6)
    server, left = storm.server, storm.world.manager.instances
    # What is behind the answers is looked at.
    assert not server._leaving  # noqa: SLF001
    assert not server._farewells  # noqa: SLF001
    until(lambda: not server._calls)  # noqa: SLF001
    storm.world.check_what_is_left()
    memory = storm.world.memory
    until(lambda: memory.take(memory.limit - len(left) * (1 << 20)))
    assert not [line for line in storm.world.log if "the core fail" in line]
    server.end()


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_left_when_all_have_gone(seed: int) -> None:
    weather(seed)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_left_when_all_have_gone_and_there_were_few_threads(seed: int) -> None:
    weather(seed, few_threads=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize("few_threads", [False, True])
@pytest.mark.parametrize("seed", range(3, 60))
def test_nothing_is_left_when_more_have_gone(seed: int, *, few_threads: bool) -> None:
    weather(seed, few_threads=few_threads)
