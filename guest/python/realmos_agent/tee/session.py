# SPDX-License-Identifier: BSD-3-Clause
"""One session: who opened it, what it reaches, and whether the caller wants its call cancelled."""

import threading
import time

from realmos_agent.record import Record
from realmos_agent.tee.parts import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID

    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.parts import PseudoTa

INFINITE = 0xFFFF_FFFF  # milliseconds: TEE_TIMEOUT_INFINITE


class Identity(Record):
    """Who opened a session: a login method, and the UUID that this method gives."""

    login: int
    uuid: "UUID"


class Cancellation:
    """One call's cancellation: asked for by its caller or by its time-out, masked by the TA.

    Every call has its own, masked when the TA is entered. `cancel` and `stop` come from any thread;
    the rest belongs to the call that runs. Few calls are cancelled and few wait, so nothing is made
    for that before somebody waits.

    Args:
        timeout_ms: when the caller wants the call cancelled, from `begin` on.
    """

    __slots__ = ("_asked", "_deadline", "_masked", "_news", "_stopped", "_timeout_ms")

    def __init__(self, timeout_ms: int = INFINITE) -> None:
        self._timeout_ms = timeout_ms
        self._news: threading.Event | None = None
        self._asked = False
        self._stopped = False
        self._masked = True
        self._deadline: float | None = None

    def begin(self) -> None:
        """The call begins."""
        self._deadline = _after(self._timeout_ms)

    def cancel(self) -> None:
        """Ask for cancellation, which the TA may have masked."""
        self._asked = True
        self._tell()

    def stop(self) -> None:
        """End what waits here, masked or not: the TA is being ended."""
        self._stopped = True
        self._tell()

    def _tell(self) -> None:
        # Who waits makes the event first and looks for news then: one of the two sees the other.
        if self._news is not None:
            self._news.set()

    def mask(self, *, masked: bool) -> bool:
        """Mask or unmask it; return whether it was masked."""
        before, self._masked = self._masked, masked
        return before

    @property
    def effective(self) -> bool:
        """Whether the TA shall know of a cancellation now."""
        if self._masked:
            return False
        expired = self._deadline is not None and time.monotonic() >= self._deadline
        return expired or self._asked

    def wait(self, timeout_ms: int) -> bool:
        """Wait; return early, with True, if a cancellation that is not masked comes.

        Raises:
            RunnerError: the TA has been ended.
        """
        end = _after(timeout_ms)
        self._news = threading.Event()
        while not self._stopped:
            self._news.clear()
            now = time.monotonic()
            if self.effective:
                return True
            if end is not None and now >= end:
                return False
            # Nothing can unmask it: the TA that could is what waits.
            ends = (end, None if self._masked else self._deadline)
            left = min((each - now for each in ends if each is not None), default=None)
            if not self._stopped:
                self._news.wait(left)
        raise RunnerError("it was ended while it waited")


def _after(timeout_ms: int) -> float | None:
    return None if timeout_ms == INFINITE else time.monotonic() + timeout_ms / 1000


class Session:
    """A session with a TA or a pseudo TA.

    Attributes:
        id: its number; no two sessions of the core have the same at one time.
        identity: who opened it.
        target: the instance or the pseudo TA behind it; None once that is gone.
        opener: the instance whose TA opened it, or the client's number.
        cancellation: of the call that runs in it, or ran last.
        context: what a pseudo TA keeps for it.
        closed: nobody can use it any more.
    """

    def __init__(self, session_id: int, identity: Identity, opener: "Instance | int") -> None:
        self.id = session_id
        self.identity = identity
        self.opener = opener
        self.cancellation = Cancellation()
        self.target: Instance | PseudoTa | None = None
        self.context: object = None
        self.closed = False

    def reaches(self, uuid: "UUID") -> bool:
        """Tell whether a TA is behind it."""
        return self.target is not None and self.target.uuid == uuid
