# SPDX-License-Identifier: BSD-3-Clause
"""Room for one more instance of a TA: each is a process, and there are only so many."""

from collections import Counter

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from realmos_agent.tee.instance import Instance

INSTANCES_MAX = 256
INSTANCES_A_CLIENT = INSTANCES_MAX // 4
"""Instances, each of which is a process; and those that one client's calls have made."""


def make_room(
    client: int, instances: "Sequence[Instance]", loading: "Collection[int]"
) -> "Instance | None":
    """Tell which instance has to end so that a client may have another; None if none has to.

    Only what is kept alive without a session ends for that: a client's own, or one of whoever has
    left most behind.

    Args:
        client: whose call makes the instance.
        instances: those that there are, the oldest first.
        loading: whose calls make instances now.

    Raises:
        TeeError: there is no room.
    """
    owners = [*loading, *(one.owner for one in instances)]
    idle = [one for one in instances if not one.sessions and not one.dead]
    if owners.count(client) >= INSTANCES_A_CLIENT:
        idle = [one for one in idle if one.owner == client]
    elif len(owners) < INSTANCES_MAX:
        return None
    if not idle:
        raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
    left = Counter(one.owner for one in idle)
    return max(idle, key=lambda one: left[one.owner])
