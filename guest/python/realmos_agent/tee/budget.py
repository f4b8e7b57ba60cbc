# SPDX-License-Identifier: BSD-3-Clause
"""How much memory the core lets others make it use."""

import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def memory_total() -> int:
    """Return how many bytes of memory this machine, or realm, has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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
    """

    def __init__(self, budget: Budget, limit: int) -> None:
        self.limit = min(limit, budget.limit)
        self._budget = budget
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
