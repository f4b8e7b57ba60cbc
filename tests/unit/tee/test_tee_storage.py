# SPDX-License-Identifier: BSD-3-Clause
"""Persistent objects: system calls 41 to 53 and the rules of sharing."""

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers as n
from realmos_agent.tee.budget import limits
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import ShortBuffer, TeeError
from realmos_agent.tee.handles import HandleTable
from realmos_agent.tee.storage import MemoryBackend, PersistentObject, Storage, Store, objects
from realmos_agent.tee.storage.persistent import SIZE_MAX
from realmos_agent.tee.syscalls import objects as object_calls
from realmos_agent.tee.syscalls import states
from realmos_agent.tee.syscalls import storage as calls
from tee_states import key, refused

READ, WRITE, META = n.DATA_FLAG_ACCESS_READ, n.DATA_FLAG_ACCESS_WRITE, n.DATA_FLAG_ACCESS_WRITE_META
SHARE_READ, SHARE_WRITE = n.DATA_FLAG_SHARE_READ, n.DATA_FLAG_SHARE_WRITE
ALL = READ | WRITE | META
INFO = struct.Struct("<7I")


class Ta(SimpleNamespace):
    """A Trusted Application, as these calls see it."""

    def __init__(self, storage: Storage, uuid: UUID) -> None:
        super().__init__(
            handles=HandleTable(), services=SimpleNamespace(storage=storage), uuid=uuid
        )

    def __call__(self, number: int, *arguments: object) -> Any:  # noqa: ANN401 - each call has its own
        return calls.HANDLERS[number](self, *arguments)

    def open(self, name: bytes, flags: int) -> int:
        made: int = self(n.CALL_STORAGE_OBJ_OPEN, n.STORAGE_PRIVATE, name, flags)
        return made

    def create(self, name: bytes, flags: int = ALL, data: bytes = b"", source: int = 0) -> int:
        made: int = self(
            n.CALL_STORAGE_OBJ_CREATE, n.STORAGE_PRIVATE, name, flags, source, data, True
        )
        return made

    def close(self, handle: int) -> None:
        self.handles.drop(handle, TransientObject).close()

    def info(self, handle: int) -> tuple[int, ...]:
        return INFO.unpack(self.handles.get(handle, TransientObject).info())


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def ta(backend: MemoryBackend) -> Ta:
    return Ta(Storage(Store(backend, bytes(32))), UUID(int=1))


def later(backend: MemoryBackend) -> Ta:
    """The TA in another run of the core."""
    return Ta(Storage(Store(backend, bytes(32))), UUID(int=1))


def test_data_is_written_read_and_kept(ta: Ta, backend: MemoryBackend) -> None:
    made = ta.create(b"one", data=b"hello")
    ta(n.CALL_STORAGE_OBJ_SEEK, made, 0, n.DATA_SEEK_END)
    ta(n.CALL_STORAGE_OBJ_WRITE, made, b" world")
    again = later(backend)
    handle = again.open(b"one", READ)
    assert again(n.CALL_STORAGE_OBJ_READ, handle, 7) == b"hello w"
    assert again(n.CALL_STORAGE_OBJ_READ, handle, 100) == b"orld"
    assert again(n.CALL_STORAGE_OBJ_READ, handle, 100) == b""
    kind, size, most, usage, data, position, flags = again.info(handle)
    assert (kind, size, most, usage, data, position) == (n.TYPE_DATA, 0, 0, 0xFFFFFFFF, 11, 11)
    assert flags == READ | n.HANDLE_FLAG_PERSISTENT | n.HANDLE_FLAG_INITIALIZED


def test_data_has_no_attributes(ta: Ta) -> None:
    data = ta.create(b"one")
    get = object_calls.HANDLERS[n.CALL_CRYP_OBJ_GET_ATTR]
    with refused(n.ERROR_BAD_STATE):
        get(ta, data, n.ATTR_SECRET_VALUE, 16)


