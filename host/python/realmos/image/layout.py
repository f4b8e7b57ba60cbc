# SPDX-License-Identifier: BSD-3-Clause
"""Where an image lies in a realm's memory.

From the start of RAM: the kernel where its header wants it, then the device tree in the next 2 MiB
block, then the initramfs right behind it; all else is free. Close together, they need few tables.
"""

from dataclasses import dataclass
from pathlib import Path

import realmos_abi

from realmos.errors import ConfigError
from realmos.image import devicetree
from realmos.image.build import Image

_RAM_BASE = realmos_abi.load("platform")["REALM_RAM_BASE"]
_GRANULE = realmos_abi.load("rmi")["GRANULE_SIZE"]
_BLOCK = 2 << 20
_DTB_ROOM = 64 << 10
_MIB = 1 << 20


@dataclass(frozen=True)
class Load:
    """A file to be loaded: its path, its IPA, which is granule-aligned, and what it is."""

    path: Path
    ipa: int
    what: str


@dataclass(frozen=True)
class Placement:
    """An image in the memory of one realm.

    Attributes:
        loads: files in ascending order of their IPA; the rest of RAM is empty.
        entry: IPA where the first vCPU starts.
        dtb_ipa: the device tree, which it finds in X0.
        cmdline: the kernel's command line.
    """

    loads: tuple[Load, ...]
    entry: int
    dtb_ipa: int
    cmdline: str


def place(
    image: Image,
    *,
    memory: int,
    vcpus: int,
    out: Path,
    virtio_count: int = 1,
    extra_cmdline: str = "",
    earlycon: bool = False,
) -> Placement:
    """Place an image in a realm's memory and write the realm's device tree.

    Args:
        image: what to place.
        memory: bytes of RAM.
        vcpus: of the realm.
        out: directory that receives the device tree.
        virtio_count: virtio-mmio windows in use.
        extra_cmdline: words appended to the kernel's command line.
        earlycon: messages from before the first driver go to the UART.

    Raises:
        ConfigError: the image does not fit the memory, or an argument is out of its range.
    """
    needed = minimum_memory(image)
    if memory < needed:
        raise ConfigError(
            f"image {image.name} does not fit a realm of {memory / _MIB:g} MiB",
            hint=f"it needs {needed // _MIB} MiB: --memory {needed // _MIB}M",
        )
    kernel_ipa, dtb_ipa, initrd_ipa = _addresses(image)
    cmdline = devicetree.render_cmdline(
        image.recipe.boot, extra=extra_cmdline, earlycon=devicetree.UART if earlycon else None
    )
    source = devicetree.render_source(
        image.recipe.boot,
        memory=memory,
        vcpus=vcpus,
        virtio_count=virtio_count,
        initrd=(initrd_ipa, initrd_ipa + image.initrd.size),
        bootargs=cmdline,
    )
    dtb = devicetree.compile_source(source, out / "realm.dtb")
    if dtb.stat().st_size > _DTB_ROOM:
        raise ConfigError(f"the realm's device tree has more than {_DTB_ROOM >> 10} KiB")
    loads = (
        Load(image.kernel.path, kernel_ipa, "kernel"),
        Load(dtb, dtb_ipa, "device tree"),
        Load(image.initrd.path, initrd_ipa, "initramfs"),
    )
    return Placement(loads, entry=kernel_ipa, dtb_ipa=dtb_ipa, cmdline=cmdline)


def minimum_memory(image: Image) -> int:
    """Return the least memory, in bytes, in which an image can work: whole 2 MiB blocks.

    The root file system is a tmpfs, which may fill half of what the kernel, the initramfs and the
    bounce buffers leave: a realm with less would start with half of its files.
    """
    _, _, initrd = _addresses(image)
    boot = image.recipe.boot
    unpacked = image.initrd.unpacked_size
    taken = initrd + image.initrd.size - _RAM_BASE + boot.swiotlb
    return _aligned(taken + unpacked + max(unpacked, boot.headroom), _BLOCK)


def _addresses(image: Image) -> tuple[int, int, int]:
    """Return the IPAs of kernel, device tree and initramfs."""
    kernel = _RAM_BASE + image.kernel.text_offset
    if kernel % _GRANULE:
        raise ConfigError(f"image {image.name}: its kernel's place is no multiple of 4 KiB")
    dtb = _aligned(kernel + image.kernel.image_size, _BLOCK)
    return kernel, dtb, dtb + _DTB_ROOM


def _aligned(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment
