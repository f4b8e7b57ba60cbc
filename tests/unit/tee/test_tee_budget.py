# SPDX-License-Identifier: BSD-3-Clause
"""The budget of bytes that the core lets others make it use."""

import threading

import pytest
from realmos_agent.tee.budget import Budget, Share, limits, memory_total

LONG_S = 60.0


def test_no_more_is_given_than_there_is() -> None:
    budget = Budget(100)
    assert budget.take(60)
    assert not budget.take(41)
    assert budget.take(40)
    assert not budget.take(1)
    budget.give(60)
    assert budget.take(60)


def test_what_will_never_fit_is_not_waited_for() -> None:
    assert not Budget(100).take(101, LONG_S)


def test_who_waits_goes_on_when_it_is_given_back() -> None:
    budget = Budget(100)
    assert budget.take(100)
    giver = threading.Timer(0.05, budget.give, (70,))
    giver.start()
    assert budget.take(70, LONG_S)
    giver.join()
    assert not budget.take(1)


def test_a_share_leaves_room_for_others() -> None:
    budget = Budget(100)
    one, other = Share(budget, 60), Share(budget, 60)
    assert not one.take(61, LONG_S)
    assert one.take(60)
    assert not one.take(1)
    assert not other.take(41)
    assert other.take(40)
    one.give(10)
    assert other.take(10)
    assert not budget.take(1)


def test_a_share_that_is_closed_gives_all_back_once() -> None:
    budget = Budget(100)
    share = Share(budget, 60)
    assert share.take(50)
    for _ in range(2):
        share.close()
        share.give(50)
    assert not share.take(1)
    assert budget.take(100)
    assert not budget.take(1)


def test_a_share_that_is_closed_while_it_waits_takes_nothing() -> None:
    budget = Budget(100)
    share = Share(budget, 60)
    assert budget.take(100)
    taken: list[bool] = []
    waiting = threading.Thread(target=lambda: taken.append(share.take(60, LONG_S)))
    waiting.start()
    share.close()
    budget.give(100)
    waiting.join(LONG_S)
    assert taken == [False]
    assert budget.take(100)


def test_a_share_reaches_for_what_is_missing() -> None:
    budget = Budget(100)
    share = Share(budget, 60)
    assert share.reach(40)
    assert share.reach(30)
    assert share.reach(60)
    assert not share.reach(61)
    share.empty()
    share.empty()
    assert budget.take(100)


MIB = 1 << 20


@pytest.mark.parametrize("total", [256 * MIB, 490 * MIB, 1000 * MIB, 4000 * MIB, 1 << 40])
def test_all_that_the_core_holds_for_others_fits_beside_it(total: int) -> None:
    room = limits(total)
    held = room.calls + room.clients + room.files + room.objects + room.handles
    assert held + min(192 * MIB, total * 7 // 8) <= total
    for one, everything in [
        (room.ta, room.tas), (room.call, room.calls), (room.client, room.clients),
        (room.ta_objects, room.objects), (room.ta_handles, room.handles),
    ]:  # fmt: skip
        assert 0 < one <= everything * 3 // 4, "one leaves room for others"
    assert room.ta <= room.process < total
    assert room.kept <= room.files


def test_a_realm_as_it_is_made_by_default_has_room_for_what_tas_do() -> None:
    room = limits(480 * MIB)
    assert room.ta >= 100 * MIB
    assert room.call >= 4 * 8 * MIB, "a system call of 8 MiB"
    assert room.client >= 3 * 16 * MIB, "a call of 16 MiB, there and back"
    assert room.ta_objects > 16 * MIB, "an object as large as they are"
    assert room.files >= 32 * MIB, "a file as large as they are"


def test_there_is_memory() -> None:
    assert memory_total() > 1 << 20
