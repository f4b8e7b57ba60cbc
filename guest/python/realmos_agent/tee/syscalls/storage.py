# SPDX-License-Identifier: BSD-3-Clause
"""Calls 41 to 53: persistent objects and their enumerators."""

from bisect import bisect_right

from realmos_agent.tee import numbers as n
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.errors import ShortBuffer, TeeError
from realmos_agent.tee.storage.persistent import PersistentObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from realmos_agent.tee.context import TaContext
    from realmos_agent.tee.storage.objects import Storage

_OPEN_FLAGS = (
    n.DATA_FLAG_ACCESS_READ
    | n.DATA_FLAG_ACCESS_WRITE
    | n.DATA_FLAG_ACCESS_WRITE_META
    | n.DATA_FLAG_SHARE_READ
    | n.DATA_FLAG_SHARE_WRITE
)
# Both are one store, as in an OP-TEE without RPMB.
_STORES = frozenset({n.STORAGE_PRIVATE, n.STORAGE_PRIVATE_REE})


class Enumerator:
    """Goes through a TA's objects in the order of their names, and tells of those that are there.

    `after` is the name that it has told of last, `started` whether it was started.
    """

    def __init__(self) -> None:
        """Begin with nothing to go through."""
        self.started = False
        self.after: bytes | None = None


def _storage(ta: "TaContext", storage_id: int) -> "Storage":
    if storage_id not in _STORES:
        raise TeeError(n.ERROR_ITEM_NOT_FOUND)
    return ta.services.storage


def _object(ta: "TaContext", handle: int) -> PersistentObject:
    held = ta.handles.get(handle, TransientObject, n.ERROR_BAD_STATE)
    if not isinstance(held, PersistentObject):
        raise TeeError(n.ERROR_BAD_STATE)
    return held


def obj_open(ta: "TaContext", storage_id: int, object_id: bytes, flags: int) -> int:
    """Open an object."""
    if flags & ~_OPEN_FLAGS:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    made = _storage(ta, storage_id).open(ta.uuid, object_id, flags)
    return _added(ta, made)


def obj_create(
    ta: "TaContext",
    storage_id: int,
    object_id: bytes,
    flags: int,
    attributes: int,
    data: bytes,
    wanted: bool,
) -> int | None:
    """Make an object, and open it if a handle is wanted.

    If none is, the handle of a transient object that it is made from becomes the new object's.
    """
    if flags & ~(_OPEN_FLAGS | n.DATA_FLAG_OVERWRITE):
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    storage = _storage(ta, storage_id)
    source = None
    if attributes:
        source = ta.handles.get(attributes, TransientObject, n.ERROR_BAD_STATE)
    if wanted:
        ta.handles.need_room()  # before anything is overwritten
    made = storage.create(ta.uuid, object_id, flags, source, data)
    if wanted:
        return _added(ta, made)
    if source is None or source.persistent:
        made.close()
    else:
        made.busy = source.busy
        ta.handles.replace(attributes, made)
        if not source.busy:  # else an operation goes on with its key
            source.close()
    return None


def _added(ta: "TaContext", made: PersistentObject) -> int:
    try:
        return ta.handles.add(made)
    except TeeError:
        made.close()
        raise


def obj_del(ta: "TaContext", handle: int) -> None:
    """Delete an object, and close its handle."""
    held = ta.handles.get(handle, TransientObject, n.ERROR_BAD_STATE)
    if not isinstance(held, PersistentObject):
        raise TeeError(n.ERROR_ACCESS_CONFLICT)
    if held.busy:  # an operation has its key, and closes it
        raise TeeError(n.ERROR_BAD_STATE)
    held.delete()
    ta.handles.drop(handle, PersistentObject).close()


def obj_rename(ta: "TaContext", handle: int, object_id: bytes) -> None:
    """Give an object another name."""
    if len(object_id) > n.OBJECT_ID_MAX_LEN:
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    _object(ta, handle).rename(object_id)


def obj_read(ta: "TaContext", handle: int, size: int) -> bytes:
    """Return data of an object."""
    return _object(ta, handle).read(size)


def obj_write(ta: "TaContext", handle: int, data: bytes) -> None:
    """Write data of an object."""
    _object(ta, handle).write(data)


def obj_trunc(ta: "TaContext", handle: int, size: int) -> None:
    """Cut or lengthen the data of an object."""
    _object(ta, handle).truncate(size)


def obj_seek(ta: "TaContext", handle: int, offset: int, whence: int) -> None:
    """Move the position in the data of an object."""
    _object(ta, handle).seek(offset, whence)


def enum_alloc(ta: "TaContext") -> int:
    """Return the handle of a new enumerator."""
    return ta.handles.add(Enumerator())


def enum_free(ta: "TaContext", handle: int) -> None:
    """Forget an enumerator."""
    ta.handles.drop(handle, Enumerator)


def enum_reset(ta: "TaContext", handle: int) -> None:
    """Make an enumerator as new."""
    ta.handles.get(handle, Enumerator).started = False


def enum_start(ta: "TaContext", handle: int, storage_id: int) -> None:
    """Begin to go through the objects.

    Raises:
        TeeError: ITEM_NOT_FOUND: there are none, or no such store.
    """
    enumerator = ta.handles.get(handle, Enumerator)
    enumerator.started, enumerator.after = False, None
    if not _storage(ta, storage_id).ids(ta.uuid):
        raise TeeError(n.ERROR_ITEM_NOT_FOUND)
    enumerator.started = True


def enum_next(ta: "TaContext", handle: int, capacity: int) -> tuple[bytes, bytes]:
    """Return an object's UteeObjectInfo and its name.

    Raises:
        TeeError: ITEM_NOT_FOUND: there are no more, or it was not started.
    """
    enumerator = ta.handles.get(handle, Enumerator)
    ids = ta.services.storage.ids(ta.uuid) if enumerator.started else []
    at = 0 if enumerator.after is None else bisect_right(ids, enumerator.after)
    if at == len(ids):
        raise TeeError(n.ERROR_ITEM_NOT_FOUND)
    object_id = ids[at]
    if capacity < len(object_id):
        raise ShortBuffer(len(object_id))
    enumerator.after = object_id
    return ta.services.storage.info(ta.uuid, object_id), object_id


HANDLERS: "dict[int, Callable[..., object]]" = {
    n.CALL_STORAGE_OBJ_OPEN: obj_open,
    n.CALL_STORAGE_OBJ_CREATE: obj_create,
    n.CALL_STORAGE_OBJ_DEL: obj_del,
    n.CALL_STORAGE_OBJ_RENAME: obj_rename,
    n.CALL_STORAGE_ENUM_ALLOC: enum_alloc,
    n.CALL_STORAGE_ENUM_FREE: enum_free,
    n.CALL_STORAGE_ENUM_RESET: enum_reset,
    n.CALL_STORAGE_ENUM_START: enum_start,
    n.CALL_STORAGE_ENUM_NEXT: enum_next,
    n.CALL_STORAGE_OBJ_READ: obj_read,
    n.CALL_STORAGE_OBJ_WRITE: obj_write,
    n.CALL_STORAGE_OBJ_TRUNC: obj_trunc,
    n.CALL_STORAGE_OBJ_SEEK: obj_seek,
}
