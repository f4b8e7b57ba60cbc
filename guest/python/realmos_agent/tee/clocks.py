# SPDX-License-Identifier: BSD-3-Clause
"""The clocks of the TEE: system time, the time of the untrusted side, and one clock for each TA.

System time counts from the realm's start and is never set back: it is the processor's counter,
whose offset in a realm is the RMM's. A TA's persistent time is the system time with an offset
that the TA chose; as in OP-TEE the core keeps it for as long as it runs.
"""

import threading
import time

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

_MILLIS = 1000
_WRAP = (1 << 32) * _MILLIS  # TEE_Time's seconds have 32 bits


class Clocks:
    """All clocks, in milliseconds; used by all TAs' threads.

    Args:
        system: the seconds since a start of its own, never less than before.
        ree: the seconds since the epoch, as the untrusted side has them.
    """

    def __init__(
        self,
        system: "Callable[[], float]" = time.monotonic,
        ree: "Callable[[], float]" = time.time,
    ) -> None:
        """Begin with no TA's time set."""
        self._system = system
        self._ree = ree
        self._lock = threading.Lock()
        self._offsets: dict[UUID, int] = {}

    def system(self) -> int:
        """Return the system time."""
        return int(self._system() * _MILLIS) % _WRAP

    def ree(self) -> int:
        """Return the time that the untrusted side says it is."""
        return int(self._ree() * _MILLIS) % _WRAP

    def persistent(self, ta: "UUID") -> tuple[int, bool]:
        """Return a TA's own time, and whether it has passed the end of what a TEE_Time holds.

        Raises:
            TeeError: TIME_NOT_SET, the TA never set it.
        """
        with self._lock:
            offset = self._offsets.get(ta)
        if offset is None:
            raise TeeError(numbers.ERROR_TIME_NOT_SET)
        now = self.system() + offset
        return now % _WRAP, not 0 <= now < _WRAP

    def set_persistent(self, ta: "UUID", now: int) -> None:
        """Set a TA's own time."""
        with self._lock:
            self._offsets[ta] = now - self.system()
