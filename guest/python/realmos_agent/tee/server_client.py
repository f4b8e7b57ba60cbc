# SPDX-License-Identifier: BSD-3-Clause
"""What the server holds for a client, and whom the client may say to be."""

from realmos_agent.tee import numbers, wire
from realmos_agent.tee.session import Cancellation, Identity, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from realmos_agent.tee.budget import Share
    from realmos_agent.tee.chain import Chain

_LOGINS = frozenset(
    (
        numbers.LOGIN_PUBLIC, numbers.LOGIN_USER, numbers.LOGIN_GROUP, numbers.LOGIN_APPLICATION,
        numbers.LOGIN_APPLICATION_USER, numbers.LOGIN_APPLICATION_GROUP,
    )
)  # fmt: skip


class Client:
    """What a client has: sessions, as many that are being opened, and calls that run.

    `chains` has what those calls do, and, when the client is gone, the ends of its sessions; it has
    left when all of that is over, and what is put off may follow. `closing` has sessions from when
    they are no more among `sessions` to when the manager knows.
    """

    def __init__(self, number: int, memory: "Share") -> None:
        self.number = number
        self.sessions: dict[int, Session] = {}
        self.closing: set[Session] = set()
        self.opening: list[UUID] = []
        self.calls: dict[int, Cancellation] = {}
        self.chains: set[Chain] = set()
        self.memory = memory
        self.gone = False

    @property
    def is_over(self) -> bool:
        """Whether it is gone, and nothing of it is left."""
        return self.gone and not (self.chains or self.sessions)

    def still_has(self, uuid: "UUID") -> bool:
        """Tell whether a session with a TA is open, or being opened, or is to be closed."""
        sessions = (*self.sessions.values(), *self.closing)
        return uuid in self.opening or any(session.reaches(uuid) for session in sessions)


def identity_of(message: wire.Open) -> Identity | None:
    """Return who wants to open a session; None if that is nobody whom the hub may assert."""
    if message.login not in _LOGINS:
        return None
    nobody = message.login == numbers.LOGIN_PUBLIC
    return Identity(message.login, wire.NIL if nobody else message.client_uuid)


def tell_fault(log: "Callable[[str], None]", what: str) -> None:
    """Log the exception that is being handled: the core failed to serve something."""
    from traceback import format_exc

    try:
        log(f"the core failed to serve {what}:\n{format_exc()}")
    except MemoryError:
        log("the core failed to serve a request: it has no memory left to tell which")
