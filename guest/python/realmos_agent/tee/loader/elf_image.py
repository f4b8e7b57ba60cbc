# SPDX-License-Identifier: BSD-3-Clause
"""What an ELF object consists of, for whoever places it: memory, symbols, relocations."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

from realmos_agent.record import Record
from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import elf_numbers as elf
from realmos_agent.tee.loader.errors import LoadError

PAGE: Final = 4096
OBJECTS_MAX: Final = 64
"""A TA and its libraries."""

RELOCATION_SIZES: Final = dict.fromkeys(
    (
        elf.R_AARCH64_ABS64,
        elf.R_AARCH64_GLOB_DAT,
        elf.R_AARCH64_JUMP_SLOT,
        elf.R_AARCH64_RELATIVE,
        elf.R_AARCH64_TLS_TPREL,
    ),
    8,
) | {elf.R_AARCH64_NONE: 0, elf.R_AARCH64_TLSDESC: 16}


class Relocation(NamedTuple):
    """An entry of a table of relocations; `symbol` is an index."""

    offset: int
    type: int
    symbol: int
    addend: int


class Symbol(NamedTuple):
    """An entry of the dynamic symbol table."""

    name: str
    value: int
    size: int
    binding: int
    type: int
    section: int

    @property
    def defined(self) -> bool:
        """Whether this object has it, rather than needs it."""
        return self.section not in {elf.SHN_UNDEF, elf.SHN_XINDEX}

    @property
    def exported(self) -> bool:
        """Whether other objects find it."""
        return self.defined and bool(self.name) and self.binding in {elf.STB_GLOBAL, elf.STB_WEAK}


class LoadSegment(NamedTuple):
    """Memory of the object: `data`, then zeros up to `size` bytes."""

    vaddr: int
    size: int
    flags: int
    data: bytes

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.vaddr + self.size


class Ranges:
    """Ranges of addresses, from where to where, that are in order and do not overlap."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in ranges]
        self._ends = [end for _, end in ranges]

    def hold(self, address: int, size: int) -> bool:
        """Return whether one of them holds all of `size` bytes."""
        place = bisect_right(self._starts, address) - 1
        return place >= 0 and address + size <= self._ends[place]


class ElfImage(Record):
    """What an ELF object consists of; addresses are relative to where it will be placed.

    `code` are the ranges that hold instructions, in order; `headers` is the program header table.
    `tls` is address and size of the initial thread-local storage.
    """

    entry: int
    headers: bytes
    segments: tuple[LoadSegment, ...]
    code: tuple[tuple[int, int], ...]
    symbols: tuple[Symbol, ...]
    relocations: tuple[Relocation, ...]
    needed: tuple[str, ...]
    soname: str | None
    tls: tuple[int, int] | None
    bti: bool

    @property
    def span(self) -> int:
        """Bytes of address space from address 0 on, in whole pages."""
        return -(-self.segments[-1].end // PAGE) * PAGE

    @cached_property
    def exports(self) -> dict[str, Symbol]:
        """Symbols that other objects find, by name; of two of a name the one that is not weak."""
        found: dict[str, Symbol] = {}
        for symbol in self.symbols:
            if symbol.exported and (symbol.binding != elf.STB_WEAK or symbol.name not in found):
                found[symbol.name] = symbol
        return found

    @cached_property
    def functions(self) -> tuple[list[int], list[Symbol]]:
        """Functions that other objects find, in the order of their addresses, which come first."""
        found = [each for each in self.exports.values() if each.type == elf.STT_FUNC]
        found.sort(key=lambda each: each.value)
        return [each.value for each in found], found

    def function(self, address: int) -> Symbol | None:
        """Return the function at an address."""
        starts, functions = self.functions
        place = bisect_right(starts, address) - 1
        if place < 0 or address - starts[place] >= functions[place].size:
            return None
        return functions[place]

    def without_contents(self) -> "ElfImage":
        """Return what it is but for what its segments hold, and what is relocated in them."""
        segments = tuple(each._replace(data=b"") for each in self.segments)
        return ElfImage(
            self.entry, self.headers, segments, self.code, self.symbols, (),
            self.needed, self.soname, self.tls, self.bti,
        )  # fmt: skip

    def read(self, vaddr: int, size: int, what: str) -> bytes:
        """Return initial memory.

        Raises:
            LoadError: it is not in one segment.
        """
        for segment in self.segments:
            at = vaddr - segment.vaddr
            if at >= 0 and at + size <= segment.size:
                return segment.data[at : at + size].ljust(size, b"\0")
        raise bad(f"{what} ({size} bytes at {vaddr:#x}) is not in one of its segments")


def bad(problem: str) -> LoadError:
    """Return the error for an ELF object that is not as it has to be."""
    return LoadError(f"the ELF object is damaged or foreign: {problem}", tee.ERROR_BAD_FORMAT)
