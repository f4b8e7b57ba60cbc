# SPDX-License-Identifier: BSD-3-Clause
"""How a core starts its runners, and when it refuses one."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from fake_hub import until
from fake_ta import WAIT_S, in_thread
from realmos_agent.tee import housekeeper, runners
from realmos_agent.tee.budget import Budget, Share
from realmos_agent.tee.housekeeper import Housekeeper
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.runners import SPARES, Runners


class FakeRunner:
    """A runner that has started, without a process."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        self.closed = False
        self.lives = True
        self.greeted = 0

    def greet(self, seconds: float) -> None:
        assert seconds > 0
        self.greeted += 1
        if not self.lives:
            raise RunnerError("it has ended")

    def close(self) -> None:
        self.closed = True


class World:
    """What is started with which words; `missing` is what the next one lacks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.words: list[tuple[str, ...]] = []
        self.shares: list[Share] = []
        self.started: list[FakeRunner] = []
        self.missing: tuple[str, ...] = ()
        self.made: list[Runners] = []
        self.housekeeper = Housekeeper(self.log.append)
        monkeypatch.setattr(runners, "launch", self._launch)

    def _launch(self, argv: tuple[str, ...], *, large: Share) -> FakeRunner:
        self.words.append(argv)
        self.shares.append(large)
        self.started.append(FakeRunner(self.missing))
        return self.started[-1]

    def runners(self, qemu_user: str = "") -> Runners:
        later, memory = self.housekeeper, Budget(1 << 30)
        self.made.append(
            Runners(
                "/runner", qemu_user, 1 << 28, self.log.append, shared=memory, housekeeper=later
            )
        )
        return self.made[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(monkeypatch)
    yield made
    made.housekeeper.close()
    for each in made.made:
        each.close()


def test_one_that_waits_for_a_debugger_ends_with_the_core(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def greet(_self: FakeRunner, seconds: float | None) -> None:
        assert seconds is None
        begun.set()
        assert ended.wait(WAIT_S)
        raise RunnerError("it has ended")

    monkeypatch.setattr(FakeRunner, "greet", greet)
    monkeypatch.setattr(FakeRunner, "close", lambda _self: ended.set())
    made = world.runners("/qemu")
    start = in_thread(lambda: made.start(("/qemu", "-g", "gdb"), None))
    assert begun.wait(WAIT_S)
    made.close()
    assert ended.is_set()
    with pytest.raises(RunnerError):
        start.result(WAIT_S)


def test_one_that_starts_as_the_core_ends_does_not_outlive_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    greeted: list[FakeRunner] = []
    monkeypatch.setattr(FakeRunner, "greet", lambda self, _seconds: greeted.append(self))
    made = world.runners("/qemu")
    made.close()
    with pytest.raises(RunnerError, match="the core ends"):
        made.start(("/qemu", "-g", "gdb"), None)
    assert not greeted, "it would wait for a debugger"
    assert [runner.closed for runner in world.started] == [True]


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
    for _ in range(3):
        made.start()
    one, other, third, *_ = world.shares
    half = one.limit
    assert one.take(half)
    assert not one.take(1), "the rest is for others"
    assert other.take(half)
    assert not third.take(2)


def test_people_are_told_once_why_a_large_call_fails(world: World) -> None:
    made = world.runners()
    for _ in range(2):
        made.start()
    one, other, *_ = world.shares
    assert not one.reach(one.limit + 4)
    assert not other.take(other.limit + 4)
    told = [line for line in world.log if "more memory (--memory)" in line]
    assert len(told) == 1
    assert f"{one.limit // 4} is the most here" in told[0]


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


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let spares start at once."""
    monkeypatch.setattr(housekeeper, "QUIET_S", 0.0)


@pytest.mark.usefixtures("eager")
def test_the_next_runners_have_started_before_they_are_asked_for(world: World) -> None:
    made = world.runners()
    made.prepare()
    until(lambda: len(world.started) == SPARES)
    taken: list[object] = [made.start() for _ in range(SPARES)]
    assert taken == world.started[:SPARES]
    assert [runner.greeted for runner in world.started[:SPARES]] == [1] * SPARES
    until(lambda: len(world.started) == 2 * SPARES)  # others for those that follow
    assert len(set(users(world))) == 2 * SPARES


@pytest.mark.usefixtures("eager")
def test_one_that_waited_is_judged_as_any_other(world: World) -> None:
    made = world.runners()
    world.missing = ("user namespace",)
    made.prepare()
    until(lambda: len(world.started) == SPARES)
    with pytest.raises(RunnerError, match="no user namespace"):
        made.start()
    assert world.started[0].closed


@pytest.mark.usefixtures("eager")
def test_emulated_ones_and_those_of_other_words_are_started_when_asked_for(
    world: World,
) -> None:
    emulated = world.runners("/qemu")
    emulated.prepare()
    emulated.start()
    emulated.close()
    assert len(world.started) == 1
    native = world.runners()
    native.prepare()
    until(lambda: len(world.started) == 1 + SPARES)
    native.start(("/debugger",))
    assert world.words[-1][0] == "/debugger"


@pytest.mark.usefixtures("eager")
def test_no_runner_is_left_behind(world: World) -> None:
    made = world.runners()
    made.prepare()
    until(lambda: len(world.started) == SPARES)
    made.close()
    assert all(runner.closed for runner in world.started)
    made.prepare()
    with pytest.raises(RunnerError):
        made.start()
    assert all(runner.closed for runner in world.started)
    assert len(world.started) == SPARES + 1


def test_none_is_started_just_to_be_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeper, "QUIET_S", 1000.0)
    made = world.runners()
    made.prepare()
    made.close()
    world.housekeeper.close()
    assert not world.started