def test_a_key_is_kept_with_its_usage(ta: Ta, backend: MemoryBackend) -> None:
    held = key(n.TYPE_AES, bytes(range(16)))
    held.restrict_usage(n.USAGE_ENCRYPT)
    ta.create(b"key", data=b"and data", source=ta.handles.add(held))
    again = later(backend)
    handle = again.open(b"key", READ | SHARE_READ)
    found = again.handles.get(handle, TransientObject)
    assert (found.type, found.size, found.usage) == (n.TYPE_AES, 128, n.USAGE_ENCRYPT)
    assert found.secret() == bytes(range(16))
    assert again(n.CALL_STORAGE_OBJ_READ, handle, 10) == b"and data"
    second = again.open(b"key", READ | SHARE_READ)
    found.restrict_usage(0)
    assert again.handles.get(second, TransientObject).usage == 0, "one object has one usage"
    with refused(n.ERROR_BAD_PARAMETERS):
        found.reset()
    again = later(backend)
    assert again.info(again.open(b"key", 0))[3] == 0, "a restriction stays"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.binary(max_size=20)),
            st.tuples(st.just("truncate"), st.integers(0, 60)),
            st.tuples(st.just("seek"), st.integers(-30, 60)),
            st.tuples(st.just("read"), st.integers(0, 60)),
        )
    )
)
def test_data_is_a_file(steps: list[tuple[str, Any]]) -> None:
    ta = Ta(Storage(Store(MemoryBackend(), bytes(32))), UUID(int=1))
    handle = ta.create(b"x")
    data, at = b"", 0
    for step, value in steps:
        if step == "write":
            ta(n.CALL_STORAGE_OBJ_WRITE, handle, value)
            if value:
                data = data[:at].ljust(at, b"\0") + value + data[at + len(value) :]
            at += len(value)
        elif step == "truncate":
            ta(n.CALL_STORAGE_OBJ_TRUNC, handle, value)
            data = data[:value].ljust(value, b"\0")
        elif step == "seek":
            ta(n.CALL_STORAGE_OBJ_SEEK, handle, value, n.DATA_SEEK_CUR)
            at = max(0, at + value)
        else:
            wanted = data[at : at + value]
            assert ta(n.CALL_STORAGE_OBJ_READ, handle, value) == wanted
            at += len(wanted)
        assert ta.info(handle)[4:6] == (len(data), at)


def test_each_ta_has_its_own(ta: Ta) -> None:
    ta.create(b"one", data=b"mine")
    other = Ta(ta.services.storage, UUID(int=2))
    with refused(n.ERROR_ITEM_NOT_FOUND):
        other.open(b"one", READ)
    other.create(b"one", data=b"theirs")
    assert other(n.CALL_STORAGE_OBJ_READ, 1, 10) == b"theirs"


# Open with the first, then with the second: what GlobalPlatform's table says.
SHARING = [
    (READ, READ, False),
    (READ | SHARE_READ, READ, False),
    (READ | SHARE_READ, READ | SHARE_READ, True),
    (READ | SHARE_READ, WRITE | SHARE_READ, False),
    (READ | SHARE_READ | SHARE_WRITE, WRITE | SHARE_READ | SHARE_WRITE, True),
    (WRITE | SHARE_WRITE, WRITE | SHARE_WRITE, True),
    (WRITE | SHARE_WRITE, READ | SHARE_READ, False),
    (META, READ | SHARE_READ, False),
    (SHARE_READ, READ | SHARE_READ, True),
    (0, READ | SHARE_READ, False),
    (0, 0, True),
]


@pytest.mark.parametrize(("first", "second", "goes"), SHARING)
def test_objects_are_shared_as_their_flags_say(ta: Ta, first: int, second: int, goes: bool) -> None:
    ta.close(ta.create(b"one"))
    held = ta.open(b"one", first)
    if goes:
        ta.open(b"one", second)
    else:
        with refused(n.ERROR_ACCESS_CONFLICT):
            ta.open(b"one", second)
        ta.close(held)
        ta.open(b"one", second)


def test_all_handles_see_one_object(ta: Ta) -> None:
    ta.close(ta.create(b"one", data=b"0123"))
    flags = READ | WRITE | SHARE_READ | SHARE_WRITE
    one, two = ta.open(b"one", flags), ta.open(b"one", flags)
    ta(n.CALL_STORAGE_OBJ_WRITE, one, b"abcdef")
    assert ta(n.CALL_STORAGE_OBJ_READ, two, 3) == b"abc"
    assert ta.info(two)[4] == 6


def test_what_is_there_is_not_made_again_unasked(ta: Ta) -> None:
    ta.close(ta.create(b"one", data=b"old"))
    with refused(n.ERROR_ACCESS_CONFLICT):
        ta.create(b"one", data=b"new")
    handle = ta.create(b"one", ALL | n.DATA_FLAG_OVERWRITE, b"new")
    assert ta(n.CALL_STORAGE_OBJ_READ, handle, 9) == b"new"
    with refused(n.ERROR_ACCESS_CONFLICT):
        ta.create(b"one", ALL | n.DATA_FLAG_OVERWRITE, b"newer")


