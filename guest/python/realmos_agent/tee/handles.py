# SPDX-License-Identifier: BSD-3-Clause
"""Handles: the numbers by which one instance of a TA names what the core holds for it.

A table belongs to one instance, so a number that a TA invents, or that another TA was given,
names nothing of anybody else. Numbers are not used again until all others have been.
"""

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from realmos_agent.tee.budget import Share

    T = TypeVar("T")

MAX = 4096  # of one instance: what a TA can make the core hold has a bound
COST = 4096
"""Bytes that count for a handle. What most name takes less, and a few of them more."""
_LAST = 0xFFFF_FFFF


class HandleTable:
    """The handles of one instance; used by one thread at a time.

    Args:
        limit: how many there may be.
        first: the number that the first will have.
        room: what each takes `COST` from, if they are to be counted.
    """

    def __init__(self, limit: int = MAX, first: int = 1, room: "Share | None" = None) -> None:
        self._held: dict[int, object] = {}
        self._limit = limit
        self._next = first
        self._room = room
        self._reserved = False

    def __len__(self) -> int:
        """How many handles there are."""
        return len(self._held)

    def need_room(self) -> None:
        """See to it that the next `add` returns a handle.

        Raises:
            TeeError: OUT_OF_MEMORY, there are too many.
        """
        if len(self._held) >= self._limit:
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
        if self._room is None or self._reserved:
            return
        if not self._room.take(COST):
            raise TeeError(numbers.ERROR_OUT_OF_MEMORY)
        self._reserved = True

    def add(self, held: object) -> int:
        """Return a new handle for `held`.

        Raises:
            TeeError: OUT_OF_MEMORY, there are too many.
        """
        self.need_room()
        while self._next in self._held:
            self._advance()
        handle = self._next
        self._advance()
        self._held[handle] = held
        self._reserved = False
        return handle

    def get(self, handle: int, kind: "type[T]", error: int = numbers.ERROR_BAD_PARAMETERS) -> "T":
        """Return what `handle` names.

        Raises:
            TeeError: `error`, it names nothing, or nothing of this kind.
        """
        held = self._held.get(handle)
        if not isinstance(held, kind):
            raise TeeError(error)
        return held

    def drop(self, handle: int, kind: "type[T]", error: int = numbers.ERROR_BAD_PARAMETERS) -> "T":
        """Forget a handle and return what it named, which is not closed.

        Raises:
            TeeError: `error`, it names nothing, or nothing of this kind.
        """
        held = self.get(handle, kind, error)
        del self._held[handle]
        if self._room is not None:
            self._room.give(COST)
        return held

    def replace(self, handle: int, held: object) -> None:
        """Have a handle that there is name something else; what it named is not closed."""
        assert handle in self._held
        self._held[handle] = held

    def clear(self) -> None:
        """Forget all handles, and close what has a `close`, which must not raise."""
        held, self._held = self._held, {}
        if self._room is not None:
            self._room.empty()
            self._reserved = False
        for one in held.values():
            close = getattr(one, "close", None)
            if close is not None:
                close()

    def _advance(self) -> None:
        self._next = self._next % _LAST + 1
