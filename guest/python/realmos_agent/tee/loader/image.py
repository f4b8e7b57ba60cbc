# SPDX-License-Identifier: BSD-3-Clause
"""An ELF object made ready to be placed: memory in whole pages, patched, with what to relocate.

`prepare` does once for a file what does not depend on where it will be. Only pages that hold
instructions are executable, and none of these is writable: a segment of OP-TEE's dev kit begins
with instructions and ends with constants, and a constant may look like a system call.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from realmos_agent.record import Record
from realmos_agent.tee import numbers as tee
from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee.loader import elf_numbers as elf
from realmos_agent.tee.loader.elf_image import (
    PAGE,
    RELOCATION_SIZES,
    ElfImage,
    LoadSegment,
    Ranges,
    Relocation,
    bad,
)
from realmos_agent.tee.loader.errors import LoadError
from realmos_agent.tee.loader.patch import Veneers, find, patch

_WORD: Final = 8
_SYMBOL_COST: Final = 320
_RELOCATION_COST: Final = 192
_SITE_COST: Final = 160
"""Bytes of the core's memory, with names and numbers."""
_ADDRESS: Final = struct.Struct("<Q")
_ADDEND_END: Final = 1 << 63  # an address below it, moved, still is one word


class Part(NamedTuple):
    """Whole pages of one protection within a block: from where to where, in the object."""

    start: int
    end: int
    prot: int


class Block(Record):
    """Whole pages of an object: `data`, then zeros.

    Addresses in the object are moved with it all at once: `data` and `moves` are taken as numbers,
    and `moves` has a one wherever in `data` an address begins. `others` are other relocations.
    """

    address: int
    size: int
    data: bytes
    parts: tuple[Part, ...]
    moves: int
    others: tuple[Relocation, ...]

    def placed(self, base: int) -> bytes:
        """Return the content at a base address; other relocations are still to be made."""
        if not self.moves:
            return self.data
        moved = int.from_bytes(self.data, "little") + base * self.moves
        return moved.to_bytes(len(self.data), "little")


class Prepared(Record):
    """An object ready to be placed: it takes `size` bytes, its veneers among them.

    `elf` is without its contents: the blocks have them.
    """

    elf: ElfImage
    blocks: tuple[Block, ...]
    veneers: Veneers

    @property
    def size(self) -> int:
        """Bytes of address space that it takes."""
        return self.elf.span + pages(len(self.veneers.data))

    @property
    def cost(self) -> int:
        """About how many bytes of the core's memory it takes."""
        return (
            sum(2 * len(block.data) for block in self.blocks)
            + _SYMBOL_COST * len(self.elf.symbols)
            + _RELOCATION_COST * sum(len(block.others) for block in self.blocks)
            + _SITE_COST * len(self.veneers.sites)
        )

    def read(self, vaddr: int, size: int, what: str) -> bytes:
        """Return initial memory.

        Raises:
            LoadError: it is not in one of the object's segments.
        """
        for segment in self.elf.segments:
            if segment.vaddr <= vaddr and vaddr + size <= segment.end:
                block = next(b for b in self.blocks if b.address <= vaddr < b.address + b.size)
                at = vaddr - block.address
                return block.data[at : at + size].ljust(size, b"\0")
        raise bad(f"{what} ({size} bytes at {vaddr:#x}) is not in one of its segments")

    def writable(self, address: int) -> bool:
        """Return whether an address of the object is in memory that the TA may write."""
        return any(
            part.start <= address < part.end and bool(part.prot & run.PROT_WRITE)
            for block in self.blocks
            for part in block.parts
        )


