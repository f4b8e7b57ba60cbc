# SPDX-License-Identifier: BSD-3-Clause
"""What a hostile file can cost whoever loads it: its memory and time have bounds."""

import itertools
import struct
import threading
import time
import tracemalloc
from typing import NoReturn
from uuid import UUID, uuid4

import pytest
from elf_maker import CODE, DATA, Object
from fake_ta import Code, FakePlaced, FakeRunner, World
from realmos_agent.tee import numbers as tee
from realmos_agent.tee.budget import limits
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.loader import Keys, Loader, LoadError, Placed, RootKey, elf, image, store
from realmos_agent.tee.loader.container import Verified
from realmos_agent.tee.loader.elf_image import OBJECTS_MAX, PAGE
from realmos_agent.tee.loader.elf_numbers import PT_LOAD
from realmos_agent.tee.loader.elf_numbers import R_AARCH64_RELATIVE as R_RELATIVE
from realmos_agent.tee.loader.image import Prepared
from realmos_agent.tee.parts import Base, Entry
from ta_files import OTHER, TA, UUIDS, Ta, make_key

KEYS = Keys((RootKey("ours", make_key().public_key()),))


def bases() -> Base:
    numbers = itertools.count(1)
    return lambda _size: next(numbers) << 32


def load(data: bytes) -> Placed:
    return Loader(lambda _: Ta(data).signed(), KEYS).load(TA, 0x1000, bases())


