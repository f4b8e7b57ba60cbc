# SPDX-License-Identifier: BSD-3-Clause
"""How much of the RMM its native unit tests run: lines, and branches both ways.

The table is logged: `pytest tests/c/test_coverage.py --log-cli-level=info`. Assembly, and the C
around it in `core/`, is not built natively; what boots a machine runs that.
"""

import json
import logging
import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

LOG = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
PROGRAM = re.compile(r"^\$\(eval \$\(call program,((?:rmm|mbedtls)_\w+),", re.MULTILINE)
NOT_NATIVE = "rmm/src/core"
GOAL_LINES = 98.0
GOAL_BRANCHES = 85.0
PATIENCE = 600


@dataclass
class Counts:
    """How often each line, and each way out of it, was taken in one source."""

    lines: dict[int, int] = field(default_factory=dict)
    branches: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, report: dict[str, Any]) -> None:
        """Take in what gcov says of one object that was made from the source."""
        for line in report["lines"]:
            number = line["line_number"]
            self.lines[number] = max(self.lines.get(number, 0), line["count"])
            for n, branch in enumerate(line["branches"]):
                key = number, n
                self.branches[key] = max(self.branches.get(key, 0), branch["count"])

    @property
    def missing(self) -> list[int]:
        return sorted(number for number, count in self.lines.items() if count == 0)


def percent(counts: Iterable[int]) -> float:
    known = list(counts)
    return 100.0 * sum(count > 0 for count in known) / max(1, len(known))


def row(name: str, lines: list[int], branches: list[int], missing: object = "") -> str:
    return (
        f"{name:<34}{len(lines):>6}{percent(lines):>7.1f}%"
        f"{len(branches):>6}{percent(branches):>7.1f}%  {missing}"
    )


@pytest.fixture(scope="module")
def counts(
    top: Path, generated: Path, mbedtls_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Counts]:
    """What all programs together ran of each source, by its path from the top."""
    out = tmp_path_factory.mktemp("coverage")
    programs = [out / name for name in PROGRAM.findall((HERE / "Makefile").read_text("utf-8"))]
    subprocess.run(
        ["make", f"-j{os.cpu_count() or 1}", "-C", HERE, f"BUILD_DIR={out}",
         f"GENERATED={generated}", f"MBEDTLS={mbedtls_path}", "INSTRUMENT=-O0 --coverage",
         *programs],
        check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE,
    )  # fmt: skip
    for program in programs:
        subprocess.run([program], check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    data = sorted((out / "obj/rmm/src").rglob("*.gcda"))
    reports = subprocess.run(
        ["gcov", "--json-format", "--stdout", "--branch-probabilities", *data],
        cwd=out, check=True, capture_output=True, text=True, timeout=PATIENCE,
    ).stdout  # fmt: skip
    found: dict[str, Counts] = {}
    for report in reports.splitlines():
        for source in json.loads(report)["files"]:
            path = Path(source["file"])
            if path.is_relative_to(top / "rmm/src"):
                found.setdefault(str(path.relative_to(top)), Counts()).add(source)
    return found


@pytest.mark.fetch
def test_the_unit_tests_run_nearly_all_of_the_rmm(counts: dict[str, Counts]) -> None:
    rows = [
        row(name, [*one.lines.values()], [*one.branches.values()], one.missing or "")
        for name, one in sorted(counts.items())
    ]
    lines = [count for one in counts.values() for count in one.lines.values()]
    branches = [count for one in counts.values() for count in one.branches.values()]
    table = "\n".join([*rows, row("all", lines, branches)])
    LOG.info("lines, branches, and lines not run\n%s", table)
    assert percent(lines) >= GOAL_LINES, table
    assert percent(branches) >= GOAL_BRANCHES, table


@pytest.mark.fetch
def test_every_source_but_those_around_assembly_is_counted(
    counts: dict[str, Counts], top: Path
) -> None:
    sources = {str(path.relative_to(top)) for path in (top / "rmm/src").rglob("*.c")}
    native = {name for name in sources if not name.startswith(NOT_NATIVE)}
    # Only numbers, of which gcov says nothing.
    assert native - counts.keys() == {"rmm/src/sha_constants.c"}
