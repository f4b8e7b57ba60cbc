# SPDX-License-Identifier: BSD-3-Clause
"""One session: who opened it, what it reaches, and whether its caller wants it cancelled."""

import threading
import time

from realmos_agent.protocol.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.parts import PseudoTa

INFINITE = 0xFFFF_FFFF  # milliseconds: TEE_TIMEOUT_INFINITE


class Identity(Record):
    """Who opened a session: a login method, and the UUID that this method gives."""

    login: int
    uuid: "UUID"


class Cancellation:
    """A session's cancellation: asked for by its caller or by its time-out, masked by the TA.

    Cancellation is masked whenever a TA is entered, and what was asked for is forgotten when it
    returns. `cancel` comes from any thread; the rest belongs to the call that runs.
    """

    def __init__(self, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._clock = clock
        self._asked = threading.Event()
        self._masked = True
        self._deadline: float | None = None

    def begin(self, timeout_ms: int = INFINITE) -> None:
        """Begin a call that its caller wants cancelled after `timeout_ms`."""
        self._deadline = None if timeout_ms == INFINITE else self._clock() + timeout_ms / 1000

    def end(self) -> None:
        """Forget what was asked for: the next call is another operation."""
        self._asked.clear()
        self._masked = True
        self._deadline = None

    def cancel(self) -> None:
        """Ask for cancellation."""
        self._asked.set()

    def mask(self, *, masked: bool) -> bool:
        """Mask or unmask it; return whether it was masked."""
        before, self._masked = self._masked, masked
        return before

    @property
    def effective(self) -> bool:
        """Whether the TA shall know of a cancellation now."""
        if self._masked:
            return False
        expired = self._deadline is not None and self._clock() >= self._deadline
        return expired or self._asked.is_set()

    def wait(self, timeout_ms: int) -> bool:
        """Wait; return early, with True, if a cancellation that is not masked comes."""
        end = None if timeout_ms == INFINITE else self._clock() + timeout_ms / 1000
        while not self.effective:
            until = end
            if self._deadline is not None and not self._masked:
                until = self._deadline if end is None else min(end, self._deadline)
            left = None if until is None else until - self._clock()
            if left is not None and left <= 0 and until == end:
                return False
            if self._masked:
                # Nothing can unmask it: the TA that could is what waits.
                _sleep(left)
            else:
                self._asked.wait(left)
        return True


def _sleep(seconds: float | None) -> None:
    threading.Event().wait(seconds)


class Session:
    """A session with a TA or a pseudo TA.

    Attributes:
        id: its number; no two sessions of the core have the same at one time.
        identity: who opened it.
        target: the instance or the pseudo TA behind it; None once that is gone.
        opener: the instance whose TA opened it, or the client's number.
        context: what a pseudo TA keeps for it.
        closed: nobody can use it any more.
    """

    def __init__(
        self,
        session_id: int,
        identity: Identity,
        opener: "Instance | int",
        cancellation: Cancellation,
    ) -> None:
        self.id = session_id
        self.identity = identity
        self.opener = opener
        self.cancellation = cancellation
        self.target: Instance | PseudoTa | None = None
        self.context: object = None
        self.closed = False
