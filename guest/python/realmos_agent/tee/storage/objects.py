# SPDX-License-Identifier: BSD-3-Clause
"""Persistent objects: what their handles stand for, and where they are opened and made."""

import struct
from threading import RLock

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.storage import sharing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID

    from realmos_agent.tee.storage.store import Store

SIZE_MAX = 16 << 20  # of a data stream
_HEAD = struct.Struct("<6I")  # type, size, max_size, usage, set attributes, their size
_USAGE, _ATTRIBUTES_SIZE = 3, 5  # in it


class Content:
    """An object that is open: what all its handles share."""

    def __init__(self, ta: bytes, object_id: bytes, flags: int) -> None:
        self.ta = ta
        self.object_id = object_id
        self.flags = flags
        self.handles = 0
        self.usage = n.USAGE_DEFAULT
        self.stored = b""  # head and attributes, as they are written
        self.data = b""


class PersistentObject(TransientObject):
    """A handle of a persistent object: its key, if it has one, and a position in its data.

    Methods raise CORRUPT_OBJECT, STORAGE_NO_SPACE and STORAGE_NOT_AVAILABLE besides what they say.
    """

    def __init__(
        self, storage: "Storage", content: Content, object_type: int, max_size: int, flags: int
    ) -> None:
        self._storage = storage
        self._content = content
        super().__init__(object_type, max_size)
        self.handle_flags = n.HANDLE_FLAG_PERSISTENT | n.HANDLE_FLAG_INITIALIZED | flags
        self._position = 0
        self._closed = False

    @property
    def usage(self) -> int:
        """What the key may be used for, through any handle."""
        return self._content.usage

    @usage.setter
    def usage(self, usage: int) -> None:
        self._content.usage = usage

    def restrict_usage(self, usage: int) -> None:
        """Take away each usage that is not in `usage`; so it stays."""
        with self._storage.lock:
            left = self.usage & usage
            if left != self.usage:
                self._storage.update_usage(self._content, left)

    @property
    def object_id(self) -> bytes:
        """The object's name."""
        return self._content.object_id

    @property
    def data_size(self) -> int:
        """Size of the data stream."""
        return len(self._content.data)

    @property
    def data_position(self) -> int:
        """Position in the data stream."""
        return self._position

    def _need(self, flag: int, otherwise: int = n.ERROR_ACCESS_CONFLICT) -> None:
        if not self.handle_flags & flag:
            raise TeeError(otherwise)

    def read(self, size: int) -> bytes:
        """Return data from the position on, which moves along; less at the end.

        Raises:
            TeeError: ACCESS_CONFLICT: not opened for reading.
        """
        self._need(n.DATA_FLAG_ACCESS_READ)
        data = self._content.data[self._position : self._position + size]
        self._position += len(data)
        return data

    def write(self, data: bytes) -> None:
        """Write data at the position, which moves along; zeros fill what is before it.

        Raises:
            TeeError: ACCESS_CONFLICT: not opened for writing; OVERFLOW: beyond what sizes can say.
        """
        self._need(n.DATA_FLAG_ACCESS_WRITE)
        end = self._position + len(data)
        if end > n.DATA_MAX_POSITION:
            raise TeeError(n.ERROR_OVERFLOW)
        if data:
            _check_size(end)
            with self._storage.lock:
                old = self._content.data
                before = old[: self._position].ljust(self._position, b"\0")
                self._storage.update(self._content, before + data + old[end:])
        self._position = end

    def truncate(self, size: int) -> None:
        """Cut the data stream, or lengthen it with zeros; the position stays.

        Raises:
            TeeError: ACCESS_CONFLICT: not opened for writing.
        """
        self._need(n.DATA_FLAG_ACCESS_WRITE)
        _check_size(size)
        with self._storage.lock:
            cut = self._content.data[:size]
            self._storage.update(self._content, cut.ljust(size, b"\0"))

    def seek(self, offset: int, whence: int) -> None:
        """Move the position, maybe beyond the end, but not before the beginning.

        Raises:
            TeeError: BAD_PARAMETERS: no such `whence`; OVERFLOW: beyond DATA_MAX_POSITION.
        """
        bases = {
            n.DATA_SEEK_SET: 0,
            n.DATA_SEEK_CUR: self._position,
            n.DATA_SEEK_END: self.data_size,
        }
        if whence not in bases:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        position = max(0, bases[whence] + offset)
        if position > n.DATA_MAX_POSITION:
            raise TeeError(n.ERROR_BAD_PARAMETERS)
        self._position = position

    def rename(self, object_id: bytes) -> None:
        """Give the object another name.

        Raises:
            TeeError: BAD_STATE: not opened for WRITE_META; ACCESS_CONFLICT: the name is taken;
                BAD_PARAMETERS: it is too long.
        """
        self._need(n.DATA_FLAG_ACCESS_WRITE_META, n.ERROR_BAD_STATE)
        self._storage.rename(self._content, object_id)

    def delete(self) -> None:
        """Delete the object; the handle is to be closed.

        Raises:
            TeeError: ACCESS_CONFLICT: not opened for WRITE_META.
        """
        self._need(n.DATA_FLAG_ACCESS_WRITE_META)
        self._storage.delete(self._content)

    def close(self) -> None:
        """Let go of the object."""
        super().close()
        if not self._closed:
            self._closed = True
            self._storage.release(self._content)


