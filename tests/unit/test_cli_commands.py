# SPDX-License-Identifier: BSD-3-Clause
"""The installed command, as a process: what needs neither a machine nor the network."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos.cache import sha256_file
from realmos.cli._examples import EXAMPLES
from realmos.source import qemu, toolchain

REALMOS = Path(sys.executable).with_name("realmos")
MIB = 1 << 20

Environment = dict[str, str]
Programs = Callable[..., str]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A cache, a state and a data directory of its own."""
    own = {f"REALMOS_{name.upper()}": str(tmp_path / name) for name in ("cache", "state", "data")}
    return {**os.environ, **own, "COLUMNS": "80"}


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """Return a function that returns a PATH with all programs but those named."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def path_without(*names: str) -> str:
        for place in reversed(os.environ["PATH"].split(os.pathsep)):
            for program in Path(place).glob("*"):
                link = folder / program.name
                link.unlink(missing_ok=True)
                if program.name not in names:
                    link.symlink_to(program)
        return str(folder)

    return path_without


def realmos(environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REALMOS, *words], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def doctor(environment: Environment) -> tuple[int, dict[str, dict[str, object]]]:
    done = realmos(environment, "doctor", "--json")
    return done.returncode, {row["name"]: row for row in json.loads(done.stdout)}


def test_doctor_shows_what_it_found_of_each_requirement(environment: Environment) -> None:
    status, rows = doctor(environment)
    assert status == 0
    gcc, linker = toolchain.compiler_tools()
    versions = {name.split()[0]: row["found"] for name, row in rows.items()}
    assert versions["Python"] == ".".join(map(str, sys.version_info[:3]))
    assert versions[gcc.program] == gcc.version()
    assert {"apt-get", "dpkg-deb", "setpriv", "make", "dtc", linker.program} <= versions.keys()
    assert all(row["ok"] and row["found"] for row in rows.values())
    done = realmos(environment, "doctor")
    assert done.returncode == 0
    assert "missing" not in done.stdout
    for name in ("make", gcc.program, linker.program):
        assert re.search(rf"{name}[^\n]*{re.escape(str(versions[name]))}[^\n]* ok ", done.stdout)


def test_doctor_names_the_whole_command_that_fixes_what_is_missing(
    environment: Environment, programs: Programs
) -> None:
    gcc, _ = toolchain.compiler_tools()
    environment["PATH"] = programs(gcc.program, "dtc")
    done = realmos(environment, "doctor")
    assert done.returncode == 1
    missing = [line for line in done.stdout.splitlines() if line.startswith("missing: ")]
    assert f"missing: {gcc.program} 12: {gcc.fix}" in missing
    assert "missing: dtc 1.4: apt-get install device-tree-compiler" in missing
    status, rows = doctor(environment)
    assert status == 1
    assert [row["fix"] for row in rows.values() if not row["ok"]] == [
        line.rpartition(": ")[2] for line in missing
    ]


@pytest.mark.parametrize(
    ("prints", "ok", "found"),
    [
        ("QEMU emulator version 7.2.19", True, "will be fetched; 7.2.19 installed is too old"),
        ("Illegal instruction", False, "does not print a version"),
    ],
)
def test_doctor_knows_a_qemu_that_will_not_do(
    environment: Environment, programs: Programs, prints: str, *, ok: bool, found: str
) -> None:
    environment["PATH"] = programs(qemu.PROGRAM)
    fake = Path(environment["PATH"]) / qemu.PROGRAM
    fake.write_text(f"#!/bin/sh\necho '{prints}'\n")
    fake.chmod(0o755)
    status, rows = doctor(environment)
    row = rows["QEMU 9.2"]
    assert (status, row["ok"]) == (int(not ok), ok)
    assert found in str(row["found"])
    assert ok or row["fix"]


def test_a_build_without_a_compiler_names_its_package(
    environment: Environment, programs: Programs
) -> None:
    gcc, _ = toolchain.compiler_tools()
    environment["PATH"] = programs(gcc.program)
    done = realmos(environment, "build", "firmware")
    assert done.returncode == 1
    assert f"{gcc.program} was not found" in done.stderr
    assert f"next: {gcc.fix}" in done.stderr


def test_the_cache_is_shown_and_pruned(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(2 * MIB))
    digest = sha256_file(tmp_path / "data")
    folder = tmp_path / "cache" / "files"
    folder.mkdir(parents=True)
    shutil.copy(tmp_path / "data", folder / digest)
    (entry,) = json.loads(realmos(environment, "cache", "--json").stdout)
    assert (entry["kind"], entry["path"]) == ("file", str(folder / digest))
    table = realmos(environment, "cache").stdout
    assert str(tmp_path / "cache") in re.sub(r"\s", "", table)
    assert re.search(r"file\s*│\s*1\s*│\s*2\.0", table)
    pruned = realmos(environment, "cache", "--prune")
    assert pruned.returncode == 0
    assert pruned.stdout == f"freed 2 MiB of {tmp_path / 'cache'}\n"
    assert json.loads(realmos(environment, "cache", "--json").stdout) == []


def test_logs_before_any_machine_say_how_to_start_one(environment: Environment) -> None:
    done = realmos(environment, "logs")
    assert done.returncode == 1
    assert "no machine has run yet" in done.stderr
    assert "next: realmos run" in done.stderr


def test_a_lock_that_is_not_there_lists_those_that_are(environment: Environment) -> None:
    done = realmos(environment, "lock", "nosuch")
    assert done.returncode == 1
    assert "there is no package lock nosuch" in done.stderr
    assert "next: one of: firmware, linux, peer, qemu, runner, small, tee" in done.stderr


def test_help_lists_every_command(environment: Environment) -> None:
    done = realmos(environment, "--help")
    assert done.returncode == 0
    for command in {name.partition(" ")[0] for name in EXAMPLES}:
        assert re.search(rf"^    {command} +\S", done.stdout, re.MULTILINE)
