# SPDX-License-Identifier: BSD-3-Clause
"""Handles of a TA: unforgeable by number, bounded, closed with the instance."""

import tracemalloc

import pytest
from realmos_agent.tee import numbers
from realmos_agent.tee.budget import Budget, Share
from realmos_agent.tee.crypto import operation
from realmos_agent.tee.crypto.digest import ExtendableState
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.handles import COST, HandleTable


class _Closable:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_handle_names_what_was_added_and_nothing_of_another_kind() -> None:
    table = HandleTable()
    handle = table.add("text")
    assert handle != numbers.HANDLE_NULL
    assert table.get(handle, str) == "text"
    with pytest.raises(TeeError) as caught:
        table.get(handle, bytes)
    assert caught.value.code == numbers.ERROR_BAD_PARAMETERS
    with pytest.raises(TeeError) as caught:
        table.get(handle + 1, str, numbers.ERROR_BAD_STATE)
    assert caught.value.code == numbers.ERROR_BAD_STATE


def test_a_dropped_handle_is_gone_and_its_number_is_not_the_next() -> None:
    table = HandleTable()
    held = _Closable()
    handle = table.add(held)
    assert table.drop(handle, _Closable) is held
    assert held.closed == 0
    assert table.add(held) != handle
    with pytest.raises(TeeError):
        table.drop(handle, _Closable)


def test_another_tables_handle_names_nothing() -> None:
    mine, other = HandleTable(), HandleTable()
    handle = other.add("secret")
    with pytest.raises(TeeError):
        mine.get(handle, str)


def test_numbers_wrap_round_what_is_still_held() -> None:
    table = HandleTable(first=0xFFFF_FFFE)
    assert [table.add(number) for number in range(3)] == [0xFFFF_FFFE, 0xFFFF_FFFF, 1]
    again = HandleTable(first=0xFFFF_FFFF)
    assert again.add("held") == 0xFFFF_FFFF
    for expected in (1, 2):
        assert again.add(expected) == expected
    assert [again.get(handle, int) for handle in (1, 2)] == [1, 2]


def test_a_ta_cannot_hold_any_number_of_things() -> None:
    table = HandleTable(limit=2)
    table.add(1)
    table.add(2)
    with pytest.raises(TeeError) as caught:
        table.add(3)
    assert caught.value.code == numbers.ERROR_OUT_OF_MEMORY
    assert len(table) == 2


def test_all_tas_together_hold_no_more_than_there_is_room_for() -> None:
    room = Budget(3 * COST)
    one, other = (HandleTable(room=Share(room, 2 * COST)) for _ in range(2))
    first, _ = one.add(1), one.add(2)
    with pytest.raises(TeeError) as caught:
        one.add(3)
    assert caught.value.code == numbers.ERROR_OUT_OF_MEMORY
    other.need_room()
    other.need_room()
    one.drop(first, int)
    one.add(3)
    other.add(1)
    with pytest.raises(TeeError):
        other.need_room()
    for table in (one, other):
        table.clear()
        table.clear()
    assert room.take(3 * COST)


def test_what_handles_name_takes_about_what_is_counted() -> None:
    def held() -> object:
        state = operation.create(numbers.ALG_SHAKE128, numbers.MODE_DIGEST)
        assert isinstance(state, ExtendableState)
        state.init()
        state.final(b"", 16384)
        state.final(b"", 1)
        return state

    held()
    tracemalloc.start()
    try:
        kept = [held() for _ in range(50)]
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < COST * len(kept)


def test_clearing_closes_each_once() -> None:
    table = HandleTable()
    held = _Closable()
    table.add(held)
    table.add("what has no close")
    table.clear()
    table.clear()
    assert held.closed == 1
    assert len(table) == 0
