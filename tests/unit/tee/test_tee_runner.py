# SPDX-License-Identifier: BSD-3-Clause
"""The runner and the core's end of its protocol, with TAs of a few instructions."""

import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.image.tarunner import find_libcrypto
from realmos.progress import Silent
from realmos_agent.tee import numbers
from realmos_agent.tee import runner_numbers as wire
from realmos_agent.tee.parts import Call, Entry, Fault, Refused, Returned, RunnerError
from realmos_agent.tee.runner import RunnerProcess
from realmos_agent.tee.runner_start import start
from ta_code import (
    CODE,
    CONSTANT,
    DATA,
    DATA_SIZE,
    ENTRY_POINT,
    PAGE,
    REGION,
    STACK,
    STACK_TOP,
    UNMAPPED,
    TinyTa,
    assemble,
    runner_argv,
)

READ, WRITE, EXEC = wire.PROT_READ, wire.PROT_WRITE, wire.PROT_EXEC
PARAMS_AT = STACK_TOP - 80
SIGILL, SIGTRAP, SIGSEGV = 4, 5, 11

MakeTa = Callable[[str], TinyTa]


@pytest.fixture
def make_ta(runner_program: Path, cross_compile: str, tmp_path: Path) -> Iterator[MakeTa]:
    made: list[TinyTa] = []

    def make(text: str) -> TinyTa:
        made.append(TinyTa(runner_argv(runner_program), text, cross_compile, tmp_path))
        return made[-1]

    yield make
    for ta in made:
        ta.runner.close()


def result(code: int, *outputs: bytes) -> bytes:
    body = struct.pack(wire.RESULT_FORMAT, code, len(outputs))
    return body + b"".join(outputs)


