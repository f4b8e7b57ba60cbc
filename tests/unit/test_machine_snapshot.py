# SPDX-License-Identifier: BSD-3-Clause
"""Which snapshots are found, and which are forgotten."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from realmos.cache import Cache, key_of
from realmos.machine import MachineSpec, SnapshotStore, identity, place_realms
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
