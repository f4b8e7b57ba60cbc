# SPDX-License-Identifier: BSD-3-Clause
"""A TA with its libraries at their places in one address space: what to map, and where to enter.

Objects see each other's symbols in one flat scope, in the order in which they were loaded. The
loader tells the TA what is loaded through its `__elf_phdr_info`, from a page of the loader's own
that the TA can read.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from realmos_agent.tee import numbers as tee
from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee.loader import elf_numbers as elf
from realmos_agent.tee.loader.elf import SPAN_MAX
from realmos_agent.tee.loader.elf_image import OBJECTS_MAX, PAGE, Relocation, Symbol, bad
from realmos_agent.tee.loader.errors import LoadError
from realmos_agent.tee.loader.image import Block, Part, Prepared, pages
from realmos_agent.tee.loader.patch import RESOLVER_OFFSET

Base = Callable[[int], int]
"""Gives the free, page-aligned address of so many bytes."""

_HEAD = struct.Struct(tee.TA_HEAD_FORMAT)
_INFO = struct.Struct(tee.ELF_PHDR_INFO_FORMAT)
_ELEMENT = struct.Struct(tee.DL_PHDR_INFO_FORMAT)
_ADDRESS = struct.Struct("<Q")
_INFO_ZERO = 7  # the offset of its member `zero`, an empty string
_TCB_SIZE = 16
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ALL_ONES = (1 << 64) - 1


class Segment(NamedTuple):
    """Memory to map: `data`, then zeros up to `size` bytes; `prot` is of the runner's `PROT_*`."""

    address: int
    size: int
    prot: int
    data: bytes


class Object(NamedTuple):
    """An ELF object at its place; `tls` is where its thread-local storage is in the TA's block."""

    uuid: UUID
    prepared: Prepared
    base: int
    tls: int

    def address(self, symbol: Symbol) -> int:
        """Return what a symbol of this object stands for."""
        return symbol.value if symbol.type == elf.STT_TLS else self.base + symbol.value


class Found(NamedTuple):
    """A symbol, and the object that has it."""

    object: Object
    symbol: Symbol

    @property
    def address(self) -> int:
        """What it stands for."""
        return self.object.address(self.symbol)


