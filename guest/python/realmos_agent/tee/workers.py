# SPDX-License-Identifier: BSD-3-Clause
"""Threads for calls: one for each that runs or waits, used again by the next."""

import threading
from _queue import Empty, SimpleQueue
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Workers:
    """Runs jobs at once, each in a thread that has nothing else to do.

    There are as many threads as there ever were jobs at a time: who has jobs bounds them.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._idle: SimpleQueue[None] = SimpleQueue()  # one for each thread that has no job
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._over = False

    def run(self, job: "Callable[[], None]") -> bool:
        """Run a job, which raises nothing; return whether there is a thread for it."""
        try:
            self._idle.get_nowait()
        except Empty:
            try:
                threading.Thread(target=self._work, daemon=True).start()
            except (RuntimeError, MemoryError):
                return False
        self._jobs.put(job)
        return True

    def run_sometime(self, job: "Callable[[], None]") -> None:
        """Run a job that nobody waits for: if there is no thread for it, in the next that is."""
        if not self.run(job):
            self._waiting.put(job)
            with suppress(Empty):  # or the last to look for such looked just before
                self._idle.get_nowait()
                self._jobs.put(_look)

    def end(self) -> None:
        """Have threads end, once they have no job."""
        self._over = True
        self._dismiss()

    def _dismiss(self) -> None:
        """Have as many threads end as have no job now."""
        while True:
            try:
                self._idle.get_nowait()
            except Empty:
                return
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # and what it holds, before the wait for another
            self._catch_up()
            self._idle.put(None)
            if self._over:
                self._dismiss()

    def _catch_up(self) -> None:
        while True:
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return
            job()


def _look() -> None:
    """Do nothing: who has done a job looks for those that wait."""
