# SPDX-License-Identifier: BSD-3-Clause
"""Crash reports on UART0: heard to their end, and told as those of the layer that crashed."""

import threading
import time
from pathlib import Path

import pytest
from realmos.errors import BootError
from realmos.machine import Layer, Machine, MachineSpec

BOOT = "NOTICE:  BL31: v2\nRMM: ready: RMI 1.0 RSI 1.0\nMON: ready\n"
DUMP = """\
Unhandled Exception in EL3.
x30            = 0x000000000e0920a4
x0             = 0x00000000c4000150
elr_el3        = 0x00000000dead0000
gicd_ispendr regs (Offsets 0x200-0x278)
Offset\t\t\tValue
0x200:\t\t 0x0000000000000000
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without realms whose console a test writes itself."""
    (tmp_path / "uart.log").write_text(BOOT)
    return Machine(MachineSpec(("qemu",), Path("/flash.bin"), (), tmp_path, tmp_path))


def test_a_backtrace_that_comes_after_the_panic_is_in_the_report(machine: Machine) -> None:
    log = machine.spec.logs / "uart.log"

    def crash() -> None:
        with log.open("a", buffering=1) as uart:
            uart.write("RMM: panic: check failed\n")
            for number in range(3):
                time.sleep(0.05)
                uart.write(f"RMM:   #{number} 0x4010000{number}\n")

    thread = threading.Thread(target=crash)
    thread.start()
    with pytest.raises(BootError) as caught:
        machine.wait_until(lambda: False, what="nothing", timeout=60)
    thread.join()
    assert caught.value.layer is Layer.RMM
    assert caught.value.tail[-1] == "RMM:   #2 0x40100002"


def test_a_crash_in_el3_is_that_of_bl31_whoever_ran_last(machine: Machine) -> None:
    with (machine.spec.logs / "uart.log").open("a") as uart:
        uart.write(DUMP)
    with pytest.raises(BootError, match="Unhandled Exception in EL3") as caught:
        machine.poll()
    assert caught.value.layer is Layer.BL31
    registers = [line.split()[0] for line in caught.value.tail if " = 0x" in line]
    assert registers == ["x30", "elr_el3"]
    assert not any("0x200" in line for line in caught.value.tail)
