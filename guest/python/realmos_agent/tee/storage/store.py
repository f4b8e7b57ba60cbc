# SPDX-License-Identifier: BSD-3-Clause
"""The store: contents of objects by TA and object id, sealed, atomic, and not older than it was.

See the package for the design. One thread at a time: the caller holds a lock.
"""

import errno
import os
from hashlib import sha256
from typing import NamedTuple

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.storage.backend import BLOB_MAX, INDEX, NAME
from realmos_agent.tee.storage.errors import StoreError, UnsettledError
from realmos_agent.tee.storage.index import EMPTY, NO_MARK, Entry, Index, packed, parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from realmos_agent.tee.storage.backend import Backend
    from realmos_agent.tee.storage.index import Address

    T = TypeVar("T")

    class Counter(Protocol):
        """A number that nobody can turn back, with 32 bytes. Any method may raise OSError."""

        def state(self) -> tuple[int, bytes]:
            """Return both; 0 and zeros before the first advance."""

        def advance(self, value: int, mark: bytes) -> None:
            """Add one, if it is at `value`, and set the bytes; both or neither."""

else:
    Counter = object

CORE = bytes(16)
"""As whose objects the core keeps its own notes; no TA's."""
KEY_SIZE = 32
_NONCE_SIZE = 12
_NAME_SIZE = 16
_OVERHEAD = 28  # of a blob: nonce and tag
_STRAYS_MAX = 64  # whose names are kept; the next opening finds the others


class Limits(NamedTuple):
    """What a store holds at most.

    Attributes:
        objects: of one TA; each change of any object costs an index of all.
        size: their bytes.
        all_objects: of all TAs, without the core's notes.
        all_size: their bytes.
    """

    objects: int = 2048
    size: int = 128 << 20
    all_objects: int = 16384
    all_size: int = 512 << 20


_LIMITS = Limits()


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

    if len(blob) < _OVERHEAD:
        return None
    try:
        return key.decrypt(blob[:_NONCE_SIZE], blob[_NONCE_SIZE:], name.encode())
    except InvalidTag:
        return None


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _called(name: str) -> str:
    return "the index" if name == INDEX else "an object"


