# SPDX-License-Identifier: BSD-3-Clause
"""A flash that attests with an anchor: true to its components, reproducible, and private."""

import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from realmos.anchor import DevelopmentAnchor, realm_key
from realmos.errors import FirmwareError
from realmos.firmware import Firmware, Flash, build_flash
from realmos.firmware._component import from_build
from realmos.firmware._slots import KEY_SLOT, TOKEN_SLOT

SIZES = {"bl1": 2000, "bl2": 3000, "rmm": 4001, "bl33": 3000}
TRUSTED = {"AP_BL1": "bl1", "AP_BL2": "bl2", "AP_BL31": "bl31", "RMM": "rmm"}

MakeFirmware = Callable[..., Firmware]


@pytest.fixture(scope="module")
def anchor() -> DevelopmentAnchor:
    return DevelopmentAnchor.new()


@pytest.fixture
def make_firmware(
    tmp_path: Path, bl31_image: bytes, write_elf: Callable[..., Path]
) -> MakeFirmware:
    """Return a function that makes firmware in a folder, with other images if given."""

    def make(folder: str = "", **images: bytes) -> Firmware:
        home = tmp_path / folder
        home.mkdir(exist_ok=True)
        made = {name: hashlib.shake_128(name.encode()).digest(n) for name, n in SIZES.items()}
        parts = {}
        for name, data in (made | {"bl31": bl31_image} | images).items():
            (home / f"{name}.bin").write_bytes(data)
            elf = write_elf(home / f"{name}.elf")
            parts[name] = from_build(
                name, home / f"{name}.bin", version="1", origin=f"made {name}", elf=elf
            )
        return Firmware(**parts, sources=(), compiler="gcc 12")

    return make


def in_slot(flash: Flash, name: str, slots: dict[str, tuple[int, int]], bl31: bytes) -> bytes:
    """Return what lies in a slot of BL31 in a flash."""
    data = flash.path.read_bytes()
    start = data.index(bl31[:24])  # what comes before the first slot
    at, _ = slots[name]
    size = int.from_bytes(data[start + at : start + at + 8], "little")
    return data[start + at + 8 : start + at + 8 + size]


def measured(token: bytes) -> dict[str, bytes]:
    claims = cbor2.loads(cbor2.loads(token).value[2])
    return {part[1]: part[2] for part in claims[2399]}


def test_the_token_in_the_flash_has_the_hash_of_every_trusted_component(
    make_firmware: MakeFirmware,
    anchor: DevelopmentAnchor,
    tmp_path: Path,
    bl31_image: bytes,
    bl31_slots: dict[str, tuple[int, int]],
) -> None:
    flash = build_flash(make_firmware(), out=tmp_path / "flash.bin", anchor=anchor)
    token = in_slot(flash, TOKEN_SLOT, bl31_slots, bl31_image)
    assert in_slot(flash, KEY_SLOT, bl31_slots, bl31_image) == realm_key(
        anchor, flash.components_measured
    )
    files = {kind: tmp_path / f"{name}.bin" for kind, name in TRUSTED.items()}
    hashes = {kind: hashlib.sha256(path.read_bytes()).digest() for kind, path in files.items()}
    assert measured(token) == hashes
    assert {part.type: part.measurement for part in flash.components_measured} == hashes


def test_flash_with_a_key_in_it_is_its_users_alone(
    make_firmware: MakeFirmware, anchor: DevelopmentAnchor, tmp_path: Path
) -> None:
    flash = build_flash(make_firmware(), out=tmp_path / "flash.bin", anchor=anchor)
    assert realm_key(anchor, flash.components_measured) in flash.path.read_bytes()
    assert stat.S_IMODE(flash.path.stat().st_mode) == 0o600


def test_equal_firmware_and_anchor_give_equal_bytes(
    make_firmware: MakeFirmware, anchor: DevelopmentAnchor, tmp_path: Path
) -> None:
    one, two = (
        build_flash(make_firmware(name), out=tmp_path / f"{name}.flash", anchor=anchor)
        for name in ("one", "two")
    )
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.sha256 == two.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()


