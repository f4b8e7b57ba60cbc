# SPDX-License-Identifier: BSD-3-Clause
"""Slots in BL31: what an anchor signs goes into them and nowhere else."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos.errors import FirmwareError
from realmos.firmware._slots import KEY_SLOT, TOKEN_SLOT, fill_slots

BASE = 0x0E09_0000


def test_contents_lie_in_their_slots_behind_their_size_and_nothing_else_changes(
    bl31_image: bytes, bl31_elf: Path, bl31_slots: dict[str, tuple[int, int]]
) -> None:
    token, key = b"t" * 33, b"k" * 48
    filled = bytearray(fill_slots(bl31_image, bl31_elf, {TOKEN_SLOT: token, KEY_SLOT: key}))
    for name, content in {TOKEN_SLOT: token, KEY_SLOT: key}.items():
        at, size = bl31_slots[name]
        expected = struct.pack("<Q", len(content)) + content
        assert filled[at : at + size] == expected.ljust(size, b"\0")
        filled[at : at + size] = bytes(size)
    assert bytes(filled) == bl31_image


def test_a_content_fills_its_slot_at_most(bl31_image: bytes, bl31_elf: Path) -> None:
    assert b"t" * 4096 in fill_slots(bl31_image, bl31_elf, {TOKEN_SLOT: b"t" * 4096})
    with pytest.raises(FirmwareError, match="has 4097 bytes, 4096 are allowed"):
        fill_slots(bl31_image, bl31_elf, {TOKEN_SLOT: b"t" * 4097})


def test_a_tfa_without_slots_is_refused_with_the_reason(
    bl31_image: bytes, tmp_path: Path, write_elf: Callable[..., Path]
) -> None:
    elf = write_elf(tmp_path / "bl31.elf", {KEY_SLOT: (BASE + 4200, 56)})
    with pytest.raises(FirmwareError, match=f"no slot {TOKEN_SLOT}") as caught:
        fill_slots(bl31_image, elf, {TOKEN_SLOT: b"t", KEY_SLOT: b"k"})
    assert "without our fixes" in caught.value.hint


def test_symbols_that_cannot_be_read_are_named(bl31_image: bytes, tmp_path: Path) -> None:
    elf = tmp_path / "bl31.elf"
    with pytest.raises(FirmwareError, match=r"cannot be read: .*No such file"):
        fill_slots(bl31_image, elf, {TOKEN_SLOT: b"t"})
    elf.write_bytes(b"\x7fELF and nothing more")
    with pytest.raises(FirmwareError, match="cannot be read"):
        fill_slots(bl31_image, elf, {TOKEN_SLOT: b"t"})
    with pytest.raises(FirmwareError, match="has no symbols"):
        fill_slots(bl31_image, None, {TOKEN_SLOT: b"t"})


@pytest.mark.parametrize(
    "change",
    [lambda image: image[:100], lambda image: image[:50] + b"\1" + image[51:]],
    ids=["too short", "not empty"],
)
def test_an_image_that_is_not_the_elf_files_is_refused(
    bl31_image: bytes, bl31_elf: Path, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(FirmwareError, match="not empty, or not where it was"):
        fill_slots(change(bl31_image), bl31_elf, {TOKEN_SLOT: b"t"})


@pytest.mark.parametrize("address", [BASE - 8, BASE + (1 << 32)])
def test_a_slot_that_lies_outside_the_image_is_refused(
    bl31_image: bytes, tmp_path: Path, write_elf: Callable[..., Path], address: int
) -> None:
    elf = write_elf(tmp_path / "bl31.elf", {TOKEN_SLOT: (address, 4104)})
    with pytest.raises(FirmwareError, match="not empty, or not where it was"):
        fill_slots(bl31_image, elf, {TOKEN_SLOT: b"t"})
