# SPDX-License-Identifier: BSD-3-Clause
"""Rules for instances and sessions, with TAs that are Python generators."""

import threading
from collections.abc import Generator
from concurrent.futures import TimeoutError as NotYet
from uuid import UUID

import pytest
from fake_ta import (
    CLOSE,
    INVOKE,
    KEEP,
    KEEP_CRASHED,
    MULTI,
    OPEN,
    SEGV,
    SINGLE,
    WAIT_S,
    Code,
    FakeRunner,
    World,
    a_uuid,
    in_thread,
    quiet,
)
from realmos_agent.tee import numbers
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.params import Memref, Params, Region, Value, param_types
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.session import Cancellation

A, B, C = a_uuid(1), a_uuid(2), a_uuid(3)
TEE, APP = numbers.ORIGIN_TEE, numbers.ORIGIN_TRUSTED_APP
DEAD = Outcome(numbers.ERROR_TARGET_DEAD, TEE)


class Gate:
    """A TA that says when it is in command 1, and stays there until it is let go."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, entry: Entry, runner: FakeRunner) -> Code:
        if entry.function == INVOKE and entry.command == 1:
            self.inside.set()
            assert self.go_on.wait(WAIT_S)
        return (yield from quiet(entry, runner))


def faulty(entry: Entry, runner: FakeRunner) -> Code:
    """Fault in command 0xDEAD."""
    yield from quiet(entry, runner)
    return SEGV if entry.command == 0xDEAD else numbers.SUCCESS


def functions(runner: FakeRunner) -> list[int]:
    return [entry.function for entry in runner.entries]


def test_a_session_is_opened_used_and_closed() -> None:
    world = World({A: (0, quiet)})
    session = world.opened(A)
    assert world.invoke(session, 7) == Outcome(numbers.SUCCESS, APP)
    assert world.close(session) == numbers.SUCCESS
    (runner,) = world.runners
    assert functions(runner) == [OPEN, INVOKE, CLOSE]
    assert runner.entries[1].command == 7
    assert {entry.session for entry in runner.entries} == {session.id}
    assert runner.closed


def test_the_entry_has_the_stack_and_the_code_of_the_image() -> None:
    world = World({A: (0, quiet)})
    world.opened(A)
    (runner,) = world.runners
    (stack,) = runner.stacks
    (entry,) = runner.entries
    assert entry.stack_top == stack + 8192  # 5000 bytes are two pages
    assert runner.memory[entry.address][:16] == A.bytes


def test_an_unknown_ta_is_not_found() -> None:
    assert World({}).open(A) == Outcome(numbers.ERROR_ITEM_NOT_FOUND, TEE)


def test_every_session_of_a_multi_instance_ta_has_its_own() -> None:
    world = World({A: (0, quiet)})
    one, two = world.opened(A), world.opened(A)
    assert one.id != two.id
    assert len(world.runners) == 2
    world.close(one)
    assert [runner.closed for runner in world.runners] == [True, False]


def test_a_single_instance_ta_is_busy_while_it_has_a_session() -> None:
    world = World({A: (SINGLE, quiet)})
    session = world.opened(A)
    assert world.open(A) == Outcome(numbers.ERROR_BUSY, TEE)
    world.close(session)
    assert world.open(A).ok
    assert len(world.runners) == 2


def test_a_multi_session_ta_serves_all_sessions_in_one_instance() -> None:
    world = World({A: (MULTI, quiet)})
    one, two = world.opened(A), world.opened(A)
    assert len(world.runners) == 1
    world.close(one)
    assert not world.runners[0].closed
    world.close(two)
    assert world.runners[0].closed


def test_a_kept_instance_outlives_its_last_session() -> None:
    world = World({A: (KEEP, quiet)})
    world.close(world.opened(A))
    assert not world.runners[0].closed
    world.opened(A)
    assert len(world.runners) == 1


def test_keep_alive_means_nothing_without_single_instance() -> None:
    world = World({A: (numbers.TA_FLAG_INSTANCE_KEEP_ALIVE, quiet)})
    world.close(world.opened(A))
    assert world.runners[0].closed


def test_a_refused_session_is_closed_in_the_ta_and_gone() -> None:
    def refuse(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        return numbers.ERROR_ACCESS_DENIED if entry.function == OPEN else numbers.SUCCESS

    world = World({A: (0, refuse)})
    assert world.open(A) == Outcome(numbers.ERROR_ACCESS_DENIED, APP)
    assert functions(world.runners[0]) == [OPEN, CLOSE]
    assert world.runners[0].closed


def test_a_closed_session_is_of_no_use() -> None:
    world = World({A: (KEEP, quiet)})
    session = world.opened(A)
    world.close(session)
    assert world.invoke(session) == Outcome(numbers.ERROR_BAD_PARAMETERS, TEE)
    assert world.close(session) == numbers.ERROR_ITEM_NOT_FOUND
    assert functions(world.runners[0]) == [OPEN, CLOSE]


def test_values_go_in_and_come_out() -> None:
    def swap(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        runner.vals[2:4] = entry.vals[3], entry.vals[2]
        runner.vals[4:6] = 0x1_0000_0005, 6
        return numbers.ERROR_GENERIC  # answers count, whatever the result

    types = param_types(
        numbers.PARAM_TYPE_VALUE_INPUT,
        numbers.PARAM_TYPE_VALUE_INOUT,
        numbers.PARAM_TYPE_VALUE_OUTPUT,
    )
    params = Params(types, (Value(1, 2), Value(3, 4), Value(8, 9), None))
    world = World({A: (0, quiet)})
    session = world.opened(A)
    world.runners[0].script = swap
    world.invoke(session, 0, params)
    assert world.runners[0].entries[1].types == types
    assert world.runners[0].entries[1].vals == (1, 2, 3, 4, 0, 0, 0, 0)
    values = [params.value(place) for place in range(3)]
    assert [(value.a, value.b) for value in values] == [(1, 2), (4, 3), (5, 6)]


def test_memory_is_mapped_for_the_call_and_written_back() -> None:
    seen = []

    def write(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE:
            address, size = entry.vals[0], entry.vals[1]
            seen.append((address % 4096, entry.vals[2] - address, runner.fetch(address, size)))
            (base,) = runner.regions
            runner.memory[base][4:7] = b"out"
            runner.vals[3] = 3
        return numbers.SUCCESS

    world = World({A: (0, write)})
    session = world.opened(A)
    region = Region(b"in: ______", shift=0x804)
    types = param_types(numbers.PARAM_TYPE_MEMREF_INPUT, numbers.PARAM_TYPE_MEMREF_INOUT)
    params = Params(types, (Memref(region, 0, 4), Memref(region, 4, 6), None, None))
    assert world.invoke(session, 0, params).ok
    assert seen == [(0x804, 4, b"in: ")]
    assert params.memref(1).written == b"out"
    assert params.memref(0).written == b"in: "


@pytest.mark.parametrize("result", [numbers.ERROR_SHORT_BUFFER, numbers.SUCCESS])
def test_a_size_beyond_the_memory_is_an_error_and_brings_no_bytes(result: int) -> None:
    def ask_for_more(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        runner.vals[1] = 100
        return result if entry.function == INVOKE else numbers.SUCCESS

    world = World({A: (0, ask_for_more)})
    session = world.opened(A)
    memref = Memref(Region(b"abc"), 0, 3)
    types = param_types(numbers.PARAM_TYPE_MEMREF_OUTPUT)
    outcome = world.invoke(session, 0, Params(types, (memref, None, None, None)))
    assert outcome == Outcome(numbers.ERROR_SHORT_BUFFER, APP)
    assert (memref.size, memref.written) == (100, b"")


def test_null_is_null_in_the_ta() -> None:
    world = World({A: (0, quiet)})
    session = world.opened(A)
    types = param_types(numbers.PARAM_TYPE_MEMREF_INOUT)
    assert world.invoke(session, 0, Params(types, (Memref(None), None, None, None))).ok
    assert world.runners[0].entries[1].vals[:2] == (0, 0)


def test_an_empty_memref_still_has_an_address() -> None:
    world = World({A: (0, quiet)})
    session = world.opened(A)
    types = param_types(numbers.PARAM_TYPE_MEMREF_INPUT)
    region = Region(b"", shift=8)
    assert world.invoke(session, 0, Params(types, (Memref(region, 0, 0), None, None, None))).ok
    address, size = world.runners[0].entries[1].vals[:2]
    assert address % 4096 == 8
    assert size == 0


@pytest.mark.parametrize("how", ["fault", "panic"])
def test_a_crash_is_target_dead_and_reported(how: str) -> None:
    def crash(entry: Entry, runner: FakeRunner) -> Code:
        if entry.function == INVOKE and how == "panic":
            yield lambda ta: ta.panic(0xBAD)
        return (yield from faulty(entry, runner))

    world = World({A: (0, crash)})
    session = world.opened(A)
    assert world.invoke(session, 0xDEAD) == DEAD
    assert world.runners[0].closed
    assert world.invoke(session, 0) == DEAD
    assert world.close(session) == numbers.SUCCESS
    assert functions(world.runners[0]) == [OPEN, INVOKE]
    report = "\n".join(world.log)
    assert str(A) in report
    assert "command 0xdead" in report
    assert ("0x00000bad" if how == "panic" else "signal 11") in report


def test_an_error_of_the_core_ends_the_ta_that_met_it_alone() -> None:
    def meets(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield lambda _: 1 // 0
        return numbers.SUCCESS

    world = World({A: (0, meets), B: (0, quiet)})
    other = world.opened(B)
    assert world.invoke(world.opened(A)) == DEAD
    assert "ZeroDivisionError" in "\n".join(world.log)
    assert world.invoke(other).ok


def test_all_sessions_of_a_dead_instance_are_dead_and_the_next_one_is_not() -> None:
    world = World({A: (KEEP, faulty)})
    one, two = world.opened(A), world.opened(A)
    assert world.invoke(one, 0xDEAD) == DEAD
    three = world.opened(A)
    assert len(world.runners) == 2
    assert world.invoke(two) == DEAD
    assert world.invoke(three).ok
    for session in (one, two, three):
        assert world.close(session) == numbers.SUCCESS
    assert not world.runners[1].closed  # that one is kept alive


def test_a_crash_can_be_final() -> None:
    world = World({A: (KEEP_CRASHED, faulty)})
    session = world.opened(A)
    assert world.invoke(session, 0xDEAD) == DEAD
    world.close(session)
    assert world.open(A) == DEAD
    assert len(world.runners) == 1


def test_a_crash_while_opening_or_closing() -> None:
    crash_in = [OPEN]

    def crash(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        return SEGV if entry.function in crash_in else numbers.SUCCESS

    world = World({A: (KEEP, crash)})
    assert world.open(A) == DEAD
    crash_in[:] = [CLOSE]
    session = world.opened(A)
    assert world.close(session) == numbers.SUCCESS
    assert [runner.closed for runner in world.runners] == [True, True]
    assert world.open(A).ok
    assert len(world.runners) == 3


def test_calls_wait_for_a_busy_instance() -> None:
    gate = Gate()
    world = World({A: (MULTI, gate)})
    one, two = world.opened(A), world.opened(A)
    first = in_thread(lambda: world.invoke(one, 1))
    assert gate.inside.wait(WAIT_S)
    second = in_thread(lambda: world.invoke(two, 2))
    closing = in_thread(lambda: world.close(one))
    with pytest.raises(NotYet):
        second.result(0.1)
    assert not closing.done()
    gate.go_on.set()
    assert first.result(WAIT_S).ok
    assert second.result(WAIT_S).ok
    assert closing.result(WAIT_S) == numbers.SUCCESS


def test_who_waits_for_an_instance_that_dies_gets_target_dead() -> None:
    gate = Gate()

    def script(entry: Entry, runner: FakeRunner) -> Code:
        yield from gate(entry, runner)
        return SEGV if entry.command == 1 else numbers.SUCCESS

    world = World({A: (MULTI, script)})
    one, two = world.opened(A), world.opened(A)
    first = in_thread(lambda: world.invoke(one, 1))
    assert gate.inside.wait(WAIT_S)
    second = in_thread(lambda: world.invoke(two, 2))
    gate.go_on.set()
    assert first.result(WAIT_S) == DEAD
    assert second.result(WAIT_S) == DEAD


def test_two_threads_that_load_a_single_instance_ta_get_one() -> None:
    world = World({A: (MULTI, quiet)})
    calls = [in_thread(lambda: world.open(A)) for _ in range(8)]
    assert all(call.result(WAIT_S).ok for call in calls)
    assert len(world.runners) == 1


def test_cancellation_is_masked_until_the_ta_unmasks_it_and_ends_with_the_call() -> None:
    seen: list[object] = []

    def script(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE:
            seen.append((yield lambda ta: ta.session.cancellation.effective))
            yield lambda ta: ta.session.cancellation.mask(masked=False)
            seen.append((yield lambda ta: ta.session.cancellation.effective))
            yield lambda ta: ta.session.cancellation.mask(masked=True)
            seen.append((yield lambda ta: ta.session.cancellation.effective))
        return numbers.SUCCESS

    world = World({A: (0, script)})
    session = world.opened(A)
    cancellation = Cancellation()
    cancellation.cancel()
    world.invoke(session, cancellation=cancellation)
    world.invoke(session)
    assert seen == [False, True, False, False, False, False]


def test_a_wait_ends_when_the_call_is_cancelled() -> None:
    inside = threading.Event()
    seen = []

    def script(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE:
            yield lambda ta: ta.session.cancellation.mask(masked=False)
            inside.set()
            seen.append((yield lambda ta: ta.session.cancellation.wait(60_000)))
        return numbers.SUCCESS

    world = World({A: (0, script)})
    session = world.opened(A)
    call = in_thread(lambda: world.invoke(session))
    assert inside.wait(WAIT_S)
    session.cancellation.cancel()
    assert call.result(WAIT_S).ok
    assert world.invoke(session, cancellation=Cancellation(20)).ok
    assert seen == [True, True]


def test_a_masked_wait_lasts() -> None:
    world = World({A: (0, quiet)})
    session = world.opened(A)
    session.cancellation.cancel()
    assert not session.cancellation.wait(20)


def test_ending_the_core_ends_all_instances() -> None:
    world = World({A: (KEEP, quiet), B: (0, quiet)})
    world.opened(A)
    world.opened(B)
    world.manager.end()
    assert all(runner.closed for runner in world.runners)


def test_ending_the_core_ends_an_instance_that_is_being_loaded() -> None:
    loading, go_on = threading.Event(), threading.Event()
    world = World({A: (KEEP, quiet)})
    create = world.manager._create  # noqa: SLF001 -- loading is made to take its time

    def slowly(uuid: UUID) -> Instance:
        loading.set()
        assert go_on.wait(WAIT_S)
        return create(uuid)

    world.manager._create = slowly  # noqa: SLF001
    opened = in_thread(lambda: world.open(A))
    assert loading.wait(WAIT_S)
    world.manager.end()
    go_on.set()
    assert opened.result(WAIT_S).result == numbers.ERROR_TARGET_DEAD
    assert world.runners[0].ended.wait(WAIT_S)
    assert not world.manager.instances


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Generator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(WAIT_S)
        assert not thread.is_alive()
