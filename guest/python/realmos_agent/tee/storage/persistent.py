# SPDX-License-Identifier: BSD-3-Clause
"""What the handle of a persistent object stands for: its key, and a position in its data."""

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.storage.objects import Storage

SIZE_MAX = 16 << 20  # of a data stream


class Content:
    """An object that is open: what all its handles share.

    `version` is what the store has for it. `ended` has the result that handles answer with from now
    on: what they stand for is not there any more, or nobody knows.
    """

    def __init__(self, ta: bytes, object_id: bytes, flags: int) -> None:
        self.ta = ta
        self.object_id = object_id
        self.flags = flags
        self.handles = 0
        self.usage = n.USAGE_DEFAULT
        self.stored = b""  # head and attributes, as they are written
        self.data = b""
        self.version: str | None = None
        self.ended = n.SUCCESS

    @property
    def size(self) -> int:
        """What it takes of memory."""
        return len(self.stored) + len(self.data)

    def end(self, result: int) -> None:
        """Have handles answer with `result`; what they held is counted no more, so it goes."""
        self.ended = result
        self.stored = self.data = b""


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

    def restrict_usage(self, usage: int) -> None:
        """Take away each usage that is not in `usage`; so it stays."""
        with self._storage.lock:
            self._need_content()
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

    def _need_content(self) -> None:
        if self._content.ended:
            raise TeeError(self._content.ended)

    def read(self, size: int) -> bytes:
        """Return data from the position on, which moves along; less at the end.

        Raises:
            TeeError: ACCESS_CONFLICT: not opened for reading.
        """
        self._need(n.DATA_FLAG_ACCESS_READ)
        data = self._content.data[self._position : self._position + size]
        self._need_content()  # after it: another thread may end it, and it is empty then
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
            check_size(end)
            with self._storage.lock:
                self._need_content()
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
        check_size(size)
        with self._storage.lock:
            self._need_content()
            cut = self._content.data[:size]
            self._storage.update(self._content, cut.ljust(size, b"\0"))

    def seek(self, offset: int, whence: int) -> None:
        """Move the position, maybe beyond the end, but not before the beginning.

        Raises:
            TeeError: BAD_PARAMETERS: no such `whence`, or beyond DATA_MAX_POSITION.
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
        self._need_content()
        self._storage.rename(self._content, object_id)

    def delete(self) -> None:
        """Delete the object; the handle is to be closed.

        Raises:
            TeeError: ACCESS_CONFLICT: not opened for WRITE_META.
        """
        self._need(n.DATA_FLAG_ACCESS_WRITE_META)
        self._need_content()
        self._storage.delete(self._content)

    def close(self) -> None:
        """Let go of the object."""
        super().close()
        if not self._closed:
            self._closed = True
            self._storage.release(self._content)


def check_size(size: int) -> None:
    """Refuse a data stream that is too long.

    Raises:
        TeeError: STORAGE_NO_SPACE.
    """
    if size > SIZE_MAX:
        raise TeeError(n.ERROR_STORAGE_NO_SPACE)
