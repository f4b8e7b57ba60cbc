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
    from realmos_agent.tee.runner import RunnerProcess

COST = 1 << 20
"""About how much memory one takes, the kernel's among it."""
QUIET_S = 0.1
"""How long it takes until those that are missing are started."""


class Spares:
    """Runners that wait to be taken.

    Args:
        launch: starts one, and need not wait until it can be used.
        most: how many may wait; 0 for none.
        memory: what they take their memory from, as long as they wait.
    """

    def __init__(
        self,
        launch: "Callable[[], RunnerProcess]",
        most: int,
        memory: "Budget",
    ) -> None:
        self._launch = launch
        self._most = most
        self._memory = memory
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._waiting: deque[RunnerProcess] = deque()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

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
        if len(self._waiting) >= self._most or self._wanted.is_set():
            return
        with self._lock:
            if self._closing.is_set():
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
        self._wanted.set()

    def close(self) -> None:
        """End those that wait, and start no more."""
        with self._lock:
            self._closing.set()
            runners = tuple(self._waiting)
            self._waiting.clear()
        self._wanted.set()
        for runner in runners:
            runner.close()
            self._memory.give(COST)
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            self._wanted.wait()
            if self._closing.wait(QUIET_S):
                return
            self._wanted.clear()
            while self._add():
                pass

    def _add(self) -> bool:
        """Start one; return whether another may be missing."""
        with self._lock:
            if self._closing.is_set() or len(self._waiting) >= self._most:
                return False
            if not self._memory.take(COST):
                return False
            try:
                self._waiting.append(self._launch())
            except RunnerError:  # who needs one is told, when it does not start for that either
                self._memory.give(COST)
                return False
            return True
