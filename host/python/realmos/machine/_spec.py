# SPDX-License-Identifier: BSD-3-Clause
"""What a machine consists of, and the QEMU command line that follows from it (a pure function)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import realmos_abi

from realmos.errors import ConfigError
from realmos.realm import Realm, RealmConfig

_PLATFORM = realmos_abi.load("platform")
_BELOW_WINDOWS = _PLATFORM["MONITOR_WINDOW_BASE"] - _PLATFORM["QEMU_DRAM_BASE"]
_WINDOW_ALIGN = 2 << 20
_MIB = 1 << 20
_POOLS = sum(
    _PLATFORM[f"MONITOR_POOL_{pool}_END"] - _PLATFORM[f"MONITOR_POOL_{pool}_BASE"] for pool in "AB"
)
_POOL_OVERHEAD = 16 << 20
"""What the monitor takes from its pools for itself, each realm's RECs and device queues."""
_PAGES_PER_TABLE = 512
"""A table of 4 KiB translates so many pages of a realm, and another as many of its window."""

AGENT_PORT = "realmos.agent"
"""The agent's port begins with this; QEMU wants names that are unique in the machine."""
DEVICES_PER_REALM = 1
"""Virtio-mmio transports that each realm gets: one virtio-serial device."""

CPU = "max,x-rme=on,sve=off,sme=off,lpa2=off,pauth-impdef=on"
PLAIN_CPU = "max,sve=off,sme=off,lpa2=off,pauth-impdef=on"


@dataclass(frozen=True)
class RealmSlot:
    """One realm's place in the machine.

    Args:
        realm: what runs there.
        number: the realm's number, from 0.
        first_pe: the PE of its first vCPU.
        window_base: PA of its shared window, which is as large as its memory.
        transports: QEMU virtio-mmio transport numbers of its devices.
    """

    realm: Realm
    number: int
    first_pe: int
    window_base: int
    transports: tuple[int, ...]


@dataclass(frozen=True)
class MachineSpec:
    """A whole machine: firmware, realms, and where its files and sockets are.

    Args:
        qemu: argv prefix of the QEMU to use.
        flash: the firmware flash image.
        realms: the slots, in order of their number.
        logs: directory of the consoles' log files.
        sockets: directory of the sockets and pipes (short path, private).
        gdb: TCP port on loopback for QEMU's gdb stub, started halted; None for no stub.
        incoming: snapshot to restore instead of booting; None to boot.
        counting: have the clock count instructions, each a nanosecond. One PE at a time runs then.
    """

    qemu: tuple[str, ...]
    flash: Path
    realms: tuple[RealmSlot, ...]
    logs: Path
    sockets: Path
    gdb: int | None = None
    incoming: Path | None = None
    counting: bool = False

    @property
    def pes(self) -> int:
        """Number of PEs: one per vCPU of all realms."""
        return sum(slot.realm.config.vcpus for slot in self.realms) or 1

    @property
    def ram_size(self) -> int:
        """Bytes of RAM: the tracked DRAM, and the shared windows above it."""
        windows = sum(_window_size(slot.realm) for slot in self.realms)
        return _BELOW_WINDOWS + windows


