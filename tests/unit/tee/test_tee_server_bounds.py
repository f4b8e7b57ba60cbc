# SPDX-License-Identifier: BSD-3-Clause
"""What one client, or one TA, can make the core hold, and how that is refused."""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fake_hub import ME, OTHER, A, Hub, Waits, until
from fake_ta import (
    CLIENT,
    INVOKE,
    KEEP,
    MULTI,
    SEGV,
    WAIT_S,
    Code,
    FakePlaced,
    FakeRunner,
    Script,
    World,
    a_uuid,
    quiet,
)
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee import numbers, room, server
from realmos_agent.tee.budget import limits
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.manager import SESSIONS_MAX, Outcome
from realmos_agent.tee.params import Memref
from realmos_agent.tee.params import Params as CoreParams
from realmos_agent.tee.params import Region as MemoryRegion
from realmos_agent.tee.parts import Base, Entry
from realmos_agent.tee.room import INSTANCES_A_CLIENT
from realmos_agent.tee.wire import NO_OUTCOMES, Gone, Invoke, Invoked, Open, Param, Params, Region
from realmos_agent.tee.wire import Outcome as WireOutcome

B = a_uuid(9)
NONE = Param()
OUTPUT = numbers.PARAM_TYPE_MEMREF_OUTPUT
INOUT = numbers.PARAM_TYPE_MEMREF_INOUT


def output(size: int) -> Params:
    """Return parameters that cost their sender nothing."""
    param = Param(OUTPUT, 0, size, 0)
    return Params((param, NONE, NONE, NONE), (Region(size, client.REGION_OUT),))


def crashes(entry: Entry, runner: FakeRunner) -> Code:
    """End badly in a command."""
    yield from quiet(entry, runner)
    return SEGV if entry.function == INVOKE else numbers.SUCCESS


def test_memory_that_a_client_only_claims_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    small = limits()._replace(client=3 << 20, clients=5 << 20)
    monkeypatch.setattr(server, "limits", lambda: small)
    ta = Waits(unmask=False)
    hub = Hub(World({A: (MULTI, ta)}))
    mine, others = hub.open().session, hub.open(OTHER).session
    hub.send(Invoke(ME, 1000, mine, 1, output(1 << 20)))
    assert ta.inside.wait(WAIT_S)
    for who, session, size in [(ME, mine, 1 << 20), (OTHER, others, (3 << 19) + 1)]:
        answer = hub.invoke(session, 1, output(size), who)
        assert (answer.result, answer.origin) == (
            numbers.ERROR_OUT_OF_MEMORY, numbers.ORIGIN_TEE,
        )  # fmt: skip
    for _ in range(2):
        assert hub.invoke(mine, 1, output(4 << 20)).result == numbers.ERROR_OUT_OF_MEMORY
    assert ["--memory" in line for line in hub.world.log] == [True]
    ta.go_on.set()
    assert hub.answer().client == ME
    assert hub.invoke(mine, 0, output(3 << 19)).result == numbers.SUCCESS
    assert hub.invoke(mine, 0, output(3 << 19)).result == numbers.SUCCESS


def test_memory_is_there_again_when_the_answer_is(monkeypatch: pytest.MonkeyPatch) -> None:
    small = limits()._replace(client=2 << 20)
    monkeypatch.setattr(server, "limits", lambda: small)
    hub = Hub(World({A: (0, quiet)}))
    session = hub.open().session
    left = []
    send = hub.server._send  # noqa: SLF001 -- what happens just when a client can see it

    def sending(data: bytes) -> None:
        left.append(hub.server._clients[ME].memory.take(2 << 20))  # noqa: SLF001 -- the same
        hub.server._clients[ME].memory.give((2 << 20) * left[-1])  # noqa: SLF001 -- the same
        send(data)

    monkeypatch.setattr(hub.server, "_send", sending)
    assert hub.invoke(session, 0, output(1 << 20)).result == numbers.SUCCESS
    assert left == [True]


def test_memory_for_a_session_that_is_not_there_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("memory was taken")

    hub = Hub(World({A: (0, quiet)}))
    monkeypatch.setattr(server, "parameters", refuse)
    assert hub.invoke(77, 0, output(8)).result == numbers.ERROR_BAD_PARAMETERS


def test_what_the_tee_refuses_leaves_the_clients_memory_alone() -> None:
    hub = Hub(World({A: (0, quiet)}))
    answer = hub.invoke(77, 0, output(8))
    assert (answer.result, answer.origin) == (numbers.ERROR_BAD_PARAMETERS, numbers.ORIGIN_TEE)
    assert answer.outcomes == NO_OUTCOMES