def test_an_object_may_be_made_without_a_handle(ta: Ta) -> None:
    made = ta(n.CALL_STORAGE_OBJ_CREATE, n.STORAGE_PRIVATE_REE, b"one", 0, 0, b"x", False)
    assert made is None
    assert not len(ta.handles)
    assert ta(n.CALL_STORAGE_OBJ_READ, ta.open(b"one", READ), 9) == b"x"


@pytest.mark.parametrize("busy", [False, True])
def test_a_key_may_become_an_object(ta: Ta, *, busy: bool) -> None:
    """Made from a transient object and without a handle, that one's handle is the new object's."""
    handle = ta.handles.add(key(n.TYPE_AES, b"S" * 16))
    state = 0
    if busy:
        state = states.cryp_state_alloc(ta, n.ALG_AES_ECB_NOPAD, n.MODE_ENCRYPT, handle, 0)
    made = ta(n.CALL_STORAGE_OBJ_CREATE, n.STORAGE_PRIVATE, b"k", READ, 0, b"data", False)
    assert made is None
    arguments = n.STORAGE_PRIVATE, b"key", READ | META, handle, b"data", False
    assert ta(n.CALL_STORAGE_OBJ_CREATE, *arguments) is None
    kind, size, _, _, data, _, flags = ta.info(handle)
    assert (kind, size, data) == (n.TYPE_AES, 128, 4)
    assert flags == n.HANDLE_FLAG_PERSISTENT | n.HANDLE_FLAG_INITIALIZED | READ | META
    assert ta(n.CALL_STORAGE_OBJ_READ, handle, 9) == b"data"
    with refused(n.ERROR_ACCESS_CONFLICT):
        ta.open(b"key", READ)
    held = ta.handles.get(handle, TransientObject)
    assert held.secret() == b"S" * 16
    if busy:
        with refused(n.ERROR_BAD_STATE):
            ta(n.CALL_STORAGE_OBJ_DEL, handle)
        states.cryp_state_free(ta, state)
        assert not len(ta.handles)
    else:
        ta(n.CALL_STORAGE_OBJ_DEL, handle)
    assert ta.services.storage.ids(ta.uuid) == ([b"k", b"key"] if busy else [b"k"])


def test_rename_and_delete_want_write_meta(ta: Ta) -> None:
    ta.close(ta.create(b"taken"))
    made = ta.create(b"one", data=b"x")
    with refused(n.ERROR_ACCESS_CONFLICT):
        ta(n.CALL_STORAGE_OBJ_RENAME, made, b"taken")
    ta(n.CALL_STORAGE_OBJ_RENAME, made, b"two")
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta.open(b"one", READ)
    ta(n.CALL_STORAGE_OBJ_DEL, made)
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta.open(b"two", READ)
    with refused(n.ERROR_BAD_STATE):
        ta(n.CALL_STORAGE_OBJ_READ, made, 1)
    plain = ta.open(b"taken", READ | WRITE)
    with refused(n.ERROR_BAD_STATE):
        ta(n.CALL_STORAGE_OBJ_RENAME, plain, b"three")
    with refused(n.ERROR_ACCESS_CONFLICT):
        ta(n.CALL_STORAGE_OBJ_DEL, plain)


def test_access_is_what_was_asked_for(ta: Ta) -> None:
    made = ta.create(b"one", 0)
    for call, argument in (
        (n.CALL_STORAGE_OBJ_READ, 1),
        (n.CALL_STORAGE_OBJ_WRITE, b"x"),
        (n.CALL_STORAGE_OBJ_TRUNC, 1),
    ):
        with refused(n.ERROR_ACCESS_CONFLICT):
            ta(call, made, argument)


