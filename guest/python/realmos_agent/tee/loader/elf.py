# SPDX-License-Identifier: BSD-3-Clause
"""Strict reading of the ELF objects that OP-TEE's dev kit makes: what to map, name and relocate.

`parse` checks every offset and count before it uses it, at a cost that the file's size bounds: a
file whose tables overlap to be read many times is refused. Like OP-TEE's loader it takes tables of
relocations from the section headers: in a TA, the dynamic section describes them wrongly.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader import elf_numbers as elf
from realmos_agent.tee.loader.elf_image import (
    OBJECTS_MAX,
    PAGE,
    RELOCATION_SIZES,
    ElfImage,
    LoadSegment,
    Ranges,
    Relocation,
    Symbol,
    bad,
)
from realmos_agent.tee.loader.errors import LoadError

SPAN_MAX: Final = 96 << 20
"""Bytes of address space for one object. A branch reaches 128 MiB: from anywhere to its veneer."""
SECTIONS_MAX: Final = 4096
SYMBOLS_MAX: Final = 1 << 16
RELOCATIONS_MAX: Final = 1 << 17
"""Many times what the largest TAs have, and little enough to be read in a second."""
SEGMENTS_MAX: Final = 64
"""Program headers. OP-TEE wants them in the first page, which has room for 72."""
NAME_MAX: Final = 4096
"""Bytes of a symbol's name."""
NAMES_MAX: Final = 16 << 20
"""Bytes of all names of an object together."""
DYNAMIC_MAX: Final = 4096
"""Entries of the dynamic section; those of TAs have about 20, and one for each library."""

_EHDR = struct.Struct(elf.EHDR_FORMAT)
_PHDR = struct.Struct(elf.PHDR_FORMAT)
_SHDR = struct.Struct(elf.SHDR_FORMAT)
_SYM = struct.Struct(elf.SYM_FORMAT)
_RELA = struct.Struct(elf.RELA_FORMAT)
_DYN = struct.Struct(elf.DYN_FORMAT)
_NOTE = struct.Struct(elf.NOTE_FORMAT)
_PROPERTY = struct.Struct("<III")


