# SPDX-License-Identifier: BSD-3-Clause
"""TAs at their places: what is mapped where, what points where, and where system calls lead."""

import re
import struct
from collections.abc import Callable, Iterator
from itertools import count
from uuid import UUID, uuid4

import pytest
from elf_maker import DATA as DATA_AT
from elf_maker import Object
from realmos import process
from realmos_agent.tee import numbers as tee
from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee.loader import Keys, Loader, LoadError, Placed, RootKey, Segment
from realmos_agent.tee.loader.elf import parse
from realmos_agent.tee.loader.image import prepare
from realmos_agent.tee.loader.placed import Base
from ta_files import LIBRARY, OTHER, PLUGIN, TA, Ta, make_key
from ta_objects import CALLS, HEAD, MAIN, SCRIPT, Maker

DISPATCHER = 0x1122334455667788
FIRST = 0x10_0000_0000
CODE, DATA, CONSTANTS = run.PROT_READ | run.PROT_EXEC, run.PROT_READ | run.PROT_WRITE, run.PROT_READ


def bases() -> Base:
    numbers = count()
    return lambda _size: FIRST + next(numbers) * 0x1000_0000


def loader(objects: dict[str, bytes]) -> Loader:
    files = {uuid: Ta(data, uuid=UUID(uuid)).signed() for uuid, data in objects.items()}
    keys = Keys((RootKey("ours", make_key().public_key()),))
    return Loader(lambda uuid: files.get(str(uuid)), keys)


def place(data: bytes) -> Placed:
    return loader({str(TA): data}).load(TA, DISPATCHER, bases())


class Memory:
    """What is mapped."""

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments

    def read(self, address: int, size: int) -> bytes:
        for segment in self.segments:
            at = address - segment.address
            if 0 <= at < segment.size:
                return segment.data[at : at + size].ljust(size, b"\0")
        raise AssertionError(f"{address:#x} is not mapped")

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def text(self, address: int) -> str:
        return self.read(address, 100).partition(b"\0")[0].decode()

    def prot(self, address: int) -> int:
        return next(s.prot for s in self.segments if 0 <= address - s.address < s.size)


@pytest.fixture(scope="session")
def disassemble(
    tmp_path_factory: pytest.TempPathFactory, cross_compile: str
) -> Callable[[Segment], dict[int, str]]:
    """A function that returns the instructions in a segment, by address."""

    def run_objdump(segment: Segment) -> dict[int, str]:
        file = tmp_path_factory.mktemp("segment") / "bytes"
        file.write_bytes(segment.data)
        how = ["-D", "-b", "binary", "-m", "aarch64", f"--adjust-vma={segment.address:#x}"]
        argv = [f"{cross_compile}objdump", *how, str(file)]
        lines = process.run(argv).splitlines()
        found = (re.fullmatch(r" *([0-9a-f]+):\t[0-9a-f]{8} \t(.*?)( +//.*)?", x) for x in lines)
        return {int(each[1], 16): " ".join(each[2].split()) for each in found if each}

    return run_objdump


def test_memory_is_never_both_written_and_run(main_ta: bytes, family: dict[str, bytes]) -> None:
    for placed in (place(main_ta), loader(family).load(TA, DISPATCHER, bases())):
        end = 0
        for segment in sorted(placed.segments):
            assert segment.address >= end
            assert not segment.address % 4096
            assert not segment.size % 4096
            assert 0 <= len(segment.data) <= segment.size
            assert segment.prot in {CODE, DATA, CONSTANTS}
            end = segment.address + segment.size


def test_ta_is_entered_where_it_says(main_ta: bytes) -> None:
    placed = place(main_ta)
    assert placed.uuid == TA
    assert placed.flags == 0xC
    assert placed.stack_size == 6000
    assert placed.entry == FIRST + parse(main_ta).entry
    assert Memory(placed.segments).prot(placed.entry) == CODE


def test_ta_without_a_stack_or_with_too_large_a_one_is_refused() -> None:
    data = Object().made()
    head = parse(data).exports["ta_head"].value
    with pytest.raises(LoadError, match="asks for no stack"):
        place(data[: head + 16] + bytes(4) + data[head + 20 :])
    with pytest.raises(LoadError, match=r"4294967295 bytes \(TA_STACK_SIZE\)") as caught:
        place(data[: head + 16] + b"\xff" * 4 + data[head + 20 :])
    assert caught.value.code == tee.ERROR_OUT_OF_MEMORY