def pages(size: int) -> int:
    """Return `size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def prepare(image: ElfImage) -> Prepared:
    """Make ready what does not depend on where an object will be.

    Raises:
        LoadError: memory would be both writable and executable, or data in the same page as
            instructions looks like a system call.
    """
    layout = list(_layout(image.segments))
    memory = [(start, bytearray(_content(start, segments))) for start, _, segments in layout]
    veneers = patch(memory, image.code, image.span)
    _check_relocations(image)
    relative, others = _relocations(image.relocations)
    places = sorted(relative)
    blocks = tuple(
        Block(
            address=start,
            size=end - start,
            moves=_moves(relative, places, start, content),
            data=bytes(content),
            parts=tuple(_parts(image, start, end, segments)),
            others=others[_first(others, start) : _first(others, end)],
        )
        for (start, end, segments), (_, content) in zip(layout, memory, strict=True)
    )
    _check_code(blocks)
    return Prepared(image.without_contents(), blocks, veneers)


def _layout(
    segments: Iterable[LoadSegment],
) -> Iterator[tuple[int, int, list[LoadSegment]]]:
    """Yield the ends of all blocks of pages, with the segments that lie in each."""
    start, end, inside = 0, 0, list[LoadSegment]()
    for segment in segments:
        first, last = segment.vaddr // PAGE * PAGE, pages(segment.end)
        if inside and first < end:
            if inside[-1].size != len(inside[-1].data):
                raise bad(f"the segment at {segment.vaddr:#x} begins in another's zeros")
            inside.append(segment)
        else:
            if inside:
                yield start, end, inside
            start, inside = first, [segment]
        end = last
    yield start, end, inside


def _content(start: int, segments: list[LoadSegment]) -> bytes:
    return b"".join(
        segment.data.rjust(segment.vaddr - before + len(segment.data), b"\0")
        for before, segment in zip(
            [start, *(s.vaddr + len(s.data) for s in segments)], segments, strict=False
        )
    )


def _parts(image: ElfImage, start: int, end: int, segments: list[LoadSegment]) -> Iterator[Part]:
    flags = 0
    for segment in segments:
        flags |= segment.flags
    if flags & elf.PF_W and flags & elf.PF_X:
        raise LoadError(
            f"the TA's memory at {start:#x} is both writable and executable: link it with separate "
            "segments (-z separate-code, pages of 4096 bytes)",
            tee.ERROR_NOT_SUPPORTED,
        )
    plain = run.PROT_READ | (run.PROT_WRITE if flags & elf.PF_W else 0)
    code = run.PROT_READ | run.PROT_EXEC | (run.PROT_BTI if image.bti else 0)
    at = start
    for first, last in _code_pages(image.code, start, end):
        if at < first:
            yield Part(at, first, plain)
        yield Part(first, last, code)
        at = last
    if at < end:
        yield Part(at, end, plain)


def _code_pages(code: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return the runs of pages between two addresses that hold instructions."""
    runs: list[tuple[int, int]] = []
    for begin, stop in code:
        if start <= begin < end:
            first = begin // PAGE * PAGE
            if runs and first <= runs[-1][1]:
                first, _ = runs.pop()
            runs.append((first, pages(stop)))
    return runs


def _relocations(
    relocations: Iterable[Relocation],
) -> tuple[dict[int, int], tuple[Relocation, ...]]:
    """Return the addresses to be moved with the object, by place, and all else, in order."""
    relative: dict[int, int] = {}
    others: list[Relocation] = []
    for each in relocations:
        if each.type == elf.R_AARCH64_RELATIVE:
            relative[each.offset] = each.addend
        elif each.type != elf.R_AARCH64_NONE:
            others.append(each)
    # Of several of one place the last counts. What cannot be moved with the rest goes by itself.
    free = 0
    for at in sorted(relative):
        if at < free or not 0 <= relative[at] < _ADDEND_END:
            others.append(Relocation(at, elf.R_AARCH64_RELATIVE, 0, relative.pop(at)))
        else:
            free = at + _WORD
    return relative, tuple(sorted(others, key=lambda each: each.offset))


def _check_relocations(image: ElfImage) -> None:
    """Refuse what OP-TEE's loader cannot do either: relocations outside of initialised data."""
    initialised = Ranges(
        [
            (segment.vaddr, segment.vaddr + len(segment.data))
            for segment in image.segments
            if segment.flags & elf.PF_W
        ]
    )
    for each in image.relocations:
        size = RELOCATION_SIZES[each.type]
        if size and not initialised.hold(each.offset, size):
            raise LoadError(
                f"a relocation at {each.offset:#x} is not in initialised, writable data: compile "
                "and link all of the TA as position-independent code",
                tee.ERROR_NOT_SUPPORTED,
            )


def _first(relocations: Sequence[Relocation], address: int) -> int:
    """Return how many relocations are of places below an address."""
    return bisect_left(relocations, address, key=lambda each: each.offset)


def _moves(relative: dict[int, int], places: list[int], start: int, content: bytearray) -> int:
    """Put what is to be moved into a block's content, and return where that is; see `Block`."""
    inside = places[bisect_left(places, start) : bisect_left(places, start + len(content))]
    moves = bytearray(inside[-1] - start + 1 if inside else 0)
    for at in inside:
        _ADDRESS.pack_into(content, at - start, relative[at])
        moves[at - start] = 1
    return int.from_bytes(moves, "little")


def _check_code(blocks: Iterable[Block]) -> None:
    for block in blocks:
        for part in block.parts:
            if not part.prot & run.PROT_EXEC:
                continue
            content = block.data[part.start - block.address : part.end - block.address]
            for at in find(content):
                raise LoadError(
                    f"data at {part.start + at:#x} looks like a system call and shares a page with "
                    "instructions, which the sandbox refuses: link data to a page of its own",
                    tee.ERROR_NOT_SUPPORTED,
                )
