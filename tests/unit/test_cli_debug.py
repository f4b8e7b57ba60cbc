# SPDX-License-Identifier: BSD-3-Clause
"""`--gdb`: the command that is printed, and what a debugged realm differs in."""

import shlex
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from realmos.cli._debug import announce, debug_cmdline, gdb_command
from realmos.errors import ConfigError
from realmos.session import Prepared


def prepared(symbols: dict[str, Path]) -> Prepared:
    made = SimpleNamespace(
        flash=SimpleNamespace(symbols=lambda: symbols),
        realms=[SimpleNamespace(entry=0x40200000)],
        options=SimpleNamespace(gdb=1234),
    )
    return cast("Prepared", made)


def test_an_image_brought_in_without_its_elf_file_has_no_symbols_to_stop_at() -> None:
    with pytest.raises(ConfigError, match="brought in with --rmm") as caught:
        gdb_command(prepared({"monitor": Path("/m.elf")}), "rmm", 1234)
    assert ".elf" in caught.value.hint
    assert "hbreak *0x40200000" in gdb_command(prepared({}), "realm", 1234)


def test_the_gdb_command_is_printed_to_the_letter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elf = tmp_path / "a [bold]" / "rmm.elf"
    elf.parent.mkdir()
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    elf.write_bytes(struct.pack("<16sHHIQQQI6H", ident, 2, 183, 1, 0x40100000, *[0] * 9))
    announce(prepared({"rmm": elf}), "rmm")
    command = shlex.split(capsys.readouterr().err.splitlines()[1])
    assert command[4:7] == [f"file {elf}", "-ex", "hbreak *0x40100000"]


def test_the_symbols_for_a_realm_are_its_kernels_and_those_of_the_code_at_el2() -> None:
    files = {"bl31": Path("/b.elf"), "monitor": Path("/m.elf"), "rmm": Path("/r.elf")}
    words = shlex.split(gdb_command(prepared(files), "realm", 1234, Path("/k.elf")))
    assert "file /k.elf" in words
    loaded = [word for word in words if word.startswith("add-symbol-file")]
    assert loaded == ["add-symbol-file /m.elf", "add-symbol-file /r.elf"]


def test_a_realm_to_be_debugged_has_its_kernel_where_its_symbols_are() -> None:
    assert debug_cmdline("x=1", "realm") == "x=1 nokaslr"
    assert debug_cmdline("x=1", "rmm") == "x=1"
    assert debug_cmdline("x=1", None) == "x=1"
