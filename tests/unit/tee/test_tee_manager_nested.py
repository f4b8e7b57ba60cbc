# SPDX-License-Identifier: BSD-3-Clause
"""Calls from TA to TA: depth, identity, sessions of a TA that dies, and waits that never end."""

import struct
import threading
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from fake_hub import until
from fake_ta import (
    CLOSE,
    INVOKE,
    MULTI,
    OPEN,
    SEGV,
    SINGLE,
    WAIT_S,
    Code,
    FakeRunner,
    Script,
    World,
    a_uuid,
    in_thread,
    quiet,
)
from realmos_agent.tee import numbers
from realmos_agent.tee.call_params import encode
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.params import Memref, Params, Region, Value, param_types
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.session import INFINITE
from realmos_agent.tee.syscalls.sessions import (
    close_ta_session,
    invoke_ta_command,
    open_ta_session,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

A, B, C = a_uuid(1), a_uuid(2), a_uuid(3)
TEE, APP = numbers.ORIGIN_TEE, numbers.ORIGIN_TRUSTED_APP
USE_PEER = 1  # the command that calls another TA


def opens(ta: Instance, uuid: UUID) -> tuple[int, int]:
    """Open a session as the TA; return its number and the result's origin."""
    _, number, origin = open_ta_session(ta, uuid.bytes_le, INFINITE, Params(), tells_origin=True)
    return number, origin


def invokes(ta: Instance, number: int, command: int, params: Params) -> int:
    """Invoke a command as the TA; return the result's origin."""
    return invoke_ta_command(ta, number, INFINITE, command, params, tells_origin=True)[1]


def calls(peer: UUID, results: list[object] | None = None, *, leaves_open: bool = False) -> Script:
    """Return a TA that opens, uses and closes a session with `peer` in USE_PEER."""

    def script(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function != INVOKE or entry.command != USE_PEER:
            return numbers.SUCCESS
        opened = yield lambda ta: opens(ta, peer)
        if results is not None:
            results.append(opened)
        if isinstance(opened, TeeError):
            return opened.code
        assert isinstance(opened, tuple)
        number: int = opened[0]
        result = yield lambda ta: invokes(ta, number, USE_PEER, Params())
        if not leaves_open:
            yield lambda ta: close_ta_session(ta, number)
        return result.code if isinstance(result, TeeError) else numbers.SUCCESS

    return script


def test_a_ta_calls_another_and_is_known_to_it() -> None:
    seen: list[tuple[int, UUID]] = []

    def peer(entry: Entry, runner: FakeRunner) -> Code:
        del entry, runner
        yield lambda ta: seen.append((ta.identity.login, ta.identity.uuid))
        return numbers.SUCCESS

    world = World({A: (0, calls(B)), B: (0, peer)})
    assert world.invoke(world.opened(A), USE_PEER).ok
    assert seen == [(numbers.LOGIN_TRUSTED_APP, A)] * 3
    assert [entry.function for entry in world.runners[1].entries] == [OPEN, INVOKE, CLOSE]
    assert world.runners[1].closed


def test_no_more_than_four_entries_are_nested() -> None:
    uuids = [a_uuid(number) for number in range(6)]
    world = World(
        {uuid: (0, calls(peer)) for uuid, peer in pairwise(uuids)} | {uuids[-1]: (0, quiet)}
    )
    outcome = world.invoke(world.opened(uuids[0]), USE_PEER)
    assert outcome == Outcome(numbers.ERROR_OUT_OF_MEMORY, APP)
    assert [len(runner.entries) for runner in world.runners] == [2, 3, 3, 3, 0]
    assert all(runner.closed for runner in world.runners[1:])


def test_sessions_that_a_ta_leaves_open_end_with_it() -> None:
    world = World({A: (0, calls(B, leaves_open=True)), B: (0, quiet)})
    session = world.opened(A)
    world.invoke(session, USE_PEER)
    assert not world.runners[1].closed
    world.close(session)
    assert world.runners[1].entries[-1].function == CLOSE
    assert world.runners[1].closed


def test_sessions_of_a_ta_that_dies_are_closed() -> None:
    inner = calls(B, leaves_open=True)

    def dies(entry: Entry, runner: FakeRunner) -> Code:
        result = yield from inner(entry, runner)
        return SEGV if entry.command == USE_PEER else result

    world = World({A: (0, dies), B: (0, quiet)})
    outcome = world.invoke(world.opened(A), USE_PEER)
    assert outcome.result == numbers.ERROR_TARGET_DEAD
    assert world.runners[1].entries[-1].function == CLOSE
    assert world.runners[1].closed


def test_the_death_of_a_callee_is_target_dead_for_its_caller_alone() -> None:
    def dies(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        return SEGV if entry.function == INVOKE else numbers.SUCCESS

    world = World({A: (0, calls(B)), B: (0, dies)})
    session = world.opened(A)
    assert world.invoke(session, USE_PEER) == Outcome(numbers.ERROR_TARGET_DEAD, APP)
    assert world.invoke(session, 0).ok


@pytest.mark.parametrize("flags", [SINGLE, MULTI])
def test_a_single_instance_ta_that_calls_itself_is_busy(flags: int) -> None:
    results: list[object] = []
    world = World({A: (flags, calls(A, results))})
    session = world.opened(A)
    assert world.invoke(session, USE_PEER).result == numbers.ERROR_BUSY
    (error,) = results
    assert isinstance(error, TeeError)
    assert error.outputs is not None
    assert error.outputs[1:] == (None, TEE)
    assert world.invoke(session).ok


class Crossing:
    """Two single-instance TAs that open sessions with each other.

    Attributes:
        inside: what each does when it has been called, before it calls the other.
    """

    def __init__(self) -> None:
        self.inside: Callable[[UUID], object] = lambda _: None
        self.world = World({A: (MULTI, self._calls(A, B)), B: (MULTI, self._calls(B, A))})

    def call(self, uuid: UUID) -> int:
        """Have one of them call the other, and be gone afterwards; return its result."""
        session = self.world.opened(uuid)
        outcome = self.world.invoke(session, USE_PEER)
        self.world.close(session)
        return outcome.result

    def _calls(self, me: UUID, peer: UUID) -> Script:
        def script(entry: Entry, runner: FakeRunner) -> Code:
            del runner
            if entry.function != INVOKE:
                return numbers.SUCCESS
            self.inside(me)
            opened = yield lambda ta: opens(ta, peer)
            if isinstance(opened, TeeError):
                return opened.code
            assert isinstance(opened, tuple)
            number: int = opened[0]
            yield lambda ta: close_ta_session(ta, number)
            return numbers.SUCCESS

        return script


def test_two_tas_that_call_each_other_do_not_wait_for_ever() -> None:
    crossing = Crossing()
    both = threading.Barrier(2)
    crossing.inside = lambda _: both.wait(WAIT_S)
    calls = [in_thread(partial(crossing.call, uuid)) for uuid in (A, B)]
    results = [call.result(WAIT_S) for call in calls]
    assert sorted(results) == [numbers.SUCCESS, numbers.ERROR_BUSY]


def test_of_two_tas_that_have_called_each_other_the_second_waits() -> None:
    """BUSY would do harm: libutee makes a panic of it. Both have been loaded anew meanwhile."""
    crossing = Crossing()
    assert crossing.call(A) == crossing.call(B) == numbers.SUCCESS
    turns = crossing.world.manager._turns  # noqa: SLF001 -- who waits is seen nowhere else
    seconds: list[Future[int]] = []

    def second_comes(me: UUID) -> None:
        if me == A:
            seconds.append(in_thread(partial(crossing.call, B)))
            until(lambda: turns._waiting > 0)  # noqa: SLF001

    crossing.inside = second_comes
    assert crossing.call(A) == numbers.SUCCESS
    assert seconds[0].result(WAIT_S) == numbers.SUCCESS


def test_a_session_with_a_ta_that_is_inside_is_closed_later() -> None:
    """B calls A, and that closes its session with B."""
    kept: list[int] = []

    def script_a(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE and entry.command == 11:
            opened = yield lambda ta: opens(ta, B)
            assert isinstance(opened, tuple)
            kept.append(opened[0])
        if entry.function == INVOKE and entry.command == USE_PEER:
            yield lambda ta: close_ta_session(ta, kept[0])
        return numbers.SUCCESS

    world = World({A: (MULTI, script_a), B: (MULTI, calls(A))})
    one, two = world.opened(A), world.opened(B)
    world.invoke(one, 11)
    assert world.invoke(two, USE_PEER).ok
    assert [entry.function for entry in world.runners[1].entries] == [OPEN, OPEN, INVOKE, CLOSE]


def test_a_ta_cannot_use_the_sessions_of_another() -> None:
    results: list[object] = []
    number: list[int] = []

    def thief(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            results.append((yield lambda ta: invokes(ta, number[0], 0, Params())))
            results.append((yield lambda ta: close_ta_session(ta, number[0])))
        return numbers.SUCCESS

    world = World({A: (0, calls(B, results, leaves_open=True)), B: (0, quiet), C: (0, thief)})
    world.invoke(world.opened(A), USE_PEER)
    opened = results.pop()
    assert isinstance(opened, tuple)
    number.append(opened[0])
    world.invoke(world.opened(C))
    codes = [result.code for result in results if isinstance(result, TeeError)]
    assert codes == [numbers.ERROR_BAD_PARAMETERS, numbers.ERROR_ITEM_NOT_FOUND]
    assert len(world.runners[1].entries) == 2


def test_memory_passes_from_ta_to_ta_and_back() -> None:
    types = param_types(numbers.PARAM_TYPE_MEMREF_INOUT)
    memref = Memref(Region(b"question", secure=True), 0, 8)
    origins: list[object] = []

    def asks(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            opened = yield lambda ta: opens(ta, B)
            assert isinstance(opened, tuple)
            params = Params(types, (memref, None, None, None))
            origins.append((yield lambda ta: invokes(ta, opened[0], 5, params)))
        return numbers.SUCCESS

    def answers(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE:
            assert runner.fetch(entry.vals[0], 8) == b"question"
            runner.memory[entry.vals[0]][:6] = b"answer"
            runner.vals[1] = 6
        return numbers.SUCCESS

    world = World({A: (0, asks), B: (0, answers)})
    assert world.invoke(world.opened(A)).ok
    assert memref.written == b"answer"
    assert origins == [APP]


def test_a_session_that_is_refused_leaves_its_callers_parameters_alone() -> None:
    types = param_types(numbers.PARAM_TYPE_MEMREF_INOUT, numbers.PARAM_TYPE_VALUE_INOUT)

    def refuses(entry: Entry, runner: FakeRunner) -> Code:
        yield from ()
        if entry.function == OPEN:
            runner.memory[entry.vals[0]][:] = b"answer"
            runner.vals[:4] = [entry.vals[0], 6, 3, 4]
        return numbers.ERROR_ACCESS_DENIED

    answers: list[object] = []

    def asks(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            slots = Memref(Region(b"question", secure=True), 0, 8), Value(1, 2), None, None
            given = Params(types, slots)
            answers.append((yield lambda ta: open_ta_session(
                ta, B.bytes_le, INFINITE, given, tells_origin=True
            )))  # fmt: skip
        return numbers.SUCCESS

    world = World({A: (0, asks), B: (0, refuses)})
    assert world.invoke(world.opened(A)).ok
    (error,) = answers
    assert isinstance(error, TeeError)
    assert error.outputs is not None
    told, _, origin = error.outputs
    assert isinstance(told, Params)
    assert origin == APP
    assert encode(told) == struct.pack("<4Q", 8, 0, 1, 2)  # the size, no bytes, the value