class ProgramHeader(NamedTuple):
    """An entry of the program header table."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int


class SectionHeader(NamedTuple):
    """An entry of the section header table."""

    name: int
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    addralign: int
    entsize: int


def parse(data: bytes) -> ElfImage:
    """Return what the 64-bit AArch64 shared object in `data` consists of.

    Raises:
        LoadError: it is no such object, or something in it is not within its bounds.
    """
    return _Parser(data).image()


def text(data: bytes, at: int, what: str) -> str:
    """Return the string that begins at `at` of a string table.

    Raises:
        LoadError: it does not end there, is longer than `NAME_MAX`, or is not ASCII.
    """
    end = data.find(b"\0", at, at + NAME_MAX + 1)
    if at > len(data) or end < 0:
        raise bad(f"{what} does not end")
    try:
        return data[at:end].decode("ascii")
    except UnicodeDecodeError:
        raise bad(f"{what} is not ASCII") from None


class _Parser:
    """The tables of one object, each checked before the next is read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        entry, programs, sections = self._tables()
        self._entry = entry
        self._headers = self._part(programs[0], programs[1] * _PHDR.size, "program header table")
        self._programs = [ProgramHeader(*each) for each in _PHDR.iter_unpack(self._headers)]
        raw = self._part(sections[0], sections[1] * _SHDR.size, "section header table")
        self._sections = [SectionHeader(*each) for each in _SHDR.iter_unpack(raw)]
        self._segments = tuple(self._load_segments())

    def image(self) -> ElfImage:
        symbols = tuple(self._symbols())
        needed, soname = self._dynamic()
        return ElfImage(
            entry=self._entry,
            headers=self._headers,
            segments=self._segments,
            code=tuple(self._code()),
            symbols=symbols,
            relocations=tuple(self._relocations(len(symbols))),
            needed=needed,
            soname=soname,
            tls=self._tls(),
            bti=self._bti(),
        )

    def _tables(self) -> tuple[int, tuple[int, int], tuple[int, int]]:
        """Return the entry's address, and offset and count of both tables of headers."""
        if len(self._data) < _EHDR.size:
            raise bad(f"{len(self._data)} bytes are no ELF header")
        header = _EHDR.unpack_from(self._data)
        magic, bits, order, ident_version, osabi, _, kind, machine, version = header[:9]
        entry, phoff, shoff, flags, _, phentsize, phnum, shentsize, shnum, _ = header[9:]
        if magic != elf.MAGIC:
            raise bad("it does not begin with ELF's magic number")
        if (bits, order) != (elf.CLASS64, elf.DATA2LSB) or machine != elf.EM_AARCH64:
            raise LoadError(
                "the TA is not for 64-bit Arm (AArch64, little-endian): build it with a 64-bit dev "
                "kit (ta_arm64)",
                tee.ERROR_NOT_SUPPORTED,
            )
        if kind != elf.ET_DYN:
            raise bad(f"type {kind}, not a position-independent object")
        if (ident_version, version) != (elf.EV_CURRENT,) * 2 or osabi != elf.OSABI_NONE or flags:
            raise bad("its header has an unknown version, system or flag")
        if phentsize != _PHDR.size or shentsize != _SHDR.size or not phnum or not shnum:
            raise bad("it has no program headers or section headers of the right size")
        if phnum > SEGMENTS_MAX:
            raise bad(f"it has more than {SEGMENTS_MAX} program headers")
        if shnum > SECTIONS_MAX:
            raise bad(f"it has more than {SECTIONS_MAX} section headers")
        return entry, (phoff, phnum), (shoff, shnum)

    def _part(self, offset: int, size: int, what: str) -> bytes:
        if offset > len(self._data) or size > len(self._data) - offset:
            raise bad(f"its {what} is not in the file")
        return self._data[offset : offset + size]

    def _load_segments(self) -> Iterator[LoadSegment]:
        end = 0
        left = len(self._data) + SEGMENTS_MAX * PAGE  # neighbours may share a page of the file
        for each in self._programs:
            if each.type != elf.PT_LOAD:
                continue
            what = f"segment at {each.vaddr:#x}"
            _check_size(each, what)
            if each.vaddr < end:
                raise bad(f"the {what} overlaps the one before it, or is out of order")
            if each.vaddr % PAGE != each.offset % PAGE or each.align % PAGE or not each.align:
                raise bad(f"the {what} is not aligned to pages of {PAGE} bytes")
            if not each.flags & elf.PF_R:
                raise LoadError(f"the {what} is not readable", tee.ERROR_NOT_SUPPORTED)
            end = each.vaddr + each.memsz
            left -= each.filesz
            if left < 0:
                raise bad("its segments overlap in the file")
            if each.memsz:
                data = self._part(each.offset, each.filesz, what)
                yield LoadSegment(each.vaddr, each.memsz, each.flags, data)
        if not 0 < end <= SPAN_MAX:
            raise bad(f"its segments are not within {SPAN_MAX:#x} bytes, or it has none")

    def _memory(self, vaddr: int, size: int, what: str) -> bytes:
        """Return bytes that the file has for an address."""
        for segment in self._segments:
            at = vaddr - segment.vaddr
            if at >= 0 and at + size <= len(segment.data):
                return segment.data[at : at + size]
        raise bad(f"its {what} ({size:#x} bytes at {vaddr:#x}) is not in a segment")

    def _code(self) -> Iterator[tuple[int, int]]:
        end = 0
        loaded = [s for s in self._sections if s.flags & elf.SHF_ALLOC and s.size]
        marked = [s for s in loaded if s.flags & elf.SHF_EXECINSTR]
        for section in sorted(marked, key=lambda s: s.addr):
            if section.addr < end or section.addr % 4 or section.size % 4:
                raise bad("sections of instructions overlap, or are not aligned to instructions")
            end = section.addr + section.size
            if not self._executable(section.addr, end):
                raise bad(f"instructions at {section.addr:#x} are in no executable segment")
            yield section.addr, end

    def _executable(self, start: int, end: int) -> bool:
        return any(
            segment.flags & elf.PF_X
            and segment.vaddr <= start
            and end <= segment.vaddr + len(segment.data)
            for segment in self._segments
        )

    def _symbol_table(self) -> int:
        """Return the index of the dynamic symbol table's section, or 0."""
        for index, section in enumerate(self._sections):
            if section.type == elf.SHT_DYNSYM:
                return index
        return 0

    def _symbols(self) -> Iterator[Symbol]:
        table = self._symbol_table()
        if not table:
            return
        section = self._sections[table]
        if section.entsize != _SYM.size or section.size % _SYM.size:
            raise bad("its dynamic symbol table has entries of a wrong size")
        if section.link >= len(self._sections):
            raise bad("its dynamic symbol table names a section that is not there")
        if section.size // _SYM.size > SYMBOLS_MAX:
            raise bad(f"it has more than {SYMBOLS_MAX} symbols")
        strings = self._sections[section.link]
        names = self._memory(strings.addr, strings.size, "table of symbol names")
        raw = self._memory(section.addr, section.size, "dynamic symbol table")
        total = 0
        for name, info, _, index, value, size in _SYM.iter_unpack(raw):
            symbol = Symbol(text(names, name, "a symbol's name") if name else "", value, size,
                            info >> 4, info & 15, index)  # fmt: skip
            total += len(symbol.name)
            if total > NAMES_MAX:
                raise bad(f"its symbols' names are longer than {NAMES_MAX} bytes")
            if symbol.exported:
                self._check_symbol(symbol)
            yield symbol

    def _check_symbol(self, symbol: Symbol) -> None:
        if symbol.type not in {elf.STT_NOTYPE, elf.STT_OBJECT, elf.STT_FUNC, elf.STT_TLS}:
            raise LoadError(
                f"symbol {symbol.name!r} is of type {symbol.type}, which OP-TEE does not load",
                tee.ERROR_NOT_SUPPORTED,
            )
        if symbol.value > self._segments[-1].end:
            raise bad(f"symbol {symbol.name!r} is outside")

    def _relocations(self, symbols: int) -> Iterator[Relocation]:
        table = self._symbol_table()
        left = min(len(self._data) // _RELA.size, RELOCATIONS_MAX)
        memory = Ranges([(each.vaddr, each.end) for each in self._segments])
        for section in self._sections:
            if section.type != elf.SHT_RELA or not section.flags & elf.SHF_ALLOC:
                continue
            if section.entsize != _RELA.size or section.size % _RELA.size:
                raise bad("a table of relocations has entries of a wrong size")
            if section.link not in {0, table}:
                raise bad("a table of relocations is not for the dynamic symbol table")
            left -= section.size // _RELA.size
            if left < 0:
                raise bad(f"its relocations overlap, or are more than {RELOCATIONS_MAX}")
            raw = self._memory(section.addr, section.size, "table of relocations")
            for each in map(Relocation._make, _RELA.iter_unpack(raw)):
                _check_relocation(each, symbols, memory)
                yield each

    def _header(self, kind: int, what: str) -> ProgramHeader | None:
        found = [each for each in self._programs if each.type == kind]
        if len(found) > 1:
            raise bad(f"it has more than one {what}")
        return found[0] if found else None

    def _dynamic(self) -> tuple[tuple[str, ...], str | None]:
        """Return the names of the libraries it needs, and its own."""
        header = self._header(elf.PT_DYNAMIC, "dynamic section")
        if header is None:
            return (), None
        if header.memsz % _DYN.size:
            raise bad("its dynamic section has entries of a wrong size")
        if header.memsz > DYNAMIC_MAX * _DYN.size:
            raise bad(f"its dynamic section has more than {DYNAMIC_MAX} entries")
        entries: list[tuple[int, int]] = []
        for tag, value in _DYN.iter_unpack(
            self._memory(header.vaddr, header.memsz, "dynamic section")
        ):
            if tag == elf.DT_NULL:
                break
            entries.append((tag, value))
        if sum(tag == elf.DT_NEEDED for tag, _ in entries) > OBJECTS_MAX:
            raise bad(f"it needs more than {OBJECTS_MAX} libraries")
        first = dict(reversed(entries))
        if not {elf.DT_NEEDED, elf.DT_SONAME} & first.keys():
            return (), None
        names = self._memory(
            first.get(elf.DT_STRTAB, 0), first.get(elf.DT_STRSZ, 0), "table of libraries' names"
        )
        needed = [
            text(names, value, "a library's name") for t, value in entries if t == elf.DT_NEEDED
        ]
        soname = first.get(elf.DT_SONAME)
        return tuple(needed), None if soname is None else text(names, soname, "its own name")

    def _tls(self) -> tuple[int, int] | None:
        header = self._header(elf.PT_TLS, "segment of thread-local storage")
        if header is None:
            return None
        if header.memsz > SPAN_MAX or header.filesz > header.memsz:
            raise bad("its thread-local storage has an impossible size")
        self._memory(header.vaddr, header.filesz, "thread-local storage")
        return header.vaddr, header.memsz

    def _bti(self) -> bool:
        """Return whether a GNU property says that all branch targets are marked."""
        header = self._header(elf.PT_GNU_PROPERTY, "GNU property segment")
        if header is None:
            return False
        note = self._memory(header.vaddr, header.memsz, "GNU property segment")
        if len(note) < _NOTE.size:
            raise bad("its GNU property is cut short")
        name_size, size, kind, name = _NOTE.unpack_from(note)
        if (kind, name_size, name) != (elf.NT_GNU_PROPERTY_TYPE_0, 4, b"GNU\0"):
            raise bad("its GNU property segment is not what it is called")
        properties = note[_NOTE.size : _NOTE.size + size]
        if len(properties) != size:
            raise bad("its GNU property is cut short")
        return _marked_bti(properties)


def _check_size(segment: ProgramHeader, what: str) -> None:
    if segment.filesz > segment.memsz or segment.vaddr > SPAN_MAX:
        raise bad(f"the {what} has an impossible size (at most {SPAN_MAX:#x} for all)")
    if segment.memsz > SPAN_MAX:
        raise LoadError(
            f"the {what} has {segment.memsz} bytes, more than the {SPAN_MAX >> 20} MiB that a TA "
            "and its heap (TA_DATA_SIZE) may have",
            tee.ERROR_OUT_OF_MEMORY,
        )


def _check_relocation(each: Relocation, symbols: int, memory: Ranges) -> None:
    size = RELOCATION_SIZES.get(each.type)
    if size is None:
        raise bad(f"a relocation of type {each.type}, which OP-TEE does not know")
    if each.symbol and each.symbol >= symbols:
        raise bad("a relocation names a symbol that is not there")
    if size and not memory.hold(each.offset, size):
        raise bad(f"a relocation of {each.offset:#x}, which is in no segment")


def _marked_bti(properties: bytes) -> bool:
    at = 0
    while len(properties) - at >= _PROPERTY.size:
        kind, size, word = _PROPERTY.unpack_from(properties, at)
        if kind == elf.PROPERTY_FEATURE_1_AND and size == 4:
            return bool(word & elf.PROPERTY_FEATURE_1_BTI)
        at += -(-(8 + size) // 8) * 8
    return False
