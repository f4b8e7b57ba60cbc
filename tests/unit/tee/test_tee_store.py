# SPDX-License-Identifier: BSD-3-Clause
"""The store of persistent objects: power cuts at every write, tampering, rollback."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.storage import (
    DirectoryBackend,
    MemoryBackend,
    Store,
    StoreError,
    development,
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
        self.number = 0

    def value(self) -> int:
        return self.number

    def advance(self, value: int) -> None:
        assert value > self.number
        self.number = value


def snapshot(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def restore(path: Path, blobs: dict[str, bytes]) -> None:
    for file in path.iterdir():
        file.unlink()
    for name, blob in blobs.items():
        (path / name).write_bytes(blob)


def test_objects_outlive_their_store(tmp_path: Path) -> None:
    store = Store(DirectoryBackend(str(tmp_path)), KEY)
    store.write(TA, b"one", b"1")
    store.write(OTHER, b"one", b"other's")
    store.write(TA, b"", b"no name")
    store.write(TA, b"one", b"2")
    store.rename(TA, b"one", b"two")
    again = Store(DirectoryBackend(str(tmp_path)), KEY)
    assert again.ids(TA) == [b"", b"two"]
    assert (again.read(TA, b"two"), again.read(OTHER, b"one")) == (b"2", b"other's")
    again.remove(TA, b"two")
    again.remove(TA, b"two")
    with refused(n.ERROR_ITEM_NOT_FOUND):
        Store(DirectoryBackend(str(tmp_path)), KEY).read(TA, b"two")
    assert len(snapshot(tmp_path)) == 3  # the index and two objects


def test_what_is_held_tells_nothing_of_what_is_in_it(tmp_path: Path) -> None:
    store = Store(DirectoryBackend(str(tmp_path)), KEY)
    store.write(TA, b"a telling name", b"a secret")
    held = b"".join(name.encode() + blob for name, blob in snapshot(tmp_path).items())
    assert b"telling" not in held
    assert b"secret" not in held
    assert TA not in held


CHANGES: dict[str, Callable[[Store], None]] = {
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
        place = tmp_path / str(at)
        counter = Counter() if counted else None
        first = Store(DirectoryBackend(str(place)), KEY, counter)
        first.write(TA, b"one", b"old")
        old = state(first)
        cut = cut_at(at, monkeypatch, counter, partial(CHANGES[change], first))
        monkeypatch.undo()
        monkeypatch.setattr(os, "fsync", lambda _: None)
        second = Store(DirectoryBackend(str(place)), KEY, counter)
        found = state(second)
        outcomes.append(found)
        second.write(TA, b"after", b"life")  # and it goes on
        assert state(Store(DirectoryBackend(str(place)), KEY, counter))[b"after"] == b"life"
        assert len(snapshot(place)) == len(second.ids(TA)) + 1, "something was left behind"
        at += 1
    new = outcomes[-1]
    assert new != old
    assert at > 8
    assert all(found in (old, new) for found in outcomes)
    turn = outcomes.index(new)
    assert outcomes == [old] * turn + [new] * (at - turn)


def cut_at(
    at: int, monkeypatch: pytest.MonkeyPatch, counter: Counter | None, act: Callable[[], None]
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


def test_a_blob_stands_for_nothing_but_itself(tmp_path: Path) -> None:
    store = Store(DirectoryBackend(str(tmp_path)), KEY)
    store.write(TA, b"one", b"1")
    store.write(TA, b"two", b"2")
    one, two = (tmp_path / name for name in sorted(snapshot(tmp_path)) if name != "index")
    for changed in (two.read_bytes(), one.read_bytes()[:-1] + b"x", b"", b"short"):
        kept = one.read_bytes()
        one.write_bytes(changed)
        again = Store(DirectoryBackend(str(tmp_path)), KEY)
        codes = []
        for object_id in (b"one", b"two"):
            try:
                again.read(TA, object_id)
            except Exception as error:  # noqa: BLE001 - what it was is looked at
                codes.append(getattr(error, "code", error))
        assert codes == [n.ERROR_CORRUPT_OBJECT]
        one.write_bytes(kept)
    one.unlink()
    lost = Store(DirectoryBackend(str(tmp_path)), KEY)
    with refused(n.ERROR_CORRUPT_OBJECT):
        for object_id in lost.ids(TA):
            lost.read(TA, object_id)


@pytest.mark.parametrize("index", [b"", b"short", bytes(100)])
def test_a_changed_index_is_no_store(tmp_path: Path, index: bytes) -> None:
    Store(DirectoryBackend(str(tmp_path)), KEY).write(TA, b"one", b"1")
    (tmp_path / "index").write_bytes(index)
    with pytest.raises(StoreError, match="index"):
        Store(DirectoryBackend(str(tmp_path)), KEY).ids(TA)
    assert len(snapshot(tmp_path)) == 2, "what is not understood is not cleaned up"


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    Store(DirectoryBackend(str(tmp_path)), KEY).write(TA, b"one", b"1")
    with pytest.raises(StoreError, match="this store's key"):
        Store(DirectoryBackend(str(tmp_path)), KEY[::-1]).ids(TA)
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        Store(MemoryBackend(), b"short")


def test_an_old_store_is_refused(tmp_path: Path) -> None:
    counter = Counter()
    store = Store(DirectoryBackend(str(tmp_path)), KEY, counter)
    store.write(TA, b"tries", b"3")
    old = snapshot(tmp_path)
    store.write(TA, b"tries", b"2")
    restore(tmp_path, old)
    with pytest.raises(StoreError, match="the counter says"):
        Store(DirectoryBackend(str(tmp_path)), KEY, counter).read(TA, b"tries")
    restore(tmp_path, {})
    with pytest.raises(StoreError, match="the counter says"):
        Store(DirectoryBackend(str(tmp_path)), KEY, counter).ids(TA)


def test_a_change_that_was_cut_off_cannot_come_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes of one generation: one cut off before it was counted, one that was counted."""
    counter = Counter()
    store = Store(DirectoryBackend(str(tmp_path)), KEY, counter)
    store.write(TA, b"tries", b"2")
    before = snapshot(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(counter, "advance", lambda _: (_ for _ in ()).throw(Cut()))
        with pytest.raises(Cut):
            store.write(TA, b"tries", b"3")
    cut_off = snapshot(tmp_path)
    restore(tmp_path, before)
    again = Store(DirectoryBackend(str(tmp_path)), KEY, counter)
    assert again.read(TA, b"tries") == b"2"
    again.write(TA, b"tries", b"1")
    restore(tmp_path, cut_off)
    with pytest.raises(StoreError, match="the counter says"):
        Store(DirectoryBackend(str(tmp_path)), KEY, counter).read(TA, b"tries")


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


@pytest.mark.parametrize("name", ["", "../up", "UP", "a.new", "a/b", "ä"])
def test_a_directory_takes_plain_names_only(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a blob"):
        DirectoryBackend(str(tmp_path)).put(name, b"")


def test_a_development_store_is_kept_and_an_ephemeral_one_is_not(tmp_path: Path) -> None:
    owner = UUID(int=1)
    development(str(tmp_path)).create(owner, b"x", 0, None, b"").close()
    assert development(str(tmp_path)).ids(owner) == [b"x"]
    storage = ephemeral()
    storage.create(owner, b"x", 0, None, b"").close()
    assert storage.ids(owner) == [b"x"]
    assert ephemeral().ids(owner) == []
