# SPDX-License-Identifier: BSD-3-Clause
"""A power cut takes what was not synced: contents of files, and names in their directory.

Whether a name that was not synced is there afterwards is the file system's choice: both are tried.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from realmos_agent.tee.storage import DirectoryBackend, Store, StoreError

TA, KEY = b"T" * 16, bytes(range(32))
State = dict[bytes, bytes]
CHANGES: dict[str, Callable[[Store], object]] = {
    "write": lambda store: store.write(TA, b"one", b"new"),
    "make": lambda store: store.write(TA, b"two", b"new"),
    "remove": lambda store: store.remove(TA, b"one"),
    "rename": lambda store: store.rename(TA, b"one", b"three"),
}


class Cut(BaseException):
    """The power goes."""


class Power:
    """Knows what of a directory is on the disk, and goes at one of the moments to come."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = home / "store"
        self.left: int | None = None
        self._all = home / "inodes"  # a name for each, so that no number is used again
        self._all.mkdir(parents=True)
        self._names: dict[str, int] = {}
        self._contents: dict[int, bytes] = {}
        self._real = {name: getattr(os, name) for name in ("open", "write", "rename", "unlink")}
        for name in self._real:
            patch.setattr(os, name, getattr(self, name))
        patch.setattr(os, "fsync", self.fsync)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        fd: int = self._real["open"](path, flags, mode)
        if flags & os.O_CREAT:
            other = self._all / str(os.fstat(fd).st_ino)
            if not other.exists():
                os.link(path, other)
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        self._moment()
        done: int = self._real["write"](fd, data)
        return done

    def rename(self, old: str, new: str) -> None:
        self._moment()
        self._real["rename"](old, new)

    def unlink(self, path: str) -> None:
        self._moment()
        self._real["unlink"](path)

    def fsync(self, fd: int) -> None:
        self._moment()
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            self._names = self._current()
        else:
            self._contents[status.st_ino] = (self._all / str(status.st_ino)).read_bytes()

    def restore(self, home: Path, *, synced: bool) -> Path:
        """Return a directory as the disk has it, its names the synced ones or the last ones."""
        home.mkdir()
        for name, inode in (self._names if synced else self._current()).items():
            (home / name).write_bytes(self._contents.get(inode, b""))
        return home

    def _current(self) -> dict[str, int]:
        return {one.name: one.stat().st_ino for one in self.path.iterdir()}

    def _moment(self) -> None:
        if self.left == 0:
            raise Cut
        if self.left is not None:
            self.left -= 1


def state(path: Path) -> State:
    """Return what a store has, which is well."""
    backend = DirectoryBackend(str(path))
    store = Store(backend, KEY)
    found = {object_id: store.read(TA, object_id) for object_id in store.ids(TA)}
    store.write(TA, b"after", b"life")
    backend.close()
    return found


def changed(home: Path, at: int, act: Callable[[Store], object]) -> tuple[bool, list[State]]:
    """Change a store and cut the power; return whether it came to that, and what there may be."""
    with pytest.MonkeyPatch.context() as patch:
        power = Power(home, patch)
        backend = DirectoryBackend(str(power.path))
        store = Store(backend, KEY)
        store.write(TA, b"one", b"old")
        power.left = at
        try:
            act(store)
        except Cut:
            cut = True
        else:
            cut = False
        power.left = None
        left = [power.restore(home / str(synced), synced=synced) for synced in (False, True)]
        backend.close()
        return cut, [state(each) for each in left]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_synced_is_not_missed(tmp_path: Path, change: str) -> None:
    old: State = {b"one": b"old"}
    outcomes: list[list[State]] = []
    cut = True
    while cut:
        cut, found = changed(tmp_path / str(len(outcomes)), len(outcomes), CHANGES[change])
        outcomes.append(found)
    new, again = outcomes.pop()
    assert new == again != old, "when it has returned it lasts"
    assert len(outcomes) >= 4  # write, sync, rename, sync
    assert all(one in (old, new) for found in outcomes for one in found)
    assert outcomes[0] == [old, old]


@pytest.mark.parametrize("lost", ["file", "directory"])
def test_a_sync_that_is_left_out_is_noticed(
    tmp_path: Path, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the test above would show nothing."""
    real = Power.fsync

    def fsync(power: Power, fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode) is not (lost == "directory"):
            real(power, fd)

    monkeypatch.setattr(Power, "fsync", fsync)
    if lost == "file":
        with pytest.raises(StoreError):
            changed(tmp_path / "0", 1 << 20, CHANGES["write"])
    else:
        _, found = changed(tmp_path / "0", 1 << 20, CHANGES["write"])
        assert found == [{b"one": b"new"}, {}]
