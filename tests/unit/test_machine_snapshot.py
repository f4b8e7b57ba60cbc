# SPDX-License-Identifier: BSD-3-Clause
"""Which snapshots are found, which are forgotten, and which are known to be corrupt."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from realmos.cache import Cache, key_of
from realmos.machine import (
    MachineSpec,
    Snapshot,
    SnapshotStore,
    _snapshot,
    identity,
    place_realms,
)
from realmos.realm import Plan, Realm, RealmConfig, RealmParams

KEPT = 6


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    cache = Cache(tmp_path / "cache")
    (cache.path / "snapshots").mkdir()
    return SnapshotStore(cache)


def put(tmp_path: Path, name: str, *, age: float, whole: bool = True) -> Path:
    path = tmp_path / "cache" / "snapshots" / key_of({"name": name})
    path.mkdir()
    if whole:
        (path / "snapshot.json").write_text("{}")
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def spec(tmp_path: Path, realm: Realm) -> MachineSpec:
    slots = place_realms((realm,))
    return MachineSpec(("qemu",), Path("/flash"), slots, tmp_path / "a", tmp_path / "b")


REALM = Realm(RealmConfig(), "linux", (), Plan(RealmParams(), ()), b"rim", 0)


def test_a_snapshot_that_was_not_finished_is_not_found(
    store: SnapshotStore, tmp_path: Path
) -> None:
    put(tmp_path, "half", age=0, whole=False)
    assert store.find({"name": "half"}) is None
    assert store.find({"name": "never"}) is None


def test_the_least_recently_used_are_forgotten(store: SnapshotStore, tmp_path: Path) -> None:
    paths = [put(tmp_path, str(age), age=age) for age in range(KEPT + 2)]
    assert store.find({"name": str(KEPT + 1)}) is not None  # the oldest, but used now
    store.forget_old()
    assert [path.exists() for path in paths] == [True] * (KEPT - 1) + [False, False, True]


@pytest.mark.parametrize(
    "changed",
    [
        replace(REALM, rim=b"another"),
        replace(REALM, config=RealmConfig(rpv=b"me")),
        replace(REALM, config=RealmConfig(memory=1 << 30)),
        replace(REALM, config=RealmConfig(vcpus=2)),
    ],
    ids=["rim", "rpv", "memory", "vcpus"],
)
def test_whatever_shapes_a_machine_is_part_of_its_identity(changed: Realm, tmp_path: Path) -> None:
    def key(realm: Realm, flash: str = "f", qemu: str = "10.0") -> str:
        return key_of(identity(spec(tmp_path, realm), flash_sha256=flash, qemu_version=qemu))

    assert key(REALM) != key(changed)
    assert key(REALM) != key(REALM, flash="g")
    assert key(REALM) != key(REALM, qemu="10.1")


def test_where_a_run_keeps_its_files_is_not_part_of_it(tmp_path: Path) -> None:
    here, there = spec(tmp_path, REALM), spec(tmp_path / "elsewhere", REALM)
    facts = {"flash_sha256": "f", "qemu_version": "10"}
    assert identity(here, **facts) == identity(there, **facts)


def saved(tmp_path: Path) -> Snapshot:
    """A snapshot as it is saved: a sparse file of RAM, a console's log, and the facts."""
    path = tmp_path / "snapshot"
    path.mkdir()
    with (path / "machine.ram").open("wb") as ram:
        for offset in (0, 5 << 20, 64 << 20):
            ram.seek(offset)
            ram.write(b"page" * 1024)
        ram.truncate(65 << 20)
    (path / "uart.log").write_text("RMM: ready\n")
    facts = {"machine": {}, "sha256": _snapshot._hashes(path)}  # noqa: SLF001
    (path / "snapshot.json").write_text(json.dumps(facts))
    return Snapshot(path)


def change(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda path: change(path / "machine.ram", 0, b"Q"),
        lambda path: change(path / "machine.ram", (64 << 20) + 4095, b"\0"),
        lambda path: change(path / "machine.ram", 30 << 20, b"x"),
        lambda path: os.truncate(path / "machine.ram", (65 << 20) - 1),
        lambda path: (path / "machine.ram").unlink(),
        lambda path: (path / "uart.log").write_text("RMM: READY\n"),
        lambda path: (path / "snapshot.json").write_bytes(b"\xff"),
        lambda path: (path / "snapshot.json").write_text("{}"),
        lambda path: (path / "snapshot.json").write_text("[]"),
    ],
    ids=["first", "last", "hole", "size", "no ram", "log", "facts", "no hashes", "strange facts"],
)
def test_a_corrupt_snapshot_is_known_by_its_hashes(
    tmp_path: Path, corrupt: Callable[[Path], None]
) -> None:
    snapshot = saved(tmp_path)
    assert snapshot.is_intact()
    corrupt(snapshot.path)
    assert not snapshot.is_intact()


def test_a_copy_whose_holes_were_filled_is_the_same_snapshot(tmp_path: Path) -> None:
    snapshot = saved(tmp_path)
    data = snapshot.ram.read_bytes()
    snapshot.ram.unlink()
    snapshot.ram.write_bytes(data)
    assert snapshot.is_intact()