def sized(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def returned(event: object) -> int:
    assert isinstance(event, Returned), event
    return event.result


def arguments(*values: str | int) -> str:
    """Load x0 and so on."""
    return "\n".join(f"let x{n}, {value}" for n, value in enumerate(values)) + "\n"


def test_ta_returns_its_result(make_ta: MakeTa) -> None:
    ta = make_ta("mov w0, #42\nfinish")
    assert ta.enter() == Returned(42, (0,) * 8)
    assert ta.result() == 42


def test_entry_gives_exactly_the_registers_of_the_abi(make_ta: MakeTa) -> None:
    store = "\n".join(f"str x{n}, [x16, #{8 * n}]" for n in range(31) if n != 16)
    vectors = "\n".join(f"str q{n}, [x16, #{0x400 + 16 * n}]" for n in range(32))
    ta = make_ta(
        f"let x16, DATA\n{store}\nmov x9, sp\nstr x9, [x16, #{8 * 31}]\n{vectors}\n"
        f"mrs x9, fpcr\nstr x9, [x16, #{8 * 16}]\nmov x0, xzr\nfinish"
    )
    vals = tuple(range(100, 108))
    event = ta.enter(function=2, command=0x1234, session=0x55, types=0x7621, vals=vals)
    assert event == Returned(0, vals)
    registers = struct.unpack("<32Q", ta.runner.fetch(DATA, 256))
    assert registers[:4] == (2, 0x55, PARAMS_AT, 0x1234)
    assert registers[4:31] == (0,) * 27
    assert registers[31] == PARAMS_AT
    assert ta.runner.fetch(DATA + 0x400, 512) == bytes(512)
    assert struct.unpack("<9Q", ta.runner.fetch(PARAMS_AT, 72)) == (0x7621, *vals)


def test_values_that_the_ta_leaves_are_returned(make_ta: MakeTa) -> None:
    ta = make_ta("mov x9, #7\nstr x9, [x2, #8]\nstr x9, [x2, #64]\nmov w0, wzr\nfinish")
    assert ta.enter(types=3) == Returned(0, (7, 0, 0, 0, 0, 0, 0, 7))


def test_a_system_call_keeps_all_registers_but_those_of_a_veneer(make_ta: MakeTa) -> None:
    kept = [n for n in range(1, 31) if n not in {8, 16, 17}]
    load = "\n".join(f"mov x{n}, #{n + 1000}" for n in kept)
    floats = "\n".join(f"fmov d{n}, #{n}.0" for n in range(8, 16))
    check = "\n".join(f"cmp x{n}, #{n + 1000}\nb.ne bad" for n in kept)
    compare = "\n".join(f"fmov d0, #{n}.0\nfcmp d{n}, d0\nb.ne bad" for n in range(8, 16))
    ta = make_ta(
        f"mov x9, #0x77\nmsr tpidr_el0, x9\nmov x10, sp\nlet x9, DATA\nstr x10, [x9]\n"
        f"{load}\n{floats}\nlet x0, DATA+64\ncall 9\ncbnz w0, bad\n{check}\n{compare}\n"
        "let x9, DATA\nldr x10, [x9]\nmov x11, sp\ncmp x10, x11\nb.ne bad\n"
        "mrs x9, tpidr_el0\ncmp x9, #0x77\nb.ne bad\nmov w0, #1\nfinish\nbad: mov w0, #2\nfinish"
    )
    assert ta.call() == Call(9, 1, b"")
    assert returned(ta.runner.answer(result(0, sized(b"\1\0\0\0")))) == 1
    assert ta.runner.fetch(DATA + 64, 4) == b"\1\0\0\0"


def test_flags_are_clear_at_entry_and_kept_by_system_calls(make_ta: MakeTa) -> None:
    ta = make_ta(
        "mrs x0, nzcv\nlet x9, 0xF0000000\nmsr nzcv, x9\nmov x19, x0\nlet x0, DATA\ncall 9\n"
        "mrs x9, nzcv\nlsr x9, x9, #24\norr w0, w19, w9\nfinish"
    )
    for _ in range(2):
        ta.call()
        assert returned(ta.runner.answer(result(0, sized(b"\1\0\0\0")))) == 0xF0


def test_the_tas_thread_pointer_lives_from_call_to_call(make_ta: MakeTa) -> None:
    ta = make_ta("mrs x0, tpidr_el0\nadd x9, x0, #3\nmsr tpidr_el0, x9\nfinish")
    assert [ta.result() for _ in range(3)] == [0, 3, 6]


def test_buffers_go_to_the_core_and_back(make_ta: MakeTa) -> None:
    ta = make_ta(
        "let x9, DATA\nmov x10, #64\nstr x10, [x9]\n"
        + arguments(0x1_0000_0005, "CONSTANT", 8, "DATA+16", "DATA")
        + "call 20\nfinish"
    )
    assert ta.call() == Call(20, 3, words(5) + sized(b"constant") + words(64))
    assert returned(ta.runner.answer(result(0, sized(b"digest")))) == 0
    assert ta.runner.fetch(DATA, 24) == words(6) + bytes(8) + b"digest\0\0"


def test_a_short_buffer_leaves_the_needed_length_alone(make_ta: MakeTa) -> None:
    ta = make_ta(
        "let x9, DATA\nmov x10, #4\nstr x10, [x9]\n"
        + arguments(1, 0, 0, "DATA+16", "DATA")
        + "call 20\nfinish"
    )
    assert ta.call().body == words(1) + sized(b"") + words(4)
    answer = result(numbers.ERROR_SHORT_BUFFER, words(32))
    assert returned(ta.runner.answer(answer)) == numbers.ERROR_SHORT_BUFFER
    assert ta.runner.fetch(DATA, 32) == words(32, 0, 0, 0)


def test_an_error_writes_nothing(make_ta: MakeTa) -> None:
    ta = make_ta(arguments("DATA") + "call 9\nfinish")
    ta.runner.write(DATA, b"before")
    ta.call()
    assert returned(ta.runner.answer(result(numbers.ERROR_GENERIC))) == numbers.ERROR_GENERIC
    assert ta.runner.fetch(DATA, 6) == b"before"


@pytest.mark.parametrize(
    ("address", "size"),
    [
        ("UNMAPPED", 1),
        ("0", 1),
        (f"DATA+{DATA_SIZE - 1}", 2),
        ("DATA-1", 2),
        (f"STACK-{PAGE}", 1),
        ("DATA", 0xFFFF_FFFF_FFFF_FFFF),
        ("0xffffffffffffffff", 1),
        ("0xffffffffffffff00", 0x200),
        ("dispatcher_value", 4),
        ("0xff0000100010000", 1),
    ],
)  # fmt: skip
def test_bad_input_pointers_are_refused(make_ta: MakeTa, address: str, size: int) -> None:
    load = "ldr x1, dispatcher" if address == "dispatcher_value" else f"let x1, {address}"
    ta = make_ta(f"mov x0, #1\n{load}\nlet x2, {size}\ncall 19\nfinish")
    assert ta.result() == numbers.ERROR_ACCESS_DENIED


@pytest.mark.parametrize("address", ["UNMAPPED", "CONSTANT", "entry_value", "0", "STACK-4"])
def test_bad_output_pointers_are_refused(make_ta: MakeTa, address: str) -> None:
    load = "adr x3, entry" if address == "entry_value" else f"let x3, {address}"
    ta = make_ta(
        "let x9, DATA\nmov x10, #4\nstr x10, [x9]\nmov x2, #0\nlet x4, DATA\n"
        f"{load}\ncall 20\nfinish"
    )
    assert ta.result() == numbers.ERROR_ACCESS_DENIED


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("0", numbers.ERROR_BAD_PARAMETERS),
        ("CONSTANT", numbers.ERROR_ACCESS_DENIED),
        (f"DATA+{DATA_SIZE - 2}", numbers.ERROR_ACCESS_DENIED),
    ],
)
def test_bad_places_for_numbers_are_refused(make_ta: MakeTa, address: str, code: int) -> None:
    assert make_ta(arguments(address) + "call 9\nfinish").result() == code


