# SPDX-License-Identifier: BSD-3-Clause
"""Whose turn it is at an instance, which runs for one chain of calls at a time.

A chain that wants a busy instance waits, unless that could not end, or its client is gone. Single-
instance TAs that call each other have one turn (realmos_agent.tee.turn) from their first such call
on: two chains that came into them by different doors would wait for each other.

A session that nobody waits to see closed is put off: whoever leaves the instance hands it over to
the closing, so that it takes neither a thread nor a client's place meanwhile. One lock guards all
that is said of instances and sessions; it is never held while a TA runs or is loaded.

An instance whose turn is nobody's is lent to the edge (realmos_agent.tee.edge), unless it shares
its turn. A call that the edge has begun is over soon, or adopted: so everybody waits for it, and it
has no chain before.
"""

import threading

from realmos_agent.tee.chain import Chain
from realmos_agent.tee.edge import NO_LOAN
from realmos_agent.tee.turn import Left, Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

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
        self._shared: dict[UUID, Turn] = {}

    def introduce(self, instance: "Instance") -> None:
        """Give a new instance the turn that its TA shares with others; the lock is held."""
        if instance.single and instance.uuid in self._shared:
            instance.turn = self._shared[instance.uuid]

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
            turn = instance.turn.whole()
            if chain.later is None or turn.holder is None:
                chain.deferred.append(session)
            else:
                turn.put_off.append(Left(session, instance, chain.client, chain.later))
            return False

    def release(self, instance: "Instance") -> bool:
        """End the turn at an instance; return whether that was killed, which nobody knows yet."""
        with self.changed:
            news = instance.killed and not instance.dead
            instance.dead |= news
            held = self._pass_on(instance)
        if held is not None:
            left, chain = held
            if not left.later.begin(chain, lambda: self._close(left.session, chain)):
                self._put_back(left)
                left.later.again(chain, lambda: self._close_put_off(left.instance))
        return news

    def lend(self, instance: "Instance", edge: "Edge") -> None:
        """Let the edge have an instance whenever it is nobody's turn."""
        with self.changed:
            turn = instance.turn.whole()
            if turn.shared or instance.dead or instance.killed or instance.loan is not NO_LOAN:
                return
            instance.loan = edge.lend(instance)
            if turn.holder is None:
                _give(instance)

    def adopt(self, instance: "Instance", chain: Chain) -> None:
        """Have a call that the edge has begun be the chain's turn."""
        with self.changed:
            assert instance.turn.whole().holder is None, "the edge begins calls in idle instances"
            self._enter(instance, chain)
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
        while not _is_free(instance, chain):
            if instance.turn.whole().holder is not None and (
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
        self._enter(instance, chain)
        return True

    def _enter(self, instance: "Instance", chain: Chain) -> None:
        instance.turn.whole().holder = chain
        caller = next((each for each in reversed(chain.stack) if each.single), None)
        if instance.single and caller is not None:
            self._join(caller, instance)
        chain.stack.append(instance)

    def _join(self, caller: "Instance", called: "Instance") -> None:
        """Have two TAs that a chain is in share a turn, also when they are loaded anew."""
        one, other = caller.turn.whole(), called.turn.whole()
        if one is other:
            return
        one.join(other)
        for each in (caller, called):
            each.turn = self._shared[each.uuid] = one
            each.loan.drop()
            each.loan = NO_LOAN

    def _pass_on(self, instance: "Instance") -> tuple[Left, Chain] | None:
        """Pass an instance on to the closing of a session, or else to whoever waits."""
        turn = _leave(instance)
        if turn.holder is not None:
            return None
        if turn.put_off:
            left = turn.put_off.popleft()
            chain = Chain(left.client, left.later)
            self._enter(left.instance, chain)
            return left, chain
        _give(instance)
        if self._waiting:
            self.changed.notify_all()
        return None

    def _put_back(self, left: Left) -> None:
        """Put a session off once more: there is no thread to close it in."""
        with self.changed:
            _leave(left.instance).put_off.appendleft(left)
            _give(left.instance)
            self.changed.notify_all()

    def _close_put_off(self, instance: "Instance") -> None:
        """Close a session that was put back, unless somebody's turn ends with that anyway."""
        with self.changed:
            turn = instance.turn.whole()
            if turn.holder is not None or not turn.put_off:
                return
            left = turn.put_off.popleft()
            chain = Chain(left.client, left.later)
            if not self._take(left.instance, chain, closing=True):
                left.instance.turn.whole().put_off.appendleft(left)
                return
        left.later.close(chain, lambda: self._close(left.session, chain))


def _is_free(instance: "Instance", chain: Chain) -> bool:
    """Tell whether a chain may enter an instance; the edge has it no more then."""
    holder = instance.turn.whole().holder
    if holder is not None and (holder is not chain or instance in chain.stack):
        return False
    return instance.dead or instance.loan.take()


def _leave(instance: "Instance") -> Turn:
    """Take an instance from its chain; return its turn, which is nobody's if no other is in it."""
    turn = instance.turn.whole()
    assert turn.holder is not None, "a turn that ends is somebody's"
    stack = turn.holder.stack
    left = stack.pop()
    assert left is instance, "the innermost turn ends first"
    if not any(each.turn.whole() is turn for each in stack):
        turn.holder = None
    return turn


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
    while instance is not None and (holder := instance.turn.whole().holder) is not None:
        if holder is chain:
            return True
        instance = holder.waits_for
    return False
