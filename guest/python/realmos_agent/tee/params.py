# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of a call as the core holds them: four values or references to memory.

The memory that they refer to lies in regions, which belong to the call alone: a region is filled
from its owner (a client, or a TA that calls another), mapped for the TA that is called, and what
that TA wrote is taken back when it returns. Two parameters of one region overlap or adjoin in
the TA as they do at the owner.
"""

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

COUNT = 4
_PAGE = 4096


class Region:
    """A span of its owner's memory.

    Args:
        data: what it holds when the call begins; how many zeros, if a number.
        shift: the owner's address modulo the size of a page.
        secure: whether the owner is a TA, and not a client outside the TEE.
    """

    __slots__ = ("data", "secure", "shift")

    def __init__(
        self, data: bytes | memoryview | int, *, shift: int = 0, secure: bool = False
    ) -> None:
        self.data = bytearray(data)
        self.shift = shift % _PAGE
        self.secure = secure


class Value:
    """A pair of 32-bit numbers."""

    __slots__ = ("a", "b")

    def __init__(self, a: int = 0, b: int = 0) -> None:
        self.a = a & 0xFFFF_FFFF
        self.b = b & 0xFFFF_FFFF


class Memref:
    """A reference to memory.

    Attributes:
        region: where it lies; None for NULL, which has no size.
        offset: where it begins in its region.
        capacity: how much of the region it spans.
        size: the same, until the TA that is called says how much it wrote or would have written.
    """

    __slots__ = ("capacity", "offset", "region", "size")

    def __init__(self, region: Region | None, offset: int = 0, size: int = 0) -> None:
        if region is not None and not 0 <= offset <= offset + size <= len(region.data):
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        if region is None and size:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        self.region = region
        self.offset = offset
        self.capacity = size
        self.size = size

    @property
    def view(self) -> memoryview:
        """What it refers to; writable."""
        if self.region is None:
            return memoryview(b"")
        return memoryview(self.region.data)[self.offset : self.offset + self.capacity]

    @property
    def written(self) -> bytes:
        """What its owner gets back: nothing, if that would have been more than it has room for."""
        return bytes(self.answer)

    @property
    def answer(self) -> memoryview:
        """The same, where it lies."""
        return self.view[: self.size if self.size <= self.capacity else 0]

    @property
    def exceeded(self) -> bool:
        """Whether the callee claims more than there is room for. With NULL it may tell a size."""
        return self.region is not None and self.size > self.capacity

    def write(self, data: bytes) -> None:
        """Answer with `data`.

        Raises:
            TeeError: there is not enough room; the size tells how much is needed.
        """
        self.size = len(data)
        if len(data) > self.capacity:
            raise TeeError(numbers.ERROR_SHORT_BUFFER)
        self.view[: len(data)] = data


Slot = Value | Memref | None

VALUES = frozenset(
    (
        numbers.PARAM_TYPE_VALUE_INPUT,
        numbers.PARAM_TYPE_VALUE_OUTPUT,
        numbers.PARAM_TYPE_VALUE_INOUT,
    )
)
"""The kinds that are values."""
MEMREFS = frozenset(
    (
        numbers.PARAM_TYPE_MEMREF_INPUT,
        numbers.PARAM_TYPE_MEMREF_OUTPUT,
        numbers.PARAM_TYPE_MEMREF_INOUT,
    )
)
"""Those that refer to memory."""
OUTPUTS = frozenset(
    (
        numbers.PARAM_TYPE_VALUE_OUTPUT,
        numbers.PARAM_TYPE_VALUE_INOUT,
        numbers.PARAM_TYPE_MEMREF_OUTPUT,
        numbers.PARAM_TYPE_MEMREF_INOUT,
    )
)
"""Those in which the callee answers."""


def is_value(kind: int) -> bool:
    """Tell whether parameters of a kind are values."""
    return kind in VALUES


def is_memref(kind: int) -> bool:
    """Tell whether parameters of a kind refer to memory."""
    return kind in MEMREFS


def param_types(*kinds: int) -> int:
    """Return the types word of up to four parameters."""
    return sum(kind << 4 * index for index, kind in enumerate(kinds))


class Params:
    """The four parameters of a call.

    Args:
        types: their kinds, 4 bits each.
        slots: their contents; None where the kind says that there is none.

    Raises:
        TeeError: a kind is unknown, or is not what its slot holds.
    """

    __slots__ = ("slots", "types")

    def __init__(self, types: int = 0, slots: tuple[Slot, ...] = (None,) * COUNT) -> None:
        if types >> 4 * COUNT or len(slots) != COUNT:
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        for index, slot in enumerate(slots):
            kind = types >> 4 * index & 0xF
            wanted = Value if kind in VALUES else Memref if kind in MEMREFS else None
            if not isinstance(slot, wanted) if wanted else kind or slot is not None:
                raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        self.types = types
        self.slots = slots

    def kind(self, index: int) -> int:
        """Return the kind of one parameter."""
        return self.types >> 4 * index & 0xF

    def is_output(self, index: int) -> bool:
        """Tell whether the callee answers in this parameter."""
        return self.kind(index) in OUTPUTS

    def value(self, index: int) -> Value:
        """Return a parameter that is a value.

        Raises:
            TeeError: it is not.
        """
        slot = self.slots[index]
        if not isinstance(slot, Value):
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        return slot

    def memref(self, index: int) -> Memref:
        """Return a parameter that refers to memory.

        Raises:
            TeeError: it does not.
        """
        slot = self.slots[index]
        if not isinstance(slot, Memref):
            raise TeeError(numbers.ERROR_BAD_PARAMETERS)
        return slot

    @property
    def memrefs(self) -> list[tuple[int, Memref]]:
        """The parameters that refer to memory, with their places."""
        return [(place, slot) for place, slot in enumerate(self.slots) if isinstance(slot, Memref)]

    @property
    def regions(self) -> list[Region]:
        """The regions that the parameters lie in, each once."""
        found: dict[int, Region] = {}
        for _, memref in self.memrefs:
            if memref.region is not None:
                found[id(memref.region)] = memref.region
        return list(found.values())
