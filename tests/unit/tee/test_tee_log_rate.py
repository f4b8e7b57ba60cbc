# SPDX-License-Identifier: BSD-3-Clause
"""How fast a TA may fill the log."""

import pytest
from fake_ta import INVOKE, Code, FakeRunner, World, a_uuid
from realmos_agent.tee import log_rate
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.log_rate import LINES_AT_ONCE, LogRate
from realmos_agent.tee.parts import Entry

TA = a_uuid(1)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log_rate, "monotonic", clock)
    return clock


def test_lines_come_at_once_and_then_as_time_passes(clock: Clock) -> None:
    rate = LogRate()
    assert sum(rate.admits() for _ in range(2 * LINES_AT_ONCE)) == LINES_AT_ONCE
    assert rate.take_left_out() == LINES_AT_ONCE
    assert rate.take_left_out() == 0
    clock.now += 0.1
    admitted = sum(rate.admits() for _ in range(LINES_AT_ONCE))
    assert 0 < admitted < LINES_AT_ONCE / 10
    clock.now += 1000
    assert sum(rate.admits() for _ in range(2 * LINES_AT_ONCE)) == LINES_AT_ONCE


def test_a_ta_that_floods_the_log_is_cut_off_and_told_of(clock: Clock) -> None:
    def flood(ta: Instance) -> None:
        for _ in range(LINES_AT_ONCE + 10):
            ta.log("again")

    def run(entry: Entry, _runner: FakeRunner) -> Code:
        if entry.function == INVOKE:
            yield flood
        return 0

    world = World({TA: (0, run)})
    session = world.opened(TA)
    assert world.invoke(session, 0).ok
    lines = [line for line in world.log if str(TA) in line]
    assert len(lines) == LINES_AT_ONCE
    clock.now += 60
    assert world.invoke(session, 0).ok
    lines = [line for line in world.log if str(TA) in line]
    assert lines[LINES_AT_ONCE].endswith("(10 lines left out: they came too fast)")
    world.manager.end()
    assert sum("left out" in line for line in world.log) == 2


def test_nothing_is_said_of_a_quiet_ta(clock: Clock) -> None:
    def run(_entry: Entry, _runner: FakeRunner) -> Code:
        yield lambda ta: ta.log("once")
        return 0

    world = World({TA: (0, run)})
    world.opened(TA)
    clock.now += 1
    world.manager.end()
    assert world.log
    assert not any("left out" in line for line in world.log)
