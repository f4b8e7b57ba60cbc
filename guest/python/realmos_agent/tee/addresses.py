# SPDX-License-Identifier: BSD-3-Clause
"""The address space of one TA: which addresses are in use, and random free ones.

The window is free of what a Linux process has of its own, on arm64 with 39-bit addresses and more,
and in a process of qemu-user.
"""

import os
from bisect import bisect_right

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import NoRoom, TeeError
from realmos_agent.tee.runner_numbers import RANGES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from realmos_agent.tee.budget import Budget

PAGE = 4096
FIRST = 0x10_0000_0000
_END = 0x50_0000_0000
_TRIES = 64
_DRAWN = 12
BYTES_MAX = 1 << 29
"""What no TA may have more than, however large the realm is."""


def page_up(size: int) -> int:
    """Return `size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


class AddressSpace:
    """Ranges of whole pages, none of which overlap.

    Args:
        budget: what all their bytes are taken from, if they are to be counted.
        most: how many bytes they may have.
    """

    def __init__(self, budget: "Budget | None" = None, most: int = BYTES_MAX) -> None:
        self._budget = budget
        self._starts: list[int] = []
        self._sizes: dict[int, int] = {}
        self._bytes = 0
        self._most = most

    def reserve(self, size: int, *, before: int = 0, after: int = 0) -> int:
        """Take a random free range of at least `size` bytes; return its address.

        Args:
            size: how many.
            before: how many more in front of it shall be free at this time.
            after: and behind it.

        Raises:
            NoRoom: there may not be so many.
            TeeError: OUT_OF_MEMORY: no address is free, or there are too many ranges.
        """
        size, before, after = page_up(max(size, 1)), page_up(before), page_up(after)
        span = before + size + after
        if span > self._most:
            raise self._too_much()
        for start in self.candidates(span):
            if self._free(start, span):
                self._take(start + before, size)
                return start + before
        raise TeeError(numbers.ERROR_OUT_OF_MEMORY)

    def reserve_at(self, address: int, size: int, *, before: int = 0, after: int = 0) -> None:
        """Take a given range.

        Raises:
            TeeError: it is not made of pages, not in the window, or not free; or as `reserve`.
        """
        size, before, after = page_up(max(size, 1)), page_up(before), page_up(after)
        if address % PAGE:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        start, span = address - before, before + size + after
        if start < FIRST or start + span > _END or not self._free(start, span):
            raise TeeError(numbers.ERROR_ACCESS_CONFLICT)
        self._take(address, size)

    def candidates(self, span: int) -> "Iterator[int]":
        """Yield addresses to try for so many bytes."""
        places = (_END - FIRST - span) // PAGE
        for _ in range(_TRIES):
            # So many more bits than there are places that no place is likelier than another.
            yield FIRST + int.from_bytes(os.urandom(_DRAWN), "little") % places * PAGE

    def release(self, address: int) -> None:
        """Give a range back."""
        size = self._sizes.pop(address)
        self._bytes -= size
        self._starts.remove(address)
        if self._budget is not None:
            self._budget.give(size)

    def close(self) -> None:
        """Count what is left no more: its process has ended. A second time does nothing."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget.give(self._bytes)

    def _take(self, start: int, size: int) -> None:
        if len(self._starts) >= RANGES_MAX:
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
        if self._bytes + size > self._most:
            raise self._too_much()
        if self._budget is not None and not self._budget.take(size):
            raise NoRoom(
                f"all TAs together may have {self._budget.limit >> 10} KiB here, and too little of "
                "that is left; make the realm larger (--memory), or have fewer TAs at a time"
            )
        self._starts.insert(bisect_right(self._starts, start), start)
        self._sizes[start] = size
        self._bytes += size

    def _too_much(self) -> NoRoom:
        helps = (
            "make the realm larger (--memory)"
            if self._most < BYTES_MAX
            else "make its heap or stack smaller (TA_DATA_SIZE, TA_STACK_SIZE)"
        )
        return NoRoom(
            f"segments, heap and stack of a TA may have {self._most >> 10} KiB here; {helps}"
        )

    def _free(self, start: int, size: int) -> bool:
        place = bisect_right(self._starts, start)
        if place:
            before = self._starts[place - 1]
            if before + self._sizes[before] > start:
                return False
        return place == len(self._starts) or self._starts[place] >= start + size


class SteadySpace(AddressSpace):
    """One whose addresses are the same each time, as debuggers like them.

    The first range is at `FIRST`, and others follow it with a page between.
    """

    def candidates(self, span: int) -> "Iterator[int]":
        """Yield addresses to try, lowest first."""
        yield FIRST
        yield from (
            start + self._sizes[start] + PAGE
            for start in self._starts
            if start + self._sizes[start] + PAGE + span <= _END
        )
