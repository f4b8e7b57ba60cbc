# SPDX-License-Identifier: BSD-3-Clause
"""Which layer a console line belongs to, and which layer a boot stopped in."""

import pytest
from realmos.machine import BootWatch, Layer, stopped_in, tag_lines

BOOT = """\
NOTICE:  BL1: v2.12.1(release):
NOTICE:  BL2: v2.12.1(release):
NOTICE:  BL31: v2.12.1(release):
RMM: ready: RMI 1.0 RSI 1.0
MON: ready
MON: realm 0 linux: running""".splitlines()


def watch(lines: list[str]) -> BootWatch:
    made = BootWatch()
    for line in lines:
        made.feed(line)
    return made


@pytest.mark.parametrize(
    ("count", "layer"),
    [
        (0, Layer.QEMU),
        (1, Layer.BL1),
        (2, Layer.BL2),
        (3, Layer.BL31),
        (4, Layer.RMM),
        (5, Layer.MONITOR),
        (6, Layer.KERNEL),
    ],
)
def test_the_furthest_layer_follows_the_console(count: int, layer: Layer) -> None:
    assert watch(BOOT[:count]).layer is layer


def test_a_kernel_that_prints_by_itself_is_told_from_the_firmware_before_it() -> None:
    lines = [*BOOT[:3], "[    5.876703] Initramfs unpacking failed", "[   10.5] Call trace:"]
    assert watch(lines).layer is Layer.KERNEL
    assert [layer for layer, _ in tag_lines(lines)][2:] == [
        Layer.BL31, Layer.KERNEL, Layer.KERNEL,
    ]  # fmt: skip


def test_firmware_that_prints_again_does_not_move_the_boot_back() -> None:
    assert watch([*BOOT, "NOTICE:  BL31: again", "RMM: more"]).layer is Layer.KERNEL


@pytest.mark.parametrize(
    ("lines", "failed"),
    [
        ([*BOOT[:3], "RMM: panic: check failed"], Layer.RMM),
        ([*BOOT[:4], "MON: panic: abort"], Layer.MONITOR),
        ([*BOOT[:4], "MON: error: no manifest"], Layer.MONITOR),
        ([*BOOT, "MON: realm 0 linux: killed: esr 0x96000010"], Layer.KERNEL),
        ([*BOOT[:3], "Unhandled Exception in EL3."], Layer.BL31),
        ([*BOOT[:3], "ERROR:   RMM init failed: -3"], Layer.RMM),
        ([*BOOT[:1], "PANIC at PC : 0x1234"], Layer.BL1),
    ],
)
def test_a_failure_names_the_layer_at_fault(lines: list[str], failed: Layer) -> None:
    seen = watch(lines)
    assert seen.failure == lines[-1]
    assert seen.failed_layer is failed


def test_a_normal_power_off_is_no_failure() -> None:
    ending = ["MON: power-off 0", "ERROR:   QEMU System Power off: with GPIO.", "PANIC in EL3."]
    assert watch([*BOOT, *ending]).failure == ""


def test_a_power_off_that_the_monitor_did_not_announce_is_no_failure_either() -> None:
    ending = ["Hello from a normal world", "ERROR:   QEMU System Power off: with GPIO."]
    seen = watch([*BOOT[:4], *ending, "PANIC in EL3.", *(f"x{n} = 0" for n in range(29))])
    assert seen.failure == ""
    assert seen.is_over
    assert seen.tail(Layer.MONITOR) == tuple(ending)


@pytest.mark.parametrize("line", ["Hello from a normal world of another make", "MON: ready"])
def test_what_comes_untagged_after_the_rmm_is_the_normal_worlds(line: str) -> None:
    seen = watch([*BOOT[:4], "", line, "more"])
    assert seen.layer is Layer.MONITOR
    assert seen.tail(Layer.MONITOR)[-2:] == (line, "more")
    assert seen.tail(Layer.RMM) == (BOOT[3],)
    failed = watch([*BOOT[:4], "PANIC in EL3.", "x0 = 0"])
    assert failed.layer is Layer.RMM


def test_only_the_first_failure_counts() -> None:
    seen = watch([*BOOT[:4], "RMM: panic: one", "MON: panic: two"])
    assert seen.failure == "RMM: panic: one"


def test_an_untagged_line_belongs_to_whoever_printed_last() -> None:
    lines = ["NOTICE:  BL31: x", "  more", "RMM: y", "more", "MON: z", "MON: realm 0 uart: [0.0] w"]
    assert [layer for layer, _ in tag_lines(lines)] == [
        Layer.BL31, Layer.BL31, Layer.RMM, Layer.RMM, Layer.MONITOR, Layer.KERNEL,
    ]  # fmt: skip


def test_a_tail_holds_only_its_layers_lines() -> None:
    seen = watch(BOOT)
    assert seen.tail(Layer.RMM) == ("RMM: ready: RMI 1.0 RSI 1.0",)
    assert len(seen.tail(Layer.BL31)) == 3


def test_layers_that_do_not_speak_on_the_uart_are_noted() -> None:
    seen = watch(BOOT)
    seen.reach(Layer.WORKLOAD)
    seen.feed("MON: realm 1 linux: running")
    assert seen.layer is Layer.WORKLOAD


@pytest.mark.parametrize(
    ("furthest", "console", "layer"),
    [
        (Layer.RMM, ["init: ready"], Layer.RMM),
        (Layer.KERNEL, [], Layer.KERNEL),
        (Layer.KERNEL, ["init: starting the agent", "init: ready"], Layer.AGENT),
        (Layer.KERNEL, ["init: ready", "init: agent died: signal 9"], Layer.AGENT),
        (Layer.WORKLOAD, ["init: ready"], Layer.WORKLOAD),
        (Layer.WORKLOAD, ["init: ready", "init: agent died: exit status 1"], Layer.AGENT),
    ],
)
def test_a_realms_console_tells_kernel_agent_and_workload_apart(
    furthest: Layer, console: list[str], layer: Layer
) -> None:
    assert stopped_in(furthest, console) is layer


def test_a_failure_is_about_the_realm_it_names() -> None:
    assert watch([*BOOT, "MON: realm 1 other: reset"]).failed_realm == 1
    assert watch([*BOOT, "RMM: panic: check failed"]).failed_realm == 0


def test_what_comes_before_any_tag_is_the_first_firmware() -> None:
    assert tag_lines(["NOTICE:  Booting Trusted Firmware", BOOT[0]])[0][0] is Layer.BL1
