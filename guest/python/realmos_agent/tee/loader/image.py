# SPDX-License-Identifier: BSD-3-Clause
"""An ELF object made ready to be placed: memory in whole pages, patched, with what to relocate.

`prepare` does once for a file what does not depend on where it will be. Only pages that hold
instructions are executable, and none of these is writable: a segment of OP-TEE's dev kit begins
with instructions and ends with constants, and a constant may look like a system call.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from realmos_agent.tee import numbers as tee
from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee.loader import elf_numbers as elf
from realmos_agent.tee.loader.elf_image import (
    PAGE,
    RELOCATION_SIZES,
    ElfImage,
    LoadSegment,
    Relocation,
    bad,
)
from realmos_agent.tee.loader.errors import LoadError
from realmos_agent.tee.loader.patch import Veneers, find, patch

_WORD: Final = 8
_ALL_ONES: Final = (1 << 64) - 1


class Part(NamedTuple):
    """Whole pages of one protection within a block: from where to where, in the object."""

    start: int
    end: int
    prot: int


class Run(NamedTuple):
    """Words in a row that each hold an address in the object."""

    offset: int
    format: struct.Struct
    addresses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Whole pages of an object: `data`, then zeros. `runs` are to be moved with the object."""

    address: int
    size: int
    data: bytes
    parts: tuple[Part, ...]
    runs: tuple[Run, ...]

    def holds(self, address: int) -> bool:
        """Return whether an address is in it."""
        return self.address <= address < self.address + self.size

    def placed(self, base: int) -> bytearray | bytes:
        """Return the content at a base address; other relocations are still to be made.

        It is a `bytearray` of the caller's own if anything in it was relocated.
        """
        if not self.runs:
            return self.data
        memory = bytearray(self.data)
        for offset, layout, addresses in self.runs:
            layout.pack_into(memory, offset, *[base + each & _ALL_ONES for each in addresses])
        return memory


@dataclass(frozen=True, slots=True)
class Prepared:
    """An object ready to be placed: it takes `size` bytes, its veneers among them."""

    elf: ElfImage
    blocks: tuple[Block, ...]
    veneers: Veneers
    others: tuple[Relocation, ...]

    @property
    def size(self) -> int:
        """Bytes of address space that it takes."""
        return self.elf.span + pages(len(self.veneers.data))

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
    relative, others = _relocations(image.relocations)
    _check_relocations(image)
    blocks = tuple(
        Block(
            address=start,
            size=end - start,
            data=bytes(content),
            parts=tuple(_parts(image, start, end, segments)),
            runs=tuple(_runs(relative, start, len(content))),
        )
        for (start, end, segments), (_, content) in zip(layout, memory, strict=True)
    )
    _check_code(blocks)
    return Prepared(image, blocks, veneers, others)


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
    """Return the addresses to be moved with the object, by place, and all other relocations."""
    relative: dict[int, int] = {}
    others: list[Relocation] = []
    for each in relocations:
        if each.type == elf.R_AARCH64_RELATIVE:
            relative[each.offset] = each.addend
        elif each.type != elf.R_AARCH64_NONE:
            others.append(each)
    return relative, tuple(others)


def _check_relocations(image: ElfImage) -> None:
    """Refuse what OP-TEE's loader cannot do either: relocations outside of initialised data."""
    ends = [
        (segment.vaddr, segment.vaddr + len(segment.data))
        for segment in image.segments
        if segment.flags & elf.PF_W
    ]
    for each in image.relocations:
        size = RELOCATION_SIZES[each.type]
        if size and not any(start <= each.offset <= end - size for start, end in ends):
            raise LoadError(
                f"a relocation at {each.offset:#x} is not in initialised, writable data: compile "
                "and link all of the TA as position-independent code",
                tee.ERROR_NOT_SUPPORTED,
            )


def _runs(relative: dict[int, int], start: int, size: int) -> Iterator[Run]:
    inside = sorted(at for at in relative if start <= at <= start + size - _WORD)
    # Places in a row differ from their index by the same.
    for _, group in groupby(enumerate(inside), lambda each: each[1] - _WORD * each[0]):
        places = [at for _, at in group]
        layout = struct.Struct(f"<{len(places)}Q")
        yield Run(places[0] - start, layout, tuple(relative[at] for at in places))


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
