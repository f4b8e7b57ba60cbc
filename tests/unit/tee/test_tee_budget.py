# SPDX-License-Identifier: BSD-3-Clause
"""The budget of bytes that the core lets others make it use."""

import threading

from realmos_agent.tee.budget import Budget, memory_total

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


def test_there_is_memory() -> None:
    assert memory_total() > 1 << 20
