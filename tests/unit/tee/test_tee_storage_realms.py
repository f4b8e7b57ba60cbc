# SPDX-License-Identifier: BSD-3-Clause
"""Two realms of one identity, and a holder who lets one after the other have the store.

Handles that were open in the first do not carry what was true then over what the second made of it.
"""

from collections.abc import Callable
from uuid import UUID

import pytest
from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.storage import MemoryBackend, PersistentObject, Storage, Store, StoreError
from tee_states import key, refused

KEY, TA = bytes(range(32)), UUID(int=1)
ONE = b"one"
FLAGS = n.DATA_FLAG_ACCESS_READ | n.DATA_FLAG_ACCESS_WRITE
META = FLAGS | n.DATA_FLAG_ACCESS_WRITE_META


class Counter:
    """A number that nobody turns back."""

    def __init__(self) -> None:
        self._now = (0, bytes(32))

    def state(self) -> tuple[int, bytes]:
        return self._now

    def advance(self, value: int, mark: bytes) -> None:
        if value != self._now[0]:
            raise OSError("it is elsewhere")
        self._now = (value + 1, mark)


class Holder(MemoryBackend):
    """Shows whatever state it was shown."""

    def show(self, other: MemoryBackend) -> None:
        for name in self.names():
            self.delete(name)
        for name in other.names():
            self.put(name, other.get(name) or b"")


class World:
    """The first realm, with an object that it has open, and others of its identity."""

    def __init__(self, source: TransientObject | None = None) -> None:
        self._counter = Counter()
        self.holder = Holder()
        self.first = self.realm(self.holder)
        self.first.create(TA, b"other", META, None, b"as it was").close()
        self.first.create(TA, ONE, META, source, b"3 tries").close()

    def realm(self, holder: MemoryBackend) -> Storage:
        return Storage(Store(holder, KEY, self._counter))

    def change_elsewhere(self, change: Callable[[Storage], object]) -> None:
        """Have a second realm change the store; then let the first find out, and go on."""
        second = Holder()
        second.show(self.holder)
        change(self.realm(second))
        with pytest.raises(StoreError):
            self.first.create(TA, b"new", META, None, b"")
        self.holder.show(second)

    def open(self, storage: Storage, flags: int = FLAGS, name: bytes = ONE) -> PersistentObject:
        return storage.open(TA, name, flags)


def overwrite(storage: Storage) -> None:
    storage.create(TA, ONE, META | n.DATA_FLAG_OVERWRITE, None, b"0 tries").close()


def rewrite(storage: Storage) -> None:
    held = storage.open(TA, ONE, META)
    held.write(b"0")
    held.close()


def rename(storage: Storage) -> None:
    storage.open(TA, ONE, META).rename(b"elsewhere")


def delete(storage: Storage) -> None:
    storage.open(TA, ONE, META).delete()


def restrict(storage: Storage) -> None:
    storage.open(TA, ONE, META).restrict_usage(0)


CHANGES = [overwrite, rewrite, rename, delete, restrict]
USES: list[Callable[[PersistentObject], object]] = [
    lambda held: held.write(b"2"),
    lambda held: held.truncate(1),
    lambda held: held.rename(b"mine"),
    lambda held: held.delete(),
    lambda held: held.restrict_usage(n.USAGE_ENCRYPT),
]


def content(storage: Storage) -> dict[bytes, tuple[bytes, int]]:
    found = {}
    for name in list(storage.ids(TA)):
        held = storage.open(TA, name, FLAGS)
        found[name] = held.read(100), held.usage
        held.close()
    return found


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("use", USES, ids=["write", "truncate", "rename", "delete", "restrict"])
def test_an_open_handle_brings_nothing_back(
    change: Callable[[Storage], None], use: Callable[[PersistentObject], object]
) -> None:
    world = World(key(n.TYPE_AES, b"S" * 16))
    held = world.open(world.first, META)
    world.change_elsewhere(change)
    with refused(n.ERROR_STORAGE_NOT_AVAILABLE):
        use(held)
    with refused(n.ERROR_STORAGE_NOT_AVAILABLE):
        held.read(1)
    expected = World(key(n.TYPE_AES, b"S" * 16))
    change(expected.first)
    assert content(world.realm(world.holder)) == content(expected.realm(expected.holder))


def test_a_handle_is_not_shared_with_what_another_realm_made() -> None:
    world = World()
    flags = FLAGS | n.DATA_FLAG_SHARE_READ | n.DATA_FLAG_SHARE_WRITE
    world.open(world.first, flags)
    world.change_elsewhere(rewrite)
    assert world.open(world.first, flags).read(7) == b"0 tries"


def test_a_handle_of_what_nobody_changed_goes_on() -> None:
    world = World()
    held = world.open(world.first, name=b"other")
    world.change_elsewhere(rewrite)
    held.write(b"is")
    assert content(world.realm(world.holder)) == {
        ONE: (b"0 tries", n.USAGE_DEFAULT), b"other": (b"is it was", n.USAGE_DEFAULT),
    }  # fmt: skip


def test_a_handle_goes_on_after_its_own_changes() -> None:
    world = World()
    held = world.open(world.first, META)
    made = world.first.create(TA, b"made", META, None, b"x")
    for handle in (held, made):
        handle.write(b"2")
        handle.restrict_usage(n.USAGE_ENCRYPT)
    held.rename(b"two")
    world.change_elsewhere(lambda storage: storage.set_note(b"note", b""))
    held.write(b"!")
    made.delete()
    assert sorted(content(world.realm(world.holder))) == [b"other", b"two"]
