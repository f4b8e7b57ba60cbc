# SPDX-License-Identifier: BSD-3-Clause
"""Reading of ELF objects: what the dev kit makes is read, and what is damaged is refused."""

import contextlib
import itertools
import struct
from pathlib import Path

import pytest
import realmos_abi
from realmos_abi.python import module
from realmos_agent.tee import numbers as tee
from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee.loader import LoadError, Placed, elf, elf_numbers, image
from realmos_agent.tee.loader.elf_image import PAGE
from realmos_agent.tee.loader.patch import find
from ta_files import TA
from ta_objects import HEAD, MAIN, SCRIPT, Maker

PHOFF, SHOFF, PHNUM, SHNUM = 0x20, 0x28, 0x38, 0x3C
PHDR, SHDR = 0x38, 0x40


def load(data: bytes) -> None:
    """Do all that a loader does with an object, and see that what it would map is harmless."""
    prepared = image.prepare(elf.parse(data))
    bases = itertools.count(1)
    placed = Placed(TA, lambda _: prepared, 0x1000, lambda _: next(bases) << 32)
    end = 0
    for segment in sorted(placed.segments):
        assert segment.address >= end
        assert not segment.address % PAGE
        assert not segment.size % PAGE
        assert len(segment.data) <= segment.size
        assert not (segment.prot & run.PROT_WRITE and segment.prot & run.PROT_EXEC)
        assert not segment.prot & run.PROT_EXEC or not list(find(segment.data))
        end = segment.address + segment.size


def sections(data: bytes, kind: int) -> list[int]:
    """Return where the headers of sections of a type are."""
    (offset,) = struct.unpack_from("<Q", data, SHOFF)
    (count,) = struct.unpack_from("<H", data, SHNUM)
    places = [offset + n * SHDR for n in range(count)]
    return [at for at in places if struct.unpack_from("<I", data, at + 4)[0] == kind]


def segments(data: bytes, kind: int) -> list[int]:
    """Return where the headers of segments of a type are."""
    (offset,) = struct.unpack_from("<Q", data, PHOFF)
    (count,) = struct.unpack_from("<H", data, PHNUM)
    places = [offset + n * PHDR for n in range(count)]
    return [at for at in places if struct.unpack_from("<I", data, at)[0] == kind]


def put(data: bytes, at: int, value: int, size: int = 8) -> bytes:
    return data[:at] + (value & (1 << 8 * size) - 1).to_bytes(size, "little") + data[at + size :]


def word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def test_numbers_are_those_of_their_table() -> None:
    assert Path(elf_numbers.__file__).read_text("utf-8") == module(realmos_abi.load("elf"))


def test_object_is_read(main_ta: bytes) -> None:
    found = elf.parse(main_ta)
    assert [each.vaddr for each in found.segments] == [0, 0x1000]
    assert {"ta_head", "__elf_phdr_info", "ta_counter"} == found.exports.keys()
    assert found.needed == ()
    assert found.soname is None
    assert not found.bti
    assert found.tls is None
    assert len(found.code) == 1
    assert found.code[0][0] <= found.entry < found.code[0][1]
    head = found.read(found.exports["ta_head"].value, 32, "head")
    assert struct.unpack_from("<IIQ", head, 16) == (6000, 0xC, (1 << 64) - 1)
    assert found.span == 0x8000


def test_all_tables_of_relocations_are_read(main_ta: bytes) -> None:
    found = elf.parse(main_ta)
    dynamic = dict(struct.iter_unpack("<QQ", found.read(0x1000, 0x100, "dynamic section")))
    sizes = [word(main_ta, at + 0x20) for at in sections(main_ta, elf_numbers.SHT_RELA)]
    assert len(sizes) == 2
    assert len(found.relocations) == sum(sizes) // 24 == dynamic[8] // 24
    first = word(main_ta, sections(main_ta, elf_numbers.SHT_RELA)[0] + 0x10)
    second = word(main_ta, sections(main_ta, elf_numbers.SHT_RELA)[1] + 0x10)
    assert abs(first - second) > sum(sizes), "they adjoin: the dynamic section would do"


def test_libraries_name_themselves_and_what_they_need(family: dict[str, bytes]) -> None:
    for name, data in family.items():
        found = elf.parse(data)
        assert found.soname in {name, None}
        assert set(found.needed) < family.keys()


