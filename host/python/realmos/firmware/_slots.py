# SPDX-License-Identifier: BSD-3-Clause
"""Slots in BL31: where our fixes to TF-A leave room for another platform token and key.

A slot is a variable of BL31: eight bytes of size, then room. As built it is all zero, and TF-A
gives out its sample. What is to be given out instead is written into the image when the flash is
put together, so that another RMM, and so another token, does not need another TF-A.
"""

from collections.abc import Mapping
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from realmos.errors import FirmwareError

TOKEN_SLOT = "realmos_platform_token"  # noqa: S105 # a symbol's name
KEY_SLOT = "realmos_attest_key"
_SIZE_BYTES = 8


def fill_slots(image: bytes, elf: Path | None, contents: Mapping[str, bytes]) -> bytes:
    """Return an image with contents in its slots.

    Args:
        image: the raw image, its slots empty.
        elf: the ELF file that it was made from.
        contents: by the slots' symbols.

    Raises:
        FirmwareError: the image has no such slot, or a content does not fit.
    """
    filled = bytearray(image)
    for name, (offset, size) in _find(elf, contents).items():
        content, room = contents[name], size - _SIZE_BYTES
        if len(content) > room:
            raise FirmwareError(f"{name} has {len(content)} bytes, {room} are allowed")
        if filled[offset : offset + size] != bytes(size):
            raise FirmwareError(f"the slot {name} of this BL31 is not empty, or not where it was")
        value = len(content).to_bytes(_SIZE_BYTES, "little") + content
        filled[offset : offset + len(value)] = value
    return bytes(filled)


def _find(elf: Path | None, names: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    """Return each slot's offset in the raw image, and its size."""
    if elf is None:
        raise FirmwareError("this BL31 has no symbols, by which its slots are found")
    try:
        with elf.open("rb") as file:
            found = _variables(ELFFile(file), names)
    except (ELFError, OSError) as error:
        raise FirmwareError(f"the symbols of this BL31 cannot be read: {error}") from error
    for name in names:
        if name not in found:
            raise FirmwareError(
                f"this BL31 has no slot {name} for what an anchor signs",
                hint="TF-A without our fixes has its sample anchor alone",
            )
    return found


def _variables(elf: ELFFile, names: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    sections = [s for s in elf.iter_sections("SHT_PROGBITS") if s["sh_flags"] & SH_FLAGS.SHF_ALLOC]
    base = min((section["sh_addr"] for section in sections), default=0)
    return {
        symbol.name: (symbol["st_value"] - base, symbol["st_size"])
        for table in elf.iter_sections()
        if isinstance(table, SymbolTableSection)
        for symbol in table.iter_symbols()
        if symbol.name in names
    }