def test_pointers_are_moved_with_the_ta(main_ta: bytes) -> None:
    placed = place(main_ta)
    memory = Memory(placed.segments)
    image = parse(main_ta)
    assert image.relocations
    for each in image.relocations:
        assert memory.word(FIRST + each.offset) == FIRST + each.addend
    counter = placed.symbol(None, "ta_counter")
    assert counter is not None
    assert memory.read(counter, 4) == struct.pack("<i", 5)
    assert memory.prot(counter) == DATA
    strings = {memory.text(memory.word(FIRST + each.offset)) for each in image.relocations}
    assert {"first", "second", "third"} <= strings


def test_what_is_moved_does_not_touch_what_is_beside_it() -> None:
    end = (1 << 64) - 1
    addends = {0: 1, 8: end, 16: 5, 24: -1, 40: 1 << 62, 52: 3, 57: 4, 4088: 7}
    relocations = [(DATA_AT + at, 1027, 0, value if value < 1 << 63 else -1)
                   for at, value in addends.items()]  # fmt: skip
    placed = place(Object(relocations=relocations).made())
    memory = Memory(placed.segments)
    expected = bytearray(4096)
    for at, value in addends.items():
        struct.pack_into("<Q", expected, at, FIRST + value & end)
    assert memory.read(FIRST + DATA_AT, 4096) == expected


def test_only_pages_with_instructions_are_executable(maker: Maker) -> None:
    # A constant like this one is why: it is no system call, and must stay what it is.
    source = (
        MAIN
        + """
const unsigned constants[4096] = { [0 ... 4095] = 0xd4000001 };
const unsigned *table = constants;
"""
    )
    script_page = "\t. = ALIGN(4096);\n\t.rodata"
    script = SCRIPT.replace("\t.rodata", script_page)
    placed = place(maker.ta(source, name="constants", script=script))
    assert b"\x01\x00\x00\xd4" * 4096 in b"".join(s.data for s in placed.segments)
    assert all(s.prot == CONSTANTS for s in placed.segments if b"\x01\x00\x00\xd4" * 9 in s.data)
    with pytest.raises(LoadError, match="looks like a system call and shares a page"):
        place(maker.ta(source, name="constants"))


def test_data_among_instructions_is_not_changed_in_silence() -> None:
    svc, mov_x8, add, ret = 0xD4000001, 0xD2800028, 0x91000000, 0xD65F03C0
    lines: list[str] = []

    def place_code(*words: int) -> Placed:
        file = Ta(Object(words=words).made()).signed()
        keys = Keys((RootKey("ours", make_key().public_key()),))
        return Loader(lambda _: file, keys, log=lines.append).load(TA, DISPATCHER, bases())

    place_code(mov_x8, svc, ret, 0, 0, 0x12345678)
    assert not lines
    place_code(add, ret, 0, add, svc, ret, 0, 0, 0)
    (line,) = lines
    assert line.startswith(f"{TA} has 1 system calls with a number that cannot be told")
    assert line.endswith("it has changed: 0x1010")
    for table in ((ret, 0x428A2F98, svc, 0x71374491), (ret, svc, ret, ret, ret, 0xA54FF53A)):
        with pytest.raises(LoadError, match=r"data at 0x100[48], in a section of instructions"):
            place_code(*table)


def test_system_calls_lead_to_the_dispatcher_and_back(
    main_ta: bytes, disassemble: Callable[[Segment], dict[int, str]]
) -> None:
    image = parse(main_ta)
    prepared = prepare(image)
    assert [site.number for site in prepared.veneers.sites] == [0, 2, None]
    placed = place(main_ta)
    code = next(s for s in placed.segments if s.prot == CODE)
    veneers = [s for s in placed.segments if s.prot == CODE][-1]
    assert veneers.address == FIRST + image.span
    assert veneers.data[:8] == struct.pack("<Q", DISPATCHER)
    before = disassemble(Segment(FIRST, 4096, CODE, image.segments[0].data))
    after = disassemble(code) | disassemble(veneers)
    for site in prepared.veneers.sites:
        at = FIRST + site.address
        assert before[at].startswith("svc")
        veneer = int(after[at].removeprefix("b 0x"), 16)
        assert [after[veneer + 4 * n] for n in range(5)] == [
            f"adr x17, {veneer + 12:#x}",
            f"ldr x16, {veneers.address:#x}",
            "br x16",
            "bti j",
            f"b {at + 4:#x}",
        ]
        assert before[at + 4] == "ret"
    same = {at: text for at, text in before.items() if not text.startswith("svc")}
    assert {at: after[at] for at in same if at < FIRST + image.code[-1][1]}.items() <= same.items()