def test_an_error_of_the_ta_comes_with_its_answers() -> None:
    def short(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        runner.vals[1] = 100
        return numbers.ERROR_SHORT_BUFFER if entry.function == INVOKE else numbers.SUCCESS

    hub = Hub(World({A: (0, short)}))
    answer = hub.invoke(hub.open().session, 0, output(8))
    assert answer.outcomes[0] == WireOutcome(OUTPUT, 0, 100)


def test_a_client_opens_no_more_sessions_at_a_time_than_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "SESSIONS_MAX", 2)
    inside, go_on = threading.Semaphore(0), threading.Event()

    def slow(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        inside.release()
        assert go_on.wait(WAIT_S)
        return numbers.SUCCESS

    hub = Hub(World({A: (0, slow)}))
    for number in (1000, 1001):
        hub.send(Open(ME, number, A))
        assert inside.acquire(timeout=WAIT_S)
    assert hub.open().result == numbers.ERROR_OUT_OF_MEMORY
    go_on.set()
    assert {hub.answer().client for _ in range(2)} == {ME}
    assert hub.open(OTHER).result == numbers.SUCCESS


def test_a_client_has_a_part_of_all_instances() -> None:
    world = World({A: (0, quiet), a_uuid(3): (MULTI, quiet)})
    hub = Hub(world)
    shared = hub.open(uuid=a_uuid(3))
    opened = [hub.open() for _ in range(INSTANCES_A_CLIENT)]
    assert [answer.result for answer in opened[:-1]] == [numbers.SUCCESS] * (len(opened) - 1)
    assert opened[-1].result == numbers.ERROR_OUT_OF_MEMORY
    assert hub.open(uuid=a_uuid(3)).result == numbers.SUCCESS
    assert hub.open(OTHER).result == numbers.SUCCESS
    hub.close(shared.session)
    hub.close(opened[0].session)
    assert hub.open().result == numbers.SUCCESS


def test_instances_that_clients_leave_behind_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "INSTANCES_MAX", 5)
    monkeypatch.setattr(room, "INSTANCES_A_CLIENT", 2)
    uuids = [a_uuid(number) for number in range(8)]
    kept: tuple[int, Script] = (KEEP, quiet)
    world = World(dict.fromkeys(uuids, kept) | {B: (0, quiet)})
    hub = Hub(world)
    first = hub.open(1, uuid=uuids[0])
    hub.close(hub.open(2, uuid=uuids[1]).session, 2)
    for who, uuid in ((3, uuids[2]), (3, uuids[3]), (4, uuids[4])):
        assert hub.open(who, uuid=uuid).result == numbers.SUCCESS
    for who in (3, 4):
        hub.send(Gone(who))
    until(lambda: sum(one.sessions for one in world.manager.instances) == 1)
    assert hub.open(5, uuid=B).result == numbers.SUCCESS
    left = [one.uuid for one in world.manager.instances]
    assert left == [uuids[0], uuids[1], uuids[3], uuids[4], B]
    assert [runner.closed for runner in world.runners] == [False, False, True, False, False, False]
    assert hub.open(5, uuid=B).result == numbers.SUCCESS
    assert hub.open(5, uuid=B).result == numbers.ERROR_OUT_OF_MEMORY
    hub.close(first.session, 1)
    for uuid in uuids[5:]:
        assert hub.open(1, uuid=uuid).result == numbers.SUCCESS
        hub.send(Gone(1))
        until(lambda: sum(one.sessions for one in world.manager.instances) == 2)
    assert len(world.manager.instances) == 5


