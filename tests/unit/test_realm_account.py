# SPDX-License-Identifier: BSD-3-Clause
"""Accounts of predictions: what they list, that they can be saved, and where two of them part."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from realmos.errors import ConfigError
from realmos.image import compile_source
from realmos.realm import (
    Account,
    Realm,
    RealmConfig,
    RealmParams,
    account,
    compare,
    initial_measurement,
    read_account,
)
from realmos.realm._plan import Load, build_plan

MIB = 1 << 20
RAM = 0x40000000
NAMES = ("kernel", "device tree", "initramfs")


def realm(
    folder: Path,
    *,
    kernel: bytes = b"k" * 10000,
    words: str = "quiet",
    archive: bytes = b"i" * 5000,
    memory: int = 8 * MIB,
    vcpus: int = 1,
    hash_algo: int = 0,
) -> Realm:
    """A realm of three small files."""
    folder.mkdir(exist_ok=True)
    tree = compile_source(
        f'/dts-v1/; / {{ chosen {{ bootargs = "{words}"; size = <{len(archive)}>; }}; }};',
        folder / "realm.dtb",
    )
    paths = (folder / "Image", tree, folder / "initramfs")
    paths[0].write_bytes(kernel)
    paths[2].write_bytes(archive)
    ipas = (RAM, RAM + 2 * MIB, RAM + 2 * MIB + 0x10000)
    plan = build_plan(
        RealmParams(hash_algo=hash_algo),
        memory=memory,
        loads=[Load(n, paths[n].stat().st_size, ipa) for n, ipa in enumerate(ipas)],
        vcpus=vcpus,
        entry=RAM,
        gprs=(ipas[1],),
    )
    rim = initial_measurement(plan, [path.read_bytes() for path in paths])
    config = RealmConfig(
        memory=memory, vcpus=vcpus, hash_algorithm=("sha-256", "sha-512")[hash_algo]
    )
    return Realm(config, "tiny", paths, plan, rim, RAM, NAMES)


def saved(found: Account) -> Account:
    return read_account(json.dumps(found.to_json()), "a.json")


@pytest.mark.parametrize("hash_algo", [0, 1])
def test_an_account_ends_in_the_predicted_rim(tmp_path: Path, hash_algo: int) -> None:
    made = realm(tmp_path, hash_algo=hash_algo)
    assert account(made).rim == made.rim.hex()


def test_an_account_lists_each_command_and_the_file_behind_it(tmp_path: Path) -> None:
    found = account(realm(tmp_path, vcpus=2))
    kinds = [line.operation for line in found.lines]
    assert kinds == [
        "create", *["ripas"] * 4, *["table"] * 2, *["data"] * 6, "rec", "rec", "activate",
    ]  # fmt: skip
    data = [line for line in found.lines if line.operation == "data"]
    assert [(found.files[line.file].what, line.offset, line.ipa) for line in data] == [
        *[("kernel", at, RAM + at) for at in (0, 0x1000, 0x2000)],
        ("device tree", 0, RAM + 2 * MIB),
        *[("initramfs", at, RAM + 2 * MIB + 0x10000 + at) for at in (0, 0x1000)],
    ]
    last = b"k" * (10000 - 0x2000)
    assert data[2].content == hashlib.sha256(last.ljust(4096, b"\0")).hexdigest()
    ripas = [(line.ipa, line.size) for line in found.lines if line.operation == "ripas"]
    assert ripas == [(RAM + at * MIB, 2 * MIB) for at in (0, 2, 4, 6)]
    assert "not runnable" in found.lines[-2].detail


def test_an_account_that_was_saved_is_the_same(tmp_path: Path) -> None:
    found = account(realm(tmp_path))
    assert saved(found) == found
    assert compare(found, saved(found)).index is None


def broken(change: str) -> Any:  # noqa: ANN401 -- JSON of any kind
    """Return a small account's JSON with one thing wrong."""
    file = {"what": "kernel", "path": "", "size": 1, "sha256": "", "data": "00"}
    line = {
        "operation": "data", "ipa": 0, "size": 4096, "file": 0, "offset": 0, "detail": "",
        "content": "", "rim": "00",
    }  # fmt: skip
    whole = {
        "format": "realmos-account-1", "image": "x", "settings": {}, "files": [file],
        "steps": [line], "rim": "00",
    }  # fmt: skip
    changes: dict[str, Any] = {
        "nothing": whole,
        "no object": [],
        "another format": {**whole, "format": "2"},
        "no steps": {**whole, "steps": []},
        "steps of another kind": {**whole, "steps": "xyz"},
        "steps to another RIM": {**whole, "rim": "01"},
        "a step too short": {**whole, "steps": [{"rim": ""}]},
        "a step of another file": {**whole, "steps": [{**line, "file": 1}]},
        "a negative file": {**whole, "steps": [{**line, "file": -2}]},
        "an IPA of text": {**whole, "steps": [{**line, "ipa": "0"}]},
        "a flag for a number": {**whole, "steps": [{**line, "ipa": True}]},
        "an unknown operation": {**whole, "steps": [{**line, "operation": "x"}]},
        "a file of another size": {**whole, "files": [{**file, "size": 2}]},
        "a file not in hexadecimal": {**whole, "files": [{**file, "data": "zz"}]},
    }
    return changes[change]


