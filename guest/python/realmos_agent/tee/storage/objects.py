# SPDX-License-Identifier: BSD-3-Clause
"""Persistent objects: where they are opened and made, and what all their handles share."""

import struct
from collections import deque
from contextlib import contextmanager
from threading import RLock
from uuid import UUID

from realmos_agent.tee import numbers as n
from realmos_agent.tee.budget import limits
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.storage import sharing
from realmos_agent.tee.storage.errors import StoreError, UnsettledError
from realmos_agent.tee.storage.persistent import Content, PersistentObject, check_size
from realmos_agent.tee.storage.store import CORE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from realmos_agent.tee.storage.store import Store

_TOLD_MAX = 32  # causes in the log between two changes that succeed
_HEAD = struct.Struct("<6I")  # type, size, max_size, usage, set attributes, their size
_USAGE, _ATTRIBUTES_SIZE = 3, 5  # in it


class Storage:
    """The persistent objects of all TAs; may be used by several threads.

    Args:
        store: where they are.

    Attributes:
        log: takes a line for people, who are told here why objects are not to be had: TAs are not.
    """

    log: "Callable[[str], object]"

    def __init__(self, store: "Store") -> None:
        self.log = lambda _: None
        self._told: set[str] = set()
        self._store = store
        self.lock = RLock()
        self._limits = limits()
        self._opened: dict[tuple[bytes, bytes], Content] = {}
        self._openings = 0  # of the store, when `_opened` was compared with it
        self._left: deque[Content] = deque()  # each as often as handles were closed

    def open(self, ta: UUID, object_id: bytes, flags: int) -> PersistentObject:
        """Open an object of a TA.

        Raises:
            TeeError: ITEM_NOT_FOUND: there is none; ACCESS_CONFLICT: it is open in a way that does
                not go with `flags`; CORRUPT_OBJECT: it is not what was written, and is deleted;
                OUT_OF_MEMORY: too much is open.
        """
        with self._using():
            _check_names(ta.bytes, object_id)
            held = self._opened.get((ta.bytes, object_id))
            if held is not None:
                sharing.check(held.flags, flags)
                return self._handle(held, flags)
            self._check_room(ta.bytes, self._store.size(ta.bytes, object_id))
            content = self._load(Content(ta.bytes, object_id, flags))
            return self._handle(content, flags)

    def create(
        self,
        ta: UUID,
        object_id: bytes,
        flags: int,
        source: TransientObject | None,
        data: bytes,
    ) -> PersistentObject:
        """Make an object of a TA, with the key of `source` if there is one, and open it.

        Handles of an object that is overwritten stand for one that is not there any more.

        Raises:
            TeeError: ACCESS_CONFLICT: there is one, and `flags` do not say OVERWRITE, or it is open
                in a way that does not go with them; BAD_PARAMETERS: `source` has no key.
        """
        with self._using():
            _check_names(ta.bytes, object_id)
            check_size(len(data))
            if source is not None and not source.initialized:
                raise TeeError(n.ERROR_BAD_PARAMETERS)
            held = self._opened.get((ta.bytes, object_id))
            overwrites = flags & n.DATA_FLAG_OVERWRITE
            if not overwrites and (held or self._store.exists(ta.bytes, object_id)):
                raise TeeError(n.ERROR_ACCESS_CONFLICT)
            if held is not None:
                sharing.check(held.flags, flags)
            new = Content(ta.bytes, object_id, flags)
            with self._changing(held):
                self._write(new, _packed(source), data)
            if held is not None:
                self._end(held, n.ERROR_CORRUPT_OBJECT)
            new.usage = n.USAGE_DEFAULT if source is None else source.usage
            return self._handle(new, flags)

    def ids(self, ta: UUID) -> list[bytes]:
        """Return the names of a TA's objects, sorted; nobody changes the list."""
        with self._using():
            _check_names(ta.bytes)
            return self._store.ids(ta.bytes)

    def info(self, ta: UUID, object_id: bytes) -> bytes:
        """Return what an enumeration tells of an object.

        Raises:
            TeeError: ITEM_NOT_FOUND, CORRUPT_OBJECT.
        """
        with self._using():
            held = self._opened.get((ta.bytes, object_id))
            content = held or self._load(Content(ta.bytes, object_id, 0))
            return _unpacked(self, content, content.flags).info()

    def note(self, name: bytes) -> bytes | None:
        """Return what the core itself has kept under a name; None if nothing.

        Raises:
            TeeError: CORRUPT_OBJECT: it is not what was written.
            StoreError: the store is not to be trusted, or not there.
        """
        with self._using():
            return self._store.read(CORE, name) if self._store.exists(CORE, name) else None

    def set_note(self, name: bytes, content: bytes) -> None:
        """Keep something of the core's own, where no TA reaches it, as long as objects are kept.

        Raises:
            TeeError: STORAGE_NO_SPACE.
            StoreError: as `note`.
        """
        with self._using():
            self._store.write(CORE, name, content)

    def update(self, content: Content, data: bytes) -> None:
        """Change the data of an open object; the caller has the lock."""
        with self._changing(content):
            self._write(content, content.stored, data)

    def update_usage(self, content: Content, usage: int) -> None:
        """Change the usage of an open object; the caller has the lock."""
        with self._changing(content):
            head = list(_HEAD.unpack_from(content.stored))
            head[_USAGE] = usage
            stored = _HEAD.pack(*head) + content.stored[_HEAD.size :]
            self._write(content, stored, content.data)
        content.usage = usage

    def rename(self, content: Content, object_id: bytes) -> None:
        """Give an open object another name; see PersistentObject."""
        _check_names(content.ta, object_id)
        with self._changing(content):
            new = (content.ta, object_id)
            if new in self._opened or self._store.exists(*new):
                raise TeeError(n.ERROR_ACCESS_CONFLICT)
            self._store.rename(content.ta, content.object_id, object_id)
            self._forget(content)
            content.object_id = object_id
            self._opened[new] = content

    def delete(self, content: Content) -> None:
        """Delete an open object."""
        with self._changing(content):
            self._store.remove(content.ta, content.object_id)
            self._end(content, n.ERROR_CORRUPT_OBJECT)

    def release(self, content: Content) -> None:
        """Count a handle less, without a wait for who uses the store, and with it its holder."""
        self._left.append(content)
        self._count_left()

    def _count_left(self) -> None:
        """Count the handles that were closed, unless another thread has the lock: it does then."""
        while self._left and self.lock.acquire(blocking=False):
            try:
                while self._left:
                    content = self._left.popleft()
                    content.handles -= 1
                    if not content.handles:
                        self._forget(content)
            finally:
                self.lock.release()

    @contextmanager
    def _using(self) -> "Iterator[None]":
        """Use the store, one thread at a time."""
        try:
            with self.lock:
                self._count_left()
                try:
                    self._reopen()
                    yield
                except StoreError as error:
                    self._tell(error.cause)
                    raise
        finally:
            self._count_left()

    def _reopen(self) -> None:
        """See to it that the store is open.

        Where it had to be opened anew, another realm of the identity may have changed it since:
        handles of what is not there any more are over, or they would bring it back.
        """
        openings = self._store.open()
        if openings != self._openings:
            for one in list(self._opened.values()):
                if self._store.version(one.ta, one.object_id) != one.version:
                    self._end(one, n.ERROR_STORAGE_NOT_AVAILABLE)
            self._openings = openings

    def _tell(self, cause: str) -> None:
        """Log a cause, once until a change succeeds; what is behind it may make up any number."""
        if cause not in self._told and len(self._told) < _TOLD_MAX:
            self._told.add(cause)
            self.log(f"objects of TAs: {cause}")

    @contextmanager
    def _changing(self, content: Content | None) -> "Iterator[None]":
        """Change the store; if nobody knows whether it was, handles of the old state are over."""
        with self._using():
            if content is not None and content.ended:
                raise TeeError(content.ended)
            try:
                yield
            except UnsettledError:
                if content is not None:
                    self._end(content, n.ERROR_STORAGE_NOT_AVAILABLE)
                raise
            self._told.clear()

    def _end(self, content: Content, result: int) -> None:
        content.end(result)
        self._forget(content)

    def _forget(self, content: Content) -> None:
        address = content.ta, content.object_id
        if self._opened.get(address) is content:
            del self._opened[address]

    def _check_room(self, ta: bytes, more: int, content: Content | None = None) -> None:
        """Refuse to hold more in memory than there may be, beside what `content` has."""
        others = [one for one in self._opened.values() if one is not content]
        own = sum(one.size for one in others if one.ta == ta)
        if more > min(
            self._limits.ta_objects - own, self._limits.objects - sum(one.size for one in others)
        ):
            raise TeeError(n.ERROR_OUT_OF_MEMORY)

    def _write(self, content: Content, stored: bytes, data: bytes) -> None:
        self._check_room(content.ta, len(stored) + len(data), content)
        content.version = self._store.write(content.ta, content.object_id, stored + data)
        content.stored, content.data = stored, data

    def _load(self, content: Content) -> Content:
        try:
            whole = self._store.read(content.ta, content.object_id)
            content.version = self._store.version(content.ta, content.object_id)
            size = _HEAD.size + _HEAD.unpack_from(whole)[_ATTRIBUTES_SIZE]
        except TeeError as error:
            if error.code == n.ERROR_CORRUPT_OBJECT:
                owner = UUID(bytes=content.ta)
                self._tell(f"who holds one of {owner} changed it or took it away: it is deleted")
                self._store.remove(content.ta, content.object_id)  # as OP-TEE does
            raise
        content.stored, content.data = whole[:size], whole[size:]
        content.usage = _HEAD.unpack_from(whole)[_USAGE]
        return content

    def _handle(self, content: Content, flags: int) -> PersistentObject:
        made = _unpacked(self, content, flags)
        content.handles += 1
        self._opened[content.ta, content.object_id] = content
        return made


def _check_names(ta: bytes, object_id: bytes = b"") -> None:
    if ta == CORE:
        raise TeeError(n.ERROR_ACCESS_DENIED)
    if len(object_id) > n.OBJECT_ID_MAX_LEN:
        raise TeeError(n.ERROR_BAD_PARAMETERS)


def _packed(source: TransientObject | None) -> bytes:
    if source is None:
        return _HEAD.pack(n.TYPE_DATA, 0, 0, n.USAGE_DEFAULT, 0, 0)
    dump = source.dump()
    head = (source.type, source.size, source.max_size, source.usage, source.set_attributes)
    return _HEAD.pack(*head, len(dump)) + dump


def _unpacked(storage: Storage, content: Content, flags: int) -> PersistentObject:
    kind, size, max_size, _, set_attributes, _ = _HEAD.unpack_from(content.stored)
    made = PersistentObject(storage, content, kind, max_size, flags)
    made.size = size
    made.load(content.stored[_HEAD.size :], set_attributes)
    return made
