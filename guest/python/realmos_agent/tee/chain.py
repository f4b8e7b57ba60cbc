# SPDX-License-Identifier: BSD-3-Clause
"""Chains of calls: a client's call, and the calls from TA to TA that it leads to."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.session import Session

    Later = Callable[["Chain", Callable[[], None]], bool]
    """Starts the closing of a session, as a chain of its own; returns whether it could."""

DEPTH_MAX = 4  # OP-TEE's CFG_CORE_MAX_SYSCALL_RECURSION


class Chain:
    """One thread's calls: what it has entered, and what it waits for.

    Args:
        client: the number of the client whose call it is.
        later: what starts the closing of sessions that are busy now; None while the client is
            there, and waits.

    Attributes:
        client: that number.
        later: the same; under the manager's lock.
        abandoned: the client is gone for long; under the manager's lock.
        stack: the instances whose turn is its, outermost first; under the manager's lock.
        waits_for: the instance that it waits for, if it does; under the manager's lock.
        deferred: sessions to be closed when the stack is empty, because closing them now would
            wait for an instance that waits for this chain.
    """

    def __init__(self, client: int = 0, later: "Later | None" = None) -> None:
        self.client = client
        self.later = later
        self.abandoned = False
        self.stack: list[Instance] = []
        self.waits_for: Instance | None = None
        self.deferred: list[Session] = []

    @property
    def full(self) -> bool:
        """Whether it may enter nothing more."""
        return len(self.stack) >= DEPTH_MAX

    @property
    def caller(self) -> "Instance | None":
        """The innermost instance: who calls now."""
        return self.stack[-1] if self.stack else None
