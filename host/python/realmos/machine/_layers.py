# SPDX-License-Identifier: BSD-3-Clause
"""The layers of the machine in boot order, and which of them a console line belongs to."""

import re
from dataclasses import dataclass, field
from enum import StrEnum


class Layer(StrEnum):
    """Who may be running, in the order in which they get control."""

    QEMU = "qemu"
    BL1 = "BL1"
    BL2 = "BL2"
    BL31 = "BL31"
    OPTEE = "OP-TEE"
    RMM = "RMM"
    MONITOR = "monitor"
    KERNEL = "kernel"
    AGENT = "agent"
    WORKLOAD = "workload"


_REALM = re.compile(r"^MON: realm (\d+) ")
# A kernel that has UART0 to itself.
_KERNEL_LINE = re.compile(r"^\[ *\d+\.\d+\] ")
_RMM_READY = "RMM: ready"
# Our monitor's last line, or TF-A's own when whoever runs in the normal world asks it to power off.
_POWER_OFF = re.compile(r"^(MON: power-off |ERROR: +QEMU System Power off)")
# TF-A's own crashes, and what of the register dump that follows is not to the point.
_CRASH_IN_EL3 = re.compile(r"^(Unhandled Exception in EL3|PANIC )")
_DUMP = re.compile(r"^(?!(x30|spsr_el3|elr_el3|esr_el3|far_el3) )\w+ += 0x|^(gicd_|Offset|0x\w+:)")
_AGENT_BEGAN = "init: ready"
_AGENT_DIED = "init: agent died"
_KEPT_LINES = 10_000
"""Of UART0's first and last lines; our firmware never prints so many."""
_ORDER = {layer: rank for rank, layer in enumerate(Layer)}
_TAGS = (
    (re.compile(r"^[A-Z]+: +(BL1|BL2|BL31):"), None),
    (re.compile(r"^RMM: "), Layer.RMM),
    (re.compile(r"^MON: realm \d+ uart: "), Layer.KERNEL),
    (re.compile(r"^MON: "), Layer.MONITOR),
    (_KERNEL_LINE, Layer.KERNEL),
)

# What says that the machine will not come further: the layer at fault, or None for the one that
# is running. TF-A's own panics come as register dumps that begin with these words.
_FAILURES = (
    (re.compile(r"^(RMM): panic: "), Layer.RMM),
    (re.compile(r"^(MON): panic: "), Layer.MONITOR),
    (re.compile(r"^MON: error: "), Layer.MONITOR),
    (re.compile(r"^MON: realm \d+ \S+: (killed|reset)"), Layer.KERNEL),
    (re.compile(r"^ERROR: +RMM "), Layer.RMM),
    (re.compile(r"^(PANIC|Unhandled Exception|ASSERT|ERROR: +BL)"), None),
)
_NEXT = (
    (re.compile(r"^[A-Z]+: +BL1:"), Layer.BL1),
    (re.compile(r"^[A-Z]+: +BL2:"), Layer.BL2),
    (re.compile(r"^[A-Z]+: +BL31:"), Layer.BL31),
    (re.compile(r"^RMM: "), Layer.RMM),
    (re.compile(r"^MON: "), Layer.MONITOR),
    (re.compile(r"^MON: realm \d+ \S+: running"), Layer.KERNEL),
    (_KERNEL_LINE, Layer.KERNEL),
)


def layer_of(line: str, current: Layer) -> Layer:
    """Return the layer that printed a line of UART0; untagged lines belong to `current`."""
    for pattern, layer in _TAGS:
        found = pattern.match(line)
        if found:
            return layer or Layer(found.group(1))
    if _CRASH_IN_EL3.match(line) and _ORDER[current] > _ORDER[Layer.BL31]:
        return Layer.BL31
    return current


def is_kernel_line(line: str) -> bool:
    """Whether a kernel itself has printed a line of UART0, and no monitor for it."""
    return _KERNEL_LINE.match(line) is not None


def tag_lines(lines: list[str]) -> list[tuple[Layer, str]]:
    """Return UART0's lines, each with its layer."""
    tagged = []
    current = Layer.BL1  # QEMU prints nothing there
    for line in lines:
        current = layer_of(line, current)
        tagged.append((current, line))
        if line.startswith(_RMM_READY):  # the normal world is next, and may not be our monitor
            current = Layer.MONITOR
    return tagged


def stopped_in(furthest: Layer, console: list[str]) -> Layer:
    """Return the layer that stopped, given the furthest and the lines of a Linux realm's console.

    PID 1 says there when the agent was started, and when it died.
    """
    if _ORDER[furthest] < _ORDER[Layer.KERNEL]:
        return furthest
    if any(line.startswith(_AGENT_DIED) for line in console):
        return Layer.AGENT
    began = any(line.startswith(_AGENT_BEGAN) for line in console)
    return Layer.AGENT if furthest is Layer.KERNEL and began else furthest


@dataclass
class BootWatch:
    """Follows UART0: the furthest layer that has run, and the line that ended the boot, if any.

    The layer only ever advances: firmware that prints again later does not move it back. Nothing
    that comes after a power-off is a failure.
    """

    layer: Layer = Layer.QEMU
    failure: str = ""
    failed_layer: Layer | None = None
    is_over: bool = False
    lines: list[str] = field(default_factory=list)
    _rmm_ready: bool = False

    def feed(self, line: str) -> None:
        """Take one line."""
        self.lines.append(line)
        if len(self.lines) > 3 * _KEPT_LINES:
            del self.lines[_KEPT_LINES:-_KEPT_LINES]
        for pattern, layer in _NEXT:
            if pattern.match(line):
                self.reach(layer)
        # QEMU takes a moment to power off, and TF-A panics if it is still there after that.
        self.is_over = self.is_over or _POWER_OFF.match(line) is not None
        if self.failure or self.is_over:
            return
        for failure, at_fault in _FAILURES:
            if failure.match(line):
                self.failure = line
                self.failed_layer = at_fault or layer_of(line, self.layer)
                return
        if line and self._rmm_ready and layer_of(line, Layer.MONITOR) is Layer.MONITOR:
            self.reach(Layer.MONITOR)
        self._rmm_ready = self._rmm_ready or line.startswith(_RMM_READY)

    def reach(self, layer: Layer) -> None:
        """Note that `layer` has run, which not every layer says on UART0."""
        if _ORDER[layer] > _ORDER[self.layer]:
            self.layer = layer

    @property
    def failed_realm(self) -> int:
        """The number of the realm that the failure is about; 0 when it is about none."""
        found = _REALM.match(self.failure)
        return int(found[1]) if found else 0

    def tail(self, layer: Layer, count: int = 20) -> tuple[str, ...]:
        """Return the last lines that `layer` printed on UART0 before the power-off.

        All TF-A stages count as one, and of its register dump only what says where it crashed.
        """
        firmware = {Layer.BL1, Layer.BL2, Layer.BL31}
        wanted = firmware if layer in firmware else {layer}
        offs = [number for number, line in enumerate(self.lines) if _POWER_OFF.match(line)]
        told = self.lines[: offs[0] + 1] if offs else self.lines
        mine = [text for owner, text in tag_lines(told) if owner in wanted]
        return tuple([text for text in mine or told if not _DUMP.match(text)][-count:])
