# SPDX-License-Identifier: BSD-3-Clause
"""How much memory the core lets others make it use: in all, and one of them.

What the core itself holds for others is never more than there is beside Linux and the core. What
TAs have of their own may be: when memory runs out, Linux ends a TA, and not the core.
"""

import os
import threading
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def memory_total() -> int:
    """Return how many bytes of memory this machine, or realm, has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Limits(NamedTuple):
    """How many bytes each may have at most.

    Attributes:
        tas: all TAs, mapped.
        ta: one of them.
        process: a runner, of address space.
        calls: all large system calls, while they are served; see `RunnerProcess`.
        call: those of one TA.
        clients: the memory of all clients' calls.
        client: of one client's.
        files: what TAs and libraries are placed from, as long as an instance or the loader has it.
        kept: what the loader keeps of it for the next.
        objects: all open persistent objects.
        ta_objects: those of one TA.
        handles: all handles; see `HandleTable`.
        ta_handles: those of one instance.
        freed: what the C library keeps of it for the next call, when it is not counted any more.
    """

    tas: int
    ta: int
    process: int
    calls: int
    call: int
    clients: int
    client: int
    files: int
    kept: int
    objects: int
    ta_objects: int
    handles: int
    ta_handles: int
    freed: int


_MIB = 1 << 20
_OWN = 192 * _MIB
"""About what Linux, the files of a realm, which are memory, and the core itself take."""
_LEAST_PART = 8
_PARTS = 16


def limits(total: int | None = None) -> Limits:
    """Return who may have how much where there are so many bytes: here, if not given."""
    total = memory_total() if total is None else total
    rest = max(total - _OWN, total // _LEAST_PART)

    def part(parts: int, most: int) -> int:
        return min(rest * parts // _PARTS, most * _MIB)

    calls, clients, objects, handles = part(5, 1024), part(5, 256), part(2, 256), part(2, 256)
    files = part(2, 256)
    return Limits(
        tas=total // 2,
        ta=min(total // 4, 512 * _MIB),
        process=min(total // 2, 768 * _MIB),
        calls=calls,
        call=calls // 2,
        clients=clients,
        client=clients * 3 // 4,
        files=files,
        kept=min(files // 2, 64 * _MIB),
        objects=objects,
        ta_objects=min(objects // 2, 64 * _MIB),
        handles=handles,
        ta_handles=handles // 2,
        freed=min(rest // _PARTS, 64 * _MIB),
    )


class Budget:
    """Bytes that several may take from, and none more than there are.

    Args:
        limit: how many there are.

    Attributes:
        reclaim: has those given back that nobody needs any more; None if there never are any.
    """

    reclaim: "Callable[[], None] | None" = None

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._left = limit
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0

    def take(self, size: int, seconds: float = 0) -> bool:
        """Take so many bytes; return whether they could be had.

        Args:
            size: how many.
            seconds: how long to wait for others to give theirs back.
        """
        if not size:
            return True
        if size > self.limit:
            return False
        if self._take(size, 0 if self.reclaim else seconds):
            return True
        if self.reclaim is None:
            return False
        self.reclaim()
        return self._take(size, seconds)

    def _take(self, size: int, seconds: float) -> bool:
        with self._lock:
            if self._left < size and not self._wait(size, seconds):
                return False
            self._left -= size
            return True

    def _wait(self, size: int, seconds: float) -> bool:
        self._waiting += 1
        fits = self._changed.wait_for(lambda: self._left >= size, seconds)
        self._waiting -= 1
        return fits

    def give(self, size: int) -> None:
        """Give back what was taken."""
        if not size:
            return
        with self._lock:
            self._left += size
            if self._waiting:
                self._changed.notify_all()


class Share:
    """What one party may take of a budget, so that it leaves room for others.

    Args:
        budget: what it takes from.
        limit: the most that it has at a time.
        refused: is told how much was asked for, if it could never have that.
    """

    def __init__(
        self, budget: Budget, limit: int, refused: "Callable[[int], None] | None" = None
    ) -> None:
        self.limit = min(limit, budget.limit)
        self._budget = budget
        self._refused = refused
        self._own = Budget(self.limit)
        self._lock = threading.Lock()
        self._taken = 0
        self._closed = False

    def take(self, size: int, seconds: float = 0) -> bool:
        """Take so many bytes; return whether they could be had.

        Args:
            size: how many.
            seconds: how long to wait for others to give theirs back; nobody waits for its own.
        """
        if not self._own.take(size):
            if size > self.limit and self._refused is not None:
                self._refused(size)
            return False
        if self._budget.take(size, seconds):
            with self._lock:
                if not self._closed:
                    self._taken += size
                    return True
            self._budget.give(size)
        self._own.give(size)
        return False

    def give(self, size: int) -> None:
        """Give back what was taken; nothing more, once all of it was given back."""
        with self._lock:
            if self._closed:
                return
            self._taken -= size
        self._own.give(size)
        self._budget.give(size)

    def reach(self, size: int, seconds: float = 0) -> bool:
        """Take what is missing to so many bytes; for shares of one thread."""
        return self._taken >= size or self.take(size - self._taken, seconds)

    def empty(self) -> None:
        """Give back all that was taken; for shares of one thread."""
        if self._taken:
            self.give(self._taken)

    def close(self) -> None:
        """Give back all there is, and take nothing any more. A second time does nothing."""
        with self._lock:
            self._closed, taken, self._taken = True, self._taken, 0
        self._budget.give(taken)