def test_positions_and_sizes_have_an_end(ta: Ta) -> None:
    made = ta.create(b"one")
    for _ in range(2):
        ta(n.CALL_STORAGE_OBJ_SEEK, made, 0x7FFFFFFF, n.DATA_SEEK_CUR)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_STORAGE_OBJ_SEEK, made, 0x7FFFFFFF, n.DATA_SEEK_CUR)
    with refused(n.ERROR_STORAGE_NO_SPACE):
        ta(n.CALL_STORAGE_OBJ_WRITE, made, b"x")
    with refused(n.ERROR_OVERFLOW):
        ta(n.CALL_STORAGE_OBJ_WRITE, made, b"xyz")
    with refused(n.ERROR_STORAGE_NO_SPACE):
        ta(n.CALL_STORAGE_OBJ_TRUNC, made, SIZE_MAX + 1)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_STORAGE_OBJ_SEEK, made, 0, 3)


@pytest.mark.parametrize(
    ("storage", "name", "flags", "code"),
    [
        (n.STORAGE_PRIVATE_RPMB, b"x", READ, n.ERROR_ITEM_NOT_FOUND),
        (77, b"x", READ, n.ERROR_ITEM_NOT_FOUND),
        (1, b"x" * 65, READ, n.ERROR_BAD_PARAMETERS),
        (1, b"x", 0x1000, n.ERROR_BAD_PARAMETERS),
        (1, b"x" * 64, READ, n.ERROR_ITEM_NOT_FOUND),
    ],
)
def test_what_cannot_be_is_refused(
    ta: Ta, storage: int, name: bytes, flags: int, code: int
) -> None:
    with refused(code):
        ta(n.CALL_STORAGE_OBJ_OPEN, storage, name, flags)
    if len(name) != 64:
        with refused(code):
            ta(n.CALL_STORAGE_OBJ_CREATE, storage, name, flags, 0, b"", True)


def test_a_key_must_be_one_to_be_kept(ta: Ta) -> None:
    empty = ta.handles.add(TransientObject(n.TYPE_AES, 128))
    with refused(n.ERROR_BAD_PARAMETERS):
        ta.create(b"one", source=empty)
    with refused(n.ERROR_BAD_STATE):
        ta.create(b"one", source=99)
    with refused(n.ERROR_BAD_STATE):
        ta(n.CALL_STORAGE_OBJ_READ, empty, 1)
    with refused(n.ERROR_ACCESS_CONFLICT):
        ta(n.CALL_STORAGE_OBJ_DEL, empty)
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta.open(b"one", READ)


def test_an_enumerator_goes_through_all(ta: Ta) -> None:
    enumerator = ta(n.CALL_STORAGE_ENUM_ALLOC)
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta(n.CALL_STORAGE_ENUM_START, enumerator, n.STORAGE_PRIVATE)
    ta.create(b"one", data=b"12345")
    ta.close(ta.create(b"two", source=ta.handles.add(key(n.TYPE_AES, bytes(16)))))
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64)
    ta(n.CALL_STORAGE_ENUM_START, enumerator, n.STORAGE_PRIVATE)
    with pytest.raises(ShortBuffer):
        ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 2)
    found = [ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64) for _ in range(2)]
    assert [name for _, name in found] == [b"one", b"two"]
    assert [INFO.unpack(info)[:3] for info, _ in found] == [
        (n.TYPE_DATA, 0, 0), (n.TYPE_AES, 128, 128),
    ]  # fmt: skip
    assert INFO.unpack(found[0][0])[4] == 5
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64)
    ta(n.CALL_STORAGE_ENUM_START, enumerator, n.STORAGE_PRIVATE_REE)
    ta(n.CALL_STORAGE_ENUM_RESET, enumerator)
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64)
    ta(n.CALL_STORAGE_ENUM_FREE, enumerator)
    with refused(n.ERROR_BAD_PARAMETERS):
        ta(n.CALL_STORAGE_ENUM_RESET, enumerator)


def test_a_corrupt_object_is_deleted(ta: Ta, backend: MemoryBackend) -> None:
    ta.create(b"one", data=b"x")
    (name,) = (name for name in backend.names() if name != "index")
    backend.put(name, bytes(50))
    again = later(backend)
    with refused(n.ERROR_CORRUPT_OBJECT):
        again.open(b"one", READ)
    with refused(n.ERROR_ITEM_NOT_FOUND):
        again.open(b"one", READ)


def test_a_failed_write_leaves_the_object(ta: Ta, backend: MemoryBackend) -> None:
    made = ta.create(b"one", data=b"before")

    def fail(name: str, blob: bytes) -> None:
        raise OSError(28, f"{name}: no space for {len(blob)} bytes")

    kept, backend.put = backend.put, fail  # type: ignore[method-assign]  # a holder that fails
    with pytest.raises(TeeError):
        ta(n.CALL_STORAGE_OBJ_WRITE, made, b"after")
    backend.put = kept  # type: ignore[method-assign]  # ditto
    assert ta(n.CALL_STORAGE_OBJ_READ, made, 9) == b"before"


