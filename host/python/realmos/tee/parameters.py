# SPDX-License-Identifier: BSD-3-Clause
"""Typed parameters of calls to Trusted Applications. A call updates those that are outputs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Final

from realmos_agent.tee import client_numbers, numbers, wire

from realmos.errors import ConfigError

_MEMORY: Final = 4


class Direction(IntFlag):
    """Which way a parameter goes."""

    INPUT = 1
    OUTPUT = 2
    INOUT = 3


INPUT, OUTPUT, INOUT = Direction.INPUT, Direction.OUTPUT, Direction.INOUT


@dataclass
class Value:
    """Two 32-bit numbers."""

    a: int = 0
    b: int = 0
    direction: Direction = INOUT


class SharedMemory:
    """A block of memory that several parameters, of one call too, may use parts of.

    Args:
        contents: the bytes it begins with, or how many zeros.
    """

    def __init__(self, contents: bytes | bytearray | int) -> None:
        self.data = bytearray(contents)

    def part(
        self, offset: int = 0, size: int | None = None, direction: Direction = INOUT
    ) -> "Memory":
        """Return a parameter: `size` bytes from `offset` on, or all that follow.

        Raises:
            ConfigError: that is not within it.
        """
        if size is None:
            size = len(self.data) - offset
        if offset < 0 or size < 0 or offset + size > len(self.data):
            raise ConfigError(f"{size} bytes from {offset} are not within {len(self.data)}")
        return Memory(self, offset, size, direction)


@dataclass
class Memory:
    """Memory that a TA reads, writes or both; see `buffer` for memory of its own.

    `size` becomes what the TA says: how much it wrote, or how much it would need to.
    """

    shared: SharedMemory
    offset: int
    size: int
    direction: Direction = INOUT
    capacity: int = field(init=False)

    def __post_init__(self) -> None:
        self.capacity = self.size

    @property
    def data(self) -> bytes:
        """Its bytes, as many as there are of `size`."""
        end = self.offset + min(self.size, self.capacity)
        return bytes(self.shared.data[self.offset : end])


@dataclass
class Null:
    """A memory reference to nothing."""

    direction: Direction = INPUT


Parameter = Value | Memory | Null | None


def buffer(contents: bytes | bytearray | int, direction: Direction | None = None) -> Memory:
    """Return memory for one parameter: bytes to read, or how many to write.

    Args:
        contents: the bytes, or how many zeros.
        direction: INPUT for bytes and OUTPUT for a number when absent.
    """
    if direction is None:
        direction = OUTPUT if isinstance(contents, int) else INPUT
    return SharedMemory(contents).part(direction=direction)


def pack(parameters: Sequence[Parameter]) -> wire.Params:
    """Return what the wire carries of parameters.

    Raises:
        ConfigError: there are too many.
    """
    if len(parameters) > client_numbers.PARAMS:
        raise ConfigError(f"{len(parameters)} parameters: {client_numbers.PARAMS} at most")
    given = [*parameters, *[None] * (client_numbers.PARAMS - len(parameters))]
    regions = _regions([each for each in given if isinstance(each, Memory)])
    packed = [_pack_one(each, regions) for each in given]
    return wire.Params(tuple(packed), tuple(region.pack() for region in regions))


def unpack(parameters: Sequence[Parameter], outcomes: Sequence[wire.Outcome]) -> None:
    """Bring what a call made of its parameters into them."""
    for parameter, outcome in zip(parameters, outcomes, strict=False):
        if outcome.type == numbers.PARAM_TYPE_NONE or parameter is None:
            continue
        if not parameter.direction & OUTPUT:
            continue
        if isinstance(parameter, Value):
            parameter.a, parameter.b = outcome.a, outcome.b
        elif isinstance(parameter, Memory):
            end = parameter.offset + len(outcome.data)
            parameter.shared.data[parameter.offset : end] = outcome.data
            parameter.size = outcome.b


@dataclass
class _Region:
    """A stretch of shared memory that the TA sees in one piece."""

    shared: SharedMemory
    start: int
    end: int
    direction: Direction

    def pack(self) -> wire.Region:
        data = bytes(self.shared.data[self.start : self.end]) if self.direction & INPUT else b""
        shift = self.start % client_numbers.PAGE
        return wire.Region(self.end - self.start, int(self.direction), shift, data)


def _regions(memories: Sequence[Memory]) -> list[_Region]:
    """Return the stretches: what overlaps, or lies less than a page apart, is one."""
    regions: list[_Region] = []
    for memory in memories:
        start, end = memory.offset, memory.offset + memory.size
        added = _Region(memory.shared, start, end, memory.direction)
        kept = []
        for region in regions:
            gap = max(region.start - added.end, added.start - region.end)
            if region.shared is added.shared and gap < client_numbers.PAGE:
                added.start = min(region.start, added.start)
                added.end = max(region.end, added.end)
                added.direction |= region.direction
            else:
                kept.append(region)
        regions = [*kept, added]
    return regions


def _pack_one(parameter: Parameter, regions: Sequence[_Region]) -> wire.Param:
    match parameter:
        case None:
            return wire.Param()
        case Value():
            if parameter.direction == OUTPUT:
                return wire.Param(numbers.PARAM_TYPE_VALUE_OUTPUT)
            return wire.Param(int(parameter.direction), parameter.a, parameter.b)
        case Null():
            return wire.Param(_MEMORY | parameter.direction)
        case Memory():
            parameter.capacity = parameter.size
            index, region = next(
                (index, region)
                for index, region in enumerate(regions)
                if region.shared is parameter.shared
                and region.start <= parameter.offset
                and parameter.offset + parameter.size <= region.end
            )
            offset = parameter.offset - region.start
            return wire.Param(_MEMORY | parameter.direction, offset, parameter.size, index)
