# SPDX-License-Identifier: BSD-3-Clause
"""Every case of every C program in this folder, each as one test.

Programs named `mbedtls_…` are built with mbedTLS's source, which is downloaded, so they are not
units. The cases' names come from the sources, so that collecting builds nothing. Each program is
built once, with address and undefined-behaviour checks, and run once; a case passes if the
program's output says so. What a program prints beyond its cases, or how it ends, is a test of its
own.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAM = re.compile(r"^\$\(eval \$\(call program,(\w+),", re.MULTILINE)
CASE = re.compile(r"\bTAP_CASE\((\w+)\)")
RESULT = re.compile(r"^(ok|not ok) \d+ - (\w+)$")
FETCHED = "mbedtls_"
BUILD_TIMEOUT = 300
RUN_TIMEOUT = 300
TAIL = 40


@dataclass(frozen=True)
class Outcome:
    """What a program printed: each case's verdict and the lines before it, and how it ended."""

    passed: dict[str, bool]
    notes: dict[str, str]
    planned: int | None
    status: int
    tail: str


def programs() -> list[str]:
    return PROGRAM.findall((HERE / "Makefile").read_text("utf-8"))


def cases(program: str) -> list[str]:
    return CASE.findall((HERE / f"{program}.c").read_text("utf-8"))


def marks(program: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.fetch,) if program.startswith(FETCHED) else ()


EVERY_PROGRAM = [pytest.param(program, marks=marks(program)) for program in programs()]
EVERY_CASE = [
    pytest.param(program, case, id=f"{program}-{case}", marks=marks(program))
    for program in programs()
    for case in cases(program)
]


def parse(output: str, status: int) -> Outcome:
    """Read a program's output; lines that are no verdict belong to the case that follows."""
    passed: dict[str, bool] = {}
    notes: dict[str, str] = {}
    pending: list[str] = []
    planned = None
    for line in output.splitlines():
        if verdict := RESULT.match(line):
            passed[verdict[2]] = verdict[1] == "ok"
            notes[verdict[2]] = "\n".join(pending[-TAIL:])
            pending = []
        elif line.startswith("1.."):
            planned = int(line[3:])
        else:
            pending.append(line)
    return Outcome(passed, notes, planned, status, "\n".join(pending[-TAIL:]))


class Bench:
    """Builds and runs each program at most once."""

    def __init__(self, out: Path, generated: Path, find_mbedtls: Callable[[], Path]) -> None:
        self._out = out
        self._generated = generated
        self._find_mbedtls = find_mbedtls
        self._failures: dict[str, str] = {}
        self._outcomes: dict[str, Outcome] = {}

    def build(self, program: str) -> str:
        """Build a program; return what failed, or nothing."""
        if program not in self._failures:
            target = self._out / program
            mbedtls = [f"MBEDTLS={self._find_mbedtls()}"] if program.startswith(FETCHED) else []
            done = subprocess.run(
                ["make", "-C", HERE, f"BUILD_DIR={self._out}", f"GENERATED={self._generated}",
                 *mbedtls, target],
                check=False, capture_output=True, text=True, timeout=BUILD_TIMEOUT,
            )  # fmt: skip
            self._failures[program] = "" if done.returncode == 0 else done.stdout + done.stderr
        return self._failures[program]

    def run(self, program: str) -> Outcome:
        """Build and run a program; return its outcome."""
        if self.build(program):
            pytest.fail(f"not built: see test_program_builds[{program}]", pytrace=False)
        if program not in self._outcomes:
            done = subprocess.run(
                [self._out / program],
                check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=RUN_TIMEOUT,
            )  # fmt: skip
            output = done.stdout.decode("utf-8", "replace")
            self._outcomes[program] = parse(output, done.returncode)
        return self._outcomes[program]


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, generated: Path, request: pytest.FixtureRequest
) -> Bench:
    def find_mbedtls() -> Path:
        path: Path = request.getfixturevalue("mbedtls_path")
        return path

    return Bench(tmp_path_factory.mktemp("c"), generated, find_mbedtls)


@pytest.mark.parametrize("program", EVERY_PROGRAM)
def test_program_builds(bench: Bench, program: str) -> None:
    failure = bench.build(program)
    if failure:
        pytest.fail(failure, pytrace=False)


@pytest.mark.parametrize(("program", "case"), EVERY_CASE)
def test_case(bench: Bench, program: str, case: str) -> None:
    outcome = bench.run(program)
    if case not in outcome.passed:
        pytest.fail(f"did not run: {program} ended with {outcome.status}", pytrace=False)
    if not outcome.passed[case]:
        pytest.fail(outcome.notes[case], pytrace=False)


@pytest.mark.parametrize("program", EVERY_PROGRAM)
def test_program_ends_well_after_all_its_cases(bench: Bench, program: str) -> None:
    outcome = bench.run(program)
    assert sorted(outcome.passed) == sorted(cases(program)), outcome.tail
    assert outcome.planned == len(outcome.passed)
    failed = not all(outcome.passed.values())
    assert outcome.status == (1 if failed else 0), outcome.tail


def test_every_program_is_in_the_makefile() -> None:
    sources = {p.stem for p in HERE.glob("*.c") if "TAP_MAIN" in p.read_text("utf-8")}
    assert sources == set(programs())


@pytest.mark.parametrize(
    ("output", "status", "passed"),
    [
        ("1..2\nok 1 - a\nnot ok 2 - b\n", 1, {"a": True, "b": False}),
        ("1..2\nok 1 - a\n==1==ERROR: AddressSanitizer\n", 1, {"a": True}),
        ("ok 1 - a trailing\nok\n", 0, {}),
    ],
)
def test_output_is_read_as_it_is(output: str, status: int, passed: dict[str, bool]) -> None:
    assert parse(output, status).passed == passed
