# SPDX-License-Identifier: BSD-3-Clause
"""One turn: at an instance, or at all single-instance TAs of which one has called another.

Of two TAs that call each other a chain that is in the one may want the other, and the other way
round: had each instance a turn of its own, one of them would be refused as busy.
"""

from collections import deque
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.chain import Chain, Later
    from realmos_agent.tee.instance import Instance
    from realmos_agent.tee.session import Session


class Left(NamedTuple):
    """A session that a client left to be closed: where, whose, and what starts the closing."""

    session: "Session"
    instance: "Instance"
    client: int
    later: "Later"


class Turn:
    """Whose turn it is; under the manager's lock.

    Attributes:
        holder: the chain whose turn it is; None if it is nobody's.
        put_off: sessions to be closed as soon as it is nobody's.
        joined: what this turn is a part of now, if it is.
        shared: it is at more than one TA.
    """

    def __init__(self) -> None:
        self.holder: Chain | None = None
        self.put_off: deque[Left] = deque()
        self.joined: Turn | None = None
        self.shared = False

    def whole(self) -> "Turn":
        """Return the turn that this one is, or is a part of."""
        turn = self
        while turn.joined is not None:
            turn = turn.joined
        return turn

    def join(self, other: "Turn") -> None:
        """Make one turn of two that are the same chain's, and neither part of another."""
        assert self.holder is other.holder, "nobody else may be in the other"
        self.put_off.extend(other.put_off)
        other.put_off.clear()
        other.joined = self
        self.shared = True
