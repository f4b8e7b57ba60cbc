# SPDX-License-Identifier: BSD-3-Clause
"""Frame records of a TA, which may have written anything there."""

import struct

from realmos_agent.tee.backtrace import callers, folded
from realmos_agent.tee.parts import RunnerError

SIGNED = 0x56 << 48


def walk(records: dict[int, tuple[int, int]], first: int) -> list[int]:
    def fetch(address: int, size: int) -> bytes:
        if address not in records:
            raise RunnerError("nothing there")
        data = struct.pack("<QQ", *records[address])
        assert len(data) == size
        return data

    return callers(fetch, first)


def test_records_are_followed_to_the_end() -> None:
    records = {0x1000: (0x1020, SIGNED | 0x10_0000_0004), 0x1020: (0x1040, 8), 0x1040: (0, 0)}
    assert walk(records, 0x1000) == [0x10_0000_0004, 8]


def test_the_first_record_need_not_lie_below_the_second() -> None:
    assert walk({0x1000: (0x800, 4), 0x800: (0x900, 8), 0x900: (0, 12)}, 0x1000) == [4, 8, 12]


def test_a_circle_ends() -> None:
    assert walk({0x1000: (0x1020, 4), 0x1020: (0x1020, 8)}, 0x1000) == [4, 8]


def test_nonsense_ends_it() -> None:
    assert walk({}, 0x1000) == []
    assert walk({0x1001: (0, 4)}, 0x1001) == []
    assert len(walk({at: (at + 16, 4) for at in range(0, 16000, 16)}, 0)) == 32


def test_a_place_that_comes_again_and_again_is_told_once() -> None:
    assert folded(["a", "b", "b", "b", "a"]) == "a, 3 times b, a"
    assert folded([]) == ""