def test_memory_that_goes_away_during_a_call_is_not_written(make_ta: MakeTa) -> None:
    ta = make_ta(arguments(f"DATA+{PAGE}") + "call 9\nfinish")
    ta.call()
    ta.runner.unmap(DATA + PAGE, PAGE)
    answer = result(0, sized(b"\1\2\3\4"))
    assert returned(ta.runner.answer(answer)) == numbers.ERROR_ACCESS_DENIED


def test_unknown_system_calls_are_not_supported(make_ta: MakeTa) -> None:
    for number in (55, 69, 71, 4095):
        assert make_ta(f"call {number}\nfinish").result() == numbers.ERROR_NOT_SUPPORTED


ANY, R, W = numbers.MEMORY_ACCESS_ANY_OWNER, numbers.MEMORY_ACCESS_READ, numbers.MEMORY_ACCESS_WRITE
CLIENT, SECURE = numbers.MEMORY_ACCESS_NONSECURE, numbers.MEMORY_ACCESS_SECURE


@pytest.mark.parametrize(
    ("flags", "address", "size", "allowed"),
    [
        (R | W, "DATA", DATA_SIZE, True),
        (R | W, "DATA", DATA_SIZE + 1, False),
        (R, "CONSTANT", 8, True),
        (R | W, "CONSTANT", 8, False),
        (R, "UNMAPPED", 0, True),
        (R, "UNMAPPED", 1, False),
        (R, "REGION", 16, False),
        (R | W | ANY, "REGION", 16, True),
        (R | ANY | CLIENT, "REGION", 16, True),
        (R | ANY | SECURE, "REGION", 16, False),
        (R | ANY | CLIENT, "DATA", 16, False),
        (R | ANY | SECURE, "DATA", 16, True),
        (R | ANY | SECURE | CLIENT, "DATA", 16, False),
        (R | ANY, "0xfffffffffffffff0", 0x20, False),
    ],
)
def test_access_rights_are_told_without_the_core(
    make_ta: MakeTa, flags: int, address: str, size: int, *, allowed: bool
) -> None:
    ta = make_ta(arguments(flags, address, size) + "call 8\nfinish")
    ta.runner.region(REGION, b"client's", secure=False)
    assert ta.result() == (numbers.SUCCESS if allowed else numbers.ERROR_ACCESS_DENIED)


def test_random_bytes_come_without_the_core(make_ta: MakeTa) -> None:
    ta = make_ta(arguments("DATA", 512) + "call 33\nfinish")
    assert ta.result() == numbers.SUCCESS
    found = ta.runner.fetch(DATA, 1024)
    assert len(set(found[:512])) > 100
    assert found[512:] == bytes(512)
    bad = make_ta(arguments("CONSTANT", 8) + "call 33\nfinish")
    assert bad.result() == numbers.ERROR_ACCESS_DENIED