def test_an_overwritten_object_is_gone_for_its_handles(ta: Ta) -> None:
    """A restricted key stays restricted whatever is made of its name."""
    flags = READ | WRITE | SHARE_READ | SHARE_WRITE
    old = ta.create(b"key", flags, b"old", ta.handles.add(key(n.TYPE_AES, b"S" * 16)))
    held = ta.handles.get(old, TransientObject)
    held.restrict_usage(n.USAGE_ENCRYPT)
    new = ta.create(b"key", flags | n.DATA_FLAG_OVERWRITE, b"new")
    assert (held.usage, held.secret()) == (n.USAGE_ENCRYPT, b"S" * 16)
    with refused(n.ERROR_BAD_PARAMETERS):
        held.get_attr(n.ATTR_SECRET_VALUE)
    for call, argument in (
        (n.CALL_STORAGE_OBJ_READ, 1),
        (n.CALL_STORAGE_OBJ_WRITE, b"x"),
        (n.CALL_STORAGE_OBJ_TRUNC, 1),
    ):
        with refused(n.ERROR_CORRUPT_OBJECT):
            ta(call, old, argument)
    with refused(n.ERROR_CORRUPT_OBJECT):
        held.restrict_usage(0)
    assert ta(n.CALL_STORAGE_OBJ_READ, new, 9) == b"new"
    ta.close(old)
    assert ta(n.CALL_STORAGE_OBJ_READ, ta.open(b"key", flags), 9) == b"new"
    with refused(n.ERROR_ACCESS_CONFLICT):
        ta.open(b"key", META)


