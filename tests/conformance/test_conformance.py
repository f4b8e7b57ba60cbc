# SPDX-License-Identifier: BSD-3-Clause
"""RMM 1.0 from both sides: each case of the bare-metal suite is a test here."""

import re
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.machine._spec import CPU
from realmos.progress import Silent
from realmos.session import Options

if TYPE_CHECKING:
    from tests.conftest import BareRun, BootBare, MakeProgram

HERE = Path(__file__).resolve().parent
SUITE_CPU = CPU.replace("sve=off", "sve=on").replace("sme=off", "sme=on")
"""Our machines turn both off for speed; here it shows what becomes of them."""
PATIENCE = 900.0
_PES = re.compile(r"CONFORMANCE_PES (\d+)U")
_RESULT = re.compile(r"^(ok|not ok) \d+ - (\w+)$")


_COVERAGE = runpy.run_path(str(HERE / "coverage.py"))
CASES = _COVERAGE["read_cases"]()
CONDITIONS = _COVERAGE["read_conditions"]()


@dataclass(frozen=True)
class Report:
    """What one run of the suite printed: by case whether it held, and its notes."""

    results: dict[str, tuple[bool, str]]
    run: "BareRun"

    def check(self, name: str) -> None:
        """Fail unless the case held."""
        if name not in self.results:
            pytest.fail(f"{name} did not come to its end: {self.run}")
        held, notes = self.results[name]
        if not held:
            pytest.fail(notes or f"{name} failed without a note")


@pytest.fixture(scope="session")
def report(make_program: "MakeProgram", boot_bare: "BootBare", realm_options: Options) -> Report:
    """Build the suite, boot it in place of the monitor, and read what it printed."""
    bl33 = make_program("conformance") / "conformance.bin"
    flash = build_firmware(Cache(), Silent(), rmm=realm_options.rmm, bl33=bl33)
    (pes,) = _PES.findall((HERE / "conformance.h").read_text())
    return _read(boot_bare(flash, seconds=PATIENCE, pes=int(pes), cpu=SUITE_CPU))


def _read(run: "BareRun") -> Report:
    results: dict[str, tuple[bool, str]] = {}
    notes: list[str] = []
    for line in run.console.splitlines():
        found = _RESULT.match(line.strip())
        if found:
            results[found[2]] = (found[1] == "ok", "\n".join(notes))
            notes = []
        elif line.startswith("# "):
            notes.append(line[2:].strip())
    return Report(results, run)


@pytest.mark.qemu
@pytest.mark.timeout(PATIENCE + 300)
@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_case(report: Report, name: str) -> None:
    report.check(name)


def test_each_case_names_conditions_that_exist() -> None:
    known = {each.id for each in CONDITIONS}
    for case in CASES:
        assert case.conditions, f"{case.name} covers nothing"
        assert set(case.conditions) <= known, case.name


def test_each_condition_has_a_case_or_a_reason_why_not() -> None:
    covered = {condition for case in CASES for condition in case.conditions}
    for condition in CONDITIONS:
        assert (condition.id in covered) != bool(condition.uncovered), condition.id


def test_condition_ids_are_unique() -> None:
    ids = [condition.id for condition in CONDITIONS]
    assert len(ids) == len(set(ids))


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


def test_the_page_of_the_conditions_is_current() -> None:
    page = _COVERAGE["DOCUMENT"].read_text()
    assert page == _COVERAGE["document"](CASES, CONDITIONS), (
        "python tests/conformance/coverage.py --write"
    )