def test_object_ids_must_be_the_tas_own_memory(make_ta: MakeTa) -> None:
    ta = make_ta(arguments(1, "REGION", 8, 0, "DATA") + "call 41\nfinish")
    ta.runner.region(REGION, b"identity", secure=False)
    assert ta.result() == numbers.ERROR_ACCESS_DENIED
    own = make_ta(arguments(1, "CONSTANT", 8, 0, "DATA") + "call 41\nfinish")
    assert own.call().body == words(1) + sized(b"constant") + words(0)


def test_optional_outputs_may_be_absent(make_ta: MakeTa) -> None:
    ta = make_ta(
        "let x9, DATA\nmov w10, #64\nstr w10, [x9]\n"
        + arguments(1, 2, 0, 0, "DATA+8", "DATA", 0) + "call 3\nfinish"
    )  # fmt: skip
    assert ta.call().body == words(1, 2, numbers.CAPACITY_NOT_WANTED, 64, 0)
    answer = result(0, sized(b""), sized(b"value"), sized(b""))
    assert returned(ta.runner.answer(answer)) == 0
    assert ta.runner.fetch(DATA, 16) == struct.pack("<II8s", 5, 0, b"value")


def test_attributes_are_gathered(make_ta: MakeTa) -> None:
    ta = make_ta(arguments(9, "DATA", 2) + "call 30\nfinish")
    buffer = struct.pack("<QQII", CONSTANT, 4, numbers.ATTR_SECRET_VALUE, 0)
    value = struct.pack("<QQII", 11, 12, numbers.ATTR_ECC_CURVE, 0)
    ta.runner.write(DATA, buffer + value)
    assert ta.call().body == (
        words(9, 2, numbers.ATTR_SECRET_VALUE) + sized(b"cons")
        + words(numbers.ATTR_ECC_CURVE, 11, 12)
    )  # fmt: skip
    assert returned(ta.runner.answer(result(0))) == 0
    ta.runner.write(DATA, struct.pack("<QQII", UNMAPPED, 4, numbers.ATTR_SECRET_VALUE, 0))
    assert ta.result() == numbers.ERROR_ACCESS_DENIED
    many = make_ta(arguments(9, "DATA", 65) + "call 30\nfinish")
    assert many.result() == numbers.ERROR_BAD_PARAMETERS


def test_parameters_of_a_nested_call_go_and_come(make_ta: MakeTa) -> None:
    ta = make_ta(arguments(3, 0, 17, "DATA", "DATA+512") + "call 7\nfinish")
    kinds = (
        numbers.PARAM_TYPE_VALUE_INOUT, numbers.PARAM_TYPE_MEMREF_INPUT,
        numbers.PARAM_TYPE_MEMREF_INOUT, numbers.PARAM_TYPE_MEMREF_OUTPUT,
    )  # fmt: skip
    types = sum(kind << 4 * n for n, kind in enumerate(kinds))
    ta.runner.write(
        DATA, words(types, 1, 2, CONSTANT, 8, DATA + 256, 4, 0, 0) + bytes(184) + b"here"
    )
    assert ta.call().body == (
        words(3, 0, 17, types, 1, 2, wire.MEMORY_OWN) + sized(b"constant")
        + words(wire.MEMORY_OWN) + sized(b"here") + words(wire.MEMORY_NULL) + sized(b"") + words(1)
    )  # fmt: skip
    changed = words(21, 22) + words(3) + sized(b"new") + words(99) + sized(b"")
    assert returned(ta.runner.answer(result(5, changed, sized(b"\4\0\0\0")))) == 5
    after = struct.unpack("<9Q", ta.runner.fetch(DATA, 72))
    assert after == (types, 21, 22, CONSTANT, 8, DATA + 256, 3, 0, 99)
    assert ta.runner.fetch(DATA + 256, 4) == b"newe"
    assert ta.runner.fetch(DATA + 512, 4) == b"\4\0\0\0"