class Placed:
    """A TA in one address space. `segments` are what to map before it is entered.

    Args:
        uuid: of the TA.
        prepare: gives the object of a UUID, or raises LoadError.
        dispatcher: where system calls are to go.
        base: gives addresses.

    Raises:
        LoadError: the TA or one of its libraries is refused, or a symbol is in none of them.
    """

    def __init__(
        self, uuid: UUID, prepare: Callable[[UUID], Prepared], dispatcher: int, base: Base
    ) -> None:
        self.uuid = uuid
        self._prepare = prepare
        self._dispatcher = dispatcher
        self._objects: tuple[Object, ...] = ()
        main = prepare(uuid)
        head = _HEAD.unpack(_head(main))
        self.stack_size: int = head[1]
        self.flags: int = head[2]
        if head[3] != _ALL_ONES:
            raise LoadError(
                "the TA was made with a dev kit of 2018 or before, which enters it in another way: "
                "build it again with a newer one",
                tee.ERROR_NOT_SUPPORTED,
            )
        own = UUID(bytes_le=head[0])
        if own != uuid:
            raise LoadError(
                f"it is TA {own} and not {uuid}: BINARY in its Makefile and TA_UUID in its "
                "header are to be the same, and the name of its file",
                tee.ERROR_SECURITY,
            )
        if self.flags & ~tee.TA_FLAG_MASK:
            raise bad(f"ta_head has unknown flags: {self.flags & ~tee.TA_FLAG_MASK:#x}")
        if not self.stack_size:
            raise bad("its ta_head asks for no stack")
        if self.stack_size > SPAN_MAX:
            raise LoadError(
                f"it asks for a stack of {self.stack_size} bytes (TA_STACK_SIZE), more than the "
                f"{SPAN_MAX >> 20} MiB that there can be",
                tee.ERROR_OUT_OF_MEMORY,
            )
        if not any(start <= main.elf.entry < end for start, end in main.elf.code):
            raise bad(f"its entry {main.elf.entry:#x} is no instruction")
        segments, writes = self._add(uuid, base)
        self.segments = [_written(segment, writes) for segment in _split(segments, writes)]
        self.entry = self.objects[0].base + main.elf.entry

    @property
    def objects(self) -> tuple[Object, ...]:
        """The TA and its libraries, in the order of loading."""
        return self._objects

    def take_segments(self) -> Sequence[Segment]:
        """Return the segments, once: they are not kept beside what is mapped."""
        segments, self.segments = self.segments, []
        return segments

    def open_library(
        self, uuid: UUID, base: Base
    ) -> tuple[Sequence[Segment], Sequence[tuple[int, bytes]]]:
        """Add a library and what it needs, unless it is there.

        Returns:
            What to map, and what to write where into memory that is mapped.

        Raises:
            LoadError: it is refused; nothing has changed.
        """
        if any(each.uuid == uuid for each in self._objects):
            return [], []
        return self._add(uuid, base)

    def symbol(self, uuid: UUID | None, name: str) -> int | None:
        """Return the address of a symbol: of one object if that has it, or of any."""
        first = [each for each in self._objects if each.uuid == uuid]
        if uuid is not None and not first:
            return None
        found = _find(name, (*first, *self._objects))
        return None if found is None else found.address

    def locate(self, address: int) -> str:
        """Say, for people, where in which object an address lies."""
        for each in self._objects:
            offset = address - each.base
            if not 0 <= offset < each.prepared.size:
                continue
            if offset >= each.prepared.elf.span:
                return f"{each.uuid}+{offset:#x} (a system call)"
            symbol = each.prepared.elf.function(offset)
            name = f" ({symbol.name}+{offset - symbol.value:#x})" if symbol else ""
            return f"{each.uuid}+{offset:#x}{name}"
        return f"{address:#x}, in no object of the TA"

    def _add(self, uuid: UUID, base: Base) -> tuple[list[Segment], list[tuple[int, bytes]]]:
        new = self._place(uuid, base)
        scope = (*self._objects, *new)
        segments = [segment for each in new for segment in self._map(each, scope)]
        writes: list[tuple[int, bytes]] = []
        info = _find("__elf_phdr_info", scope)
        if info is not None:
            segment, write = _describe(scope, info, base)
            segments.append(segment)
            writes.append(write)
        elif _find("__init_fini_info", scope) is not None:
            raise LoadError(
                "the TA was made with the dev kit of OP-TEE 3.9, whose way to run initialisers is "
                "not served: build it again with another",
                tee.ERROR_NOT_SUPPORTED,
            )
        self._objects = scope
        return segments, writes

    def _place(self, uuid: UUID, base: Base) -> tuple[Object, ...]:
        """Choose places for an object and what it needs that is not there."""
        queue = [uuid]
        known = {uuid, *(each.uuid for each in self._objects)}
        tls = _TCB_SIZE + sum(_tls_size(each.prepared) for each in self._objects)
        new: list[Object] = []
        for each in queue:  # which grows
            prepared = self._prepare(each)
            # Before the next is made ready: what there is no room for is not even read.
            new.append(Object(each, prepared, base(prepared.size), tls))
            tls += _tls_size(prepared)
            for name in prepared.elf.needed:
                needed = _library(name)
                if needed not in known:
                    known.add(needed)
                    queue.append(needed)
            if len(known) > OBJECTS_MAX:
                raise bad(f"it needs more than {OBJECTS_MAX} libraries")
        return tuple(new)

    def _map(self, new: Object, scope: Sequence[Object]) -> Iterator[Segment]:
        """Yield the memory of an object, relocated."""
        prepared = new.prepared
        for block in prepared.blocks:
            memory: bytes | bytearray = block.placed(new.base)
            if block.others:
                memory = bytearray(memory)
                for each in block.others:
                    for at, value in _values(each, new, scope):
                        _ADDRESS.pack_into(memory, at - block.address, value & _ALL_ONES)
            yield from (_segment(new.base, block, part, memory) for part in block.parts)
        prot = run.PROT_READ | run.PROT_EXEC | (run.PROT_BTI if prepared.elf.bti else 0)
        data = prepared.veneers.bound(self._dispatcher)
        yield Segment(new.base + prepared.elf.span, pages(len(data)), prot, data)


def _head(prepared: Prepared) -> bytes:
    """Return a TA's head: what its symbol names, or in older TAs what it begins with."""
    symbol = prepared.elf.exports.get("ta_head")
    if symbol is None and prepared.elf.soname is not None:
        raise LoadError("it is a library, and no TA", tee.ERROR_BAD_FORMAT)
    address = 0 if symbol is None else symbol.value
    return prepared.read(address, _HEAD.size, "ta_head")


def _library(name: str) -> UUID:
    if not _UUID.fullmatch(name):
        raise LoadError(
            f"the TA needs library {name!r}; TAs have only libraries that are named by a UUID",
            tee.ERROR_NOT_SUPPORTED,
        )
    return UUID(name)


def _tls_size(prepared: Prepared) -> int:
    return prepared.elf.tls[1] if prepared.elf.tls else 0


