# SPDX-License-Identifier: BSD-3-Clause
"""The flash image: what cannot be in it is refused, and what is in it lies where BL1 looks."""

import hashlib
import json
import struct
from pathlib import Path
from uuid import UUID

import pytest
from realmos.errors import FirmwareError
from realmos.firmware import Component, Firmware, build_flash
from realmos.firmware._component import from_build, from_file
from realmos.firmware.fip import build_fip
from realmos.source.lock import SourceFile
from realmos_abi import load

PLATFORM = load("platform")
FIP_OFFSET = PLATFORM["QEMU_FLASH_FIP_OFFSET"]
CODE = 0x14000000.to_bytes(4, "little")
"""A branch to itself."""
SIZES = {"bl1": 23_477, "bl2": 33_465, "bl31": 61_548, "rmm": 40_001, "bl33": 30_000}


def component(tmp_path: Path, name: str, size: int) -> Component:
    path = tmp_path / f"{name}.bin"
    path.write_bytes(hashlib.shake_128(name.encode()).digest(size))
    return from_build(name, path, version="1", origin=f"made {name}", elf=tmp_path / f"{name}.elf")


def firmware(tmp_path: Path, **sizes: int) -> Firmware:
    parts = {name: component(tmp_path, name, size) for name, size in (SIZES | sizes).items()}
    source = SourceFile("tf-a", "2.12", "tf-a.tar.xz", "trixie", 1, "ab" * 32)
    return Firmware(**parts, sources=(source,), compiler="gcc 12")


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def entries(package: bytes) -> dict[str, bytes]:
    """Read a firmware package by its format alone."""
    magic, _serial, flags = struct.unpack_from("<IIQ", package)
    assert (magic, flags) == (0xAA640001, 0)
    found: dict[str, bytes] = {}
    for at in range(16, len(package), 40):
        uuid, offset, size, _flags = struct.unpack_from("<16sQQQ", package, at)
        if uuid == bytes(16):
            assert offset == len(package)
            return found
        found[str(UUID(bytes=uuid))] = package[offset : offset + size]
    raise AssertionError


@pytest.mark.parametrize("name", ["rmm", "bl33"])
def test_elf_file_is_refused_with_the_command_that_converts_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "image.elf"
    path.write_bytes(b"\x7fELF" + bytes(100))
    with pytest.raises(FirmwareError, match=rf"--{name} .* is an ELF file") as caught:
        from_file(name, path)
    assert "objcopy -O binary" in caught.value.hint


def test_whole_firmware_package_is_refused_as_an_image(tmp_path: Path) -> None:
    path = tmp_path / "fip.bin"
    path.write_bytes(build_fip({"rmm": b"rmm"}))
    with pytest.raises(FirmwareError, match="whole firmware package"):
        from_file("rmm", path)


def test_empty_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rmm.img"
    path.touch()
    with pytest.raises(FirmwareError, match="is empty"):
        from_file("rmm", path)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("rmm", PLATFORM["QEMU_RMM_IMAGE_LIMIT"]),
        ("bl33", PLATFORM["QEMU_FLASH_SIZE"] - FIP_OFFSET),
    ],
)
def test_image_beyond_its_limit_is_refused(tmp_path: Path, name: str, limit: int) -> None:
    path = sparse(tmp_path / "image", limit + 1)
    with pytest.raises(FirmwareError, match=f"has {limit + 1} bytes, {limit} are allowed"):
        from_file(name, path)
    sparse(path, limit)
    with path.open("r+b") as image:
        image.write(CODE)
    assert from_file(name, path).size == limit


@pytest.mark.parametrize("name", ["rmm", "bl33"])
@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"#!/bin/sh\nexec true\n", "is text, not a raw image"),
        (b"\r\n:100000000C9434000C9451000C9451000C945100\r\n" * 9, "is text"),
        (b"MZ\x90\0" + bytes(1000), "does not begin with code for AArch64: 0x00905a4d"),
        (b"\x1f\x8b\x08\0" + bytes(1000), "does not begin with code"),
        (b"\xca\xfe\xba\xbe" * 9 + b"\xcf\xfa\xed\xfe", ""),
        (bytes(8192), "does not begin with code for AArch64: 0x00000000 is no instruction"),
        (b"\xc3", "does not begin with code"),
    ],
    ids=["script", "hex", "exe", "gzip", "who knows", "zeros", "byte"],
)
def test_what_cannot_be_code_is_refused(
    tmp_path: Path, name: str, data: bytes, problem: str
) -> None:
    path = tmp_path / "image"
    path.write_bytes(data)
    if not problem:
        assert from_file(name, path).size == len(data)
        return
    with pytest.raises(FirmwareError, match=rf"--{name} .*{problem}") as caught:
        from_file(name, path)
    assert "objcopy -O binary" in caught.value.hint


@pytest.mark.parametrize(
    "word",
    [
        0xD53800A0,  # mrs x0, mpidr_el1
        0x14000400,  # b
        0x58000040,  # ldr x0, literal
        0xAA0003F4,  # mov x20, x0
        0x10000000,  # adr x0, .
        0xD503201F,  # nop
        0xFA405A4D,  # ccmp, which "MZ" of a kernel with an EFI stub is
        0xD503245F,  # bti c
    ],
)
def test_any_instruction_may_come_first(tmp_path: Path, word: int) -> None:
    path = tmp_path / "image"
    path.write_bytes(word.to_bytes(4, "little") + b"RMM image of somebody's own make " * 9)
    assert from_file("rmm", path).size > 0


