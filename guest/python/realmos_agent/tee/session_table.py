# SPDX-License-Identifier: BSD-3-Clause
"""All sessions of a core, by their numbers."""

import threading

from realmos_agent.tee.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID

    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.session import Identity

_NUMBERS = 0xFFFF_FFFF


class SessionTable:
    """The sessions that there are. No two have the same number at one time, and none has 0."""

    def __init__(self) -> None:
        self._sessions: dict[int, Session] = {}
        self._last = 0
        self._lock = threading.Lock()

    def new(self, identity: "Identity", opener: "Instance | int") -> Session:
        """Make a session, under a number that has not been used for long."""
        with self._lock:
            number = self._last
            while not number or number in self._sessions:
                number = number + 1 & _NUMBERS
            self._last = number
            session = self._sessions[number] = Session(number, identity, opener)
        return session

    def get(self, number: int) -> Session:
        """Return a session that has not been forgotten."""
        with self._lock:
            return self._sessions[number]

    def closing(self, uuid: "UUID") -> "list[Session]":
        """Return the sessions with a TA that are closed, and of which it has not been told all."""
        with self._lock:
            return [each for each in self._sessions.values() if each.closed and each.reaches(uuid)]

    def forget(self, session: Session) -> None:
        """End a session; its number may be another's now."""
        session.closed = True
        session.target = None
        with self._lock:
            self._sessions.pop(session.id, None)
