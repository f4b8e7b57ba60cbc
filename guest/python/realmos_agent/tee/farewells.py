# SPDX-License-Identifier: BSD-3-Clause
"""What still runs for clients that are gone: it has some time, and is ended then."""

import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.chain import Chain
    from realmos_agent.tee.workers import Workers


class Farewells:
    """Chains that are to end soon.

    Args:
        seconds: how long each may go on.
        abandon: ends what a chain that goes on is in; it has as long again then.
        workers: a thread of theirs looks after the chains, while there are any.
    """

    def __init__(
        self, seconds: float, abandon: "Callable[[Chain], None]", workers: "Workers"
    ) -> None:
        self._seconds = seconds
        self._abandon = abandon
        self._workers = workers
        self._ends: dict[Chain, float] = {}
        self._changed = threading.Condition()
        self._watched = False

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._ends)

    def add(self, chain: "Chain") -> None:
        """Give a chain its time."""
        with self._changed:
            self._ends[chain] = time.monotonic() + self._seconds
            begins, self._watched = not self._watched, True
        if begins:
            self._workers.run_sometime(self._watch)

    def remove(self, chain: "Chain") -> None:
        """A chain has ended."""
        with self._changed:
            self._ends.pop(chain, None)
            if not self._ends:
                self._changed.notify_all()

    def _watch(self) -> None:
        while (late := self._late()) is not None:
            for chain in late:
                self._abandon(chain)

    def _late(self) -> "list[Chain] | None":
        """Wait for chains that have gone on for too long; return None when none is left."""
        with self._changed:
            while self._ends:
                now = time.monotonic()
                if late := [chain for chain, end in self._ends.items() if end <= now]:
                    self._ends.update((chain, now + self._seconds) for chain in late)
                    return late
                self._changed.wait(min(self._ends.values()) - now)
            self._watched = False
            return None
