# SPDX-License-Identifier: BSD-3-Clause
"""Chains of calls: a client's call, and the calls from TA to TA that it leads to."""

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.session import Session

DEPTH_MAX = 4  # OP-TEE's CFG_CORE_MAX_SYSCALL_RECURSION


class Later(NamedTuple):
    """What closes sessions of a client that is gone, each in a chain of its own.

    Attributes:
        begin: starts the closing in another thread; returns whether there is one.
        again: does, when there is a thread, what is to be done about a chain that has none.
        close: closes a session in the thread that it is called in.
    """

    begin: "Callable[[Chain, Callable[[], None]], bool]"
    again: "Callable[[Chain, Callable[[], None]], None]"
    close: "Callable[[Chain, Callable[[], None]], None]"


class Chain:
    """One thread's calls: what it has entered, and what it waits for.

    Args:
        client: the number of the client whose call it is.
        later: what closes sessions that are busy now; None while the client is
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
