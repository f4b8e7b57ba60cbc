# SPDX-License-Identifier: BSD-3-Clause
"""Places in TAs become functions and source lines where the build machine has the symbols."""

import os
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from realmos import process
from realmos.tee import symbols
from realmos.tee.symbols import SymbolLog, error_log, named_errors, symbol_files
from realmos_agent.tee.loader import Keys, RootKey
from ta_files import LIBRARY, TA, Ta, make_key

SOURCE = """\
int inner(int n)
{
	return 3 * n;
}

int outer(int n)
{
	return inner(n) + 1;
}
"""


class Program(NamedTuple):
    """An object with debug information, and where its functions are."""

    path: Path
    inner: int
    outer: int


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, cross_compile: str) -> Program:
    home = tmp_path_factory.mktemp("symbols")
    (home / "work.c").write_text(SOURCE, "utf-8")
    words = ["-g", "-O0", "-shared", "-nostdlib", "work.c", "-o", "work.elf"]
    process.run([f"{cross_compile}gcc", *words], cwd=home)
    listed = process.run([f"{cross_compile}nm", home / "work.elf"]).splitlines()
    places = {line.split()[2]: int(line.split()[0], 16) for line in listed}
    return Program(home / "work.elf", places["inner"], places["outer"])


def named(program: Program, *pieces: str) -> str:
    written: list[bytes] = []
    with SymbolLog({TA: program.path}, written.append) as log:
        for piece in pieces:
            log.write(piece.encode())
    return b"".join(written).decode()


def test_fault_is_where_it_says_and_callers_where_they_called(program: Program) -> None:
    fault, caller = f"{TA}+{program.inner:#x}", f"{TA}+{program.outer + 4:#x}"
    said = named(program, f"tee: {TA} faulted: pc and callers {fault}, {caller} (outer+0x4)\n")
    assert f"callers {fault} (inner at " in said
    assert f"work.c:2), {caller} (outer at " in said
    assert said.endswith("work.c:7)\n")


def test_a_ta_was_lost_where_it_says(program: Program) -> None:
    said = named(program, f"tee: {TA} was lost: signal 11 at {TA}+{program.outer:#x}, while\n")
    assert f"{TA}+{program.outer:#x} (outer at " in said
    assert "work.c:7)" in said


def test_panic_is_where_calls_return_to(program: Program) -> None:
    before, after = f"{TA}+{program.outer - 0x100:#x}", f"{TA}+{program.outer + 4:#x}"
    said = named(program, f"tee: {TA} calls TEE_Panic, from {before}, {after}\n")
    assert f"from {before}, {after} (outer at " in said


def test_lines_of_tas_are_left_alone(program: Program) -> None:
    lines = f"tee: {TA}: {TA} faulted: {TA}+0x1000\ntee: {TA} faulted\n{TA}+0x1000\n"
    assert named(program, lines) == lines


def test_what_nobody_knows_stays(program: Program) -> None:
    line = f"tee: {TA} faulted: {LIBRARY}+0x1000, {TA}+0x99999, {TA}+0x2010 (a system call)\n"
    assert named(program, line) == line


def test_lines_in_pieces_are_put_together_and_none_is_lost(program: Program) -> None:
    line = f"tee: {TA} faulted: {TA}+{program.inner:#x}\n"
    said = named(program, line[:50], line[50:], "no end")
    assert f"{TA}+{program.inner:#x} (inner at " in said
    assert said.endswith(")\nno end")


def test_only_tas_with_symbols_of_their_build_are_named(
    main_ta: bytes, family: dict[str, bytes], tmp_path: Path
) -> None:
    keys = Keys((RootKey("ours", make_key().public_key()),))
    library = family[str(LIBRARY)]
    for name, data, full in ((TA, main_ta, main_ta), (LIBRARY, library, main_ta)):
        (tmp_path / f"{name}.ta").write_bytes(Ta(data, name).signed())
        (tmp_path / f"{name}.elf").write_bytes(full)
    paths = {name: tmp_path / f"{name}.ta" for name in (TA, LIBRARY)}
    assert symbol_files(paths, keys) == {TA: tmp_path / f"{TA}.elf"}
    (tmp_path / f"{TA}.elf").unlink()
    assert symbol_files(paths, keys) == {}


def test_standard_error_is_passed_on_to_its_end(
    program: Program, capfd: pytest.CaptureFixture[str]
) -> None:
    with named_errors({TA: program.path}) as out:
        assert out is not None
        os.write(out, f"tee: {TA} faulted: {TA}+{program.inner:#x}\nand".encode())
    said = capfd.readouterr().err
    assert f"{TA}+{program.inner:#x} (inner at " in said
    assert said.endswith("\nand")
    with named_errors({}) as out:
        assert out is None


def test_without_symbols_a_log_is_standard_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with error_log({TA: tmp_path / "some.ta"}, None) as log:
        log(b"tee: one\n")
        assert capfd.readouterr().err == "tee: one\n"


def test_who_writes_to_the_log_of_errors_does_not_wait_for_names(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It is who serves all clients of a realm."""
    found = threading.Event()

    def search(_file: Path, _address: int) -> str:
        assert found.wait(60)
        return "somewhere"

    monkeypatch.setattr(symbols, "_name", search)
    monkeypatch.setattr(symbols, "symbol_files", lambda *_: {TA: tmp_path})
    with error_log({}, None) as log:
        log(f"tee: {TA} faulted: {TA}+0x1000\n".encode())
        assert capfd.readouterr().err == ""
        found.set()
    assert capfd.readouterr().err == f"tee: {TA} faulted: {TA}+0x1000 (somewhere)\n"


def test_a_log_of_errors_that_nobody_reads_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr(symbols, "_STDERR", write)
    for found in ({}, {TA: Path("some.elf")}):
        monkeypatch.setattr(symbols, "symbol_files", lambda *_, found=found: found)
        with error_log({}, None) as log:
            for _ in range(3):
                log(b"tee: one\n")
    os.close(write)


def test_places_are_looked_up_once_and_not_too_many_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[int] = []

    def search(_file: Path, address: int) -> str:
        searched.append(address)
        return f"f{address}"

    monkeypatch.setattr(symbols, "_name", search)
    written: list[bytes] = []
    line = f"tee: {TA} faulted: {TA}+0x7\n".encode()
    many = b"".join(line.replace(b"0x7", f"{n:#x}".encode()) for n in range(100, 200))
    with SymbolLog({TA: Path("some.elf")}, written.append) as log:
        log.write(line + line)
        log.write(many + line)
        log.write(line)
    assert len(searched) == 33
    assert sum(b"(f7)" in each for each in written) == 4
    assert len(written) == 104


def test_what_is_no_report_does_not_wait_for_its_lines_end(program: Program) -> None:
    """A client in the realm may ask something, and wait for the answer."""
    written: list[bytes] = []
    report = f"tee: {TA} faulted: {TA}+{program.inner:#x}"
    with SymbolLog({TA: program.path}, written.append) as log:
        for piece in ("Your name? ", "te", report, "\nte", report[2:], "\n"):
            log.write(piece.encode())
    assert written[:4] == [b"Your name? ", b"te", report.encode(), b"\n"]
    assert b"(inner at " in written[4]
    assert len(written) == 5