def peak_of_refusal(data: bytes, message: str) -> int:
    """Return how many bytes the look at an object that is refused takes at most."""
    tracemalloc.start()
    try:
        with pytest.raises(LoadError, match=message):
            elf.parse(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_object_by_hand_is_loaded() -> None:
    assert load(Object().made()).entry == (1 << 32) + 0x1000


def test_names_of_libraries_cannot_fill_memory() -> None:
    name = b"A" * 4095 + b"\0"
    data = Object(names=name, needed=[0] * 4000).made()
    assert peak_of_refusal(data, "needs more than 64 libraries") < 4 << 20


def test_a_dynamic_section_is_not_taken_apart_whatever_its_size() -> None:
    data = Object(names=b"A\0", needed=[0] * 50_000).made()
    assert peak_of_refusal(data, "more than 4096 entries") < 2 * len(data)


def overlapping(count: int, size: int) -> bytes:
    """Return an object, many segments of which are the same bytes of its file."""
    data = bytearray(Object().made())
    start, number = (struct.unpack_from(form, data, at)[0] for form, at in (("<Q", 32), ("<H", 56)))
    headers = [data[start + n * 56 : start + n * 56 + 56] for n in range(number)]
    data += bytes(-len(data) % PAGE)
    first = DATA + PAGE
    segments = [
        struct.pack("<IIQQQQQQ", PT_LOAD, 6, len(data), at, at, size, size, PAGE)
        for at in range(first, first + count * size, size)
    ]
    table = b"".join([*headers[:-1], *segments, headers[-1]])
    data += bytes(size)
    data[start : start + len(table)] = table
    struct.pack_into("<H", data, 56, number + count)
    return bytes(data)


def test_segments_are_not_the_same_bytes_of_the_file() -> None:
    size = 256 << 10
    image.prepare(elf.parse(overlapping(1, size)))
    assert peak_of_refusal(overlapping(50, size), "segments overlap in the file") < 8 * size


def test_few_libraries_are_asked_for_however_many_are_named() -> None:
    def several(number: int) -> Prepared:
        names = b"".join(str(uuid4()).encode() + b"\0" for _ in range(number))
        made = Object(names=names, needed=range(0, len(names), 37)).made()
        return image.prepare(elf.parse(made))

    asked: list[UUID] = []

    def prepare(uuid: UUID) -> Prepared:
        asked.append(uuid)
        return several(OBJECTS_MAX - 1)

    with pytest.raises(LoadError, match="needs more than 64 libraries"):
        Placed(TA, prepare, 0x1000, bases())
    assert len(asked) < 5


def test_libraries_that_have_no_room_are_not_made_ready() -> None:
    def prepare(uuid: UUID) -> Prepared:
        asked.append(uuid)
        names = b"".join(str(uuid4()).encode() + b"\0" for _ in range(9))
        return image.prepare(elf.parse(Object(names=names, needed=range(0, 333, 37)).made()))

    def base(_size: int) -> int:
        if len(asked) == 3:
            raise TeeError(tee.ERROR_OUT_OF_MEMORY)
        return len(asked) << 32

    asked: list[UUID] = []
    with pytest.raises(TeeError):
        Placed(TA, prepare, 0x1000, base)
    assert len(asked) == 3


def test_files_are_made_ready_one_at_a_time() -> None:
    """What that takes is several times the file, and clients choose how many they want at once."""
    files = {each: Ta(Object(uuid=each).made(), uuid=each).signed() for each in UUIDS}
    inside, most = 0, 0
    guard, all_here = threading.Lock(), threading.Barrier(len(UUIDS))

    def fetch(uuid: UUID) -> bytes:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        time.sleep(0.05)
        return files[uuid]

    def accept(_uuid: UUID, _verified: Verified) -> None:
        nonlocal inside
        with guard:
            inside -= 1

    def prepare(uuid: UUID) -> None:
        all_here.wait(60)
        loading.prepare(uuid)

    loading = Loader(fetch, KEYS, accept)
    threads = [threading.Thread(target=prepare, args=(each,)) for each in UUIDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Object(symbols=[(0, CODE)] * 65536), "more than 65536 symbols"),
        (Object(relocations=[(DATA, R_RELATIVE, 0, 0)] * 131073), "more than 131072"),
    ],
)
def test_tables_have_limits(made: Object, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        elf.parse(made.made())


def test_large_tables_cost_little_memory() -> None:
    names = b"".join(b"a%06x\0" % n for n in range(1 << 14))
    symbols = [(8 * n, CODE) for n in range(1 << 14)]
    relocations = [(DATA + 50 * PAGE + n % 500 * 8, R_RELATIVE, 0, n) for n in range(1 << 14)]
    data = Object(names=names, symbols=symbols, relocations=relocations, zeros=50).made()
    tracemalloc.start()
    try:
        prepared = image.prepare(elf.parse(data))
        assert prepared.elf.exports
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < prepared.cost < 20 * len(data)


def test_function_at_an_address_is_found_among_many() -> None:
    names = b"".join(b"a%06x\0" % n for n in range(64))
    symbols = [(8 * n, CODE + 8 * n) for n in reversed(range(64))]
    found = elf.parse(Object(names=names, symbols=symbols).made())
    for n in range(64):
        assert [getattr(found.function(CODE + 8 * n + at), "name", None) for at in (0, 3, 4)] == [
            f"a{n:06x}", f"a{n:06x}", None,
        ]  # fmt: skip
    assert found.function(CODE - 1) is None


def test_a_large_file_is_there_few_times_while_it_is_made_ready() -> None:
    size = 8 << 20
    file = Ta(overlapping(1, size)).signed()
    loading = Loader(lambda _: bytes(bytearray(file)), KEYS)
    tracemalloc.start()
    try:
        prepared = loading.prepare(TA)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert prepared.size > size
    assert peak < 4 * size


def limit(monkeypatch: pytest.MonkeyPatch, **changes: int) -> None:
    """Have loaders that are made from now on keep to other limits."""
    small = limits()._replace(**changes)
    monkeypatch.setattr(store, "limits", lambda: small)


def test_what_is_ready_counts_as_long_as_anybody_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {each: Ta(Object(uuid=each).made(), uuid=each).signed() for each in UUIDS}
    first, second, third, fourth = UUIDS
    one = Loader(files.get, KEYS).prepare(first).cost
    limit(monkeypatch, files=2 * one + one // 2, kept=2 * one)
    loading = Loader(files.get, KEYS)
    held = [loading.prepare(first), loading.prepare(second)]
    with pytest.raises(LoadError, match="needs more memory") as caught:
        loading.prepare(third)
    assert caught.value.code == tee.ERROR_OUT_OF_MEMORY
    assert loading.prepare(first) is held[0], "whoever uses it shares it"
    held.clear()
    for each in (third, fourth, first):
        loading.prepare(each)


def test_files_that_were_not_used_of_late_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[UUID] = []
    files = {each: Ta(Object(uuid=each).made(), uuid=each).signed() for each in UUIDS}
    one = Loader(files.get, KEYS).prepare(TA).cost
    limit(monkeypatch, kept=2 * one)
    loading = Loader(files.get, KEYS, accept=lambda uuid, _: verified.append(uuid))
    first, second, third, _ = UUIDS
    for each in (second, first, third, first, third, second):
        loading.prepare(each)
    assert verified == [second, first, third, second]
    limit(monkeypatch, kept=one - 1)
    loading = Loader(files.get, KEYS, accept=lambda uuid, _: verified.append(uuid))
    for each in (third, first):
        loading.prepare(each)
    verified.clear()
    loading.prepare(first)
    assert verified == [first], "what is too large is not kept"


def test_libraries_named_twice_are_loaded_once() -> None:
    names = str(OTHER).encode() + b"\0"
    ta = image.prepare(elf.parse(Object(names=names, needed=[0, 0, 0]).made()))
    library = image.prepare(elf.parse(Object(uuid=OTHER).made()))
    made = Placed(TA, {TA: ta, OTHER: library}.__getitem__, 0x1000, bases())
    assert [each.uuid for each in made.objects] == [TA, OTHER]


@pytest.mark.parametrize("kind", [tee.SHDR_IMAGE_TA, tee.SHDR_IMAGE_BOOTSTRAP_TA])
def test_ta_renamed_to_another_is_refused(kind: int) -> None:
    file = Ta(Object(uuid=TA).made(), uuid=OTHER, image_type=kind).signed()
    loading = Loader(lambda _: file, KEYS)
    with pytest.raises(LoadError, match=f"it is TA {TA} and not {OTHER}") as caught:
        loading.load(OTHER, 0x1000, bases())
    assert caught.value.code == tee.ERROR_SECURITY


class Refusing(FakePlaced):
    """A TA whose libraries are refused once they have addresses."""

    def open_library(self, uuid: UUID, base: Base) -> NoReturn:
        """Refuse a library."""
        for _ in range(3):
            base(100 << 20)
        raise LoadError(f"there is no {uuid}", tee.ERROR_ITEM_NOT_FOUND)


class RefusingWorld(World):
    """A world where no library can be opened."""

    def load(self, uuid: UUID, dispatcher: int, base: Base) -> FakePlaced:
        """Place a TA."""
        placed = super().load(uuid, dispatcher, base)
        return Refusing(placed.uuid, placed.flags, placed.entry, placed.segments)


def opens_often(entry: Entry, runner: FakeRunner) -> Code:
    """Open libraries that are refused, which take more addresses together than there are."""
    del entry, runner
    for _ in range(5):
        refused = yield lambda ta: ta.open_library(OTHER)
        assert isinstance(refused, LoadError)
    return tee.SUCCESS


def test_library_that_is_refused_leaves_its_addresses_free() -> None:
    world = RefusingWorld({TA: (0, opens_often)})
    assert world.open(TA).result == tee.SUCCESS
