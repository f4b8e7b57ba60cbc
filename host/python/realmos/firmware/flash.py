# SPDX-License-Identifier: BSD-3-Clause
"""The flash image that the machine boots: BL1 at the start, the firmware package behind it."""

from dataclasses import dataclass
from pathlib import Path

from realmos_abi import load

from realmos.cache import sha256_file
from realmos.errors import FirmwareError
from realmos.firmware._component import Component, Firmware
from realmos.firmware.fip import UUIDS, build_fip


@dataclass(frozen=True)
class Flash:
    """A flash image and what is in it."""

    path: Path
    sha256: str
    firmware: Firmware

    @property
    def rmm(self) -> Component:
        """The RMM in it."""
        return self.firmware.rmm

    @property
    def bl33(self) -> Component:
        """The normal world's image in it: the monitor, or what the user brought."""
        return self.firmware.bl33

    def symbols(self) -> dict[str, Path]:
        """Return the ELF files by component, where they are known; `bl33` is called `monitor`."""
        return {
            "monitor" if part is self.bl33 else part.name: part.symbols
            for part in self.firmware.components
            if part.symbols is not None
        }

    def manifest(self) -> dict[str, object]:
        """Return what the flash is made from: versions and hashes, ready for JSON."""
        return {
            "sha256": self.sha256,
            "size": self.path.stat().st_size,
            "compiler": self.firmware.compiler,
            "components": {
                part.name: {
                    "sha256": part.sha256,
                    "size": part.size,
                    "version": part.version,
                    "origin": part.origin,
                }
                for part in self.firmware.components
            },
            "sources": [
                {
                    "package": file.name,
                    "version": file.version,
                    "suite": file.suite,
                    "file": file.file,
                    "sha256": file.sha256,
                }
                for file in self.firmware.sources
            ],
        }


def build_flash(firmware: Firmware, *, out: Path) -> Flash:
    """Write the flash image of `firmware` to the file `out`. The same inputs give the same bytes.

    Raises:
        FirmwareError: a component is too large for its place, or changed since it was hashed.
    """
    platform = load("platform")
    fip_offset, flash_size = platform["QEMU_FLASH_FIP_OFFSET"], platform["QEMU_FLASH_SIZE"]
    images = {part.name: part.path.read_bytes() for part in firmware.components}
    limits = {"bl1": fip_offset, "rmm": platform["QEMU_RMM_IMAGE_LIMIT"]}
    for name, limit in limits.items():
        if len(images[name]) > limit:
            raise FirmwareError(f"{name} has {len(images[name])} bytes, {limit} are allowed")
    package = build_fip({name: images[name] for name in UUIDS})
    if fip_offset + len(package) > flash_size:
        raise FirmwareError(
            f"the firmware package has {len(package)} bytes, {flash_size - fip_offset} are allowed",
            hint="use a smaller --rmm or --bl33",
        )
    out.write_bytes(images["bl1"].ljust(fip_offset, b"\0") + package)
    return Flash(out, sha256_file(out), firmware)
