# SPDX-License-Identifier: BSD-3-Clause
"""An instance and its runner: what a TA is given for a call, and what it is not."""

import pytest
from fake_ta import INVOKE, Code, FakeRunner, World, a_uuid
from realmos_agent.tee import numbers
from realmos_agent.tee.addresses import PAGE, AddressSpace
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.params import Memref, Params, Region
from realmos_agent.tee.parts import Entry, Fault

TA = a_uuid(1)
INPUT = numbers.PARAM_TYPE_MEMREF_INPUT


def test_memory_of_a_call_that_is_not_made_is_not_there_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[list[int]] = []

    def look(entry: Entry, runner: FakeRunner) -> Code:
        yield from ()
        if entry.function == INVOKE:
            seen.append(list(runner.regions))
        return 0

    world = World({TA: (0, look)})
    session = world.opened(TA)
    regions = [Region(b"somebody else's"), Region(b"more")]
    slots = tuple(Memref(region, 0, len(region.data)) for region in regions)
    left = [AddressSpace().reserve(PAGE)]  # room for the first only

    def reserve(_space: AddressSpace, _size: int) -> int:
        if not left:
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
        return left.pop()

    with monkeypatch.context() as patch:
        patch.setattr(AddressSpace, "reserve", reserve)
        patch.setattr(AddressSpace, "release", lambda _space, _address: None)
        outcome = world.invoke(session, 0, Params(INPUT | INPUT << 4, (*slots, None, None)))
    assert outcome.result == numbers.ERROR_OUT_OF_MEMORY
    assert world.invoke(session, 0).ok
    assert seen == [[]]


def test_a_ta_whose_end_cannot_be_logged_is_dead_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else another call would go on in the middle of this one."""

    def panic(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield lambda ta: ta.panic(1)
        return 0

    world = World({TA: (0, panic)})
    session = world.opened(TA)
    instance = session.target
    assert isinstance(instance, Instance)

    def fail(_line: str) -> None:
        raise MemoryError

    monkeypatch.setattr(instance.services, "log", fail)
    assert world.invoke(session).result == numbers.ERROR_TARGET_DEAD
    assert instance.dead


@pytest.mark.parametrize(("brings", "told", "found"), [
    (b"", numbers.SUCCESS, b"fetched..."),
    (b"came", numbers.SUCCESS, b"came......"),
    (b"com", numbers.ERROR_TARGET_DEAD, b".........."),
])  # fmt: skip
def test_output_memory_that_comes_with_the_result_is_not_fetched(
    brings: bytes, told: int, found: bytes
) -> None:
    def answer(entry: Entry, runner: FakeRunner) -> Code:
        yield from ()
        if entry.function == INVOKE:
            runner.memory[entry.vals[0]][:7] = b"fetched"
            runner.vals[1] = 4 if brings else 7
            runner.brings = brings
        return numbers.SUCCESS

    world = World({TA: (0, answer)})
    session = world.opened(TA)
    region = Region(b"." * 10)
    memref = Memref(region, 0, 10)
    params = Params(numbers.PARAM_TYPE_MEMREF_OUTPUT, (memref, None, None, None))
    assert world.invoke(session, 0, params).result == told
    assert bytes(region.data) == found


def test_a_stack_that_is_used_up_is_told_as_such() -> None:
    def overflows(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            top = yield lambda ta: ta._stack_top  # noqa: SLF001 -- where its stack pointer begins
            assert isinstance(top, int)
            return Fault(11, 2, top - 8192 - 16, 0x1000, 0x2000, 0x3000)
        return 0

    world = World({TA: (0, overflows)})
    world.invoke(world.opened(TA))
    assert f"{TA} used up its stack of 8192 bytes (TA_STACK_SIZE)" in world.log
