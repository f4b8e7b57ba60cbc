# SPDX-License-Identifier: BSD-3-Clause
"""A stand-in for BL31: an image with the two slots, and the ELF file that it was made from."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos.firmware._slots import KEY_SLOT, TOKEN_SLOT

BASE = 0x0E09_0000
SLOTS = {TOKEN_SLOT: (24, 8 + 4096), KEY_SLOT: (4200, 8 + 48)}
"""Offset and size of each slot."""

_SYMBOLS = {name: (BASE + at, size) for name, (at, size) in SLOTS.items()}
_IMAGE = b"".join(
    [bytes(range(1, 25)), bytes(8 + 4096), b"\7" * (4200 - 4128), bytes(8 + 48), b"\3" * 20]
)


def elf_of(image: bytes, symbols: dict[str, tuple[int, int]]) -> bytes:
    """An ELF file with one section of data, and variables in it."""
    strings, entries = b"\0", bytes(24)
    for name, (address, size) in symbols.items():
        entries += struct.pack("<IBBHQQ", len(strings), 0x11, 0, 1, address, size)
        strings += name.encode() + b"\0"
    names = b"\0.rodata\0.symtab\0.strtab\0.shstrtab\0"
    parts = (image, entries, strings, names)
    # Name, type, flags, address, link, info, and size of an entry, of each.
    kinds = (
        (1, 1, 2, BASE, 0, 0, 0), (9, 2, 0, 0, 3, 1, 24), (17, 3, 0, 0, 0, 0, 0),
        (25, 3, 0, 0, 0, 0, 0),
    )  # fmt: skip
    at, headers = 64, bytes(64)
    for part, (at_name, kind, flags, address, link, info, size) in zip(parts, kinds, strict=True):
        headers += struct.pack(
            "<IIQQQQIIQQ", at_name, kind, flags, address, at, len(part), link, info, 1, size
        )
        at += len(part)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<16sHHIQQQI6H", ident, 2, 183, 1, BASE, 0, at, 0, 64, 0, 0, 64, 5, 4)
    return header + b"".join(parts) + headers


@pytest.fixture
def bl31_image() -> bytes:
    return _IMAGE


@pytest.fixture
def bl31_slots() -> dict[str, tuple[int, int]]:
    return SLOTS


@pytest.fixture
def write_elf(bl31_image: bytes) -> Callable[..., Path]:
    """Return a function that writes BL31's ELF file, with other addresses and sizes if given."""

    def write(path: Path, symbols: dict[str, tuple[int, int]] = _SYMBOLS) -> Path:
        path.write_bytes(elf_of(bl31_image, symbols))
        return path

    return write


@pytest.fixture
def bl31_elf(tmp_path: Path, write_elf: Callable[..., Path]) -> Path:
    return write_elf(tmp_path / "bl31.elf")
