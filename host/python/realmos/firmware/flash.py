# SPDX-License-Identifier: BSD-3-Clause
"""The flash image that the machine boots: BL1 at the start, the firmware package behind it.

It holds the private key that the RMM signs with, so the file is its user's alone (0600).
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from realmos_abi import load

from realmos.anchor import DevelopmentAnchor
from realmos.attest import Anchor, ReferenceComponent, SoftwareComponent
from realmos.errors import FirmwareError
from realmos.firmware._anchoring import Anchoring, anchor_firmware
from realmos.firmware._component import Component, Firmware
from realmos.firmware._slots import fill_slots
from realmos.firmware.fip import build_fip


@dataclass(frozen=True)
class Flash:
    """A flash image and what is in it.

    Attributes:
        anchor: what vouches for the platform in tokens of a machine that boots it.
        components_measured: what those tokens say of its firmware; empty with TF-A's sample, which
            says nothing of it.
    """

    path: Path
    sha256: str
    firmware: Firmware
    anchor: Anchor
    components_measured: tuple[SoftwareComponent, ...]

    @property
    def rmm(self) -> Component:
        """The RMM in it."""
        return self.firmware.rmm

    @property
    def bl33(self) -> Component:
        """The normal world's image in it: the monitor, or what the user brought."""
        return self.firmware.bl33

    def references(self) -> tuple[ReferenceComponent, ...]:
        """Return what a policy says that accepts this firmware and no other."""
        return tuple(
            ReferenceComponent(part.type or "", part.measurement, part.signer)
            for part in self.components_measured
        )

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
            "anchor": _public(self.anchor),
            "components_measured": [
                {
                    "type": part.type,
                    "measurement": part.measurement.hex(),
                    "version": part.version,
                    "signer_id": part.signer.hex(),
                }
                for part in self.components_measured
            ],
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


def build_flash(firmware: Firmware, *, out: Path, anchor: DevelopmentAnchor | None = None) -> Flash:
    """Write the flash image of `firmware` to the file `out`. The same inputs give the same bytes.

    Args:
        firmware: what goes into it.
        out: a file that is not there yet.
        anchor: what signs the platform token; None for TF-A's sample, which anybody can forge.

    Raises:
        FirmwareError: a component is too large for its place, or changed since it was hashed; or
            there is an anchor, and TF-A has no place for its token.
        ToolError: the cryptography library is too old to sign.
    """
    return write_flash(firmware, anchor_firmware(firmware, anchor), out=out)


def write_flash(firmware: Firmware, anchoring: Anchoring, *, out: Path) -> Flash:
    """Write the flash image that attests with `anchoring`; else as `build_flash`."""
    images = {part.name: part.path.read_bytes() for part in firmware.components}
    anchored = dict(images)
    if anchoring.slots:
        anchored["bl31"] = fill_slots(images["bl31"], firmware.bl31.symbols, anchoring.slots)
    data = layout(anchored)
    for part in firmware.components:
        if hashlib.sha256(images[part.name]).hexdigest() != part.sha256:
            raise FirmwareError(f"{part.path} changed while it was used", hint="run it again")
    with open(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:  # noqa: PTH123 # pathlib sets no modes
        file.write(data)
    digest = hashlib.sha256(data).hexdigest()
    return Flash(out, digest, firmware, anchoring.anchor, anchoring.components)


def layout(images: Mapping[str, bytes]) -> bytes:
    """Return the flash that holds images, by their names in the firmware package, and `bl1`.

    Raises:
        FirmwareError: one is too large for its place.
    """
    platform = load("platform")
    fip_offset, flash_size = platform["QEMU_FLASH_FIP_OFFSET"], platform["QEMU_FLASH_SIZE"]
    limits = {"bl1": fip_offset, "rmm": platform["QEMU_RMM_IMAGE_LIMIT"]}
    for name, limit in limits.items():
        if len(images.get(name, b"")) > limit:
            raise FirmwareError(f"{name} has {len(images[name])} bytes, {limit} are allowed")
    package = build_fip(images)
    if fip_offset + len(package) > flash_size:
        raise FirmwareError(
            f"the firmware package has {len(package)} bytes, {flash_size - fip_offset} are allowed",
            hint="use a smaller --rmm or --bl33",
        )
    return images["bl1"].ljust(fip_offset, b"\0") + package


def _public(anchor: Anchor) -> dict[str, object]:
    instance = anchor.instance_id
    return {
        "kind": anchor.kind,
        "worth": anchor.worth,
        "public_key": anchor.to_pem(),
        "implementation_id": anchor.implementation_id.hex(),
        "instance_id": None if instance is None else instance.hex(),
    }
