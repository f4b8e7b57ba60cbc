# SPDX-License-Identifier: BSD-3-Clause
"""Work that nobody waits for: it is done later, once, and before it is missed."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from fake_ta import INVOKE, SEGV, Code, FakeRunner, Script, World, a_uuid, quiet
from realmos_agent.tee import housekeeper, numbers
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.housekeeper import WAITING_MAX, Housekeeper
from realmos_agent.tee.parts import Entry

if TYPE_CHECKING:
    from uuid import UUID

WAIT_S = 60


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def keeper(log: list[str]) -> Iterator[Housekeeper]:
    made = Housekeeper(log.append)
    yield made
    made.close()


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no quiet time."""
    monkeypatch.setattr(housekeeper, "QUIET_S", 1000.0)


def test_jobs_are_done_in_their_order_by_another_thread(keeper: Housekeeper) -> None:
    done: list[int] = []
    last = threading.Event()
    threads: set[int] = set()
    for number in range(5):
        keeper.add(lambda number=number: done.append(number))  # type: ignore[misc] # it is an int
    keeper.add(lambda: threads.add(threading.get_ident()))
    keeper.add(last.set)
    assert last.wait(WAIT_S)
    assert done == list(range(5))
    assert threads != {threading.get_ident()}


@pytest.mark.usefixtures("never")
def test_nothing_is_done_before_it_is_quiet(keeper: Housekeeper) -> None:
    done: list[int] = []
    keeper.add(lambda: done.append(1))
    assert not done
    keeper.finish()
    assert done == [1]
    keeper.finish()
    assert done == [1]


@pytest.mark.usefixtures("never")
def test_only_so_many_jobs_wait(keeper: Housekeeper) -> None:
    done: list[int] = []
    for number in range(WAITING_MAX + 2):
        keeper.add(lambda number=number: done.append(number))  # type: ignore[misc] # it is an int
    assert done == [WAITING_MAX, WAITING_MAX + 1]


@pytest.mark.usefixtures("never")
def test_at_the_end_all_is_done(keeper: Housekeeper) -> None:
    done: list[int] = []
    keeper.add(lambda: done.append(1))
    keeper.close()
    keeper.add(lambda: done.append(2))
    assert done == [1, 2]


def test_a_job_that_fails_is_told_of_and_keeps_no_other_from_being_done(
    keeper: Housekeeper, log: list[str]
) -> None:
    last = threading.Event()
    keeper.add({}.popitem)  # type: ignore[arg-type] # it never returns
    keeper.add(last.set)
    assert last.wait(WAIT_S)
    assert "KeyError" in log[0]


@pytest.mark.usefixtures("never")
def test_a_job_may_need_what_others_free(keeper: Housekeeper) -> None:
    memory = Budget(10)
    memory.reclaim = keeper.finish
    assert memory.take(10)
    had: list[bool] = []
    keeper.add(lambda: had.append(memory.take(10)))
    keeper.add(lambda: memory.give(10))
    keeper.finish()
    assert had == [True]


@pytest.mark.usefixtures("never")
def test_what_waits_to_be_freed_is_there_for_who_needs_it(keeper: Housekeeper) -> None:
    memory = Budget(10)
    memory.reclaim = keeper.finish
    assert memory.take(6)
    keeper.add(lambda: memory.give(6))
    assert memory.take(10)
    assert not memory.take(1)


def faults(entry: Entry, runner: FakeRunner) -> Code:
    """Fault in a command."""
    del runner
    yield from ()
    return SEGV if entry.function == INVOKE else numbers.SUCCESS


@pytest.fixture
def world(keeper: Housekeeper, log: list[str]) -> World:
    tas: dict[UUID, tuple[int, Script]] = {a_uuid(1): (0, quiet), a_uuid(2): (0, faults)}
    made = World(tas, log=log, memory=Budget(1 << 20))
    made.services.tidy = keeper.add
    made.memory.reclaim = keeper.finish
    return made


@pytest.mark.usefixtures("never")
def test_the_process_of_a_closed_ta_ends_when_nobody_waits(
    world: World, keeper: Housekeeper
) -> None:
    world.close(world.opened(a_uuid(1)))
    assert not world.manager.instances
    assert [runner.closed for runner in world.runners] == [False]
    keeper.finish()
    assert [runner.closed for runner in world.runners] == [True]
    assert world.memory.take(world.memory.limit)


@pytest.mark.usefixtures("never")
def test_memory_of_a_closed_ta_is_there_for_the_next(world: World) -> None:
    session = world.opened(a_uuid(1))
    while world.memory.take(4096):
        pass  # so that there is room for no other
    assert world.open(a_uuid(1)).result == numbers.ERROR_OUT_OF_MEMORY
    world.close(session)
    assert world.open(a_uuid(1)).ok
    assert world.runners[0].closed


@pytest.mark.usefixtures("never")
def test_a_ta_that_died_goes_at_once(world: World) -> None:
    world.invoke(world.opened(a_uuid(2)))
    assert world.runners[0].closed


@pytest.mark.usefixtures("never")
def test_no_process_is_left_when_the_core_ends(world: World, keeper: Housekeeper) -> None:
    world.close(world.opened(a_uuid(1)))
    world.opened(a_uuid(1))
    world.manager.end()
    keeper.close()
    assert [runner.closed for runner in world.runners] == [True, True]