class Store:
    """The objects' contents; opened at the first use.

    Args:
        backend: who holds the blobs.
        key: the store's key, KEY_SIZE random bytes that the holder does not have.
        counter: what tells an old store from the last one. None if there is nothing that does:
            then the store is taken for what it is at its first use, and goes on from there.
        limits: what it holds at most.
    """

    def __init__(
        self,
        backend: "Backend",
        key: bytes,
        counter: "Counter | None" = None,
        limits: Limits = _LIMITS,
    ) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"a store's key has {KEY_SIZE} bytes, not {len(key)}")
        self._backend = backend
        self._key = key
        self._counter = counter
        self._limits = limits
        self._keys: dict[bytes, AESGCM] = {}  # derived, by their purpose
        self._entries: dict[Address, Entry] = {}
        self._ids: dict[bytes, list[bytes]] = {}  # of a TA, as they were asked for
        self._at: tuple[int, bytes] | None = None  # generation and mark; None: not opened
        self._seen: tuple[int, bytes] | None = None  # without a counter: what would be in it
        self._openings = 0
        self._strays: set[str] = set()  # that no index names, and that may come to be

    def open(self) -> int:
        """Open the store, if that is to be done, and return how many times it was.

        As long as that is the same, nobody but this object has changed it.

        Raises:
            StoreError: it is not to be trusted, or not there.
        """
        self._open()
        return self._openings

    def version(self, ta: bytes, object_id: bytes) -> str | None:
        """Return what tells an object's content from any other; None if there is no object."""
        entry = self._entries.get((ta, object_id))
        return entry and entry.name

    def read(self, ta: bytes, object_id: bytes) -> bytes:
        """Return the content of an object.

        Raises:
            TeeError: ITEM_NOT_FOUND: there is none; CORRUPT_OBJECT: it is not what was written.
            StoreError: the store as a whole is not to be trusted, or not there.
        """
        name = self._entry(ta, object_id).name
        blob = self._get(name)
        content = None if blob is None else _opened(self._of(ta), name, blob)
        if content is None:
            raise TeeError(numbers.ERROR_CORRUPT_OBJECT)
        return content

    def exists(self, ta: bytes, object_id: bytes) -> bool:
        """Tell whether there is an object of that name."""
        self._open()
        return (ta, object_id) in self._entries

    def size(self, ta: bytes, object_id: bytes) -> int:
        """Return the size of an object's content.

        Raises:
            TeeError: ITEM_NOT_FOUND: there is none.
        """
        return self._entry(ta, object_id).size

    def ids(self, ta: bytes) -> list[bytes]:
        """Return the object ids of a TA, sorted; nobody changes the list."""
        self._open()
        if ta not in self._ids:
            self._ids[ta] = sorted(object_id for owner, object_id in self._entries if owner == ta)
        return self._ids[ta]

    def write(self, ta: bytes, object_id: bytes, content: bytes) -> str:
        """Make or replace an object, and return its new version.

        If this raises, there is the old one or the new one.

        Raises:
            TeeError: STORAGE_NO_SPACE: the store or the TA has as much as it may; there is the old
                one.
            StoreError: there is the old one.
            UnsettledError: who knows.
        """
        self._open()
        self._check_limits(ta, object_id, len(content))
        name = os.urandom(_NAME_SIZE).hex()
        self._put_new(name, _sealed(self._of(ta), name, content))
        self._commit({**self._entries, (ta, object_id): Entry(name, len(content))})
        return name

    def rename(self, ta: bytes, old: bytes, new: bytes) -> None:
        """Give an object another id, which no other object has."""
        entry = self._entry(ta, old)
        entries = {**self._entries, (ta, new): entry}
        del entries[ta, old]
        self._commit(entries)

    def remove(self, ta: bytes, object_id: bytes) -> None:
        """Forget an object, if there is one."""
        self._open()
        if (ta, object_id) in self._entries:
            self._commit({k: v for k, v in self._entries.items() if k != (ta, object_id)})

    def _entry(self, ta: bytes, object_id: bytes) -> Entry:
        self._open()
        entry = self._entries.get((ta, object_id))
        if entry is None:
            raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
        return entry

    def _of(self, ta: bytes | None) -> "AESGCM":
        """Return the key for a TA's objects; for the index without one."""
        purpose = b"index" if ta is None else b"objects of " + ta
        if purpose not in self._keys:
            self._keys[purpose] = _derived(self._key, purpose)
        return self._keys[purpose]

    def _check_limits(self, ta: bytes, object_id: bytes, size: int) -> None:
        others = [(a, e.size) for a, e in self._entries.items() if a != (ta, object_id)]
        own = [held for (owner, _), held in others if owner == ta]
        # The core's notes are few, and there is room for them whatever TAs keep.
        tas = [held for (owner, _), held in others if CORE not in (owner, ta)]
        most = self._limits
        if (
            len(own) >= most.objects
            or len(tas) >= most.all_objects
            or size > most.size - sum(own)
            or size > most.all_size - sum(tas)
            or size > BLOB_MAX - _OVERHEAD
        ):
            raise TeeError(numbers.ERROR_STORAGE_NO_SPACE)

    def _open(self) -> None:
        """Look at the index, if that is to be done, and take it if it is the last one.

        Nothing is read of a store before what is taken for its last index is counted as that, so
        that another that was never counted can not come back in its place.
        """
        if self._at is not None:
            return
        blob = self._get(INDEX)
        index, mark = EMPTY, NO_MARK
        if blob is not None:
            content = _opened(self._of(None), INDEX, blob)
            if content is None:
                raise StoreError(
                    "the index was not sealed under this store's key, or was changed: was "
                    "--storage DIR first used without --identity, or with another one?"
                )
            index, mark = parsed(content), sha256(blob).digest()
        counted = self._take(index, mark)
        self._entries, self._ids = dict(index.entries), {}
        self._at = index.generation, mark
        self._openings += 1
        if blob is None or not counted:
            self._commit(self._entries)
        kept = {INDEX, *(entry.name for entry in self._entries.values())}
        gone = [name for name in self._names() if name not in kept]
        for name in gone[: self._limits.all_objects]:  # the rest goes with the next opening
            if not self._delete(name):
                break  # a holder that does not answer is not waited for once for each

    def _take(self, index: Index, mark: bytes) -> bool:
        """Check that an index is the last one, and return whether that was counted just now."""
        last = self._seen if self._counter is None else self._counted(self._counter.state)
        if last is None:
            self._seen = index.generation, mark
            return True
        if (index.generation, mark) == last:
            return False
        # The power may have gone before it was counted.
        if (index.generation, index.before) == (last[0] + 1, last[1]):
            self._count(last[0], mark)
            return True
        raise StoreError(self._refusal(index.generation, last[0], there=mark != NO_MARK))

    def _refusal(self, generation: int, last: int, *, there: bool) -> str:
        """Return why an index is not taken, and what helps."""
        says = f"{'the counter says' if self._counter else 'this core has written'} {last}"
        helps = "nothing but the newest copy of it goes on; only another identity begins anew"
        if not there:
            return f"the holder has no store, {says}: is it that of another --storage DIR? {helps}"
        other = ", and another one" if generation == last else ""
        return (
            f"the store is not what was written last: it is of change {generation}, {says}{other}; "
            + helps
        )

    def _count(self, value: int, mark: bytes) -> None:
        if self._counter is None:
            self._seen = value + 1, mark
        else:
            self._counted(self._counter.advance, value, mark)

    def _counted(self, call: "Callable[..., T]", *arguments: object) -> "T":
        try:
            return call(*arguments)
        except OSError as error:
            why = "has moved on" if error.errno == errno.ESTALE else "does not answer"
            raise StoreError(f"the counter {why}: {_why(error)}") from error

    def _commit(self, entries: "dict[Address, Entry]") -> None:
        """Make these the entries.

        Raises:
            UnsettledError: perhaps they are.
        """
        assert self._at is not None
        (generation, before), self._at = self._at, None  # if this fails: look at the next use
        content = packed(Index(generation + 1, before, entries))
        blob = _sealed(self._of(None), INDEX, content)
        mark = sha256(blob).digest()
        try:
            self._put(INDEX, blob)
            self._count(generation, mark)
        except StoreError as error:
            raise UnsettledError(error.cause) from error
        gone = {entry.name for entry in self._entries.values()}
        self._at = generation + 1, mark
        self._entries, self._ids = entries, {}
        gone, self._strays = gone | self._strays, set()
        for name in gone - {entry.name for entry in entries.values()}:
            self._delete(name)

    # What the holder does not do is the store's fault, not the TA's.
    def _get(self, name: str) -> bytes | None:
        try:
            return self._backend.get(name)
        except OSError as error:
            raise StoreError(f"{_called(name)} cannot be read: {_why(error)}") from error

    def _put(self, name: str, blob: bytes) -> None:
        try:
            self._backend.put(name, blob)
        except OSError as error:
            raise StoreError(f"{_called(name)} cannot be written: {_why(error)}") from error

    def _put_new(self, name: str, blob: bytes) -> None:
        try:
            self._put(name, blob)
        except StoreError:
            if len(self._strays) < _STRAYS_MAX:  # it may be there, or come after all
                self._strays.add(name)
            raise

    def _names(self) -> list[str]:
        try:
            return [name for name in self._backend.names() if NAME.fullmatch(name)]
        except OSError as error:
            raise StoreError(f"the store cannot be listed: {_why(error)}") from error

    def _delete(self, name: str) -> bool:
        """Tell whether a blob is gone; if not: no index names it, it goes at the next opening."""
        try:
            self._backend.delete(name)
        except OSError:
            return False
        return True
