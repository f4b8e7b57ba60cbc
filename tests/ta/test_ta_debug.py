# SPDX-License-Identifier: BSD-3-Clause
"""Looking into TAs: `realmos ta debug` with a real gdb in batch mode, and reports of panics."""

import platform
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos import cli
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.source import find_cross_compiler
from realmos.tee import TaSource, build_ta, find_dev_kit, find_optee_tests

pytest_plugins = ["ta_examples"]
pytestmark = [
    pytest.mark.fetch,
    pytest.mark.skipif(platform.machine() == "aarch64", reason="QEMU's user mode is not fetched"),
]

Build = Callable[[str], Path]
OS_TEST = "5b9e0e40-2636-11e1-ad9e-0002a5d5c51b"
LIBRARY = "ffd2bded-ab7d-4988-95ee-e4962fff7154"
PLUGIN = "b3091a65-9751-4784-abf7-0298a7cc35ba"


def debug(*words: str, commands: tuple[str, ...]) -> int:
    given = [word for command in commands for word in ("--ex", command)]
    return cli.main(["ta", "debug", "--batch", *given, *words])


def test_gdb_stops_at_the_entry_and_at_source_lines(
    build: Build, make_own: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    commands = (
        "print func", "break TA_InvokeCommandEntryPoint", "continue", "print command",
        "backtrace 1", "delete", "continue",
    )  # fmt: skip
    status = debug(str(build("hello")), "--", str(make_own("hello")), "41", commands=commands)
    said = capfd.readouterr()
    assert "#0  __ta_entry (func=0" in said.out
    assert "$1 = 0" in said.out  # the entry is entered for a session first
    assert "hello_ta.c:" in said.out
    assert "$2 = 0" in said.out  # the command
    assert "41 becomes 42\n" in said.out
    assert "only the symbols" not in said.err
    assert status == 0


def test_client_ends_with_the_ta_when_gdb_ends_it(
    build: Build, make_own: Build, capfd: pytest.CaptureFixture[str]
) -> None:
    assert debug(str(build("hello")), "--", str(make_own("hello")), commands=()) == 1
    assert "result 0xffff3024, origin 3" in capfd.readouterr().err  # the TEE


def test_libraries_have_their_symbols_where_they_are_loaded(
    cache: Cache, capfd: pytest.CaptureFixture[str]
) -> None:
    tests = find_optee_tests(cache, Silent())
    words = ["--uuid", OS_TEST, str(tests.applications[0].parent)]
    xtest = [str(tests.xtest), "-l", "0", "-t", "regression", "1022"]
    commands = ("info symbol os_test_shlib_add",
                "tbreak TEE_CloseTASession", "continue", "ta-objects",
                "info symbol os_test_shlib_dl_add", "continue")  # fmt: skip
    assert debug(*words, "--", *xtest, commands=commands) == 0
    said = capfd.readouterr().out
    assert re.search(rf"os_test_shlib_add in section \.text of \S+/{LIBRARY}\.elf", said)
    assert re.search(rf"os_test_shlib_dl_add in section \.text of \S+/{PLUGIN}\.elf", said)


def test_panic_is_reported_with_functions_and_lines(
    top: Path, make_own: Build, tmp_path: Path, cache: Cache, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(top / "guest/optee/examples/hello", tmp_path / "hello")
    source = tmp_path / "hello/ta/hello_ta.c"
    text = source.read_text("utf-8")
    source.write_text(text.replace("params[0].value.a++;", "TEE_Panic(0x2a);"), "utf-8")
    made = build_ta(
        TaSource(source.parent), find_dev_kit(cache, Silent()), find_cross_compiler(),
        out=tmp_path / "out", cache=cache, reporter=Silent(),
    )  # fmt: skip
    words = ["ta", "run", "--local", str(made.path), "--", str(make_own("hello"))]
    assert cli.main(words) == 1
    said = capfd.readouterr().err
    line = text[: text.index("params[0].value.a++;")].count("\n") + 1
    assert re.search(rf"TEE_Panic, from .* \(increment at \S+hello_ta\.c:{line}\)", said)
    assert "panicked with code 0x0000002a" in said
