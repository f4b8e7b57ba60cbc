# SPDX-License-Identifier: BSD-3-Clause
"""What a machine that stopped is reported with: the layer, that layer's last lines, a next step."""

from dataclasses import replace
from pathlib import Path

import pytest
from realmos.errors import BootError
from realmos.machine import Layer, Machine, MachineSpec, RealmSlot
from realmos.realm import Activate, Plan, Realm, RealmConfig, RealmParams

BOOT = "NOTICE:  BL31: v2\nRMM: ready: RMI 1.0 RSI 1.0\nMON: realm 0 linux: running\n"


@pytest.fixture
def spec(tmp_path: Path) -> MachineSpec:
    """A machine of two realms whose consoles a test writes itself."""
    plan = Plan(RealmParams(), (Activate(),))
    realm = Realm(RealmConfig(), "linux", (), plan, b"rim", 0x40000000)
    slots = tuple(RealmSlot(realm, n, n, 4 << 30, (n,)) for n in range(2))
    logs = tmp_path / "logs"
    logs.mkdir()
    made = MachineSpec(("qemu",), Path("/flash.bin"), slots, logs, tmp_path)
    (logs / "uart.log").write_text(BOOT)
    (logs / "realm0.log").write_text("init: ready\r\nzero\r\n")
    (logs / "realm1.log").write_text("one\r\n")
    return made


def test_an_agent_that_was_started_and_never_answered_is_the_layer(spec: MachineSpec) -> None:
    error = Machine(spec).failure("no answer", realm=0)
    assert error.layer is Layer.AGENT
    assert "zero" in error.tail
    assert error.hint


def test_the_last_lines_are_those_of_the_realm_it_is_about(spec: MachineSpec) -> None:
    machine = Machine(spec)
    error = machine.failure("no answer", realm=1)
    assert error.layer is Layer.KERNEL
    assert "one" in error.tail
    assert "zero" not in error.tail


def test_a_realm_that_was_killed_is_shown_by_its_own_console(spec: MachineSpec) -> None:
    with (spec.logs / "uart.log").open("a") as uart:
        uart.write("MON: realm 1 uart: early words\nMON: realm 1 linux: killed: esr 0\n")
    with pytest.raises(BootError, match="killed: esr 0") as caught:
        Machine(spec).poll()
    assert {"MON: realm 1 uart: early words", "one"} <= set(caught.value.tail)


def test_a_kernel_panic_is_told_in_the_first_line(spec: MachineSpec) -> None:
    with (spec.logs / "uart.log").open("a") as uart:
        uart.write("MON: realm 1 linux: reset\n")
    (spec.logs / "realm0.log").write_text("[ 1.0] Kernel panic - not syncing: another realm's\n")
    (spec.logs / "realm1.log").write_text(
        "one\r\n[    2.5] Kernel panic - not syncing: VFS: no root\r\n[    2.5] Call trace:\r\n"
        "[    2.6] ---[ end Kernel panic - not syncing: VFS: no root ]---\r\n"
    )
    with pytest.raises(BootError) as caught:
        Machine(spec).poll()
    first = str(caught.value).splitlines()[0]
    assert first == (
        "MON: realm 1 linux: reset: Kernel panic - not syncing: VFS: no root (stopped in: kernel)"
    )


def test_a_panic_before_there_is_a_console_is_told_too(spec: MachineSpec) -> None:
    (spec.logs / "realm0.log").unlink()
    with (spec.logs / "uart.log").open("a") as uart:
        uart.write("MON: realm 0 uart: [ 0.1] Kernel panic - not syncing: no memory\n")
        uart.write("MON: realm 0 linux: reset\n")
    with pytest.raises(BootError, match=": reset: Kernel panic - not syncing: no memory "):
        Machine(spec).poll()


def test_qemu_that_was_killed_is_the_layer(
    spec: MachineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "exit_status", -9)
    with pytest.raises(BootError, match="QEMU was ended by signal 9") as caught:
        Machine(spec).poll()
    assert caught.value.layer is Layer.QEMU
    assert "kill" in caught.value.hint


def test_an_rmm_that_never_spoke_is_suspected(spec: MachineSpec) -> None:
    (spec.logs / "uart.log").write_text(BOOT.splitlines()[0] + "\n")
    error = Machine(spec).failure("no answer")
    assert error.layer is Layer.BL31
    assert "is the RMM image built for PLAT=qemu?" in error.hint


def test_a_kernel_without_a_monitor_is_quoted_from_its_panic_on(
    spec: MachineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "exit_status", 0)
    (spec.logs / "realm0.log").write_text("")
    (spec.logs / "uart.log").write_text(
        "NOTICE:  BL31: Built\n"
        "[    5.876703] Initramfs unpacking failed\n"
        "[   10.544039] Kernel panic - not syncing: VFS: Unable to mount root fs\n"
        "[   10.551439] Call trace:\n"
        "ERROR:   QEMU System Reset: with GPIO.\n"
    )
    with pytest.raises(BootError, match="exited with 0: Kernel panic - not syncing: VFS") as caught:
        Machine(spec).poll()
    assert caught.value.layer is Layer.KERNEL
    assert [line[-15:] for line in caught.value.tail] == ["o mount root fs", "39] Call trace:"]
    assert "RMM" not in caught.value.hint


def test_a_power_off_is_told_apart_from_a_crash(
    spec: MachineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "exit_status", 0)
    with (spec.logs / "uart.log").open("a") as uart:
        uart.write("ERROR:   QEMU System Power off: with GPIO.\nPANIC in EL3.\n")
    with pytest.raises(BootError, match="the machine was powered off"):
        Machine(spec).poll()


def test_qemu_that_refuses_its_command_line_shows_what_it_said(
    spec: MachineSpec,
) -> None:
    (spec.logs / "uart.log").unlink()
    alone = replace(spec, realms=())
    command = ["sh", "-c", "echo no such machine; exit 1"]
    refusal = pytest.raises(BootError, match="QEMU exited with 1")
    with refusal as caught, Machine(alone, command=command) as machine:
        machine.wait_until(lambda: False, what="nothing", timeout=60)
    assert caught.value.layer is Layer.QEMU
    assert caught.value.tail == ("no such machine",)
