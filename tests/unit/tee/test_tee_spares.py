# SPDX-License-Identifier: BSD-3-Clause
"""Runners that wait for a TA: how many, on whose account, and what becomes of those that end."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import until
from realmos_agent.tee import housekeeper
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.housekeeper import Housekeeper
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.runner import RunnerProcess
from realmos_agent.tee.runner_start import launch
from realmos_agent.tee.spares import COST, Spares
from ta_code import runner_argv


class Launched:
    """Real runners, and how many there may be."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        self.argv = argv
        self.runners: list[RunnerProcess] = []
        self.room = 100
        self.tries = 0
        self.log: list[str] = []
        self.housekeeper = Housekeeper(self.log.append)

    def __call__(self) -> RunnerProcess:
        self.tries += 1
        if len(self.runners) == self.room:
            raise RunnerError("no more processes")
        self.runners.append(launch(self.argv))
        return self.runners[-1]


@pytest.fixture
def launched(runner_program: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launched]:
    monkeypatch.setattr(housekeeper, "QUIET_S", 0.0)
    made = Launched(runner_argv(runner_program))
    yield made
    made.housekeeper.close()
    for runner in made.runners:
        runner.close()
    assert not made.log


def filled(launched: Launched, most: int, memory: Budget) -> Spares:
    made = Spares(launched, most, memory, launched.housekeeper)
    made.fill()
    until(lambda: len(launched.runners) == most)
    return made


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_each_is_taken_once_and_can_be_used(launched: Launched) -> None:
    made = filled(launched, 2, Budget(2 * COST))
    taken = [made.take(), made.take()]
    assert taken == launched.runners
    assert made.take() is None
    for runner in launched.runners:
        runner.greet()
        runner.map(0x10_0000_0000, 4096, 3, b"", stack=False)
    made.close()
    assert all(exists(runner.pid) for runner in launched.runners)


def test_those_that_ended_while_they_waited_are_passed_over(launched: Launched) -> None:
    made = filled(launched, 3, Budget(3 * COST))
    for gone in launched.runners[:2]:
        os.kill(gone.pid, signal.SIGKILL)
        until(lambda gone=gone: not gone.lives)  # type: ignore[misc] # mypy knows no such lambda
    assert made.take() is launched.runners[2]
    assert not any(exists(gone.pid) for gone in launched.runners[:2])
    made.close()


def test_none_is_left_behind(launched: Launched) -> None:
    memory = Budget(2 * COST)
    made = filled(launched, 2, memory)
    made.close()
    made.close()
    assert not any(exists(runner.pid) for runner in launched.runners)
    made.fill()
    assert made.take() is None
    assert memory.take(2 * COST)


def test_they_take_memory_only_while_they_wait(launched: Launched) -> None:
    memory = Budget(3 * COST)
    made = filled(launched, 2, memory)
    assert not memory.take(2 * COST)
    assert made.take()
    assert memory.take(2 * COST)
    made.close()


def test_where_memory_is_short_none_waits(launched: Launched) -> None:
    memory = Budget(2 * COST)
    assert memory.take(COST)
    made = Spares(launched, 2, memory, launched.housekeeper)
    made.fill()
    until(lambda: len(launched.runners) == 1)
    made.close()
    assert len(launched.runners) == 1


def test_one_that_does_not_start_is_tried_again_when_asked_to(launched: Launched) -> None:
    launched.room = 0
    memory = Budget(COST)
    made = Spares(launched, 1, memory, launched.housekeeper)
    made.fill()
    until(lambda: launched.tries == 1)
    assert made.take() is None
    launched.room = 1
    until(lambda: made.fill() or len(launched.runners) == 1)  # type: ignore[func-returns-value]
    assert made.take() is launched.runners[0]
    made.close()


def test_a_failure_of_the_core_is_not_the_last_try(launched: Launched) -> None:
    failures = [MemoryError()]

    def launch_in_vain() -> RunnerProcess:
        if failures:
            raise failures.pop()
        return launched()

    memory = Budget(COST)
    made = Spares(launch_in_vain, 1, memory, launched.housekeeper)
    made.fill()
    until(lambda: bool(launched.log))
    assert "MemoryError" in launched.log.pop()
    made.fill()
    until(lambda: len(launched.runners) == 1)
    made.close()
    assert memory.take(COST)


def test_there_are_never_more_than_were_wanted(launched: Launched) -> None:
    made = Spares(launched, 2, Budget(100 * COST), launched.housekeeper)
    threads = [threading.Thread(target=made.fill) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(launched.runners) == 2)
    made.close()
    assert len(launched.runners) == 2
