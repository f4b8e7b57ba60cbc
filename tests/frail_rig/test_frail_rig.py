# SPDX-License-Identifier: BSD-3-Clause
"""An RMM that breaks down on one PE says where; other PEs and realms go on as they were.

The same machine shows first what guards its stacks, and that it reads the host's memory once.
"""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.machine import MachineSpec, firmware_argv
from realmos.machine._spec import uart_pipe
from realmos.progress import Silent
from realmos.source import find_qemu

if TYPE_CHECKING:
    from tests.conftest import MakeProgram

PES = 8
SECONDS = 300.0
EXCEPTION = r"synchronous exception: ESR 0x{esr} ELR 0x[0-9a-f]+ FAR 0x{far} LR 0x[0-9a-f]+"
ADDRESS = "[0-9a-f]+"
GUARD = re.compile(r"# guard 0x([0-9a-f]+)")
FRAIL_C = r"at \S*frail\.c:\d+"
PANICS = {
    "a_null_pointer_stops_one_pe": EXCEPTION.format(esr="9600000[4-7]", far="0"),
    "a_write_to_the_code_stops_one_pe": EXCEPTION.format(esr="9600004[d-f]", far="40100000"),
    "a_write_to_constants_stops_one_pe": EXCEPTION.format(esr="9600004[d-f]", far=ADDRESS),
    "a_branch_to_data_stops_one_pe": EXCEPTION.format(esr="8600000[d-f]", far=ADDRESS),
    "a_stack_used_up_stops_one_pe": rf"stack overflow: ESR 0x9600004[4-7] ELR 0x{ADDRESS} FAR",
    "a_check_that_fails_under_a_lock_stops_one_pe": rf"check failed: !granule_lock.* {FRAIL_C}",
    "a_rec_that_lost_its_pe_stays_closed": rf"check failed: call->x.* {FRAIL_C}",
}
"""What the RMM says, by case: a syndrome of permission faults (FSC 0x0F), or where the check is."""

pytestmark = [pytest.mark.qemu, pytest.mark.timeout(SECONDS + 120)]


@pytest.fixture(scope="module")
def flash(make_program: "MakeProgram", mbedtls_path: Path) -> Path:
    rmm = make_program("frail", f"MBEDTLS={mbedtls_path}") / "rmm.bin"
    bl33 = make_program("frail_rig") / "frail.bin"
    return build_firmware(Cache(), Silent(), rmm=rmm, bl33=bl33).path


def boot(flash: Path, out: Path, until: str = "") -> list[str]:
    """The lines of a machine that no panic stops, when it ends or has said `until`."""
    qemu = find_qemu(Cache(), Silent()).argv_prefix
    spec = MachineSpec(qemu=qemu, flash=flash, realms=(), logs=out, sockets=out)
    deadline = time.monotonic() + SECONDS
    with process.spawn(firmware_argv(spec, pes=PES), log=out / "qemu.log") as machine:
        try:
            while machine.poll() is None and time.monotonic() < deadline:
                if until and until in _printed(spec):
                    break
                time.sleep(0.1)
        finally:
            machine.kill()
    return _printed(spec).splitlines()


def _printed(spec: MachineSpec) -> str:
    path = uart_pipe(spec)
    return path.read_text("utf-8", errors="replace") if path.exists() else ""


@pytest.fixture(scope="module")
def console(flash: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return boot(flash, tmp_path_factory.mktemp("frail_machine"))


def test_the_guard_of_each_boot_is_another(flash: Path, console: list[str], tmp_path: Path) -> None:
    first = GUARD.search("\n".join(console))
    assert first, "\n".join(console)
    again = boot(flash, tmp_path, until="functions_have_a_guard")
    second = GUARD.search("\n".join(again))
    assert second, "\n".join(again)
    assert int(first[1], 16) >> 32 != int(second[1], 16) >> 32


def test_what_was_read_of_the_host_is_not_read_again(console: list[str]) -> None:
    assert "ok 2 - what_was_read_may_change_at_once" in console, "\n".join(console)


@pytest.mark.parametrize("case", PANICS)
def test_a_panic_stops_one_pe_and_nothing_else(console: list[str], case: str) -> None:
    assert any(re.fullmatch(rf"ok \d+ - {case}", line) for line in console), "\n".join(console)
    assert any(re.match(f"RMM: panic: {PANICS[case]}", line) for line in console), "\n".join(
        console
    )


def test_each_case_panics_once(console: list[str]) -> None:
    panics = [line for line in console if "panic" in line]
    assert len(panics) == len(PANICS), "\n".join(panics)
