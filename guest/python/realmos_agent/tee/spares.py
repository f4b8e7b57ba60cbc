# SPDX-License-Identifier: BSD-3-Clause
"""Runners that were started before anybody asked: starting one is half of what a session costs.

A spare has its user and its sandbox, and knows of no TA. Who takes one opens a session, and is
about to use it: so the next is started a while later, when that is over.
"""

import threading
from collections import deque

from realmos_agent.tee.parts import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.budget import Budget
    from realmos_agent.tee.housekeeper import Housekeeper
    from realmos_agent.tee.runner import RunnerProcess

COST = 1 << 20
"""More memory than one takes, the kernel's among it: that is 300 KiB."""


class Spares:
    """Runners that wait to be taken.

    Args:
        launch: starts one, and need not wait until it can be used.
        most: how many may wait; 0 for none.
        memory: what they take their memory from, as long as they wait.
        housekeeper: starts those that are missing.
    """

    def __init__(
        self,
        launch: "Callable[[], RunnerProcess]",
        most: int,
        memory: "Budget",
        housekeeper: "Housekeeper",
    ) -> None:
        self._launch = launch
        self._most = most
        self._memory = memory
        self._housekeeper = housekeeper
        self._lock = threading.Lock()
        self._waiting: deque[RunnerProcess] = deque()
        self._filling = False
        self._closed = False

    def take(self) -> "RunnerProcess | None":
        """Return one that lives; it belongs to who takes it. None if there is none."""
        while True:
            with self._lock:
                if not self._waiting:
                    return None
                runner = self._waiting.popleft()
            self._memory.give(COST)
            if runner.lives:  # memory may have run out: then spares are what Linux ends first
                return runner
            runner.close()

    def fill(self) -> None:
        """Have those started soon that are missing; this does not wait for it."""
        with self._lock:
            if self._closed or self._filling or len(self._waiting) >= self._most:
                return
            self._filling = True
        self._housekeeper.add(self._fill)

    def close(self) -> None:
        """End those that wait, and start no more."""
        with self._lock:
            self._closed = True
            runners = tuple(self._waiting)
            self._waiting.clear()
        for runner in runners:
            runner.close()
            self._memory.give(COST)

    def _fill(self) -> None:
        missing = self._go_on(added=True)
        while missing:
            added = False
            try:
                added = self._add()
            finally:
                missing = self._go_on(added=added)

    def _go_on(self, *, added: bool) -> bool:
        """Tell whether more are to be started, as far as that succeeds."""
        with self._lock:
            self._filling = added and not self._closed and len(self._waiting) < self._most
            return self._filling

    def _add(self) -> bool:
        """Start one; return whether that could be."""
        if not self._memory.take(COST):
            return False
        try:
            runner = self._launch()
        except BaseException as error:
            self._memory.give(COST)
            if isinstance(error, RunnerError):
                return False  # who needs one is told, when it does not start for that either
            raise
        with self._lock:
            if not self._closed:
                self._waiting.append(runner)
                return True
        runner.close()
        self._memory.give(COST)
        return False
