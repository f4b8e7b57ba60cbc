# SPDX-License-Identifier: BSD-3-Clause
"""The store of persistent objects: power cuts at every write, tampering, rollback."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.storage import (
    DirectoryBackend,
    Limits,
    MemoryBackend,
    Store,
    StoreError,
    UnsettledError,
    ephemeral,
)
from tee_states import refused

KEY = bytes(range(32))
TA, OTHER = b"T" * 16, b"O" * 16


class Cut(BaseException):
    """The power goes."""


class Counter:
    """A number that nobody turns back; not even these tests."""

    def __init__(self) -> None:
        self.now = (0, bytes(32))

    def state(self) -> tuple[int, bytes]:
        return self.now

    def advance(self, value: int, mark: bytes) -> None:
        if value != self.now[0]:
            raise OSError(f"it is at {self.now[0]}")
        self.now = (value + 1, mark)


class Disk:
    """A directory, and the one process at a time that has a store there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._backend: DirectoryBackend | None = None

    def end(self) -> None:
        """End the process, if there is one."""
        if self._backend is not None:
            self._backend.close()

    def store(self, counter: Counter | None = None, key: bytes = KEY) -> Store:
        """Return the store of a new process."""
        self.end()
        self._backend = DirectoryBackend(str(self.path))
        return Store(self._backend, key, counter)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "store")
    yield made
    made.end()