@pytest.mark.parametrize("name", ["nosuch.img", "."])
def test_image_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FirmwareError, match="cannot be read"):
        from_file("rmm", tmp_path / name)


@pytest.mark.parametrize(
    ("name", "size", "problem"),
    [
        ("bl1", FIP_OFFSET + 1, "bl1 has"),
        ("rmm", PLATFORM["QEMU_RMM_IMAGE_LIMIT"] + 1, "rmm has"),
        ("bl33", PLATFORM["QEMU_FLASH_SIZE"], "firmware package has"),
    ],
)
def test_flash_with_an_oversize_component_is_refused(
    tmp_path: Path, name: str, size: int, problem: str
) -> None:
    made = firmware(tmp_path)
    sparse(tmp_path / f"{name}.bin", size)
    with pytest.raises(FirmwareError, match=problem):
        build_flash(made, out=tmp_path / "flash.bin")
    assert not (tmp_path / "flash.bin").exists()


def test_flash_holds_bl1_at_its_start_and_the_package_behind_it(tmp_path: Path) -> None:
    data = build_flash(firmware(tmp_path), out=tmp_path / "flash.bin").path.read_bytes()
    assert data[: SIZES["bl1"]] == (tmp_path / "bl1.bin").read_bytes()
    assert entries(data[FIP_OFFSET:]) == {
        "5ff9ec0b-4d22-3e4d-a544-c39d81c73f0a": (tmp_path / "bl2.bin").read_bytes(),
        "47d4086d-4cfe-9846-9b95-2950cbbd5a00": (tmp_path / "bl31.bin").read_bytes(),
        "6c0762a6-12f2-4b56-92cb-ba8f633606d9": (tmp_path / "rmm.bin").read_bytes(),
        "d6d0eea7-fcea-d54b-9782-9934f234b6e4": (tmp_path / "bl33.bin").read_bytes(),
    }


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    flashes = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        flashes.append(build_flash(firmware(folder), out=folder / "flash.bin"))
    assert flashes[0].sha256 == flashes[1].sha256
    assert flashes[0].path.read_bytes() == flashes[1].path.read_bytes()


def test_package_does_not_depend_on_the_order_of_its_images() -> None:
    images = {"bl33": b"3", "rmm": b"r", "bl2": b"2" * 65}
    assert build_fip(images) == build_fip(dict(reversed(images.items())))


def test_manifest_names_versions_hashes_and_origins(tmp_path: Path) -> None:
    flash = build_flash(firmware(tmp_path), out=tmp_path / "flash.bin")
    manifest = json.loads(json.dumps(flash.manifest()))
    assert manifest["sha256"] == hashlib.sha256(flash.path.read_bytes()).hexdigest()
    assert list(manifest["components"]) == ["bl1", "bl2", "bl31", "rmm", "bl33"]
    assert manifest["components"]["rmm"] == {
        "sha256": hashlib.sha256((tmp_path / "rmm.bin").read_bytes()).hexdigest(),
        "size": SIZES["rmm"],
        "version": "1",
        "origin": "made rmm",
    }
    assert manifest["sources"][0]["suite"] == "trixie"


def test_symbols_are_those_of_every_image(tmp_path: Path) -> None:
    made = firmware(tmp_path)
    flash = build_flash(made, out=tmp_path / "flash.bin")
    (tmp_path / "bl33.bin").write_bytes(CODE)
    files = {"bl1": "bl1", "bl2": "bl2", "bl31": "bl31", "rmm": "rmm", "monitor": "bl33"}
    assert flash.symbols() == {name: tmp_path / f"{file}.elf" for name, file in files.items()}
    brought = from_file("bl33", tmp_path / "bl33.bin")
    assert brought.origin == f"file {tmp_path / 'bl33.bin'}"
    assert brought.symbols is None


def elf_of(code: bytes, base: int, kind: int) -> bytes:
    """An ELF file with one section, of code."""
    names = b"\0.text\0.names\0"
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    at_names = 64 + len(code)
    at_sections = at_names + len(names)
    header = struct.pack(
        "<16sHHIQQQI6H", ident, kind, 183, 1, base, 0, at_sections, 0, 64, 0, 0, 64, 3, 2
    )
    text = struct.pack("<IIQQQQIIQQ", 1, 1, 6, base, 64, len(code), 0, 0, 4, 0)
    strings = struct.pack("<IIQQQQIIQQ", 7, 3, 0, 0, at_names, len(names), 0, 0, 1, 0)
    return header + code + names + bytes(64) + text + strings


@pytest.mark.parametrize(
    ("code", "kind", "known"),
    [
        (CODE * 8, 2, True),
        (CODE * 7 + b"else", 2, False),  # of another build
        (CODE * 8, 3, False),  # runs elsewhere than it is linked to
        (b"", 2, False),
    ],
)
def test_an_image_brought_in_has_the_symbols_of_just_its_own_elf_file(
    tmp_path: Path, code: bytes, kind: int, *, known: bool
) -> None:
    image = tmp_path / "my.bin"
    image.write_bytes(CODE * 8 + b"data")
    assert from_file("rmm", image).symbols is None
    elf = tmp_path / "my.elf"
    elf.write_bytes(elf_of(code, 0x40100000, kind))
    assert from_file("rmm", image).symbols == (elf if known else None)
    elf.write_bytes(b"\x7fELF and nothing more")
    assert from_file("rmm", image).symbols is None
