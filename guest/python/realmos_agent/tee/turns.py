# SPDX-License-Identifier: BSD-3-Clause
"""Whose turn it is at an instance, which runs for one chain of calls at a time.

A chain that wants a busy instance waits, unless that could not end, or its client is gone. A
session that nobody waits to see closed is put off: whoever leaves the instance hands it over to the
closing, so that it takes neither a thread nor a client's place meanwhile. One lock guards all that
is said of instances and sessions; it is never held while a TA runs or is loaded.

An instance whose turn is nobody's is lent to the edge (realmos_agent.tee.edge). A call that this
has begun is over soon, or adopted: so everybody waits for it, and it has no chain before.
"""

import threading

from realmos_agent.tee.chain import Chain
from realmos_agent.tee.edge import NO_LOAN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.chain import Later
    from realmos_agent.tee.edge import Edge
    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.session import Session


class Turns:
    """The turns at all instances of a core.

    Args:
        close: closes a session that was put off, in a chain whose turn it is at its instance.

    Attributes:
        changed: the lock, and the news that an instance, or one that is loaded, is there.
    """

    def __init__(self, close: "Callable[[Session, Chain], None]") -> None:
        self.changed = threading.Condition()
        self._close = close
        self._waiting = 0

    def take(self, instance: "Instance", chain: Chain) -> bool:
        """Wait until it is the chain's turn; return False if that would never come.

        Nor does it come to a call that has entered nothing yet and whose client is gone.
        """
        with self.changed:
            return self._take(instance, chain, closing=False)

    def take_to_close(self, instance: "Instance", chain: Chain, session: "Session") -> bool:
        """Wait until it is the chain's turn to close a session.

        Return False if it is put off: to the end of the chain or, if the chain's client is gone, to
        when the instance is free.
        """
        with self.changed:
            if not chain.full and self._take(instance, chain, closing=True):
                return True
            if chain.later is None or instance.holder is None:
                chain.deferred.append(session)
            else:
                instance.put_off.append((session, chain.client, chain.later))
            return False

    def release(self, instance: "Instance") -> bool:
        """End the turn at an instance; return whether that was killed, which nobody knows yet."""
        with self.changed:
            news = instance.killed and not instance.dead
            instance.dead |= news
            held = self._pass_on(instance)
        if held is not None:
            session, chain, later = held
            if not later(chain, lambda: self._close(session, chain)):
                self._put_back(instance, session, chain, later)
        return news

    def lend(self, instance: "Instance", edge: "Edge") -> None:
        """Let the edge have an instance whenever it is nobody's turn."""
        with self.changed:
            if instance.loan is NO_LOAN and not (instance.dead or instance.killed):
                instance.loan = edge.lend(instance)
                if instance.holder is None:
                    _give(instance)

    def adopt(self, instance: "Instance", chain: Chain) -> None:
        """Have a call that the edge has begun be the chain's turn."""
        with self.changed:
            assert instance.holder is None, "the edge begins calls in idle instances"
            _enter(instance, chain)
            self.changed.notify_all()

    def look_again(self) -> None:
        """Have those who wait look again whose turn it is: the edge has no call any more."""
        with self.changed:
            self.changed.notify_all()

    def let_go(self, chain: Chain, later: "Later") -> None:
        """Have a chain wait no more than it must: its client is gone."""
        with self.changed:
            chain.later = later
            self.changed.notify_all()

    def abandon(self, chain: Chain) -> "Instance | None":
        """End a chain's wait, if it waits; else return the instance that it is in, to be killed."""
        with self.changed:
            chain.abandoned = True
            self.changed.notify_all()
            if chain.waits_for is not None or chain.caller is None:
                return None
            chain.caller.killed = True
            chain.caller.loan.drop()
            return chain.caller

    def _take(self, instance: "Instance", chain: Chain, *, closing: bool) -> bool:
        while instance.holder is not None or not (instance.dead or instance.loan.take()):
            if instance.holder is not None and (
                _gives_up(chain, closing=closing) or _would_wait_for_itself(instance, chain)
            ):
                return False
            chain.waits_for = instance
            self._waiting += 1
            try:
                self.changed.wait()
            finally:
                self._waiting -= 1
                chain.waits_for = None
        _enter(instance, chain)
        return True

    def _pass_on(self, instance: "Instance") -> "tuple[Session, Chain, Later] | None":
        """Pass an instance on to the closing of a session, or else to whoever waits."""
        _leave(instance)
        if instance.put_off:
            session, client, later = instance.put_off.popleft()
            chain = Chain(client, later)
            _enter(instance, chain)
            return session, chain, later
        _give(instance)
        if self._waiting:
            self.changed.notify_all()
        return None

    def _put_back(
        self, instance: "Instance", session: "Session", chain: Chain, later: "Later"
    ) -> None:
        """Leave a session to the next who ends a turn: nobody could begin to close it."""
        with self.changed:
            _leave(instance)
            instance.put_off.appendleft((session, chain.client, later))
            _give(instance)
            self.changed.notify_all()


def _enter(instance: "Instance", chain: Chain) -> None:
    instance.holder = chain
    chain.stack.append(instance)


def _leave(instance: "Instance") -> None:
    assert instance.holder is not None, "a turn that ends is somebody's"
    left = instance.holder.stack.pop()
    assert left is instance, "the innermost turn ends first"
    instance.holder = None


def _give(instance: "Instance") -> None:
    """Let the edge have an instance, unless its process has ended: so has its socket then."""
    if not instance.dead:
        instance.loan.give()


def _gives_up(chain: Chain, *, closing: bool) -> bool:
    """Tell whether a chain waits no more; a session has to be closed, now or later."""
    if closing:
        return chain.later is not None
    return chain.abandoned or (chain.later is not None and not chain.stack)


def _would_wait_for_itself(instance: "Instance | None", chain: Chain) -> bool:
    """Tell whether whatever `instance` is busy with waits, in the end, for `chain`."""
    while instance is not None and instance.holder is not None:
        if instance.holder is chain:
            return True
        instance = instance.holder.waits_for
    return False