@pytest.mark.parametrize("kind", [4, 8, 15])
def test_unknown_types_of_parameters_are_refused(make_ta: MakeTa, kind: int) -> None:
    ta = make_ta(arguments(3, 0, 17, "DATA", "DATA+512") + "call 7\nfinish")
    ta.runner.write(DATA, words(kind))
    assert ta.result() == numbers.ERROR_BAD_PARAMETERS


def test_regions_are_the_calls_alone(make_ta: MakeTa) -> None:
    ta = make_ta("let x9, REGION+100\nldrb w0, [x9]\nstrb wzr, [x9]\nfinish")
    ta.runner.region(REGION + 100, b"A client's", secure=False)
    assert returned(ta.enter()) == ord("A")
    assert ta.runner.fetch(REGION + 96, 14) == bytes(5) + b" client's"
    fault = ta.enter()
    assert isinstance(fault, Fault)
    assert (fault.signal, fault.address) == (SIGSEGV, REGION + 100)


def test_a_call_that_was_refused_leaves_no_region(make_ta: MakeTa) -> None:
    ta = make_ta("finish")
    nowhere = Entry(0, 0, 0, UNMAPPED, UNMAPPED, 0, (0,) * 8)
    for _ in range(2):
        ta.runner.region(REGION, b"a client's", secure=False)
        with pytest.raises(Refused, match="Bad address"):
            ta.runner.enter(nowhere)


def test_a_region_that_cannot_be_mapped_keeps_the_ta_out(make_ta: MakeTa) -> None:
    ta = make_ta("mov w0, #1\nfinish")
    ta.runner.region(DATA, b"over data", secure=False)
    with pytest.raises(Refused, match="memory of a call"):
        ta.enter()
    assert ta.result() == 1
    assert ta.runner.fetch(DATA, 4) == bytes(4)


def test_nothing_is_writable_and_executable(make_ta: MakeTa) -> None:
    runner = make_ta("finish").runner
    for prot in (READ | WRITE | EXEC, WRITE | EXEC):
        with pytest.raises(Refused):
            runner.map(UNMAPPED, PAGE, prot, b"", stack=False)
    with pytest.raises(Refused):
        runner.write(CODE, b"code")


@pytest.mark.parametrize(
    ("address", "size"),
    [
        (CODE, PAGE), (DATA + PAGE, 2 * PAGE), (STACK - PAGE, PAGE), (UNMAPPED + 8, PAGE),
        (UNMAPPED, PAGE + 8), (UNMAPPED, 0), (0, PAGE), (1 << 47, PAGE), (1 << 63, PAGE),
        ((1 << 64) - PAGE, 2 * PAGE), (UNMAPPED, 1 << 63),
    ],
)  # fmt: skip
def test_memory_is_mapped_where_nothing_is(make_ta: MakeTa, address: int, size: int) -> None:
    ta = make_ta("mov w0, #1\nfinish")
    with pytest.raises(Refused):
        ta.runner.map(address, size, READ | WRITE, b"", stack=False)
    assert ta.result() == 1


def test_nothing_is_mapped_over_the_runner(make_ta: MakeTa) -> None:
    ta = make_ta("mov w0, #1\nfinish")
    page = ta.runner.dispatcher & -PAGE
    with pytest.raises(Refused):
        ta.runner.map(page, PAGE, READ | WRITE, b"", stack=False)
    with pytest.raises(Refused):
        ta.runner.unmap(page, PAGE)
    with pytest.raises(Refused):
        ta.runner.fetch(page, 8)
    with pytest.raises(Refused):
        ta.runner.write(page, b"8 bytes.")
    assert ta.result() == 1


def test_parts_of_mappings_change(make_ta: MakeTa) -> None:
    ta = make_ta("mov w0, #1\nfinish")
    ta.runner.map(UNMAPPED, 3 * PAGE, READ | WRITE, b"x" * (3 * PAGE), stack=False)
    ta.runner.unmap(UNMAPPED, PAGE)
    assert ta.runner.fetch(UNMAPPED + PAGE, 2 * PAGE) == b"x" * (2 * PAGE)
    ta.runner.unmap(UNMAPPED + 2 * PAGE, PAGE)
    ta.runner.write(UNMAPPED + PAGE, b"y")
    for gone in (UNMAPPED, UNMAPPED + 2 * PAGE):
        with pytest.raises(Refused):
            ta.runner.fetch(gone, 1)