def snapshot(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def damaged(blob: bytes) -> bytes:
    return blob[:-1] + bytes([blob[-1] ^ 1])


def restore(path: Path, blobs: dict[str, bytes]) -> None:
    for file in path.iterdir():
        file.unlink()
    for name, blob in blobs.items():
        (path / name).write_bytes(blob)


def test_objects_outlive_their_store(disk: Disk) -> None:
    store = disk.store()
    store.write(TA, b"one", b"1")
    store.write(OTHER, b"one", b"other's")
    store.write(TA, b"", b"no name")
    store.write(TA, b"one", b"2")
    store.rename(TA, b"one", b"two")
    again = disk.store()
    assert again.ids(TA) == [b"", b"two"]
    assert (again.read(TA, b"two"), again.read(OTHER, b"one")) == (b"2", b"other's")
    again.remove(TA, b"two")
    again.remove(TA, b"two")
    with refused(n.ERROR_ITEM_NOT_FOUND):
        disk.store().read(TA, b"two")
    assert len(snapshot(disk.path)) == 3  # the index and two objects


def test_what_is_held_tells_nothing_of_what_is_in_it(disk: Disk) -> None:
    store = disk.store()
    store.write(TA, b"a telling name", b"a secret")
    held = b"".join(name.encode() + blob for name, blob in snapshot(disk.path).items())
    assert b"telling" not in held
    assert b"secret" not in held
    assert TA not in held


CHANGES: dict[str, Callable[[Store], object]] = {
    "write": lambda store: store.write(TA, b"one", b"new"),
    "make": lambda store: store.write(TA, b"two", b"new"),
    "remove": lambda store: store.remove(TA, b"one"),
    "rename": lambda store: store.rename(TA, b"one", b"three"),
}


def state(store: Store) -> dict[bytes, bytes]:
    return {object_id: store.read(TA, object_id) for object_id in store.ids(TA)}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("counted", [False, True], ids=["plain", "counted"])
def test_a_power_cut_leaves_the_old_or_the_new(
    tmp_path: Path, change: str, counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut before, in the middle of and after every call that changes the disk or the counter."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # which costs more than all the rest
    at, cut = 0, True
    outcomes: list[dict[bytes, bytes]] = []
    old: dict[bytes, bytes] = {}
    while cut:
        disk = Disk(tmp_path / str(at))
        counter = Counter() if counted else None
        first = disk.store(counter)
        first.write(TA, b"one", b"old")
        old = state(first)
        cut = cut_at(at, monkeypatch, counter, partial(CHANGES[change], first))
        monkeypatch.undo()
        monkeypatch.setattr(os, "fsync", lambda _: None)
        second = disk.store(counter)
        found = state(second)
        outcomes.append(found)
        second.write(TA, b"after", b"life")  # and it goes on
        third = disk.store(counter)
        assert state(third)[b"after"] == b"life"
        assert len(snapshot(disk.path)) == len(third.ids(TA)) + 1, "something was left behind"
        disk.end()
        at += 1
    new = outcomes[-1]
    assert new != old
    assert at > 8
    assert all(found in (old, new) for found in outcomes)
    turn = outcomes.index(new)
    assert outcomes == [old] * turn + [new] * (at - turn)


def cut_at(
    at: int, monkeypatch: pytest.MonkeyPatch, counter: Counter | None, act: Callable[[], object]
) -> bool:
    """Act; cut the power at one of the moments that there are. Return whether it came to it."""
    left = [at]

    def moment() -> None:
        if not left[0]:
            raise Cut
        left[0] -= 1

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401 - whatever is called
            moment()
            if real is os_write:
                fd, data = arguments
                assert isinstance(data, memoryview)
                done = real(fd, data[: (len(data) + 1) // 2])  # a write may do less
                moment()
                return done
            done = real(*arguments)
            moment()
            return done

        return call

    os_write = os.write
    for name in ("open", "write", "fsync", "rename", "unlink"):
        monkeypatch.setattr(os, name, around(getattr(os, name)))
    if counter is not None:
        monkeypatch.setattr(counter, "advance", around(counter.advance))
    try:
        act()
    except Cut:
        return True
    return False


def test_a_blob_stands_for_nothing_but_itself(disk: Disk) -> None:
    store = disk.store()
    store.write(TA, b"one", b"1")
    store.write(TA, b"two", b"2")
    one, two = (disk.path / name for name in sorted(snapshot(disk.path)) if name != "index")
    for changed in (two.read_bytes(), damaged(one.read_bytes()), b"", b"short"):
        kept = one.read_bytes()
        one.write_bytes(changed)
        again = disk.store()
        codes = []
        for object_id in (b"one", b"two"):
            try:
                again.read(TA, object_id)
            except Exception as error:  # noqa: BLE001 - what it was is looked at
                codes.append(getattr(error, "code", error))
        assert codes == [n.ERROR_CORRUPT_OBJECT]
        one.write_bytes(kept)
    one.unlink()
    lost = disk.store()
    with refused(n.ERROR_CORRUPT_OBJECT):
        for object_id in lost.ids(TA):
            lost.read(TA, object_id)


@pytest.mark.parametrize("index", [b"", b"short", bytes(100)])
def test_a_changed_index_is_no_store(disk: Disk, index: bytes) -> None:
    disk.store().write(TA, b"one", b"1")
    (disk.path / "index").write_bytes(index)
    with pytest.raises(StoreError, match="index"):
        disk.store().ids(TA)
    assert len(snapshot(disk.path)) == 2, "what is not understood is not cleaned up"


def test_another_key_opens_nothing(disk: Disk) -> None:
    disk.store().write(TA, b"one", b"1")
    with pytest.raises(StoreError, match="this store's key"):
        disk.store(key=KEY[::-1]).ids(TA)
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        Store(MemoryBackend(), b"short")


def test_an_old_store_is_refused(disk: Disk) -> None:
    counter = Counter()
    store = disk.store(counter)
    store.write(TA, b"tries", b"3")
    old = snapshot(disk.path)
    store.write(TA, b"tries", b"2")
    restore(disk.path, old)
    with pytest.raises(StoreError, match="the counter says"):
        disk.store(counter).read(TA, b"tries")
    restore(disk.path, {})
    with pytest.raises(StoreError, match="the counter says"):
        disk.store(counter).ids(TA)


def test_a_change_that_was_cut_off_cannot_come_back_later(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes of one generation: one cut off before it was counted, one that was counted."""
    counter = Counter()
    store = disk.store(counter)
    store.write(TA, b"tries", b"2")
    before = snapshot(disk.path)
    with monkeypatch.context() as patched:
        patched.setattr(counter, "advance", lambda *_: (_ for _ in ()).throw(Cut()))
        with pytest.raises(Cut):
            store.write(TA, b"tries", b"3")
    cut_off = snapshot(disk.path)
    restore(disk.path, before)
    again = disk.store(counter)
    assert again.read(TA, b"tries") == b"2"
    again.write(TA, b"tries", b"1")
    restore(disk.path, cut_off)
    with pytest.raises(StoreError, match="the counter says"):
        disk.store(counter).read(TA, b"tries")


def test_a_store_goes_on_after_a_failure() -> None:
    class Full(MemoryBackend):
        full = False

        def put(self, name: str, blob: bytes) -> None:
            if self.full:
                raise OSError(28, "no space")
            super().put(name, blob)

    backend = Full()
    store = Store(backend, KEY)
    store.write(TA, b"one", b"1")
    backend.full = True
    with pytest.raises(StoreError, match="no space"):
        store.write(TA, b"one", b"2")
    backend.full = False
    assert store.read(TA, b"one") == b"1"
    store.write(TA, b"one", b"3")
    assert store.read(TA, b"one") == b"3"


class Keeper(MemoryBackend):
    """A holder who keeps whatever he was ever given, and shows what he likes."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, bytes] = {}
        self.failing = ""

    def put(self, name: str, blob: bytes) -> None:
        if name == self.failing:
            raise OSError(5, "no")
        super().put(name, blob)
        self.kept[name] = blob

    def show(self, index: bytes) -> None:
        """Have all blobs, and this index."""
        for name, blob in {**self.kept, "index": index}.items():
            super().put(name, blob)

    @property
    def index(self) -> bytes:
        found = self.get("index")
        assert found is not None
        return found


def test_two_openings_of_one_change_cannot_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder chooses when the power goes, and which index he shows: v1, or v2 for ever."""
    backend, counter = Keeper(), Counter()
    store = Store(backend, KEY, counter)
    store.write(TA, b"one", b"v1")
    first = backend.index
    with monkeypatch.context() as patched:
        patched.setattr(counter, "advance", lambda *_: (_ for _ in ()).throw(OSError("cut")))
        with pytest.raises(StoreError):
            store.write(TA, b"one", b"v2")
        second = backend.index
        backend.show(first)
        with pytest.raises(StoreError):
            Store(backend, KEY, counter).read(TA, b"one")
        opening = backend.index
    backend.show(second)
    assert Store(backend, KEY, counter).read(TA, b"one") == b"v2"
    for old in (opening, first):
        backend.show(old)
        with pytest.raises(StoreError, match="the counter says"):
            Store(backend, KEY, counter).read(TA, b"one")
    for old in (b"", damaged(backend.index)):
        backend.show(old)
        with pytest.raises(StoreError, match="was not sealed"):
            Store(backend, KEY, counter).read(TA, b"one")


def test_what_was_counted_is_seen_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has read the old state does not meet the change that was cut off before."""
    backend, counter = Keeper(), Counter()
    store = Store(backend, KEY, counter)
    store.write(TA, b"one", b"v1")
    first = backend.index
    with monkeypatch.context() as patched:
        patched.setattr(counter, "advance", lambda *_: (_ for _ in ()).throw(OSError("cut")))
        with pytest.raises(StoreError):
            store.write(TA, b"one", b"v2")
    second = backend.index
    backend.show(first)
    assert Store(backend, KEY, counter).read(TA, b"one") == b"v1"
    backend.show(second)
    with pytest.raises(StoreError, match="the counter says"):
        Store(backend, KEY, counter).read(TA, b"one")


def test_a_process_knows_its_own_last_change_without_a_counter() -> None:
    backend = Keeper()
    store = Store(backend, KEY)
    store.write(TA, b"one", b"v1")
    old = backend.index
    store.write(TA, b"one", b"v2")
    new = backend.index
    backend.failing = "index"
    with pytest.raises(UnsettledError):
        store.write(TA, b"two", b"x")
    backend.failing = ""
    backend.show(old)
    with pytest.raises(StoreError, match="not what was written last"):
        store.read(TA, b"one")
    backend.show(new)
    assert store.read(TA, b"one") == b"v2"
    assert store.ids(TA) == [b"one"]


def test_a_change_whose_answer_was_lost_is_found_again() -> None:
    class Lost(Keeper):
        def put(self, name: str, blob: bytes) -> None:
            super().put(name, blob)
            if self.losing and name == "index":
                raise OSError("no answer")

        losing = False

    backend = Lost()
    store = Store(backend, KEY)
    store.write(TA, b"one", b"v1")
    backend.losing = True
    with pytest.raises(UnsettledError, match="no answer"):
        store.write(TA, b"one", b"v2")
    backend.losing = False
    assert store.read(TA, b"one") == b"v2"
    store.write(TA, b"one", b"v3")
    assert Store(backend, KEY).read(TA, b"one") == b"v3"


LIMITS = Limits(objects=3, size=100, all_objects=5, all_size=150)


def test_there_is_room_for_so_much_and_no_more() -> None:
    store = Store(MemoryBackend(), KEY, limits=LIMITS)
    for object_id in (b"1", b"2", b"3"):
        store.write(TA, object_id, bytes(20))
    with refused(n.ERROR_STORAGE_NO_SPACE):
        store.write(TA, b"4", b"")
    store.write(TA, b"3", bytes(60))
    with refused(n.ERROR_STORAGE_NO_SPACE):
        store.write(TA, b"3", bytes(61))
    assert store.read(TA, b"3") == bytes(60)
    store.write(OTHER, b"1", bytes(50))
    with refused(n.ERROR_STORAGE_NO_SPACE):
        store.write(OTHER, b"2", bytes(1))
    store.write(OTHER, b"2", b"")
    with refused(n.ERROR_STORAGE_NO_SPACE):
        store.write(b"3" * 16, b"1", b"")
    store.remove(TA, b"1")
    store.write(b"3" * 16, b"1", b"")


def test_a_full_disk_is_not_kept_full(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    store = disk.store()
    store.write(TA, b"one", b"1")
    kept, real = snapshot(disk.path), os.write

    def write(fd: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(28, "no space left")
        return real(fd, data[:50])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        with pytest.raises(StoreError, match="no space"):
            store.write(TA, b"two", bytes(120))
    assert snapshot(disk.path) == kept


def test_the_cores_notes_have_room_whatever_tas_keep() -> None:
    store = Store(MemoryBackend(), KEY, limits=LIMITS)
    for owner, size in ((TA, 100), (OTHER, 50)):
        store.write(owner, b"all", bytes(size))
    store.write(bytes(16), b"versions", bytes(50))
    with refused(n.ERROR_STORAGE_NO_SPACE):
        store.write(bytes(16), b"versions", bytes(101))
    store.write(OTHER, b"all", bytes(50))


class Junk(MemoryBackend):
    """Has blobs that nobody asked for, and deletes none."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        self._fails = fails
        self.deletes = 0

    def names(self) -> list[str]:
        return [f"{number:032x}" for number in range(1000)]

    def delete(self, name: str) -> None:
        self.deletes += 1
        if self._fails:
            raise OSError(110, f"{name}: no answer")


@pytest.mark.parametrize(("fails", "most"), [(True, 1), (False, 5)])
def test_clearing_up_has_an_end(*, fails: bool, most: int) -> None:
    backend = Junk(fails=fails)
    assert Store(backend, KEY, limits=LIMITS).ids(TA) == []
    assert backend.deletes == most


def test_a_users_files_are_left_alone(tmp_path: Path) -> None:
    names = ["notes", "makefile", "draft.new", "README", "0" * 31, "0" * 32 + ".txt"]
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(StoreError, match=f"{tmp_path} is no store of objects, and not empty"):
        DirectoryBackend(str(tmp_path))
    for name in names:
        (tmp_path / name).unlink()
    disk = Disk(tmp_path)
    disk.store().write(TA, b"one", b"1")
    for name in names:
        (tmp_path / name).write_text("mine")
    (tmp_path / ("0" * 32)).write_text("a blob that no index names")
    (tmp_path / ("0" * 32 + ".new")).write_text("half of one")
    assert disk.store().read(TA, b"one") == b"1"
    assert [(tmp_path / name).read_text() for name in names] == ["mine"] * len(names)
    assert len(snapshot(tmp_path)) == len(names) + 2
    disk.end()


def test_blobs_without_an_index_are_no_store(disk: Disk) -> None:
    disk.store().write(TA, b"one", b"1")
    (disk.path / "index").unlink()
    with pytest.raises(StoreError, match="no store of objects"):
        disk.store()
    assert len(snapshot(disk.path)) == 1


def test_a_store_is_one_processs_at_a_time(disk: Disk) -> None:
    disk.store()
    with pytest.raises(StoreError, match="in use"):
        DirectoryBackend(str(disk.path))
    disk.end()
    DirectoryBackend(str(disk.path)).close()


@pytest.mark.parametrize("kind", ["fifo", "link", "huge", "directory"])
def test_a_holder_cannot_hang_or_fill_the_reader(disk: Disk, kind: str, tmp_path: Path) -> None:
    store = disk.store()
    store.ids(TA)
    index = disk.path / "index"
    content = index.read_bytes()
    index.unlink()
    if kind == "fifo":
        os.mkfifo(index)
    elif kind == "link":
        (tmp_path / "index").write_bytes(content)
        index.symlink_to(tmp_path / "index")
    elif kind == "directory":
        index.mkdir()
    else:
        with index.open("wb") as file:
            file.truncate(1 << 40)
    with pytest.raises(StoreError, match="index cannot be read"):
        disk.store().ids(TA)


@pytest.mark.parametrize("name", ["", "../up", "UP", "a.new", "a/b", "ä"])
def test_a_directory_takes_plain_names_only(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a blob"):
        DirectoryBackend(str(tmp_path)).put(name, b"")


def test_an_ephemeral_store_is_not_kept() -> None:
    owner = UUID(int=1)
    storage = ephemeral()
    storage.create(owner, b"x", 0, None, b"").close()
    assert storage.ids(owner) == [b"x"]
    assert ephemeral().ids(owner) == []