def test_branch_protection_is_noticed(maker: Maker) -> None:
    options = ("-mbranch-protection=bti", "-Wl,-z,force-bti")
    data = maker.ta(MAIN, *options, name="bti")
    assert elf.parse(data).bti
    (note,) = segments(data, elf_numbers.PT_GNU_PROPERTY)
    at = word(data, note + 8)
    assert not elf.parse(put(data, at + 16, 0xC0000001, 4)).bti
    assert not elf.parse(put(data, at + 24, 2, 4)).bti
    for offset, value in ((0, 5), (4, 1000), (8, 1), (12, 0)):
        with pytest.raises(LoadError, match="GNU property"):
            elf.parse(put(data, at + offset, value, 4))


def test_object_cut_anywhere_is_refused(main_ta: bytes) -> None:
    load(main_ta)
    for size in range(len(main_ta)):
        with pytest.raises(LoadError):
            elf.parse(main_ta[:size])


@pytest.mark.parametrize(
    ("offset", "size", "value", "message"),
    [
        (0, 1, 0, "magic"),
        (4, 1, 1, "64-bit Arm"),
        (5, 1, 2, "64-bit Arm"),
        (0x12, 2, 62, "64-bit Arm"),
        (0x10, 2, 2, "position-independent"),
        (6, 1, 0, "version, system or flag"),
        (7, 1, 3, "version, system or flag"),
        (0x14, 4, 2, "version, system or flag"),
        (0x30, 4, 1, "version, system or flag"),
        (0x36, 2, 57, "right size"),
        (0x3A, 2, 63, "right size"),
        (PHNUM, 2, 0, "right size"),
        (SHNUM, 2, 0, "right size"),
        (PHNUM, 2, 0xFFFF, "more than 64 program headers"),
        (SHNUM, 2, 4096, "section header table is not in the file"),
        (SHNUM, 2, 4097, "more than 4096 section headers"),
        (PHOFF, 8, -1, "program header table is not in the file"),
        (SHOFF, 8, -1, "section header table is not in the file"),
    ],
)
def test_header_that_is_wrong_is_refused(
    main_ta: bytes, offset: int, size: int, value: int, message: str
) -> None:
    with pytest.raises(LoadError, match=message):
        elf.parse(put(main_ta, offset, value, size))


@pytest.mark.parametrize(
    ("offset", "size", "value", "message"),
    [
        (4, 4, 5, "initialised, writable data"),
        (4, 4, 2, "not readable"),
        (8, 8, 0x2001, "not aligned"),
        (8, 8, 0x7FFFF000, "not in the file"),
        (8, 8, -0x1000, "not in the file"),
        (0x10, 8, 0, "overlaps"),
        (0x10, 8, 0x7FFFFFFFF000, "impossible size"),
        (0x20, 8, -1, "impossible size"),
        (0x28, 8, 1 << 40, "more than the 96 MiB .*TA_DATA_SIZE"),
        (0x28, 8, 0, "impossible size"),
        (0x30, 8, 0, "not aligned"),
        (0x30, 8, 64, "not aligned"),
    ],
)
def test_segment_that_is_wrong_is_refused(
    main_ta: bytes, offset: int, size: int, value: int, message: str
) -> None:
    _, at = segments(main_ta, elf_numbers.PT_LOAD)
    with pytest.raises(LoadError, match=message):
        load(put(main_ta, at + offset, value, size))


@pytest.mark.parametrize(
    ("kind", "offset", "value", "message"),
    [
        (elf_numbers.SHT_RELA, 0x10, 1 << 63, "table of relocations .* is not in a segment"),
        (elf_numbers.SHT_RELA, 0x20, 23, "wrong size"),
        (elf_numbers.SHT_RELA, 0x20, 24 << 30, "overlap"),
        (elf_numbers.SHT_RELA, 0x28, 1, "not for the dynamic symbol table"),
        (elf_numbers.SHT_RELA, 0x38, 16, "wrong size"),
        (elf_numbers.SHT_DYNSYM, 0x10, 1 << 63, "dynamic symbol table .* is not in a segment"),
        (elf_numbers.SHT_DYNSYM, 0x20, 25, "wrong size"),
        (elf_numbers.SHT_DYNSYM, 0x28, 0xFFFF, "section that is not there"),
        (elf_numbers.SHT_DYNSYM, 0x38, 0, "wrong size"),
    ],
)
def test_section_that_is_wrong_is_refused(
    main_ta: bytes, kind: int, offset: int, value: int, message: str
) -> None:
    at = sections(main_ta, kind)[0]
    with pytest.raises(LoadError, match=message):
        elf.parse(put(main_ta, at + offset, value, 4 if offset == 0x28 else 8))


