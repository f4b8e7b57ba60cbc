# SPDX-License-Identifier: BSD-3-Clause
"""Who called whom in a TA, from its frame records; for people, and with no trust in what is there.

A record is a pair of words on the stack: where the caller's record is, and where it goes on. The
latter may be signed, in bits above those of any address that a TA has.
"""

import struct
from itertools import groupby

from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.runner_numbers import ADDRESS_MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from realmos_agent.tee.parts import Body

_RECORD = struct.Struct("<QQ")
_FRAMES_MAX = 32
_ALIGNMENT = 8


def callers(fetch: "Callable[[int, int], Body]", record: int) -> list[int]:
    """Return where the functions go on that have called each other, innermost first.

    Args:
        fetch: reads so many bytes of the TA's memory at an address, or raises RunnerError.
        record: the address of the innermost record.
    """
    places: list[int] = []
    while len(places) < _FRAMES_MAX and record % _ALIGNMENT == 0:
        try:
            above, place = _RECORD.unpack(fetch(record, _RECORD.size))
        except RunnerError:
            break
        if not place:
            break
        places.append(place & ADDRESS_MASK)
        if above <= record and len(places) > 1:
            break  # stacks grow down: callers are above
        record = above
    return places


def folded(names: "Iterable[str]") -> str:
    """Return places in a line; one that follows itself, as in a recursion, is there once."""
    counted = ((name, sum(1 for _ in same)) for name, same in groupby(names))
    return ", ".join(name if count == 1 else f"{count} times {name}" for name, count in counted)
