# SPDX-License-Identifier: BSD-3-Clause
"""Changes of ELF objects that leave most of an object as it is, and what must hold all the same.

Changes of bytes alone rarely get past the first checks. These change one field of one table, to
numbers that mean something there, or add entries to a table of headers.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from hypothesis import strategies as st
from realmos_agent.tee import numbers as tee
from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee.loader import LoadError, Placed, Segment, elf, image
from realmos_agent.tee.loader import elf_numbers as n
from realmos_agent.tee.loader.elf_image import PAGE, RELOCATION_SIZES, ElfImage
from realmos_agent.tee.loader.image import Prepared
from realmos_agent.tee.loader.patch import find

_PROGRAMS, _SECTIONS = (0x20, 0x38, n.PHDR_SIZE), (0x28, 0x3C, n.SHDR_SIZE)
_INFO_SIZE: Final = 16
DISPATCHER: Final = 0x1122334455667788

RELATIVE: Final = -(1 << 70)
"""Added to a value, makes it relative to what there is."""
ENTRY: Final = 9
"""Which field of the header says where a TA is entered."""
ODD: Final = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 0xB, 24, 64, 0x7F, 0x80, 0xFF, 0xFFF, PAGE, PAGE + 8, 0xFFFF,
    0x101, 0x401, 0x402, 0x403, 0x406, 0x407, n.PT_GNU_PROPERTY, 0xD4000001, elf.SPAN_MAX,
    1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - PAGE, (1 << 64) - 8, (1 << 64) - 1,
)  # fmt: skip
"""Values for fields: types, sizes, and what overflows."""


class Field(NamedTuple):
    """Bytes of a file that hold a number."""

    at: int
    size: int


class Change(NamedTuple):
    """A change of one of the fields of a table, or an entry more in it: see `changed`."""

    table: str
    which: int
    value: int


def changes() -> st.SearchStrategy[list[Change]]:
    """Return lists of changes that fit any object."""
    tables = ["header", "program", "section", "dynamic", "symbol", "relocation", "note", "head"]
    values = st.one_of(st.sampled_from(ODD), st.integers(-8, 8).map(lambda each: each + RELATIVE))
    fields = st.builds(Change, st.sampled_from(tables), st.integers(0, 4095), values)
    more = st.builds(
        Change, st.sampled_from(["program+", "section+", "cut", "byte"]), st.integers(0, 4095),
        st.sampled_from([1, 2, 60, 4000]),
    )  # fmt: skip
    return st.lists(st.one_of(fields, fields, fields, more), min_size=1, max_size=4)


def changed(data: bytes, how: Sequence[Change]) -> bytes:
    """Return an object with changes; a value below zero is relative to what there is."""
    tables = {name: list(each) for name, each in _tables(data)}
    for table, index, value in how:
        if table == "cut":
            data = data[: len(data) - index]
        elif table == "byte" and data:
            at = index * 977 % len(data)
            data = data[:at] + bytes([data[at] ^ value & 0xFF]) + data[at + 1 :]
        elif table in {"program+", "section+"}:
            data = _longer(data, _PROGRAMS if table == "program+" else _SECTIONS, index, value)
        elif fields := tables.get(table):
            data = _put(data, fields[index % len(fields)], value)
    return data


def _put(data: bytes, field: Field, value: int) -> bytes:
    at, size = field
    old = int.from_bytes(data[at : at + size], "little")
    new = (old + value - RELATIVE if value < 0 else value) & (1 << 8 * size) - 1
    return (data[:at] + new.to_bytes(size, "little") + data[at + size :])[: len(data)]


def _longer(data: bytes, table: tuple[int, int, int], index: int, more: int) -> bytes:
    """Return an object with a longer table of headers at its end: one entry is there often."""
    offset_at, count_at, size = table
    if len(data) < n.EHDR_SIZE:
        return data
    (offset,) = struct.unpack_from("<Q", data, offset_at)
    (count,) = struct.unpack_from("<H", data, count_at)
    old = data[offset : offset + count * size]
    entry = old[index % (count or 1) * size :][:size]
    data = _put(data, Field(count_at, 2), count + more)
    return _put(data, Field(offset_at, 8), len(data)) + old + entry * more


def _tables(data: bytes) -> Iterator[tuple[str, Iterator[Field]]]:
    """Yield the tables of an object that is as it should be, each with all of its fields."""
    yield "header", _fields(data, 0, n.EHDR_SIZE, n.EHDR_FORMAT)
    made = elf.parse(data)
    places = {segment.vaddr: _place(data, segment.vaddr) for segment in made.segments}

    def at(vaddr: int) -> int:
        start = max(each for each in places if each <= vaddr)
        return places[start] + vaddr - start

    for name, (offset_at, count_at, _), layout in (
        ("program", _PROGRAMS, n.PHDR_FORMAT),
        ("section", _SECTIONS, n.SHDR_FORMAT),
    ):
        (offset,) = struct.unpack_from("<Q", data, offset_at)
        (count,) = struct.unpack_from("<H", data, count_at)
        yield name, _fields(data, offset, count * struct.calcsize(layout), layout)
    names = {n.SHT_DYNSYM: ("symbol", n.SYM_FORMAT), n.SHT_RELA: ("relocation", n.RELA_FORMAT)}
    sections: dict[str, list[Field]] = {}
    for kind, _, offset, size in _headers(data, _SECTIONS, (4, 0x10, 0x18, 0x20), "<I"):
        if kind in names:
            name, layout = names[kind]
            sections.setdefault(name, []).extend(_fields(data, offset, size, layout))
    yield from ((name, iter(fields)) for name, fields in sections.items())
    for kind, offset, _, size in _headers(data, _PROGRAMS, (0, 8, 0x10, 0x20), "<I"):
        if kind == n.PT_DYNAMIC:
            yield "dynamic", _fields(data, offset, size, n.DYN_FORMAT)
        if kind == n.PT_GNU_PROPERTY:
            yield "note", _fields(data, offset, size // 4 * 4, "<I")
    head = made.exports.get("ta_head")
    if head is not None:
        yield "head", _fields(data, at(head.value), 32, "<IHHQIIQ")


def _headers(
    data: bytes, table: tuple[int, int, int], members: Sequence[int], first: str
) -> Iterator[tuple[int, ...]]:
    """Yield numbers of each entry: of the first member, which has 32 bits, and of others of 64."""
    offset_at, count_at, size = table
    (offset,) = struct.unpack_from("<Q", data, offset_at)
    (count,) = struct.unpack_from("<H", data, count_at)
    for place in range(offset, offset + count * size, size):
        kind = struct.unpack_from(first, data, place + members[0])
        yield kind + tuple(struct.unpack_from("<Q", data, place + m)[0] for m in members[1:])


def _place(data: bytes, vaddr: int) -> int:
    found = _headers(data, _PROGRAMS, (0, 8, 0x10), "<I")
    return next(offset for kind, offset, at in found if kind == n.PT_LOAD and at == vaddr)


def _fields(data: bytes, offset: int, size: int, layout: str) -> Iterator[Field]:
    """Yield the fields of a table; `layout` is of one entry, without what is no number."""
    del data
    sizes = [struct.calcsize(f"<{each}") for each in _codes(layout)]
    for start in range(offset, offset + size, sum(sizes)):
        at = start
        for each in sizes:
            yield Field(at, each)
            at += each


def _codes(layout: str) -> Iterator[str]:
    digits = ""
    for each in layout.removeprefix("<"):
        if each.isdigit():
            digits += each
        else:
            yield digits + each
            digits = ""


class Addresses:
    """Gives addresses, and keeps note of them."""

    def __init__(self) -> None:
        self.given: list[tuple[int, int]] = []

    def __call__(self, size: int) -> int:
        assert 0 < size <= 2 * elf.SPAN_MAX
        assert not size % PAGE
        self.given.append(((len(self.given) + 16) << 32, size))
        return self.given[-1][0]


class Loaded:
    """A TA that was loaded from objects, which may be hostile: all of it is harmless.

    Raises:
        LoadError: it is not loaded.
    """

    def __init__(self, objects: Mapping[UUID, bytes], uuid: UUID) -> None:
        self._objects = objects
        self._addresses = Addresses()
        self.placed = Placed(uuid, self._prepare, DISPATCHER, self._addresses)
        self._segments = list(self.placed.segments)
        self._writes: list[tuple[int, bytes]] = []
        self.check()
        head = next(
            s for s in self._segments if s.address <= self.placed.entry < s.address + s.size
        )
        assert head.prot & run.PROT_EXEC

    def open_library(self, uuid: UUID) -> None:
        """Open a library, which leaves everything as it is if it is refused."""
        before = self.placed.objects
        try:
            segments, writes = self.placed.open_library(uuid, self._addresses)
        except LoadError:
            assert self.placed.objects == before
            raise
        self._segments += segments
        self._writes += writes
        self.check()

    def check(self) -> None:
        """See that what is mapped is what the objects say, and that it can do no harm."""
        end = 0
        for segment in sorted(self._segments):
            assert segment.address >= end
            assert not segment.address % PAGE
            assert not segment.size % PAGE
            assert 0 <= len(segment.data) <= segment.size
            assert segment.prot & run.PROT_READ
            assert not (segment.prot & run.PROT_WRITE and segment.prot & run.PROT_EXEC)
            assert not segment.prot & run.PROT_EXEC or not list(find(segment.data))
            assert any(
                start <= segment.address and segment.address + segment.size <= start + size
                for start, size in self._addresses.given
            )
            end = segment.address + segment.size
        for address, data in self._writes:
            assert self._at(address).prot & run.PROT_WRITE
            assert len(data) == _INFO_SIZE
        info = self.placed.symbol(None, "__elf_phdr_info")
        for each in self.placed.objects:
            self._check_content(elf.parse(self._objects[each.uuid]), each.base, each.prepared, info)

    def _check_content(
        self, made: ElfImage, base: int, prepared: Prepared, info: int | None
    ) -> None:
        """Whatever is not relocated or a system call is what the file says."""
        changed = [(site.address, 4) for site in prepared.veneers.sites]
        changed += [(r.offset, RELOCATION_SIZES[r.type]) for r in made.relocations]
        if info is not None:
            changed.append((info - base, _INFO_SIZE))
        for segment in made.segments:
            wanted = bytearray(segment.data)
            found = bytearray(self._read(base + segment.vaddr, len(wanted)))
            for at, size in changed:
                first, last = at - segment.vaddr, at - segment.vaddr + size
                first, last = max(first, 0), min(last, len(wanted))
                if first < last:
                    wanted[first:last] = found[first:last] = bytes(last - first)
            assert found == wanted
        for start, end in made.code:
            assert self._at(base + start).prot & run.PROT_EXEC
            assert self._at(base + end - 1).prot & run.PROT_EXEC

    def _at(self, address: int) -> Segment:
        return next(s for s in self._segments if s.address <= address < s.address + s.size)

    def _read(self, address: int, size: int) -> bytes:
        found = b""
        while len(found) < size:
            segment = self._at(address + len(found))
            at = address + len(found) - segment.address
            found += segment.data[at : segment.size].ljust(segment.size - at, b"\0")
        return found[:size]

    def _prepare(self, uuid: UUID) -> Prepared:
        if uuid not in self._objects:
            raise LoadError(f"there is no {uuid}", tee.ERROR_ITEM_NOT_FOUND)
        return image.prepare(elf.parse(self._objects[uuid]))
