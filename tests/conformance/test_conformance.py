# SPDX-License-Identifier: BSD-3-Clause
"""RMM 1.0 from both sides: each case of the bare-metal suite is a test here."""

import re
import runpy
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.machine._spec import CPU
from realmos.progress import Silent
from realmos.session import Options
from realmos.source import find_qemu

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
    console: str

    def check(self, name: str) -> None:
        """Fail unless the case held."""
        if name not in self.results:
            pytest.fail(f"{name} did not come to its end\n{self.console[-3000:]}")
        held, notes = self.results[name]
        if not held:
            pytest.fail(notes or f"{name} failed without a note")


@pytest.fixture(scope="session")
def report(
    top: Path,
    generated: Path,
    cross_compile: str,
    realm_options: Options,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    """Build the suite, boot it in place of the monitor, and read what it printed."""
    out = tmp_path_factory.mktemp("conformance")
    process.run(
        ["make", "-j2", "-f", top / "tests/conformance/Makefile", f"BUILD_DIR={out}",
         f"GENERATED={generated}", f"CROSS_COMPILE={cross_compile}"]
    )  # fmt: skip
    cache = Cache()
    flash = build_firmware(cache, Silent(), rmm=realm_options.rmm, bl33=out / "conformance.bin")
    qemu = find_qemu(cache, Silent())
    console = out / "console.log"
    (pes,) = _PES.findall((HERE / "conformance.h").read_text())
    command = [
        *qemu.argv_prefix,
        "-M", "virt,secure=on,virtualization=on,gic-version=3,acpi=off",
        "-cpu", SUITE_CPU, "-smp", pes, "-m", "2G", "-accel", "tcg,thread=multi",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-bios", str(flash.path), "-serial", f"file:{console}",
    ]  # fmt: skip
    with process.spawn(command, log=out / "qemu.log") as machine:
        try:
            machine.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            pass  # the cases that did not come to their end say so
        finally:
            machine.kill()
    return _read(console.read_text(errors="replace"))


def _read(console: str) -> Report:
    results: dict[str, tuple[bool, str]] = {}
    notes: list[str] = []
    for line in console.splitlines():
        found = _RESULT.match(line.strip())
        if found:
            results[found[2]] = (found[1] == "ok", "\n".join(notes))
            notes = []
        elif line.startswith("# "):
            notes.append(line[2:].strip())
    return Report(results, console)


@pytest.mark.qemu
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
