# SPDX-License-Identifier: BSD-3-Clause
"""How a core starts its runners, and when it refuses one."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from realmos_agent.tee import runners
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.runners import Runners

Start = Callable[..., "FakeRunner"]


class FakeRunner:
    """A runner that has started, without a process."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        self.closed = False

    def close(self) -> None:
        self.closed = True


class World:
    """What is started with which words; `missing` is what the next one lacks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.words: list[tuple[str, ...]] = []
        self.budgets: list[Budget] = []
        self.started: list[FakeRunner] = []
        self.missing: tuple[str, ...] = ()
        monkeypatch.setattr(runners, "start", self._start)

    def _start(self, argv: tuple[str, ...], *, seconds: float, large: Budget) -> FakeRunner:
        assert seconds > 0
        self.words.append(argv)
        self.budgets.append(large)
        self.started.append(FakeRunner(self.missing))
        return self.started[-1]

    def runners(self, qemu_user: str = "") -> Runners:
        return Runners("/runner", qemu_user, 1 << 28, self.log.append)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def users(world: World) -> list[int]:
    return [int(words[words.index("--user") + 1]) for words in world.words]


def test_every_runner_is_a_user_of_its_own(world: World) -> None:
    made = world.runners()
    for _ in range(3):
        made.start()
    assert all(one != other for one, other in pairwise(users(world)))
    assert len(set(users(world))) == 3
    assert min(users(world)) > 65535


def test_all_runners_share_what_large_calls_may_take(world: World) -> None:
    made = world.runners()
    made.start()
    made.start()
    assert world.budgets[0] is world.budgets[1]


def test_limits_are_passed_on(world: World) -> None:
    made = world.runners()
    made.start()
    assert world.words[0][:5] == ("/runner", "--memory", str(1 << 28), "--nice", "5")
    assert "--weak" not in world.words[0]


def test_a_runner_that_is_not_confined_is_refused(world: World) -> None:
    world.missing = ("system call filter", "user namespace")
    with pytest.raises(RunnerError, match="no system call filter, user namespace; the kernel"):
        world.runners().start()
    assert world.started[0].closed
    assert not world.log


def test_an_emulated_one_is_told_of_once_when_it_misses_something(world: World) -> None:
    made = world.runners("/qemu")
    made.start()
    assert not world.log
    world.missing = ("system call filter",)
    made.start()
    made.start()
    (line,) = world.log
    assert "WARNING" in line
    assert "no system call filter" in line
    assert "--local" in line
    assert world.words[0][:2] == ("/qemu", "/runner")
    assert "--weak" in world.words[0]
    assert not any(runner.closed for runner in world.started)


def test_another_command_line_is_a_user_of_its_own_too(world: World) -> None:
    made = world.runners("/qemu")
    made.start(("/qemu", "-g", "socket"))
    assert world.words[0][:3] == ("/qemu", "-g", "socket")
    assert users(world)