def test_ta_learns_what_is_loaded(family: dict[str, bytes]) -> None:
    loading = loader(family)
    base = bases()
    placed = loading.load(TA, DISPATCHER, base)
    info = placed.symbol(TA, "__elf_phdr_info")
    assert info is not None
    memory = Memory(placed.segments)

    def described(memory: Memory, info: bytes) -> Iterator[tuple[int, str, bytes]]:
        reserved, number, more, zero, array = struct.unpack("<IHBBQ", info)
        assert (reserved, more, zero) == (0, 0, 0)
        for n in range(number):
            element = memory.read(array + 64 * n, 64)
            address, name, headers, phnum, adds, subs, module, tls = struct.unpack(
                "<QQQH6xQQQQ", element
            )
            assert (adds, subs, module, tls) == (1, 0, 0, 0)
            yield address, memory.text(name), memory.read(headers, phnum * 56)

    found = list(described(memory, memory.read(info, 16)))
    objects = [parse(family[str(uuid)]) for uuid in (TA, LIBRARY, OTHER)]
    assert [name for _, name, _ in found] == ["", str(LIBRARY), str(OTHER)]
    assert [headers for *_, headers in found] == [each.headers for each in objects]
    assert found[0][0] == FIRST
    segments, writes = placed.open_library(PLUGIN, base)
    memory = Memory([*placed.segments, *segments])
    ((address, data),) = writes
    assert address == info
    assert [name for _, name, _ in described(memory, data)][3:] == [str(PLUGIN)]
    assert placed.open_library(PLUGIN, base) == ([], [])
    assert placed.open_library(OTHER, base) == ([], [])


def test_memory_that_is_zero_is_not_sent(main_ta: bytes) -> None:
    placed = place(main_ta)
    info = placed.symbol(None, "__elf_phdr_info")
    assert info is not None
    written = [s for s in placed.segments if s.prot == DATA]
    assert sum(s.size for s in written) == 0x7000
    assert all(len(s.data) <= 4096 for s in written)
    assert struct.unpack("<IHBB", Memory(placed.segments).read(info, 8)) == (0, 1, 0, 0)
    assert sum(len(s.data) for s in placed.segments) < 0x3000


def test_symbols_are_found_in_one_flat_scope(family: dict[str, bytes]) -> None:
    placed = loader(family).load(TA, DISPATCHER, bases())
    memory = Memory(placed.segments)

    def at(name: str, uuid: UUID | None = None) -> int:
        found = placed.symbol(uuid, name)
        assert found is not None, name
        return found

    image = parse(family[str(TA)])
    names = [image.symbols[r.symbol].name if r.symbol else "" for r in image.relocations]
    values = {
        name: memory.word(FIRST + r.offset)
        for name, r in zip(names, image.relocations, strict=True)
    }
    assert values["library_data"] == at("library_data") + 16
    assert memory.word(values["library_data"]) == 3
    assert values["library_function"] == at("library_function", LIBRARY)
    assert values["other_function"] == at("other_function", OTHER)
    assert values["absent"] == 0
    # The first object that has a symbol wins, be it weak: this is OP-TEE's scope.
    assert at("several") == at("several", LIBRARY) != at("several", OTHER)
    assert at("ta_preferred") == at("ta_preferred", TA) != at("ta_preferred", LIBRARY)
    library = parse(family[str(LIBRARY)])
    base = at("library_function", LIBRARY) - library.exports["library_function"].value
    for each in library.relocations:
        name = library.symbols[each.symbol].name
        own = name == "ta_preferred" and each.type == 257
        expected = base + library.exports[name].value if own else at(name)
        assert memory.word(base + each.offset) == expected, name
    assert placed.symbol(None, "nobody_has_this") is None
    assert placed.symbol(PLUGIN, "library_function") is None
    assert placed.symbol(OTHER, "library_function") == at("library_function")


def test_addresses_are_told_to_people(family: dict[str, bytes]) -> None:
    placed = loader(family).load(TA, DISPATCHER, bases())
    address = placed.symbol(None, "library_function")
    assert address is not None
    offset = parse(family[str(LIBRARY)]).exports["library_function"].value
    assert placed.locate(address + 4) == f"{LIBRARY}+{offset + 4:#x} (library_function+0x4)"
    offset = placed.entry - 4 - FIRST
    assert placed.locate(placed.entry - 4) == f"{TA}+{offset:#x} (ta_preferred+{offset:#x})"
    assert placed.locate(placed.entry) == f"{TA}+{offset + 4:#x}"
    assert placed.locate(FIRST + parse(family[str(TA)]).span).endswith("(a system call)")
    assert placed.locate(7) == "0x7, in no object of the TA"


def test_missing_libraries_and_symbols_are_named(family: dict[str, bytes]) -> None:
    without = {uuid: data for uuid, data in family.items() if uuid != str(OTHER)}
    with pytest.raises(LoadError, match=f"there is no TA or library {OTHER}") as caught:
        loader(without).load(TA, DISPATCHER, bases())
    assert caught.value.code == tee.ERROR_ITEM_NOT_FOUND
    renamed = family[str(OTHER)].replace(b"other_function", b"renamed_function"[:14])
    with pytest.raises(LoadError, match=f"symbol 'other_function' of {TA} is in no library"):
        loader(family | {str(OTHER): renamed}).load(TA, DISPATCHER, bases())
    with pytest.raises(LoadError, match="it is a library"):
        loader(family).load(LIBRARY, DISPATCHER, bases())