@pytest.mark.parametrize("word", [0xD4000001, 0xD4001001, 0xD41FFFE1])
def test_code_with_a_system_call_of_linux_is_refused(make_ta: MakeTa, word: int) -> None:
    runner = make_ta("finish").runner
    code = bytes(PAGE - 4) + struct.pack("<I", word)
    with pytest.raises(Refused):
        runner.map(UNMAPPED, PAGE, READ | EXEC, code, stack=False)
    with pytest.raises(Refused):
        runner.fetch(UNMAPPED, 4)
    runner.map(UNMAPPED, PAGE, READ | WRITE, code, stack=False)


@pytest.mark.parametrize(
    ("text", "signal", "address"),
    [
        ("mov x9, xzr\nldr x9, [x9]", SIGSEGV, 0),
        ("adr x9, entry\nstr x9, [x9]", SIGSEGV, CODE),
        ("let x9, CONSTANT\nstr x9, [x9]", SIGSEGV, CONSTANT),
        ("let x9, DATA\nbr x9", SIGSEGV, DATA),
        ("udf #0", SIGILL, None),
        ("brk #1", SIGTRAP, None),
    ],
)
def test_faults_are_reported(make_ta: MakeTa, text: str, signal: int, address: int | None) -> None:
    ta = make_ta(f"mov x29, #0x77\nmsr tpidr_el0, x29\nmov x30, #0x1230\n{text}")
    fault = ta.enter()
    assert isinstance(fault, Fault)
    assert (fault.signal, fault.lr, fault.sp) == (signal, 0x1230, PARAMS_AT)
    if address is not None:
        assert fault.address == address
    with pytest.raises(RunnerError, match=f"status {128 + signal}"):
        ta.runner.fetch(DATA, 1)


def test_a_stack_overflow_is_reported(make_ta: MakeTa) -> None:
    ta = make_ta("again: stp x29, x30, [sp, #-64]!\nb again")
    fault = ta.enter()
    assert isinstance(fault, Fault)
    assert fault.signal == SIGSEGV
    assert STACK - wire.GUARD_SIZE <= fault.address < STACK
    assert fault.pc == CODE


def test_a_fault_has_the_callers(make_ta: MakeTa) -> None:
    ta = make_ta(
        "stp x29, x30, [sp, #-16]!\nmov x29, sp\nbl middle\nfinish\n"
        "middle: stp x29, x30, [sp, #-16]!\nmov x29, sp\nbl leaf\nnop\n"
        "leaf: udf #0"
    )
    fault = ta.enter()
    assert isinstance(fault, Fault)
    assert len(fault.frames) == 2
    assert CODE < fault.frames[0] < fault.lr < fault.pc < CODE + PAGE
    assert fault.frames[1] == 0


def test_a_panic_lets_the_core_look_and_ends_the_runner(make_ta: MakeTa) -> None:
    ta = make_ta("mov w0, #99\nmov x9, #0x1234\nstp x9, x9, [sp, #-16]!\nmov x1, sp\ncall 2")
    call = ta.call()
    assert call == Call(2, 2, words(99, PARAMS_AT - 16))
    assert ta.runner.fetch(PARAMS_AT - 16, 16) == words(0x1234, 0x1234)
    with pytest.raises(RunnerError, match="status 0"):
        ta.runner.answer(result(0))


def test_memory_can_be_added_during_a_call(make_ta: MakeTa) -> None:
    ta = make_ta(arguments("DATA") + "call 9\nlet x9, UNMAPPED\nldr w0, [x9]\nfinish")
    ta.call()
    ta.runner.map(UNMAPPED, PAGE, READ, b"\5\0\0\0", stack=False)
    ta.runner.write(DATA + 8, b"written")
    assert returned(ta.runner.answer(result(0, sized(b"\1\0\0\0")))) == 5
    assert ta.runner.fetch(DATA + 8, 7) == b"written"


