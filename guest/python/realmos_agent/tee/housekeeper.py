# SPDX-License-Identifier: BSD-3-Clause
"""Work that has to be done, and that nobody waits for: it is done a while after.

Who has just been answered is about to ask for more, and would wait for it otherwise.
"""

import threading
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_S = 0.1
"""How long work waits."""
WAITING_MAX = 16
"""So many jobs wait at most."""


class Housekeeper:
    """Does jobs later, in a thread of its own.

    Args:
        log: takes a line on a job that failed.
    """

    def __init__(self, log: "Callable[[str], None]") -> None:
        self._log = log
        self._lock = threading.Lock()
        self._doing = threading.RLock()  # a job may need what others free
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._jobs: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None

    def add(self, job: "Callable[[], None]") -> None:
        """Do a job soon; at once if too many wait, or none is done later any more."""
        with self._lock:
            waits = not self._closing.is_set() and len(self._jobs) < WAITING_MAX
            waits = waits and (self._thread is not None or self._start())
            if waits:
                self._jobs.append(job)
        if waits:
            self._wanted.set()
        else:
            self._do(job)

    def finish(self) -> None:
        """Do what waits, now; when this returns it has been done."""
        with self._doing:
            while True:
                with self._lock:
                    if not self._jobs:
                        return
                    job = self._jobs.popleft()
                self._do(job)

    def close(self) -> None:
        """Do what waits, and from now on all else at once."""
        with self._lock:
            self._closing.set()
            thread, self._thread = self._thread, None
        self._wanted.set()
        if thread is not None:
            thread.join()
        self.finish()

    def _start(self) -> bool:
        thread = threading.Thread(target=self._work, daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            return False
        self._thread = thread
        return True

    def _work(self) -> None:
        while True:
            self._wanted.wait()
            if self._closing.wait(QUIET_S):
                return
            self._wanted.clear()
            self.finish()

    def _do(self, job: "Callable[[], None]") -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 -- a fault of ours: the other jobs have to be done
            self._log(f"the core failed to tidy up: {error!r}")
