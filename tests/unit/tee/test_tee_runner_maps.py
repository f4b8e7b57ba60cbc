# SPDX-License-Identifier: BSD-3-Clause
"""A TA's memory, all of it in one go."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from realmos_agent.tee import runner_numbers as wire
from realmos_agent.tee.loader import Segment
from realmos_agent.tee.parts import Refused
from realmos_agent.tee.runner import RunnerProcess
from realmos_agent.tee.runner_start import start
from ta_code import PAGE, UNMAPPED, runner_argv

READ = wire.PROT_READ


@pytest.fixture
def runner(runner_program: Path) -> Iterator[RunnerProcess]:
    made = start(runner_argv(runner_program))
    yield made
    made.close()


def test_many_segments_are_mapped_at_once_with_the_stack(runner: RunnerProcess) -> None:
    places = [UNMAPPED + 2 * PAGE * number for number in range(300)]
    segments = [
        Segment(place, PAGE, READ, struct.pack("<Q", place) + bytes(number % 2 * 4000))
        for number, place in enumerate(places)
    ]
    stack = UNMAPPED + 1024 * PAGE
    runner.map_all(segments, (stack, PAGE))
    for place in places:
        assert runner.fetch(place, 8) == struct.pack("<Q", place)
    runner.write(stack, b"x")
    with pytest.raises(Refused):
        runner.map(stack - PAGE, PAGE, READ, b"", stack=False)
    runner.map_all([])


@pytest.mark.parametrize("bad", [0, 70, 149])
def test_one_of_many_segments_that_is_refused_is_told(runner: RunnerProcess, bad: int) -> None:
    segments = [
        Segment(UNMAPPED + PAGE * number, PAGE if number != bad else 1, READ, b"")
        for number in range(150)
    ]
    with pytest.raises(Refused, match=f"map 0x1 bytes at {UNMAPPED + PAGE * bad:#x}"):
        runner.map_all(segments)
