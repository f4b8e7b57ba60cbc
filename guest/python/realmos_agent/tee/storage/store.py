# SPDX-License-Identifier: BSD-3-Clause
"""The store: contents of objects by TA and object id, sealed, atomic, and not older than it was.

See the package for the design. One thread at a time: the caller holds a lock.
"""

import os
import struct

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol, TypeVar

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from realmos_agent.tee.storage.backend import Backend

    T = TypeVar("T")

    class Counter(Protocol):
        """A number that nobody can turn back. Either method may raise OSError."""

        def value(self) -> int:
            """Return it; 0 before the first advance."""

        def advance(self, value: int) -> None:
            """Set it to a greater value."""

else:
    Counter = object

KEY_SIZE = 32
_INDEX = "index"
_NONCE_SIZE = 12
_NAME_SIZE = 16
_HEAD = struct.Struct("<8sQI")  # magic, generation, number of objects
_MAGIC = b"RTEEIDX1"
# How far opening a store sets it ahead of the counter: past the change that a power cut may have
# left uncounted, so that this one cannot come back in the place of a later change.
_JUMP = 3
_ENTRY = struct.Struct("<16sB16s")  # TA, size of the object id that follows, name

Address = tuple[bytes, bytes]  # TA's UUID, object id


class StoreError(TeeError):
    """The store cannot be trusted or reached; the text says why."""

    def __init__(self, cause: str) -> None:
        super().__init__(numbers.ERROR_STORAGE_NOT_AVAILABLE)
        self.cause = cause

    def __str__(self) -> str:
        """Return the cause."""
        return self.cause


