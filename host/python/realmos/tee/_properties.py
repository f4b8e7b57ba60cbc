# SPDX-License-Identifier: BSD-3-Clause
"""The properties that OP-TEE's dev kit puts into a TA, read out of its ELF object.

They are a table of (name, type, value), its pointers made by relocations. Nothing names the table
in a TA that is linked as usual, so it is found by the property that the kit always puts first.
"""

import struct
from dataclasses import dataclass
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import elf_numbers as elf
from realmos_agent.tee.loader.elf_image import ElfImage, LoadSegment

DATA_SIZE = "gpd.ta.dataSize"
"""The property that tells the size of the heap."""

_FIRST = b"gpd.ta.singleInstance\0"
_ENTRY = struct.Struct(tee.TA_PROPERTY_FORMAT)
_VALUE_OFFSET = _ENTRY.size - 8
_COUNT_MAX = 256
_TEXT_MAX = 4096
_SIZES = {
    tee.PROPERTY_TYPE_BOOL: 1,
    tee.PROPERTY_TYPE_U32: 4,
    tee.PROPERTY_TYPE_UUID: 16,
    tee.PROPERTY_TYPE_IDENTITY: 20,
    tee.PROPERTY_TYPE_U64: 8,
}
_TYPE_NAMES = {
    tee.PROPERTY_TYPE_BOOL: "bool",
    tee.PROPERTY_TYPE_U32: "u32",
    tee.PROPERTY_TYPE_UUID: "uuid",
    tee.PROPERTY_TYPE_IDENTITY: "identity",
    tee.PROPERTY_TYPE_STRING: "string",
    tee.PROPERTY_TYPE_BINARY_BLOCK: "binary block",
    tee.PROPERTY_TYPE_U64: "u64",
}


@dataclass(frozen=True)
class Property:
    """A property; a binary block's value is in base64."""

    name: str
    type: str
    value: bool | int | str


def read_properties(image: ElfImage) -> tuple[Property, ...]:
    """Return the properties of a TA in its own order; none if their table cannot be found."""
    pointers = {
        each.offset: each.addend
        for each in image.relocations
        if each.type == elf.R_AARCH64_RELATIVE
    }
    names = [segment.vaddr + at for segment in image.segments for at in _places(segment)]
    starts = sorted(offset for offset, target in pointers.items() if target in names)
    if not starts:
        return ()
    found: list[Property] = []
    for at in range(starts[0], starts[0] + _COUNT_MAX * _ENTRY.size, _ENTRY.size):
        each = _entry(image, pointers, at)
        if each is None:
            break
        found.append(each)
    return tuple(found)


def _places(segment: LoadSegment) -> list[int]:
    """Return where in a segment the name of the first property is."""
    places: list[int] = []
    at = segment.data.find(_FIRST)
    while at >= 0:
        places.append(at)
        at = segment.data.find(_FIRST, at + 1)
    return places


def _entry(image: ElfImage, pointers: dict[int, int], at: int) -> Property | None:
    """Return the entry of the table at an address; None when there is no entry."""
    name, value = pointers.get(at), pointers.get(at + _VALUE_OFFSET)
    raw = _bytes(image, at, _ENTRY.size)
    if name is None or value is None or raw is None:
        return None
    number = _ENTRY.unpack(raw)[1]
    text, content = _text(image, name), _value(image, value, number)
    if text is None or content is None:
        return None
    return Property(text, _TYPE_NAMES[number], content)


def _value(image: ElfImage, at: int, kind: int) -> bool | int | str | None:
    if kind in {tee.PROPERTY_TYPE_STRING, tee.PROPERTY_TYPE_BINARY_BLOCK}:
        return _text(image, at)
    raw = _bytes(image, at, _SIZES.get(kind, 0))
    if not raw:
        return None
    match kind:
        case tee.PROPERTY_TYPE_BOOL:
            return raw != b"\0"
        case tee.PROPERTY_TYPE_UUID:
            return str(UUID(bytes_le=raw))
        case tee.PROPERTY_TYPE_IDENTITY:
            return f"{int.from_bytes(raw[:4], 'little'):#x}:{UUID(bytes_le=raw[4:])}"
        case _:
            return int.from_bytes(raw, "little")


def _bytes(image: ElfImage, at: int, size: int) -> bytes | None:
    """Return initial memory, or None when it is not in one segment."""
    for segment in image.segments:
        start = at - segment.vaddr
        if 0 <= start <= segment.size - size:
            return segment.data[start : start + size].ljust(size, b"\0")
    return None


def _text(image: ElfImage, at: int) -> str | None:
    """Return the string at an address, or None when there is none that ends."""
    for segment in image.segments:
        start = at - segment.vaddr
        if 0 <= start < len(segment.data):
            end = segment.data.find(b"\0", start, start + _TEXT_MAX)
            return None if end < 0 else segment.data[start:end].decode("utf-8", "replace")
    return None
