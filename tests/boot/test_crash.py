# SPDX-License-Identifier: BSD-3-Clause
"""Crashes provoked on a running machine: who crashed, where, and called by whom, can be read."""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from realmos import process, tree
from realmos.cache import Cache
from realmos.errors import BootError
from realmos.firmware import build_firmware
from realmos.machine import Layer
from realmos.progress import Silent
from realmos.pytest_plugin import RealmFactory

pytestmark = pytest.mark.qemu

UNDEFINED = '__asm__ volatile("udf #0");'
# Seen through no type, so that the compiler cannot tell that it does not fit.
OVERRUN = (
    'char room[8], *end = room; __asm__ volatile("" : "+r"(end)); '
    "for (int n = 0; n < 24; n++) { end[n] = 1; }"
)
NULL_READ = '__asm__ volatile("ldr xzr, [%0]" :: "r"(0UL));'
ESR_EC_SHIFT = 26
EC_UNKNOWN = 0x00
EC_DATA_SAME = 0x25


@dataclass(frozen=True)
class Fault:
    """One statement put in as the first of a function.

    Args:
        file: the source, from the root of the tree.
        function: the start of its line, up to the parenthesis.
        statement: what crashes.
    """

    file: str
    function: str
    statement: str

    @property
    def name(self) -> str:
        return self.function.split()[-1]

    def inject(self, root: Path) -> int:
        """Change the source below `root`; return the statement's line."""
        path = root / self.file
        lines = path.read_text("utf-8").splitlines()
        head = next(n for n, text in enumerate(lines) if text.startswith(f"{self.function}("))
        # The statement shares the brace's line, so that all others stay where they are.
        brace = lines.index("{", head)
        lines[brace] = f"{{ {self.statement}"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return brace + 1


@dataclass(frozen=True)
class Crash:
    """What a machine with a fault in it left behind: its error, and `realmos logs`."""

    error: BootError
    logs: list[str]
    at: str
    """The faulting file and line."""

    def frames(self, tag: str) -> list[str]:
        """The functions of the backtrace, innermost first, with file and line."""
        found = [
            re.search(rf"{tag}:   #\d+ 0x[0-9a-f]+ (\w+)\+\S+ \((.*)\)$", s) for s in self.logs
        ]
        return [f"{match[1]} {match[2]}" for match in found if match]


Provoke = Callable[[Fault], Crash]


@pytest.fixture
def provoke(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, realm_factory: RealmFactory
) -> Provoke:
    """A function that builds the RMM or the monitor with a fault, and boots it until it crashes."""
    copy = tmp_path / "tree"
    for part in ("rmm", "host/monitor"):
        shutil.copytree(top / part, copy / part)
    (copy / "images").symlink_to(top / "images")
    monkeypatch.setenv("REALMOS_STATE", str(tmp_path / "state"))

    def run(fault: Fault) -> Crash:
        line = fault.inject(copy)
        with monkeypatch.context() as patch:
            patch.setattr(tree, "root", lambda: copy)
            flash = build_firmware(Cache(), Silent())
        # Only one of the two differs from ours; it is brought in, its ELF file beside it.
        part = flash.rmm if fault.file.startswith("rmm/") else flash.bl33
        options = {part.name: part.path}
        with pytest.raises(BootError) as caught, realm_factory(**options):
            pass
        environment = process.base_env(REALMOS_STATE=str(tmp_path / "state"))
        words = [sys.executable, "-m", "realmos.cli", "logs"]
        logs = process.run(words, env=environment).splitlines()
        return Crash(caught.value, logs, f"{Path(fault.file).name}:{line}")

    return run


def exception_class(message: str) -> int:
    found = re.search(r"ESR 0x([0-9a-f]+)", message)
    assert found, message
    return int(found[1], 16) >> ESR_EC_SHIFT


def test_a_crash_of_the_rmm_names_the_function_and_its_callers(provoke: Provoke) -> None:
    crash = provoke(Fault("rmm/src/rmi/granule.c", "void rmi_granule_delegate", NULL_READ))
    message = str(crash.error)
    assert crash.error.layer is Layer.RMM
    assert exception_class(message) == EC_DATA_SAME
    assert "FAR 0x0 " in message
    where = rf"rmi_granule_delegate\+0x[0-9a-f]+ \(\S*{crash.at}\)"
    assert re.search(rf"panic: synchronous exception: .*ELR 0x[0-9a-f]+ = {where}", message)
    names = [frame.split()[0] for frame in crash.frames("RMM")]
    assert names[:4] == [
        "exception_current_el", "current_el", "rmi_granule_delegate", "rmi_handle",
    ]  # fmt: skip
    assert crash.frames("RMM")[2].endswith(crash.at)
    assert any(re.search(rf"^ +RMM \| RMM: panic: .*{where}", line) for line in crash.logs)
    assert any("rmi_handle+" in line for line in crash.error.tail)


def test_a_crash_in_a_function_without_a_frame_names_its_caller_too(provoke: Provoke) -> None:
    crash = provoke(Fault("rmm/src/core/memory.c", "bool memory_wipe", UNDEFINED))
    message = str(crash.error)
    assert exception_class(message) == EC_UNKNOWN
    assert re.search(rf"ELR 0x[0-9a-f]+ = memory_wipe\+0x0 \(\S*{crash.at}\)", message)
    assert re.search(r"LR 0x[0-9a-f]+ = rmi_granule_delegate\+\S+ \(\S*granule\.c:\d+\)", message)
    assert crash.frames("RMM")[2].endswith(crash.at)


def test_an_overrun_buffer_names_the_function_that_overran_it(provoke: Provoke) -> None:
    crash = provoke(Fault("rmm/src/rmi/granule.c", "void rmi_granule_delegate", OVERRUN))
    message = str(crash.error)
    assert crash.error.layer is Layer.RMM
    where = r"rmi_granule_delegate\+0x[0-9a-f]+ \(\S*granule\.c:\d+\)"
    assert re.search(rf"panic: stack smashed: LR 0x[0-9a-f]+ = {where}", message)


def test_a_crash_of_the_monitor_names_the_function_and_its_callers(provoke: Provoke) -> None:
    crash = provoke(Fault("host/monitor/granule.c", "bool granule_take_contiguous", UNDEFINED))
    message = str(crash.error)
    assert crash.error.layer is Layer.MONITOR
    where = rf"granule_take_contiguous\+0x[0-9a-f]+ \(\S*{crash.at}\)"
    assert re.search(rf"panic: synchronous exception: .*ELR 0x[0-9a-f]+ = {where}", message)
    names = [frame.split()[0] for frame in crash.frames("MON")]
    assert names[:3] == ["exception_take", "take", "granule_take_contiguous"]
    assert "realm_build" in names
    assert any(re.search(rf"^monitor \| MON: panic: .*{where}", line) for line in crash.logs)