def _check_size(size: int) -> None:
    if size > SIZE_MAX:
        raise TeeError(n.ERROR_STORAGE_NO_SPACE)


class Storage:
    """The persistent objects of all TAs; may be used by several threads.

    Args:
        store: where they are.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.lock = RLock()
        self._opened: dict[tuple[bytes, bytes], Content] = {}

    def open(self, ta: "UUID", object_id: bytes, flags: int) -> PersistentObject:
        """Open an object of a TA.

        Raises:
            TeeError: ITEM_NOT_FOUND: there is none; ACCESS_CONFLICT: it is open in a way that does
                not go with `flags`; CORRUPT_OBJECT: it is not what was written, and is deleted.
        """
        with self.lock:
            _check_id(object_id)
            held = self._opened.get((ta.bytes, object_id))
            if held is not None:
                sharing.check(held.flags, flags)
                return self._handle(held, flags)
            content = self._load(Content(ta.bytes, object_id, flags))
            return self._handle(content, flags)

    def create(
        self,
        ta: "UUID",
        object_id: bytes,
        flags: int,
        source: TransientObject | None,
        data: bytes,
    ) -> PersistentObject:
        """Make an object of a TA, with the key of `source` if there is one, and open it.

        Raises:
            TeeError: ACCESS_CONFLICT: there is one, and `flags` do not say OVERWRITE, or it is open
                in a way that does not go with them; BAD_PARAMETERS: `source` has no key.
        """
        with self.lock:
            _check_id(object_id)
            _check_size(len(data))
            if source is not None and not source.initialized:
                raise TeeError(n.ERROR_BAD_PARAMETERS)
            held = self._opened.get((ta.bytes, object_id))
            overwrites = flags & n.DATA_FLAG_OVERWRITE
            if not overwrites and (held or self._store.exists(ta.bytes, object_id)):
                raise TeeError(n.ERROR_ACCESS_CONFLICT)
            if held is not None:
                sharing.check(held.flags, flags)
            new = held or Content(ta.bytes, object_id, flags)
            stored = _packed(source)
            self._write(new, stored, data)
            new.usage = n.USAGE_DEFAULT if source is None else source.usage
            return self._handle(new, flags)

    def ids(self, ta: "UUID") -> list[bytes]:
        """Return the names of a TA's objects."""
        with self.lock:
            return self._store.ids(ta.bytes)

    def info(self, ta: "UUID", object_id: bytes) -> bytes:
        """Return what an enumeration tells of an object.

        Raises:
            TeeError: ITEM_NOT_FOUND, CORRUPT_OBJECT.
        """
        with self.lock:
            held = self._opened.get((ta.bytes, object_id))
            content = held or self._load(Content(ta.bytes, object_id, 0))
            return _unpacked(self, content, content.flags).info()

    def update(self, content: Content, data: bytes) -> None:
        """Change the data of an open object; the caller has the lock."""
        self._write(content, content.stored, data)

    def update_usage(self, content: Content, usage: int) -> None:
        """Change the usage of an open object; the caller has the lock."""
        head = list(_HEAD.unpack_from(content.stored))
        head[_USAGE] = usage
        self._write(content, _HEAD.pack(*head) + content.stored[_HEAD.size :], content.data)
        content.usage = usage

    def rename(self, content: Content, object_id: bytes) -> None:
        """Give an open object another name; see PersistentObject."""
        with self.lock:
            _check_id(object_id)
            new = (content.ta, object_id)
            if new in self._opened or self._store.exists(*new):
                raise TeeError(n.ERROR_ACCESS_CONFLICT)
            self._store.rename(content.ta, content.object_id, object_id)
            self._opened.pop((content.ta, content.object_id), None)
            content.object_id = object_id
            self._opened[new] = content

    def delete(self, content: Content) -> None:
        """Delete an open object."""
        with self.lock:
            self._store.remove(content.ta, content.object_id)

    def release(self, content: Content) -> None:
        """Count a handle less."""
        with self.lock:
            content.handles -= 1
            if not content.handles:
                self._opened.pop((content.ta, content.object_id), None)

    def _write(self, content: Content, stored: bytes, data: bytes) -> None:
        self._store.write(content.ta, content.object_id, stored + data)
        content.stored, content.data = stored, data

    def _load(self, content: Content) -> Content:
        try:
            whole = self._store.read(content.ta, content.object_id)
            size = _HEAD.size + _HEAD.unpack_from(whole)[_ATTRIBUTES_SIZE]
        except TeeError as error:
            if error.code == n.ERROR_CORRUPT_OBJECT:
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


def _check_id(object_id: bytes) -> None:
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
    usage = content.usage
    made = PersistentObject(storage, content, kind, max_size, flags)
    made.usage = usage
    made.size = size
    made.load(content.stored[_HEAD.size :], set_attributes)
    return made