def check_fit(configs: Sequence[RealmConfig]) -> None:
    """Check that one machine can hold these realms.

    Raises:
        ConfigError: they have more vCPUs than it has PEs, or more memory than it can give them.
    """
    vcpus, pes = sum(config.vcpus for config in configs), _PLATFORM["QEMU_MAX_PES"]
    if vcpus > pes:
        raise ConfigError(
            f"the realms have {vcpus} vCPUs in all; the machine has {pes} PEs",
            hint="give the realms fewer vCPUs (--vcpus)",
        )
    sizes = [config.memory for config in configs]
    room = (_POOLS - _POOL_OVERHEAD) * _PAGES_PER_TABLE // (_PAGES_PER_TABLE + 2)
    if sum(sizes) > room:
        each = " + ".join(str(size // _MIB) for size in sizes)
        whose = "one realm" if len(sizes) == 1 else f"{len(sizes)} realms"
        raise ConfigError(
            f"{whose} of {each} MiB: the machine has {room // _MIB} MiB for all its realms",
            hint=f"give them {room // _MIB} MiB or less in all (--memory)",
        )


def place_realms(realms: tuple[Realm, ...]) -> tuple[RealmSlot, ...]:
    """Give each realm its PEs, shared window and transports, in order.

    Raises:
        ConfigError: one machine cannot hold them.
    """
    check_fit([realm.config for realm in realms])
    slots = []
    pe = 0
    window = _PLATFORM["MONITOR_WINDOW_BASE"]
    for number, realm in enumerate(realms):
        first = number * DEVICES_PER_REALM
        transports = tuple(range(first, first + DEVICES_PER_REALM))
        slots.append(RealmSlot(realm, number, pe, window, transports))
        pe += realm.config.vcpus
        window += _window_size(realm)
    return tuple(slots)


def _window_size(realm: Realm) -> int:
    return -(-realm.config.memory // _WINDOW_ALIGN) * _WINDOW_ALIGN


def uart_log(spec: MachineSpec) -> Path:
    """Return the log of UART0: firmware, RMM and monitor."""
    return spec.logs / "uart.log"


def realm_log(spec: MachineSpec, number: int) -> Path:
    """Return the log of a realm's console (hvc0)."""
    return spec.logs / f"realm{number}.log"


def uart_pipe(spec: MachineSpec) -> Path:
    """Return the pipe that QEMU writes UART0 to; from there it comes to its log."""
    return spec.sockets / "uart.pipe"


def realm_pipe(spec: MachineSpec, number: int) -> Path:
    """Return the pipe that QEMU writes a realm's console to."""
    return spec.sockets / f"realm{number}.pipe"


def agent_socket(spec: MachineSpec, number: int) -> Path:
    """Return the unix socket that is connected to a realm's agent port."""
    return spec.sockets / f"agent{number}"


def qmp_socket(spec: MachineSpec) -> Path:
    """Return QEMU's control socket."""
    return spec.sockets / "qmp"


def fw_cfg_files(spec: MachineSpec) -> dict[str, Path]:
    """Return fw_cfg names and the files behind them; the manifest and plans lie in `logs`."""
    files = {"opt/realmos/manifest": spec.logs / "manifest.dtb"}
    for slot in spec.realms:
        files[f"opt/realmos/plan{slot.number}"] = spec.logs / f"plan{slot.number}.bin"
    for number, path in enumerate(all_blobs(spec)):
        files[f"opt/realmos/blob{number}"] = path
    return files


def all_blobs(spec: MachineSpec) -> list[Path]:
    """Return every blob of the machine once, in order; a blob's number is its place here."""
    seen: dict[Path, None] = {}
    for slot in spec.realms:
        seen.update(dict.fromkeys(slot.realm.blobs))
    return list(seen)


def option_value(path: Path) -> str:
    """Return a path as QEMU reads it inside an option that is a list: with commas doubled."""
    return str(path).replace(",", ",,")


def argv(spec: MachineSpec) -> list[str]:
    """Return QEMU's command line for a machine."""
    # fmt: off
    words = [
        *spec.qemu,
        "-M", "virt,secure=on,virtualization=on,gic-version=3,acpi=off,memory-backend=ram",
        "-cpu", CPU,
        "-smp", str(spec.pes),
        "-m", f"{spec.ram_size >> 20}M",
        "-object", f"memory-backend-ram,id=ram,size={spec.ram_size},reserve=off",
        *_clock(counting=spec.counting),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-bios", str(spec.flash),
        "-global", "virtio-mmio.force-legacy=false",
        "-chardev", f"file,id=uart,path={option_value(uart_pipe(spec))}",
        "-serial", "chardev:uart",
        "-qmp", f"unix:{option_value(qmp_socket(spec))},server=on,wait=off",
    ]
    for name, path in fw_cfg_files(spec).items():
        words += ["-fw_cfg", f"name={name},file={option_value(path)}"]
    for slot in spec.realms:
        words += devices(spec, slot)
    if spec.gdb is not None:
        words += ["-gdb", f"tcp:127.0.0.1:{spec.gdb}", "-S"]
    if spec.incoming is not None:
        words += ["-incoming", "defer"]
    # fmt: on
    return words


def firmware_argv(
    spec: MachineSpec,
    *,
    pes: int = 1,
    cpu: str = CPU,
    ram_size: int = _BELOW_WINDOWS,
    counting: bool = False,
) -> list[str]:
    """Return the command line of the firmware alone, whose BL33 needs no devices and no manifest.

    Args:
        spec: its QEMU, its flash and where its files are; realms do not count.
        pes: its PEs.
        cpu: what they are like.
        ram_size: its RAM in bytes; all that the RMM tracks when absent.
        counting: as a machine's.
    """
    # fmt: off
    return [
        *spec.qemu,
        "-M", "virt,secure=on,virtualization=on,gic-version=3,acpi=off",
        "-cpu", cpu,
        "-smp", str(pes),
        "-m", f"{ram_size >> 20}M",
        *_clock(counting=counting),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-bios", str(spec.flash),
        "-chardev", f"file,id=uart,path={option_value(uart_pipe(spec))}",
        "-serial", "chardev:uart",
    ]
    # fmt: on


def _clock(*, counting: bool) -> tuple[str, ...]:
    if counting:
        return ("-accel", "tcg", "-icount", "shift=0,sleep=off")
    return ("-accel", "tcg,thread=multi")


def devices(spec: MachineSpec, slot: RealmSlot) -> list[str]:
    """Return the words for one realm's devices."""
    n = slot.number
    bus = f"virtio-mmio-bus.{slot.transports[0]}"
    pipe, agent = option_value(realm_pipe(spec, n)), option_value(agent_socket(spec, n))
    # fmt: off
    return [
        "-chardev", f"file,id=console{n},path={pipe}",
        "-chardev", f"socket,id=agent{n},path={agent},server=on,wait=off",
        "-device", f"virtio-serial-device,id=serial{n},bus={bus},max_ports=4,iommu_platform=on",
        "-device", f"virtconsole,bus=serial{n}.0,chardev=console{n}",
        "-device", f"virtserialport,bus=serial{n}.0,chardev=agent{n},name={AGENT_PORT}.{n}",
    ]
    # fmt: on


def plain_argv(spec: MachineSpec, *, kernel: Path, initrd: Path, cmdline: str) -> list[str]:
    """Return the command line of the same kernel, devices and memory without RME: the baseline.

    Args:
        spec: the machine with RME; its first realm's configuration counts.
        kernel: that realm's kernel.
        initrd: its initramfs.
        cmdline: its kernel's command line, the early console at QEMU's own UART.
    """
    slot = spec.realms[0]
    # fmt: off
    return [
        *spec.qemu,
        "-M", "virt,gic-version=3,acpi=off",
        "-cpu", PLAIN_CPU,
        "-smp", str(spec.pes),
        "-m", f"{slot.realm.config.memory >> 20}M",
        "-accel", "tcg,thread=multi",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-global", "virtio-mmio.force-legacy=false",
        "-kernel", str(kernel), "-initrd", str(initrd), "-append", cmdline,
        "-chardev", f"file,id=uart,path={option_value(uart_pipe(spec))}",
        "-serial", "chardev:uart",
        "-qmp", f"unix:{option_value(qmp_socket(spec))},server=on,wait=off",
        *devices(spec, slot),
    ]
    # fmt: on