def test_library_that_cannot_be_opened_changes_nothing(family: dict[str, bytes]) -> None:
    broken = family[str(PLUGIN)].replace(b"library_function", b"strange_function")
    placed = loader(family | {str(PLUGIN): broken}).load(TA, DISPATCHER, bases())
    for uuid in (PLUGIN, uuid4()):
        with pytest.raises(LoadError):
            placed.open_library(uuid, bases())
    assert [each.uuid for each in placed.objects] == [TA, LIBRARY, OTHER]


def test_libraries_are_named_by_uuids(maker: Maker) -> None:
    maker.library("int f(void) { return 0; }", "libf.so.1")
    data = maker.ta(
        HEAD + "extern int f(void); int __ta_entry(void) { return f(); }",
        maker.made("libf.so.1"),
        name="needs",
    )
    with pytest.raises(LoadError, match=r"needs library 'libf\.so\.1'"):
        place(data)


def test_thread_local_storage_has_its_place(
    maker: Maker, disassemble: Callable[[Segment], dict[int, str]]
) -> None:
    source = """
__thread long shared = 3;
static __thread long own[3];
long *library_function(int n) { return n ? &own[n] : &shared; }
"""
    kinds = {"desc": "global-dynamic", "trad": "initial-exec"}
    for dialect, model in kinds.items():
        options = (f"-mtls-dialect={dialect}", f"-ftls-model={model}")
        library = maker.library(source, str(LIBRARY), *options)
        ta = HEAD + "extern long *library_function(int); __thread long mine = 1; "
        ta += "__attribute__((used)) long *mine_too(void) { return &mine; }"
        ta += "long *__ta_entry(int n) { return library_function(n); }"
        objects = {
            str(TA): maker.ta(ta, maker.made(str(LIBRARY)), name="tls"),
            str(LIBRARY): library,
        }
        placed = loader(objects).load(TA, DISPATCHER, bases())
        memory = Memory(placed.segments)
        image, base = parse(library), placed.objects[1].base
        storage = parse(objects[str(TA)]).tls
        assert storage is not None
        own = {r.offset: r for r in image.relocations if r.type in {1030, 1031}}
        assert len(own) == 2
        values = set()
        for each in own.values():
            if each.type == 1031:
                resolver = memory.word(base + each.offset)
                values.add(memory.word(base + each.offset + 8))
                code = next(s for s in placed.segments if 0 <= resolver - s.address < s.size)
                assert code.prot == CODE
                words = disassemble(code)
                assert [words[resolver + 4 * n] for n in range(3)] == [
                    "bti c", "ldr x0, [x0, #8]", "ret"
                ]  # fmt: skip
            else:
                values.add(memory.word(base + each.offset))
        # The block begins with 16 bytes of libutee's, then come the TA's and the library's.
        assert values == {16 + storage[1], 16 + storage[1] + 8}


def test_branch_protection_is_passed_on(maker: Maker) -> None:
    options = ("-mbranch-protection=bti", "-Wl,-z,force-bti")
    placed = place(maker.ta(MAIN, *options, name="bti"))
    assert {s.prot for s in placed.segments if s.prot & run.PROT_EXEC} == {CODE | run.PROT_BTI}


def test_ta_with_more_system_calls_than_veneers_is_refused(maker: Maker) -> None:
    source = (
        HEAD
        + CALLS
        + """
__asm__(".text\\n.rept 32768\\n svc #0\\n.endr\\n");
void __ta_entry(void) { call_odd(); }
"""
    )
    with pytest.raises(LoadError, match="more than 32768 system calls"):
        place(maker.ta(source, name="many"))


def test_last_veneer_reaches(
    maker: Maker, disassemble: Callable[[Segment], dict[int, str]]
) -> None:
    source = (
        HEAD
        + CALLS
        + """
__asm__(".text\\n.rept 32000\\n svc #0\\n.endr\\n");
void __ta_entry(void) { call_odd(); }
"""
    )
    placed = place(maker.ta(source, name="most"))
    veneers = [s for s in placed.segments if s.prot == CODE][-1]
    last = veneers.address + len(veneers.data) - 20
    assert disassemble(veneers)[last + 4] == f"ldr x16, {veneers.address:#x}"


def test_what_is_mapped_is_not_kept_beside(main_ta: bytes) -> None:
    placed = place(main_ta)
    segments = placed.segments
    assert placed.take_segments() is segments
    assert not placed.take_segments()
