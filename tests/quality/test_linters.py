# SPDX-License-Identifier: BSD-3-Clause
"""Formatters and linters, each as one test. A tool that is absent is a failure, not a skip."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest


def check(argv: Sequence[str | Path], top: Path, *, fix: str, only: str = "") -> None:
    """Run a checker at the top of the tree; fail with what it printed, or the lines with `only`."""
    beside_python = Path(sys.executable).parent / argv[0]
    program = beside_python if beside_python.is_file() else shutil.which(argv[0])
    if program is None:
        pytest.fail(f"{argv[0]} is not installed: {fix}", pytrace=False)
    done = subprocess.run(
        [program, *argv[1:]], cwd=top, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if only in line]
        pytest.fail("\n".join([" ".join(map(str, argv[:3])), *lines]), pytrace=False)


PYTHON_FIX = "pip install -e '.[test]'"


def test_ruff_finds_nothing(top: Path) -> None:
    check(["ruff", "check", "--no-cache", "."], top, fix=PYTHON_FIX)


def test_python_is_formatted(top: Path) -> None:
    check(["ruff", "format", "--no-cache", "--diff", "."], top, fix=PYTHON_FIX)


def test_mypy_strict_finds_nothing(top: Path) -> None:
    check(["mypy", "--no-error-summary"], top, fix=PYTHON_FIX)


def test_c_is_formatted(top: Path, files: list[Path]) -> None:
    sources = [path for path in files if path.suffix in {".c", ".h"}]
    names = [str(path.relative_to(top)) for path in sources]
    argv = ["clang-format", "--dry-run", "-Werror", *names]
    check(argv, top, fix=PYTHON_FIX, only=" error: ")


def test_shellcheck_finds_nothing(top: Path, texts: dict[Path, str]) -> None:
    shebang = re.compile(r"#!.*\bsh\b|#!.*\bbash\b|.*\n# shellcheck shell=")
    scripts = [path for path, text in texts.items() if shebang.match(text)]
    assert scripts
    check(["shellcheck", "--external-sources", *scripts], top, fix="apt-get install shellcheck")