def _derived(key: bytes, purpose: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"realmos tee storage 1: " + purpose
    return AESGCM(HKDF(SHA256(), KEY_SIZE, salt=None, info=info).derive(key))


def _sealed(key: "AESGCM", name: str, content: bytes) -> bytes:
    nonce = os.urandom(_NONCE_SIZE)
    return nonce + key.encrypt(nonce, content, name.encode())


def _opened(key: "AESGCM", name: str, blob: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    if len(blob) < _NONCE_SIZE:
        return None
    try:
        return key.decrypt(blob[:_NONCE_SIZE], blob[_NONCE_SIZE:], name.encode())
    except InvalidTag:
        return None


class Store:
    """The objects' contents; opened at the first use.

    Args:
        backend: who holds the blobs.
        key: the store's key, KEY_SIZE random bytes that the holder does not have.
        counter: what tells an old store from the last one; None if there is nothing that does.
    """

    def __init__(self, backend: "Backend", key: bytes, counter: "Counter | None" = None) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"a store's key has {KEY_SIZE} bytes, not {len(key)}")
        self._backend = backend
        self._key = key
        self._counter = counter
        self._keys: dict[bytes, AESGCM] = {}  # derived, by their purpose
        self._names: dict[Address, str] = {}
        self._generation: int | None = None  # None: not opened

    def read(self, ta: bytes, object_id: bytes) -> bytes:
        """Return the content of an object.

        Raises:
            TeeError: ITEM_NOT_FOUND: there is none; CORRUPT_OBJECT: it is not what was written.
            StoreError: the store as a whole is not to be trusted, or not there.
        """
        self._open()
        name = self._names.get((ta, object_id))
        if name is None:
            raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
        blob = self._get(name)
        content = None if blob is None else _opened(self._of(ta), name, blob)
        if content is None:
            raise TeeError(numbers.ERROR_CORRUPT_OBJECT)
        return content

    def exists(self, ta: bytes, object_id: bytes) -> bool:
        """Tell whether there is an object of that name."""
        self._open()
        return (ta, object_id) in self._names

    def ids(self, ta: bytes) -> list[bytes]:
        """Return the object ids of a TA, sorted."""
        self._open()
        return sorted(object_id for owner, object_id in self._names if owner == ta)

    def write(self, ta: bytes, object_id: bytes, content: bytes) -> None:
        """Make or replace an object. If this raises, there is the old one or the new one."""
        self._open()
        name = os.urandom(_NAME_SIZE).hex()
        self._put(name, _sealed(self._of(ta), name, content))
        self._commit({**self._names, (ta, object_id): name})

    def rename(self, ta: bytes, old: bytes, new: bytes) -> None:
        """Give an object another id, which no other object has."""
        self._open()
        names = dict(self._names)
        names[ta, new] = names.pop((ta, old))
        self._commit(names)

    def remove(self, ta: bytes, object_id: bytes) -> None:
        """Forget an object, if there is one."""
        self._open()
        if (ta, object_id) in self._names:
            self._commit({k: v for k, v in self._names.items() if k != (ta, object_id)})

    def _of(self, ta: bytes | None) -> "AESGCM":
        """Return the key for a TA's objects; for the index without one."""
        purpose = b"index" if ta is None else b"objects of " + ta
        if purpose not in self._keys:
            self._keys[purpose] = _derived(self._key, purpose)
        return self._keys[purpose]

    def _open(self) -> None:
        if self._generation is not None:
            return
        blob = self._get(_INDEX)
        generation = 0
        names: dict[Address, str] = {}
        if blob is not None:
            content = _opened(self._of(None), _INDEX, blob)
            if content is None:
                raise StoreError("the index was not sealed under this store's key, or was changed")
            generation, names = _parsed(content)
        known = self._known(generation)
        self._names, self._generation = names, generation
        kept = {_INDEX, *names.values()}
        for name in self._all_names():
            if name not in kept:
                self._delete(name)
        if self._counter is not None:
            self._generation = known + _JUMP - 1
            self._commit(names)

    def _known(self, generation: int) -> int:
        """Return the counter's value; refuse a store that is older, or newer than can be."""
        if self._counter is None:
            return generation
        known = self._counted(self._counter.value)
        if not known <= generation <= known + _JUMP:
            raise StoreError(f"the store is of change {generation}, the counter says {known}")
        return known

    def _counted(self, call: "Callable[..., T]", *arguments: int) -> "T":
        try:
            return call(*arguments)
        except OSError as error:
            raise StoreError(f"the counter does not answer: {error}") from error

    def _commit(self, names: dict[Address, str]) -> None:
        assert self._generation is not None
        generation = self._generation + 1
        content = _packed(generation, names)
        try:
            self._put(_INDEX, _sealed(self._of(None), _INDEX, content))
            gone = set(self._names.values()) - set(names.values())
            self._names, self._generation = names, generation
            if self._counter is not None:
                self._counted(self._counter.advance, generation)
        except BaseException:
            self._generation = None  # who knows what is there: look at the next use
            raise
        for name in gone:
            self._delete(name)

    # What the holder does not do is the store's fault, not the TA's.
    def _get(self, name: str) -> bytes | None:
        try:
            return self._backend.get(name)
        except OSError as error:
            raise StoreError(f"{name} cannot be read: {error}") from error

    def _put(self, name: str, blob: bytes) -> None:
        try:
            self._backend.put(name, blob)
        except OSError as error:
            raise StoreError(f"{name} cannot be written: {error}") from error

    def _all_names(self) -> list[str]:
        try:
            return self._backend.names()
        except OSError as error:
            raise StoreError(f"the store cannot be listed: {error}") from error

    def _delete(self, name: str) -> None:
        try:
            self._backend.delete(name)
        except OSError:
            pass  # no index names it: it goes when the store is opened next


def _packed(generation: int, names: dict[Address, str]) -> bytes:
    out = [_HEAD.pack(_MAGIC, generation, len(names))]
    for (ta, object_id), name in sorted(names.items()):
        out.append(_ENTRY.pack(ta, len(object_id), bytes.fromhex(name)) + object_id)
    return b"".join(out)


def _parsed(content: bytes) -> tuple[int, dict[Address, str]]:
    """Read what _packed wrote: it was authenticated, so that it can be of another version only."""
    if content[: len(_MAGIC)] != _MAGIC:
        raise StoreError("the index is of another version of realmos")
    _, generation, count = _HEAD.unpack_from(content)
    entries = dict(_entries(content, count))
    return generation, entries


def _entries(content: bytes, count: int) -> "Iterator[tuple[Address, str]]":
    at = _HEAD.size
    for _ in range(count):
        ta, size, name = _ENTRY.unpack_from(content, at)
        at += _ENTRY.size + size
        yield (ta, content[at - size : at]), name.hex()