def test_opening_a_key_never_widens_its_usage(ta: Ta, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = READ | SHARE_READ
    handle = ta.create(b"key", flags, source=ta.handles.add(key(n.TYPE_AES, b"S" * 16)))
    held = ta.handles.get(handle, TransientObject)
    held.restrict_usage(0)
    seen = []
    real = TransientObject.load

    def load(self: TransientObject, dump: bytes, set_attributes: int) -> None:
        seen.append(held.usage)
        real(self, dump, set_attributes)

    monkeypatch.setattr(TransientObject, "load", load)
    ta.open(b"key", flags)
    ta.services.storage.info(ta.uuid, b"key")
    assert seen == [0, 0]


# What fails, and which objects there are if it was made all the same.
CHANGES: tuple[tuple[Callable[[Ta, int], object], list[bytes]], ...] = (
    (lambda ta, handle: ta(n.CALL_STORAGE_OBJ_RENAME, handle, b"new"), [b"new"]),
    (lambda ta, handle: ta(n.CALL_STORAGE_OBJ_DEL, handle), []),
    (lambda ta, handle: ta(n.CALL_STORAGE_OBJ_WRITE, handle, b"new"), [b"old"]),
    (lambda ta, handle: ta.handles.get(handle, TransientObject).restrict_usage(0), [b"old"]),
)


@pytest.mark.parametrize("kept", [False, True], ids=["was not made", "was made"])
def test_nobody_goes_on_with_what_nobody_knows(
    ta: Ta, backend: MemoryBackend, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change fails when it may have been made: handles are over, and the store tells."""
    for change, changed in CHANGES:
        handle = ta.create(b"old", data=b"data")
        real = backend.put

        def put(name: str, blob: bytes, real: Any = real) -> None:  # noqa: ANN401 - a method
            if kept or name != "index":
                real(name, blob)
            if name == "index":
                raise OSError("no answer")

        with monkeypatch.context() as patched:
            patched.setattr(backend, "put", put)
            with refused(n.ERROR_STORAGE_NOT_AVAILABLE):
                change(ta, handle)
        for call, argument in (
            (n.CALL_STORAGE_OBJ_READ, 1),
            (n.CALL_STORAGE_OBJ_WRITE, b"X"),
            (n.CALL_STORAGE_OBJ_RENAME, b"newer"),
        ):
            with refused(n.ERROR_STORAGE_NOT_AVAILABLE):
                ta(call, handle, argument)
        with refused(n.ERROR_STORAGE_NOT_AVAILABLE):
            ta(n.CALL_STORAGE_OBJ_DEL, handle)
        ta.close(handle)
        found = ta.services.storage.ids(ta.uuid)
        assert found == (changed if kept else [b"old"])
        for name in found:
            ta(n.CALL_STORAGE_OBJ_DEL, ta.open(name, META))


def test_a_key_in_use_is_not_deleted(ta: Ta) -> None:
    handle = ta.create(b"key", source=ta.handles.add(key(n.TYPE_AES, bytes(16))))
    state = states.cryp_state_alloc(ta, n.ALG_AES_ECB_NOPAD, n.MODE_ENCRYPT, handle, 0)
    with refused(n.ERROR_BAD_STATE):
        ta(n.CALL_STORAGE_OBJ_DEL, handle)
    states.cryp_state_free(ta, state)
    assert ta.services.storage.ids(ta.uuid) == [b"key"]


def test_what_is_open_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    small = limits()._replace(ta_objects=1000, objects=1500)
    monkeypatch.setattr(objects, "limits", lambda: small)
    ta = Ta(Storage(Store(MemoryBackend(), bytes(32))), UUID(int=1))
    first = ta.create(b"1", data=bytes(700))
    ta.close(ta.create(b"2", data=bytes(200)))
    with refused(n.ERROR_OUT_OF_MEMORY):
        ta.create(b"3", data=bytes(300))
    with refused(n.ERROR_OUT_OF_MEMORY):
        ta(n.CALL_STORAGE_OBJ_TRUNC, first, 1000)
    ta.open(b"2", READ)
    other = Ta(ta.services.storage, UUID(int=2))
    with refused(n.ERROR_OUT_OF_MEMORY):
        other.create(b"1", data=bytes(600))
    ta.close(first)
    other.create(b"1", data=bytes(600))
    with refused(n.ERROR_OUT_OF_MEMORY):
        ta.open(b"1", READ)


def test_without_a_handle_to_give_nothing_is_made(ta: Ta) -> None:
    ta.close(ta.create(b"key", data=b"old"))
    ta.handles = HandleTable(limit=0)
    for name in (b"key", b"new"):
        with refused(n.ERROR_OUT_OF_MEMORY):
            ta.create(name, n.DATA_FLAG_OVERWRITE, b"new")
    ta.handles = HandleTable()
    assert ta.services.storage.ids(ta.uuid) == [b"key"]
    assert ta(n.CALL_STORAGE_OBJ_READ, ta.open(b"key", READ), 9) == b"old"


def test_what_is_overwritten_leaves_memory(ta: Ta) -> None:
    """However many handles of it are left, which are not counted as open any more."""
    flags = n.DATA_FLAG_OVERWRITE
    handles = [ta.create(b"x", flags, bytes(1000)) for _ in range(5)]
    held = [ta.handles.get(handle, TransientObject) for handle in handles]
    assert [one.data_size for one in held if isinstance(one, PersistentObject)] == [0] * 4 + [1000]


def test_an_enumerator_tells_of_what_is_there(ta: Ta) -> None:
    for name in (b"a", b"b", b"c"):
        ta.close(ta.create(name))
    enumerator = ta(n.CALL_STORAGE_ENUM_ALLOC)
    ta(n.CALL_STORAGE_ENUM_START, enumerator, n.STORAGE_PRIVATE)
    assert ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64)[1] == b"a"
    for name in (b"a", b"b"):
        ta(n.CALL_STORAGE_OBJ_DEL, ta.open(name, META))
    ta.close(ta.create(b"d"))
    assert ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64)[1] == b"c"
    assert ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64)[1] == b"d"
    with refused(n.ERROR_ITEM_NOT_FOUND):
        ta(n.CALL_STORAGE_ENUM_NEXT, enumerator, 64)


def test_the_core_keeps_notes_where_no_ta_reaches(ta: Ta, backend: MemoryBackend) -> None:
    storage = ta.services.storage
    assert storage.note(b"versions") is None
    storage.set_note(b"versions", b"1")
    assert later(backend).services.storage.note(b"versions") == b"1"
    nobody = Ta(storage, UUID(int=0))
    for act in (
        lambda: nobody.open(b"versions", READ),
        lambda: nobody.create(b"versions", ALL | n.DATA_FLAG_OVERWRITE),
        lambda: storage.ids(nobody.uuid),
    ):
        with refused(n.ERROR_ACCESS_DENIED):
            act()