def test_a_ta_has_a_bounded_number_of_sessions() -> None:
    refused: list[Outcome] = []

    def opens(ta: Instance) -> None:
        manager = ta.services.manager
        for _ in range(SESSIONS_MAX + 1):
            outcome = manager.open(a_uuid(3), CLIENT, ta, ta.chain, CoreParams())
            if not outcome.ok:
                refused.append(outcome)

    def script(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield opens
        return numbers.SUCCESS

    world = World({A: (0, script), a_uuid(3): (MULTI, quiet)})
    world.invoke(world.opened(A))
    assert [one.result for one in refused] == [numbers.ERROR_OUT_OF_MEMORY]
    assert len(world.manager.instances[0].opened) == SESSIONS_MAX


def test_two_views_of_one_memory_come_back_together_or_not_at_all() -> None:
    hub = Hub(World({A: (0, quiet)}))
    session = hub.open().session
    size = client.DATA_MAX // 16
    twice = Params(
        (Param(INOUT, 0, size, 0), Param(INOUT, 0, size, 0), NONE, NONE),
        (Region(size, client.REGION_IN | client.REGION_OUT, 0, bytes(size)),),
    )
    answer = hub.invoke(session, 0, twice)
    assert [len(one.data) for one in answer.outcomes] == [size, size, 0, 0]


def test_an_answer_that_cannot_be_sent_is_still_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(World({A: (0, quiet)}))
    session = hub.open().session

    def wrong(*_: object, **__: object) -> Outcome:
        return Outcome(numbers.SUCCESS, 1 << 40)

    monkeypatch.setattr(hub.world.manager, "invoke", wrong)
    answer = hub.invoke(session)
    assert isinstance(answer, Invoked)
    assert (answer.result, answer.origin) == (numbers.ERROR_GENERIC, numbers.ORIGIN_TEE)
    assert any("WireError" in line for line in hub.world.log)
    monkeypatch.undo()
    until(lambda: hub.invoke(session).result == numbers.SUCCESS)


def test_all_tas_together_map_no_more_than_there_is_for_them() -> None:
    world = World({A: (0, quiet), a_uuid(3): (0, crashes)})
    session = world.opened(A)
    assert not world.memory.take(world.memory.limit)
    world.close(session)
    world.invoke(world.opened(a_uuid(3)))
    assert world.memory.take(world.memory.limit - 4096)  # a page is there, and no stack
    assert world.open(A).result == numbers.ERROR_OUT_OF_MEMORY
    assert world.open(A).result == numbers.ERROR_OUT_OF_MEMORY
    world.memory.give(world.memory.limit - 4096)
    assert world.open(A).ok


def test_the_memory_of_a_call_counts_while_it_lasts() -> None:
    world = World({A: (0, quiet)})
    session = world.opened(A)
    assert world.memory.take(world.memory.limit - (1 << 20))
    param = Memref(MemoryRegion(2 << 20), 0, 2 << 20)
    outcome = world.invoke(session, 0, CoreParams(OUTPUT, (param, None, None, None)))
    assert outcome == Outcome(numbers.ERROR_OUT_OF_MEMORY, numbers.ORIGIN_TEE)
    param = Memref(MemoryRegion(1 << 19), 0, 1 << 19)
    for _ in range(3):
        assert world.invoke(session, 0, CoreParams(OUTPUT, (param, None, None, None))).ok


def until_refused(do: Callable[[], object]) -> int:
    """Do something until it is refused; return how often it was not."""
    for count in range(1 << 20):
        try:
            do()
        except TeeError:
            return count
    raise AssertionError("it is never refused")


def test_one_ta_leaves_memory_for_others() -> None:
    mapped: list[int] = []

    def map_all(ta: Instance) -> None:
        mapped.append(until_refused(lambda: ta.map_zero(1 << 20, 0, 0, 0)))

    def script(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield map_all
        return numbers.SUCCESS

    world = World({A: (0, script)})
    world.services.limits = limits()._replace(ta=9 << 20)
    world.invoke(world.opened(A))
    assert mapped == [8], "and a stack"


def test_what_a_ta_holds_counts_until_it_ends() -> None:
    """Each handle is something in the core, whatever its TA has of its own memory."""

    def holds(ta: Instance) -> None:
        until_refused(lambda: ta.handles.add(1))

    def script(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield holds
        return numbers.SUCCESS

    world = World({A: (0, script)})
    session = world.opened(A)
    world.invoke(session)
    everything = world.services.handles.limit
    assert not world.services.handles.take(everything)
    world.close(session)
    assert world.services.handles.take(everything)


def test_tas_are_placed_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until a TA is mapped, it takes several times its size."""
    uuids = [a_uuid(number) for number in range(10, 16)]
    guard, all_here = threading.Lock(), threading.Barrier(len(uuids))
    inside, most = 0, 0
    map_all = FakeRunner.map_all

    class Slow(World):
        def load(self, uuid: UUID, dispatcher: int, base: Base) -> FakePlaced:
            nonlocal inside, most
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            return super().load(uuid, dispatcher, base)

    def mapped(*arguments: Any, **more: Any) -> None:  # noqa: ANN401 -- whatever they are
        nonlocal inside
        map_all(*arguments, **more)
        with guard:
            inside -= 1

    def opened(uuid: UUID) -> None:
        all_here.wait(WAIT_S)
        assert world.open(uuid).ok

    monkeypatch.setattr(FakeRunner, "map_all", mapped)
    world = Slow(dict.fromkeys(uuids, (0, quiet)))
    threads = [threading.Thread(target=opened, args=(uuid,)) for uuid in uuids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.manager.instances) == len(uuids)
    assert most == 1