def test_one_byte_of_the_rmm_changes_the_token_in_just_that_component(
    make_firmware: MakeFirmware,
    anchor: DevelopmentAnchor,
    tmp_path: Path,
    bl31_image: bytes,
    bl31_slots: dict[str, tuple[int, int]],
) -> None:
    rmm = bytearray(hashlib.shake_128(b"rmm").digest(SIZES["rmm"]))
    tokens, keys = [], set()
    for name, flip in (("one", 0), ("two", 1)):
        rmm[2000] ^= flip
        firmware = make_firmware(name, rmm=bytes(rmm))
        flash = build_flash(firmware, out=tmp_path / f"{name}.flash", anchor=anchor)
        tokens.append(in_slot(flash, TOKEN_SLOT, bl31_slots, bl31_image))
        keys.add(in_slot(flash, KEY_SLOT, bl31_slots, bl31_image))
    one, two = map(measured, tokens)
    assert [kind for kind in one if one[kind] != two[kind]] == ["RMM"]
    assert len(keys) == 2


def test_the_monitor_is_no_part_of_what_is_attested(
    make_firmware: MakeFirmware, anchor: DevelopmentAnchor, tmp_path: Path
) -> None:
    one = build_flash(make_firmware("one"), out=tmp_path / "one.flash", anchor=anchor)
    other = make_firmware("two", bl33=b"another")
    two = build_flash(other, out=tmp_path / "two.flash", anchor=anchor)
    assert one.sha256 != two.sha256
    assert one.components_measured == two.components_measured


def test_a_component_that_changes_while_it_is_used_is_refused(
    make_firmware: MakeFirmware, anchor: DevelopmentAnchor, tmp_path: Path
) -> None:
    firmware = make_firmware()
    firmware.rmm.path.write_bytes(b"another")
    with pytest.raises(FirmwareError, match=r"rmm\.bin changed"):
        build_flash(firmware, out=tmp_path / "flash.bin", anchor=anchor)
    assert not (tmp_path / "flash.bin").exists()


def test_without_an_anchor_bl31_is_as_it_was_built_and_nothing_is_measured(
    make_firmware: MakeFirmware, tmp_path: Path, bl31_image: bytes
) -> None:
    flash = build_flash(make_firmware(), out=tmp_path / "flash.bin")
    assert bl31_image in flash.path.read_bytes()
    assert not flash.components_measured
    assert not flash.references()
    manifest = json.loads(json.dumps(flash.manifest()))
    assert manifest["anchor"]["worth"] == "sample anchor, forgeable"
    assert manifest["components_measured"] == []


def test_a_brought_image_without_a_version_is_measured_too(
    make_firmware: MakeFirmware, anchor: DevelopmentAnchor, tmp_path: Path
) -> None:
    firmware = make_firmware()
    firmware = replace(firmware, rmm=replace(firmware.rmm, version="", brought=True))
    flash = build_flash(firmware, out=tmp_path / "flash.bin", anchor=anchor)
    (rmm,) = (part for part in flash.components_measured if part.type == "RMM")
    assert (rmm.measurement.hex(), rmm.version) == (firmware.rmm.sha256, None)


def test_manifest_and_references_name_what_a_policy_needs(
    make_firmware: MakeFirmware, anchor: DevelopmentAnchor, tmp_path: Path
) -> None:
    flash = build_flash(make_firmware(), out=tmp_path / "flash.bin", anchor=anchor)
    text = json.dumps(flash.manifest())
    assert realm_key(anchor, flash.components_measured).hex() not in text
    manifest = json.loads(text)
    assert manifest["anchor"] == {
        "kind": "development",
        "worth": "development anchor of this machine",
        "public_key": anchor.attest_anchor().to_pem(),
        "implementation_id": anchor.implementation_id.hex(),
        "instance_id": anchor.instance_id.hex(),
    }
    assert manifest["components_measured"][3] == {
        "type": "RMM",
        "measurement": flash.rmm.sha256,
        "version": "1",
        "signer_id": anchor.signer_id.hex(),
    }
    assert [(each.type, each.version) for each in flash.references()] == [
        (kind, None) for kind in TRUSTED
    ]
    assert all(each.signer == anchor.signer_id for each in flash.references())