@pytest.mark.parametrize(
    ("address", "top"),
    [
        (UNMAPPED, STACK_TOP), (DATA, STACK_TOP), (ENTRY_POINT, STACK_TOP + 16),
        (ENTRY_POINT, STACK_TOP - 8), (ENTRY_POINT, 64), (ENTRY_POINT, CONSTANT + PAGE),
    ],
)  # fmt: skip
def test_only_code_is_entered_with_a_stack(make_ta: MakeTa, address: int, top: int) -> None:
    ta = make_ta("mov w0, #1\nfinish")
    with pytest.raises(Refused):
        ta.runner.enter(Entry(0, 0, 0, address, top, 0, (0,) * 8))
    assert ta.result() == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        result(0, sized(b"\1\0\0")),
        result(0, words(1 << 40)),
        result(0, sized(b"\1\0\0\0"), sized(b"")),
        result(0, sized(b"\1\0\0\0")) + b"more",
    ],
)
def test_an_answer_that_does_not_fit_ends_the_runner(make_ta: MakeTa, answer: bytes) -> None:
    ta = make_ta(arguments("DATA") + "call 9\nfinish")
    ta.call()
    with pytest.raises(RunnerError, match="status 2"):
        ta.runner.answer(answer)


def test_closing_ends_a_ta_that_does_not_return(make_ta: MakeTa) -> None:
    ta = make_ta("again: b again")
    closer = threading.Timer(0.3, ta.runner.close)
    closer.start()
    begin = time.monotonic()
    with pytest.raises(RunnerError, match="signal 9"):
        ta.enter()
    assert time.monotonic() - begin < 20
    closer.join()
    ta.runner.close()


def test_what_cannot_be_protected_is_refused_unless_allowed(
    runner_program: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    argv = runner_argv(runner_program, weak=False)
    if len(argv) == 1:
        pytest.skip("this machine's kernel runs the runner, and may have all that it needs")
    with pytest.raises(RunnerError, match="status 1"):
        start(argv, {})
    assert "--weak goes on without it" in capfd.readouterr().err


def holder(runner: RunnerProcess) -> Path:
    """Return where the kernel tells about the process that holds the TA: the last of its line."""
    process = Path(f"/proc/{runner.pid}")
    while children := (process / f"task/{process.name}/children").read_text().split():
        process = Path("/proc", children[0])
    return process


def test_a_runner_has_one_descriptor_and_comes_last(runner_program: Path) -> None:
    runner = start((*runner_argv(runner_program), "--nice", "5"))
    process = holder(runner)
    assert {entry.name for entry in (process / "fd").iterdir()} == {str(wire.FD)}
    assert (process / "oom_score_adj").read_text().strip() == "1000"
    niceness = (process / "stat").read_text().rpartition(")")[2].split()[16]
    runner.close()
    assert int(niceness) >= 5


def test_bare_runner_tries_no_protection_and_must_be_allowed_to(runner_program: Path) -> None:
    runner = start((*runner_argv(runner_program), "--bare"))
    runner.close()
    named = {name for name in dir(wire) if name.startswith("HELLO_")}
    assert len(runner.missing) == len(named - {"HELLO_FORMAT", "HELLO_SIZE"})
    with pytest.raises(RunnerError, match="status 1"):
        start((*runner_argv(runner_program, weak=False), "--bare"))


def test_a_program_that_is_no_runner_is_an_error(runner_program: Path) -> None:
    with pytest.raises(RunnerError, match="does not start"):
        start(("/nonexistent/ta-runner",))
    with pytest.raises(RunnerError, match="status"):
        start(("/bin/true",))
    with pytest.raises(RunnerError, match="status 1"):
        start((*runner_argv(runner_program), "--memory", "lots"))


def test_the_runner_is_reproducible(
    top: Path, generated: Path, cross_compile: str, runner_program: Path, tmp_path: Path
) -> None:
    process.run(
        ["make", "-s", "-f", top / "guest/optee/runner/Makefile", f"CC={cross_compile}gcc",
         f"BUILD_DIR={tmp_path}", f"GENERATED={generated}",
         f"LIBCRYPTO={find_libcrypto(Cache(), Silent())}"]
    )  # fmt: skip
    assert (tmp_path / "ta-runner").read_bytes() == runner_program.read_bytes()


def test_assembling_gives_code(cross_compile: str, tmp_path: Path) -> None:
    assert assemble("nop", 7, cross_compile, tmp_path).startswith(struct.pack("<I", 0xD503201F))
