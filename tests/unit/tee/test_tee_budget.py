# SPDX-License-Identifier: BSD-3-Clause
"""The budget of bytes that the core lets others make it use."""

import threading

from realmos_agent.tee.budget import Budget, Share, memory_total

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


def test_there_is_memory() -> None:
    assert memory_total() > 1 << 20