@pytest.mark.parametrize(
    "change",
    [
        "no object", "another format", "no steps", "steps of another kind", "steps to another RIM",
        "a step too short", "a step of another file", "a negative file", "an IPA of text",
        "a flag for a number", "an unknown operation", "a file of another size",
        "a file not in hexadecimal",
    ],
)  # fmt: skip
def test_a_file_that_is_no_account_is_refused(change: str) -> None:
    assert read_account(json.dumps(broken("nothing")), "x").rim == "00"
    with pytest.raises(ConfigError, match=r"a\.json holds no steps"):
        read_account(json.dumps(broken(change)), "a.json")


@pytest.mark.parametrize("text", ["", "{", "[" * 100000])
def test_a_file_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.json holds no steps"):
        read_account(text, "a.json")


def test_a_changed_byte_of_the_kernel_is_found(tmp_path: Path) -> None:
    one = account(realm(tmp_path / "one"))
    changed = bytearray(b"k" * 10000)
    changed[5000] ^= 1
    other = account(realm(tmp_path / "other", kernel=bytes(changed)))
    found = compare(one, other)
    assert found.index is not None
    line = found.lines[1]
    assert line is not None
    assert (line.operation, line.ipa, line.offset) == ("data", RAM + 0x1000, 0x1000)
    (file,) = found.files
    assert (file.what, file.offset, file.exact) == ("kernel", 5000, True)


def test_without_the_files_the_granule_is_found(tmp_path: Path) -> None:
    one = account(realm(tmp_path / "one", kernel=b"k" * 100000))
    other = account(realm(tmp_path / "other", kernel=b"k" * 90000 + b"x" * 10000))
    (tmp_path / "one" / "Image").write_bytes(b"another by now")
    (file,) = compare(saved(one), saved(other)).files
    assert (file.offset, file.exact) == (0x15000, False)
    (tmp_path / "other" / "Image").unlink()
    assert compare(one, other).files[0].offset == 0x15000


def test_properties_of_the_device_tree_that_differ_are_named(tmp_path: Path) -> None:
    one = saved(account(realm(tmp_path / "one")))
    other = saved(account(realm(tmp_path / "other", words="loud", archive=b"i" * 5001)))
    found = compare(one, other)
    assert found.lines[0] is not None
    assert found.lines[0].ipa == RAM + 2 * MIB
    assert [file.what for file in found.files] == ["device tree", "initramfs"]
    assert found.files[0].details == (
        '/chosen/bootargs: "quiet" → "loud"',
        "/chosen/size: <00001388> → <00001389>",
    )
    assert (found.files[1].offset, found.files[1].sizes) == (5000, (5000, 5001))


def test_realms_that_differ_in_their_settings_part_where_those_count(tmp_path: Path) -> None:
    one = account(realm(tmp_path / "one"))
    larger = compare(one, account(realm(tmp_path / "two", memory=10 * MIB)))
    assert larger.settings == (("memory", "8 MiB", "10 MiB"),)
    assert [line.operation for line in larger.lines if line] == ["table", "ripas"]
    hashed = compare(one, account(realm(tmp_path / "three", hash_algo=1)))
    assert hashed.index == 0
    assert hashed.files == ()


def test_an_account_that_ends_early_is_not_the_same(tmp_path: Path) -> None:
    one = account(realm(tmp_path))
    cut = replace(one, lines=one.lines[:-1])
    found = compare(one, cut)
    assert found.index == len(cut.lines)
    assert found.lines == (one.lines[-1], None)


def test_a_file_on_one_side_only_is_named(tmp_path: Path) -> None:
    one = account(realm(tmp_path))
    found = compare(one, replace(one, files=one.files[:2]))
    assert [(file.what, file.sizes) for file in found.files] == [("initramfs", (5000, None))]
