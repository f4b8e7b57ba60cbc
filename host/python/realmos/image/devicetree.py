# SPDX-License-Identifier: BSD-3-Clause
"""The realm's device tree and the kernel's command line, rendered from a recipe's templates.

Both are measured, so they depend on nothing but what is given here.
"""

from dataclasses import dataclass
from pathlib import Path

import realmos_abi
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from realmos import process
from realmos.errors import ConfigError, ToolError
from realmos.image.recipe import Boot
from realmos.source.toolchain import DTC

CMDLINE_LIMIT = 2047
"""Longest command line that Linux keeps on arm64 (COMMAND_LINE_SIZE without its final zero)."""

_PLATFORM = realmos_abi.load("platform")
_RMI = realmos_abi.load("rmi")
UART = _PLATFORM["REALM_SHARED_BIT"] | _PLATFORM["REALM_UART_BASE"]
"""A realm's UART for its early console: in the shared alias, for the kernel maps it before it knows
that it is in a realm."""
_SWIOTLB_SLOT = 2048
_SPI_BASE = 32


@dataclass(frozen=True)
class Virtio:
    """One virtio-mmio window: its IPA, bytes, and shared peripheral interrupt number."""

    base: int
    size: int
    spi: int


def render_cmdline(boot: Boot, *, extra: str = "", earlycon: int | None = None) -> str:
    """Return the kernel's command line.

    Args:
        boot: has the template.
        extra: words to append.
        earlycon: address of the UART that messages from before the first driver go to, if any.

    Raises:
        ConfigError: the template is broken, or the result is too long or more than one line.
    """
    text = _render(
        boot.cmdline,
        swiotlb_slots=boot.swiotlb // _SWIOTLB_SLOT,
        earlycon="" if earlycon is None else f"pl011,mmio32,{earlycon:#x}",
    )
    line = " ".join([*text.split(), *([extra] if extra else [])])
    size = len(line.encode())
    if size > CMDLINE_LIMIT:
        raise ConfigError(
            f"the kernel's command line has {size} bytes, at most {CMDLINE_LIMIT} fit",
            hint="shorten what is appended",
        )
    if not line.isprintable():
        raise ConfigError("the kernel's command line holds characters that cannot be printed")
    return line


def render_source(
    boot: Boot,
    *,
    memory: int,
    vcpus: int,
    virtio_count: int,
    initrd: tuple[int, int],
    bootargs: str,
) -> str:
    """Return the device tree's source.

    Args:
        boot: has the template.
        memory: bytes of RAM.
        vcpus: how many, in the order of RmiRecMpidr.
        virtio_count: windows in use, from the first.
        initrd: where it starts, and where it ends.
        bootargs: the kernel's command line.

    Raises:
        ConfigError: the template is broken, or there are not so many windows or vCPUs.
    """
    for what, value, most in (
        ("vCPUs", vcpus, _PLATFORM["REALM_MAX_VCPUS"]),
        ("virtio windows", virtio_count, _PLATFORM["REALM_VIRTIO_COUNT"]),
    ):
        if not 1 <= value <= most:
            raise ConfigError(f"a realm has 1 to {most} {what}, not {value}")
    return _render(
        boot.device_tree,
        bootargs=bootargs.replace("\\", "\\\\").replace('"', '\\"'),
        initrd_start=initrd[0],
        initrd_end=initrd[1],
        memory_base=_PLATFORM["REALM_RAM_BASE"],
        memory_size=memory,
        cpus=[mpidr(index) for index in range(vcpus)],
        gicd_base=_PLATFORM["REALM_GICD_BASE"],
        gicd_size=_PLATFORM["REALM_GICD_SIZE"],
        gicr_base=_PLATFORM["REALM_GICR_BASE"],
        gicr_stride=_PLATFORM["REALM_GICR_STRIDE"],
        gicr_size=_PLATFORM["REALM_GICR_STRIDE"] * vcpus,
        virtio=[_window(number) for number in range(virtio_count)],
    )


def compile_source(source: str, out: Path) -> Path:
    """Write the flattened device tree of a source to `out`, and the source beside it.

    Raises:
        ConfigError: the source is no device tree.
        ToolError: there is no compiler.
    """
    text = out.with_suffix(".dts")
    text.write_text(source, "utf-8")
    DTC.identity()
    try:
        process.run([DTC.program, "-q", "-I", "dts", "-O", "dtb", "-o", out, text])
    except ToolError as error:
        raise ConfigError(f"the realm's device tree does not compile: {error}") from error
    return out


def mpidr(index: int) -> int:
    """Return the affinity of the vCPU with this index: RmiRecMpidr's order (DEN0137 B4.4)."""
    return (index & 0xF) | ((index >> 4) << _RMI.fields["RMI_MPIDR_AFF1"].shift)


def _window(number: int) -> Virtio:
    stride = _PLATFORM["REALM_VIRTIO_STRIDE"]
    interrupt = _PLATFORM["REALM_VIRTIO_FIRST_INTID"] + number
    return Virtio(_PLATFORM["REALM_VIRTIO_BASE"] + number * stride, stride, interrupt - _SPI_BASE)


def _render(template: Path, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 -- no markup is made from these
    )
    environment.filters["cells"] = _cells
    try:
        return environment.get_template(template.name).render(**values)
    except TemplateError as error:
        raise ConfigError(f"{template}: {error}") from error


def _cells(value: int) -> str:
    """Return a 64-bit number as two cells."""
    return f"{value >> 32:#x} {value & 0xFFFFFFFF:#x}"