def _find(name: str, scope: Sequence[Object]) -> Found | None:
    for each in scope:
        symbol = each.prepared.elf.exports.get(name)
        if symbol is not None:
            return Found(each, symbol)
    return None


def _needed(relocation: Relocation, new: Object, scope: Sequence[Object]) -> Found | None:
    """Return the symbol of a relocation, None for one that is weak and nowhere.

    Raises:
        LoadError: it is nowhere.
    """
    symbol = new.prepared.elf.symbols[relocation.symbol]
    if relocation.type == elf.R_AARCH64_ABS64 and symbol.defined:
        return Found(new, symbol)
    found = _find(symbol.name, scope)
    if found is not None:
        return found
    if symbol.defined:
        return Found(new, symbol)
    if symbol.binding == elf.STB_WEAK:
        return None
    raise LoadError(
        f"symbol {symbol.name!r} of {new.uuid} is in no library that the TA loads",
        tee.ERROR_ITEM_NOT_FOUND,
    )


def _values(each: Relocation, new: Object, scope: Sequence[Object]) -> Iterator[tuple[int, int]]:
    """Yield what a relocation puts where that is not moved with the object."""
    found = _needed(each, new, scope) if each.symbol else None
    if each.type not in {elf.R_AARCH64_TLS_TPREL, elf.R_AARCH64_TLSDESC}:
        start = new.base if each.type == elf.R_AARCH64_RELATIVE else 0
        yield each.offset, start + each.addend + (found.address if found else 0)
        return
    at = each.offset
    if each.type == elf.R_AARCH64_TLSDESC:
        yield at, new.base + new.prepared.elf.span + RESOLVER_OFFSET
        at += _ADDRESS.size
    owner = found.object if found else new
    yield at, owner.tls + each.addend + (found.symbol.value if found else 0)


def _segment(base: int, block: Block, part: Part, memory: bytes | bytearray) -> Segment:
    data = memory[part.start - block.address : part.end - block.address]
    return Segment(base + part.start, part.end - part.start, part.prot, bytes(data))


def _describe(
    scope: Sequence[Object], info: Found, base: Base
) -> tuple[Segment, tuple[int, bytes]]:
    """Return a page that tells what is loaded, and what `__elf_phdr_info` says of it."""
    owner = info.object.prepared
    reserved, *_ = _INFO.unpack(owner.read(info.symbol.value, _INFO.size, "__elf_phdr_info"))
    if not owner.writable(info.symbol.value):
        raise bad("its __elf_phdr_info is not writable")
    if reserved:
        raise LoadError(
            "the TA's __elf_phdr_info is of a later version than this loader knows",
            tee.ERROR_NOT_SUPPORTED,
        )
    array = len(scope) * _ELEMENT.size
    size = array + sum(
        len(each.prepared.elf.headers) + len(each.prepared.elf.soname or "") + 1 for each in scope
    )
    address = base(pages(size))
    table, rest = b"", b""
    for each in scope:
        image = each.prepared.elf
        headers = address + array + len(rest)
        rest += image.headers
        name = info.address + _INFO_ZERO
        if image.soname is not None:
            name = address + array + len(rest)
            rest += image.soname.encode("ascii") + b"\0"
        tls = image.tls[0] if image.tls else 0
        count = len(image.headers) // elf.PHDR_SIZE
        table += _ELEMENT.pack(each.base, name, headers, count, b"", 1, 0, 0, tls)
    segment = Segment(address, pages(size), run.PROT_READ, table + rest)
    return segment, (info.address, _INFO.pack(0, len(scope), 0, 0, address))


def _split(segments: list[Segment], writes: list[tuple[int, bytes]]) -> Iterator[Segment]:
    """Cut off, from memory that is zero, the pages in which something is to be written."""
    for segment in segments:
        start = segment.address
        for address, data in writes:
            first = max(address // PAGE * PAGE, start)
            last = pages(address + len(data))
            filled = segment.address + len(segment.data)
            if filled < address and address + len(data) <= segment.address + segment.size:
                if start < first:
                    yield _piece(segment, start, first)
                yield _piece(segment, first, last)
                start = last
        if start < segment.address + segment.size:
            yield _piece(segment, start, segment.address + segment.size)


def _piece(segment: Segment, start: int, end: int) -> Segment:
    data = segment.data[start - segment.address : end - segment.address]
    return Segment(start, end - start, segment.prot, data)


def _written(segment: Segment, writes: list[tuple[int, bytes]]) -> Segment:
    for address, data in writes:
        at = address - segment.address
        if 0 <= at < segment.size:
            memory = bytearray(segment.data.ljust(at + len(data), b"\0"))
            memory[at : at + len(data)] = data
            segment = segment._replace(data=bytes(memory))
    return segment