@pytest.mark.parametrize(
    ("offset", "size", "value", "message"),
    [
        (0, 8, 0x7FFF, "in no segment"),
        (0, 8, 0x1FFC, "writable data|in no segment"),
        (0, 8, 0x10, "initialised, writable data"),
        (0, 8, 0x2010, "initialised, writable data"),
        (0, 8, -8, "in no segment"),
        (8, 4, 1024, "type 1024"),
        (12, 4, 0xFFFF, "names a symbol that is not there"),
    ],
)
def test_relocation_that_is_wrong_is_refused(
    main_ta: bytes, offset: int, size: int, value: int, message: str
) -> None:
    at = word(main_ta, sections(main_ta, elf_numbers.SHT_RELA)[0] + 0x18)
    with pytest.raises(LoadError, match=message):
        load(put(main_ta, at + offset, value, size))


@pytest.mark.parametrize(
    ("offset", "size", "value", "message"),
    [
        (0, 4, 0xFFFF, "name does not end"),
        (4, 1, 0x13, "of type 3"),
        (8, 8, 1 << 40, "is outside"),
    ],
)
def test_symbol_that_is_wrong_is_refused(
    main_ta: bytes, offset: int, size: int, value: int, message: str
) -> None:
    table = sections(main_ta, elf_numbers.SHT_DYNSYM)[0]
    at = word(main_ta, table + 0x18) + word(main_ta, table + 0x20) - 24
    with pytest.raises(LoadError, match=message):
        load(put(main_ta, at + offset, value, size))


def test_names_cannot_be_made_to_cost_much() -> None:
    with pytest.raises(LoadError, match="does not end"):
        elf.text(b"x" * 10000, 0, "a name")
    with pytest.raises(LoadError, match="is not ASCII"):
        elf.text(b"\xff\0", 0, "a name")


def test_tables_cannot_be_read_many_times(main_ta: bytes) -> None:
    (offset, count) = word(main_ta, SHOFF), int.from_bytes(main_ta[SHNUM : SHNUM + 2], "little")
    table = max(sections(main_ta, elf_numbers.SHT_RELA), key=lambda at: word(main_ta, at + 0x20))
    headers = main_ta[offset : offset + count * SHDR] + main_ta[table : table + SHDR] * 4000
    with pytest.raises(LoadError, match="overlap"):
        elf.parse(put(main_ta[:offset] + headers, SHNUM, count + 4000, 2))
    code = next(
        at for at in sections(main_ta, 1) if word(main_ta, at + 8) & elf_numbers.SHF_EXECINSTR
    )
    headers = main_ta[offset : offset + count * SHDR] + main_ta[code : code + SHDR]
    with pytest.raises(LoadError, match="sections of instructions overlap"):
        elf.parse(put(main_ta[:offset] + headers, SHNUM, count + 1, 2))


def test_memory_that_is_written_and_run_is_refused(maker: Maker) -> None:
    script = SCRIPT.replace("\t. = ALIGN(4096);\n", "")
    data = maker.ta(MAIN, "-Wl,-N", name="omagic", script=script)
    with pytest.raises(LoadError):
        load(data)
    (first, _) = segments(maker.ta(MAIN), elf_numbers.PT_LOAD)
    with pytest.raises(LoadError, match="both writable and executable"):
        load(put(maker.ta(MAIN), first + 4, 7, 4))


def test_32_bit_ta_is_named_as_such(main_ta: bytes) -> None:
    with pytest.raises(LoadError, match="64-bit dev kit") as caught:
        elf.parse(put(main_ta, 4, 1, 1))
    assert caught.value.code == tee.ERROR_NOT_SUPPORTED


def test_old_ta_has_its_head_at_its_beginning(maker: Maker) -> None:
    head_first = SCRIPT.replace("\t.ta_head : { *(.ta_head) }\n", "").replace(
        "SECTIONS {", "SECTIONS {\n\t.ta_head : { KEEP(*(.ta_head)) }"
    )
    source = HEAD + "void __ta_entry(void) {}\n"
    hidden = "#pragma GCC visibility push(hidden)\n"
    data = maker.ta(hidden + source, name="old", script=head_first)
    assert "ta_head" not in elf.parse(data).exports
    load(data)
    with pytest.raises(LoadError, match="2018"):
        load(maker.ta(source.replace("~0ul", "32"), name="legacy"))


def test_every_byte_of_the_tables_may_be_damaged(main_ta: bytes) -> None:
    for at in [*range(0x40 + 4 * PHDR), *range(0x1080, 0x1300), *range(0x2000, len(main_ta))]:
        for flip in (0x01, 0x80, 0xFF):
            with contextlib.suppress(LoadError):
                load(put(main_ta, at, main_ta[at] ^ flip, 1))
