# SPDX-License-Identifier: BSD-3-Clause
"""What the core offers to every TA's system calls."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

from realmos_agent.tee import numbers
from realmos_agent.tee.budget import Budget, limits
from realmos_agent.tee.clocks import Clocks
from realmos_agent.tee.errors import TeeError

if TYPE_CHECKING:
    from realmos_agent.tee.manager import Manager
    from realmos_agent.tee.storage.objects import Storage


class Services:
    """Shared by all instances of a core.

    Args:
        write_log: takes one line of text, without its end; called from any thread.
        clocks: the time, and what TAs made of it.
        device_id: what tells this core from others.
        rollback_protection: how well the store is kept from going back: 0, or 100 with a counter.
        storage: the persistent objects of all TAs, if there is a store.
        memory: what the memory of all TAs is taken from; what `limits` says, if absent.

    Attributes:
        limits: how much each may have.
        handles: what the handles of all TAs are taken from.
        placing: held by whoever places and maps a TA.
        manager: where sessions are opened; set by who makes the manager.
        tidy: does what has to be done and nobody waits for: at once, unless somebody else is set.
    """

    manager: "Manager"

    def __init__(
        self,
        write_log: Callable[[str], None],
        clocks: Clocks,
        device_id: UUID,
        rollback_protection: int = 0,
        storage: "Storage | None" = None,
        *,
        memory: Budget | None = None,
    ) -> None:
        self.tidy: Callable[[Callable[[], None]], None] = _do
        self._write_log = write_log
        self.clocks = clocks
        self.device_id = device_id
        self.rollback_protection = rollback_protection
        self._storage = storage
        self.limits = limits()
        self.memory = memory or Budget(self.limits.tas)
        self.handles = Budget(self.limits.handles)
        self.placing = Lock()

    @property
    def storage(self) -> "Storage":
        """The persistent objects.

        Raises:
            TeeError: STORAGE_NOT_AVAILABLE: this core has none.
        """
        if self._storage is None:
            raise TeeError(numbers.ERROR_STORAGE_NOT_AVAILABLE)
        return self._storage

    def log(self, text: str) -> None:
        """Write to the log what may come from a TA: nothing but printable lines."""
        for line in text.splitlines():
            self._write_log("".join(c if c.isprintable() or c == "\t" else "?" for c in line))


def _do(job: Callable[[], None]) -> None:
    job()
