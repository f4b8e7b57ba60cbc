# SPDX-License-Identifier: BSD-3-Clause
"""A snapshot of which one bit changed on the disk never runs: the machine boots, and saves anew."""

import os
from pathlib import Path

import pytest
from realmos.cache import Cache, key_of
from realmos.machine import identity
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig
from realmos.session import Session

pytestmark = pytest.mark.qemu

REALMS = (RealmConfig(cmdline="realmos.corrupt-snapshot"),)


def ram_of(session: Session) -> Path:
    spec, prepared = session.machine.spec, session.prepared
    key = identity(spec, flash_sha256=prepared.flash.sha256, qemu_version=prepared.qemu.version)
    return Cache().path / "snapshots" / key_of(key) / "machine.ram"


def flip_a_bit(path: Path) -> None:
    """Flip one in the middle of what is written in a sparse file; its times stay."""
    times = path.stat()
    with path.open("r+b") as file:
        at = os.lseek(file.fileno(), times.st_size // 2, os.SEEK_DATA) + 100
        byte = os.pread(file.fileno(), 1, at)[0]
        os.pwrite(file.fileno(), bytes([byte ^ 1]), at)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_snapshot_with_one_flipped_bit_is_never_restored(realm_factory: RealmFactory) -> None:
    with realm_factory(realms=REALMS) as session:
        ram = ram_of(session)
    flip_a_bit(ram)
    with realm_factory(realms=REALMS) as session:
        assert not session.restored
        assert session.agent.run(["true"]).status == 0
    with realm_factory(realms=REALMS) as session:
        assert session.restored
