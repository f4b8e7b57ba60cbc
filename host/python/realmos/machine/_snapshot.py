# SPDX-License-Identifier: BSD-3-Clause
"""Snapshots of a whole machine, by QEMU's mapped-ram migration to a file.

A snapshot holds every secret of its realms in the clear, so its directory is private to the user
(0700, files 0600). A restored realm is a copy: its agent must be reseeded before it is used.
A corrupt one never runs: while QEMU reads it, it is hashed (docs/adr/0014-cache-integrity.md).

    <cache>/snapshots/<key>/   machine.ram uart.log realm<r>.log snapshot.json
"""

import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from realmos.cache import Cache, key_of
from realmos.errors import MachineError
from realmos.machine._machine import Machine
from realmos.machine._qmp import Qmp
from realmos.machine._sparse import sparse_sha256
from realmos.machine._spec import MachineSpec, argv, option_value

_RAM = "machine.ram"
_FACTS = "snapshot.json"
_SAVE_SECONDS = 120.0
_KEPT = 6
"""Snapshots that stay: each takes some 100 MB, and every change of a machine makes a new one."""
_MAPPED_RAM = [{"capability": "mapped-ram", "state": True}]


def identity(spec: MachineSpec, *, flash_sha256: str, qemu_version: str) -> dict[str, object]:
    """Return everything that shapes a machine: two machines with equal identities are the same.

    The realms' RIMs stand for their images, memory maps and plans; the command line, without the
    directories that each run has to itself, for the rest.
    """
    words = argv(replace(spec, incoming=None))
    own = {spec.logs: "<logs>", spec.sockets: "<sockets>"}
    for path, name in own.items():
        words = [word.replace(option_value(path), name) for word in words]
    return {
        "qemu": qemu_version,
        "flash": flash_sha256,
        "command": words,
        "realms": [(slot.realm.rim.hex(), slot.realm.config) for slot in spec.realms],
    }


@dataclass(frozen=True)
class Snapshot:
    """A machine saved after its agents first answered."""

    path: Path

    @property
    def ram(self) -> Path:
        """The migration file."""
        return self.path / _RAM

    @property
    def rpvs(self) -> tuple[bytes, ...]:
        """The personalisation value of each realm, which its copies have too.

        Raises:
            MachineError: the snapshot does not tell.
        """
        try:
            facts = json.loads((self.path / _FACTS).read_text("utf-8"))
            return tuple(bytes.fromhex(text) for text in facts["rpvs"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MachineError(f"the snapshot {self.path} is corrupt") from error

    def is_intact(self) -> bool:
        """Return whether every file is what it was when it was saved, by hash."""
        try:
            facts = json.loads((self.path / _FACTS).read_text("utf-8"))
            return bool(facts["sha256"] == _hashes(self.path))
        except (OSError, ValueError, KeyError, TypeError):  # facts or a disk that cannot be read
            return False


class SnapshotStore:
    """The snapshots of one cache.

    Args:
        cache: where they are kept.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._root = cache.path / "snapshots"

    def find(self, identity: Mapping[str, object]) -> Snapshot | None:
        """Return the snapshot of exactly this machine, or None."""
        path = self._root / key_of(identity)
        if not (path / _FACTS).is_file():
            return None
        os.utime(path)  # in use: the last to be forgotten
        return Snapshot(path)

    def save(self, machine: Machine, identity: Mapping[str, object]) -> Snapshot:
        """Stop the machine, write it down, and let it go on.

        Raises:
            MachineError: QEMU could not write it; nothing is kept, and the machine goes on.
        """
        key = key_of(identity)
        path = self._root / key
        self._root.mkdir(mode=0o700, exist_ok=True)
        with self._cache.lock(f"snapshot-{key}"), self._cache.scratch() as work:
            out = work / "snapshot"
            out.mkdir(mode=0o700)
            os.close(os.open(out / _RAM, os.O_CREAT | os.O_WRONLY, 0o600))
            with machine.qmp() as qmp:
                _write(qmp, out / _RAM)
            machine.poll_consoles()
            for log in [*machine.spec.logs.glob("uart.log"), *machine.spec.logs.glob("realm*.log")]:
                shutil.copyfile(log, out / log.name)
            rpvs = [slot.realm.rpv.hex() for slot in machine.spec.realms]
            facts = {"machine": identity, "rpvs": rpvs, "sha256": _hashes(out)}
            (out / _FACTS).write_text(json.dumps(facts, default=str, indent=1), "utf-8")
            if path.exists():
                shutil.rmtree(path)
            out.replace(path)
        self.forget_old()
        return Snapshot(path)

    def forget_old(self) -> None:
        """Remove all but the newest; a machine that is just restoring one keeps its open file."""
        by_age = sorted(self._root.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in by_age[:-_KEPT]:
            shutil.rmtree(path, ignore_errors=True)

    def discard(self, snapshot: Snapshot) -> None:
        """Remove a snapshot, for example one that did not come back to life."""
        shutil.rmtree(snapshot.path, ignore_errors=True)


def restored_spec(spec: MachineSpec, snapshot: Snapshot) -> MachineSpec:
    """Return `spec` as a machine that starts from the snapshot, its consoles' past in place."""
    for log in snapshot.path.glob("*.log"):
        shutil.copyfile(log, spec.logs / log.name)
    return replace(spec, incoming=snapshot.ram)


def load(machine: Machine) -> None:
    """Fill a machine that was started from a `restored_spec` from its snapshot; it then runs.

    Raises:
        MachineError: QEMU refused the file, or the snapshot is corrupt.
    """
    ram = machine.spec.incoming
    if ram is None:
        raise MachineError("this machine was not started from a snapshot")
    with ThreadPoolExecutor(1) as pool:
        intact = pool.submit(Snapshot(ram.parent).is_intact)
        with machine.qmp() as qmp:
            qmp.command("migrate-set-capabilities", capabilities=_MAPPED_RAM)
            qmp.command("migrate-incoming", uri=f"file:{ram}")
            qmp.wait_migration(timeout=_SAVE_SECONDS)
            if not intact.result():
                raise MachineError(f"the snapshot {ram.parent} is corrupt")
            qmp.command("cont")  # it was stopped when it was saved, and that is saved too


def _hashes(path: Path) -> dict[str, str]:
    """Return the hash of each of a snapshot's files but its facts, by name."""
    return {p.name: sparse_sha256(p) for p in path.iterdir() if p.name != _FACTS}


def _write(qmp: Qmp, path: Path) -> None:
    qmp.command("migrate-set-capabilities", capabilities=_MAPPED_RAM)
    qmp.command("stop")
    try:
        qmp.command("migrate", uri=f"file:{path}")
        qmp.wait_migration(timeout=_SAVE_SECONDS)
    finally:
        qmp.command("cont")
