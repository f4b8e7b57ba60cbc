# SPDX-License-Identifier: BSD-3-Clause
"""Programs of the build machine: what is missing or too old is named with its package."""

from pathlib import Path

import pytest
from realmos.cache import Cache
from realmos.errors import ToolError
from realmos.source import _mirror, doctor, qemu, toolchain
from realmos.source.toolchain import Tool


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture(autouse=True)
def x86(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mirror, "build_architecture", lambda: "amd64")


def program(path: Path, name: str, text: str) -> None:
    file = path / name
    file.write_text(f"#!/bin/sh\necho '{text}'\n", "utf-8")
    file.chmod(0o755)


def test_absent_compiler_names_its_package(path: Path) -> None:
    assert path.is_dir()
    with pytest.raises(ToolError, match="aarch64-linux-gnu-gcc was not found") as caught:
        toolchain.find_cross_compiler()
    assert caught.value.hint == "apt-get install gcc-aarch64-linux-gnu"


def test_absent_linker_names_its_package(path: Path) -> None:
    program(path, "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc (Debian 12.2.0-14) 12.2.0")
    with pytest.raises(ToolError, match="aarch64-linux-gnu-ld was not found") as caught:
        toolchain.find_cross_compiler()
    assert caught.value.hint == "apt-get install binutils-aarch64-linux-gnu"


def test_old_compiler_is_refused_with_both_versions(path: Path) -> None:
    program(path, "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc (Debian 10.2.1-6) 10.2.1")
    with pytest.raises(ToolError, match=r"10\.2\.1 is too old: 12 is needed"):
        toolchain.find_cross_compiler()


def test_program_without_a_version_is_refused(path: Path) -> None:
    program(path, "make", "usage: make")
    with pytest.raises(ToolError, match="prints no version"):
        toolchain.MAKE.require()


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("GNU Make 4.3", "4.3"),
        ("gcc (Debian 14.2.0-19) 14.2.0", "14.2.0"),
        ("aarch64-linux-gnu-gcc (Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0", "13.3.0"),
        ("GNU ld (GNU Binutils for Debian) 2.40", "2.40"),
        ("apt 2.6.1 (amd64)", "2.6.1"),
    ],
)
def test_versions_are_read_as_the_programs_print_them(path: Path, line: str, version: str) -> None:
    program(path, "tool", line)
    assert Tool("tool", "package").version() == version


def test_compiler_is_identified_with_its_linker(path: Path) -> None:
    program(path, "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc (Debian 12.2.0-14) 12.2.0")
    program(path, "aarch64-linux-gnu-ld", "GNU ld (GNU Binutils for Debian) 2.40")
    found = toolchain.find_cross_compiler()
    assert found.prefix == "aarch64-linux-gnu-"
    assert "12.2.0-14" in found.identity
    assert "2.40" in found.identity


def test_arm64_machine_uses_its_own_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mirror, "build_architecture", lambda: "arm64")
    gcc, linker = toolchain.compiler_tools()
    assert (gcc.program, linker.program) == ("gcc", "ld")


def test_bare_machine_gets_a_command_for_everything_missing(path: Path, tmp_path: Path) -> None:
    assert path.is_dir()
    rows = {row.name: row for row in doctor.requirements(Cache(tmp_path / "cache"))}
    for name in ("make 4.2", "aarch64-linux-gnu-gcc 12", "static C library for arm64"):
        assert not rows[name].ok
        assert rows[name].fix.startswith("apt-get install ")


def test_old_qemu_is_no_obstacle(path: Path, tmp_path: Path) -> None:
    program(path, qemu.PROGRAM, "QEMU emulator version 7.2.19")
    rows = {row.name: row for row in doctor.requirements(Cache(tmp_path / "cache"))}
    row = rows["QEMU 9.2"]
    assert row.ok
    assert "will be fetched; 7.2.19 installed is too old" in row.found


def test_new_qemu_is_shown_with_its_path(path: Path, tmp_path: Path) -> None:
    program(path, qemu.PROGRAM, "QEMU emulator version 10.0.2")
    rows = {row.name: row for row in doctor.requirements(Cache(tmp_path / "cache"))}
    assert str(path) in rows["QEMU 9.2"].found
