# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's command line for the peer: a machine with TrustZone, its firmware, OP-TEE and Linux."""

from dataclasses import dataclass
from pathlib import Path

from realmos.machine._spec import (
    PLAIN_CPU,
    MachineSpec,
    devices,
    option_value,
    qmp_socket,
    uart_pipe,
)

_INITRD = 0x5000_0000
"""Far enough above the kernel, and below the end of the least memory."""


@dataclass(frozen=True)
class PeerKernel:
    """The Linux of the peer.

    Args:
        image: its kernel.
        address: where the firmware expects it.
        initrd: its initramfs.
        cmdline: its kernel's command line.
    """

    image: Path
    address: int
    initrd: Path
    cmdline: str


def secure_pipe(spec: MachineSpec) -> Path:
    """Return the pipe that QEMU writes the secure world's UART to."""
    return spec.sockets / "secure.pipe"


def peer_consoles(spec: MachineSpec) -> dict[Path, Path]:
    """Return the pipe of the secure world's UART, and the log behind it."""
    return {secure_pipe(spec): spec.logs / "secure.log"}


def peer_argv(spec: MachineSpec, kernel: PeerKernel, *, counting: bool) -> list[str]:
    """Return the command line of a machine with OP-TEE: PE, devices and memory of a realm's.

    Kernel and initramfs lie in memory when it starts. QEMU puts the command line into the device
    tree only when it is given the kernel, too, for a loader that is not there.

    Args:
        spec: its QEMU, its flash and where its files are; its first realm's memory counts.
        kernel: what runs in the normal world.
        counting: have the counter count instructions: each is a nanosecond.
    """
    slot = spec.realms[0]
    size = kernel.initrd.stat().st_size
    # fmt: off
    return [
        *spec.qemu,
        "-M", "virt,secure=on,gic-version=3,acpi=off,dtb-randomness=off",
        "-cpu", PLAIN_CPU,
        "-smp", str(spec.pes),
        "-m", f"{slot.realm.config.memory >> 20}M",
        *(("-accel", "tcg", "-icount", "shift=0,sleep=off") if counting
          else ("-accel", "tcg,thread=multi")),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-global", "virtio-mmio.force-legacy=false",
        "-bios", str(spec.flash),
        "-kernel", str(kernel.image),
        "-append", f"initrd={_INITRD:#x},{size:#x} {kernel.cmdline}",
        "-device", _loaded(kernel.image, kernel.address),
        "-device", _loaded(kernel.initrd, _INITRD),
        "-chardev", f"file,id=uart,path={option_value(uart_pipe(spec))}",
        "-serial", "chardev:uart",
        "-chardev", f"file,id=secure,path={option_value(secure_pipe(spec))}",
        "-serial", "chardev:secure",
        "-qmp", f"unix:{option_value(qmp_socket(spec))},server=on,wait=off",
        *devices(spec, slot),
    ]
    # fmt: on


def _loaded(path: Path, address: int) -> str:
    return f"loader,file={option_value(path)},addr={address:#x},force-raw=on"
