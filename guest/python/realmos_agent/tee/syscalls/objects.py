# SPDX-License-Identifier: BSD-3-Clause
"""System calls of key objects: 24 to 31 and 54.

They serve persistent objects too, which are TransientObjects with a data stream.
"""

from collections.abc import Callable

from realmos_agent.tee import numbers as n
from realmos_agent.tee.context import TaContext
from realmos_agent.tee.crypto.objects import Attributes, TransientObject
from realmos_agent.tee.errors import ShortBuffer, TeeError

__all__ = ["HANDLERS"]


def _object(ta: TaContext, handle: int, error: int = n.ERROR_BAD_STATE) -> TransientObject:
    return ta.handles.get(handle, TransientObject, error)


def get_info(ta: TaContext, handle: int) -> bytes:
    """Return a UteeObjectInfo."""
    return _object(ta, handle).info()


def restrict_usage(ta: TaContext, handle: int, usage: int) -> None:
    """Take usages away from an object."""
    _object(ta, handle).restrict_usage(usage)


def get_attr(ta: TaContext, handle: int, attribute_id: int, capacity: int) -> bytes:
    """Return an attribute of an object, which data has not: libutee panics then."""
    found = _object(ta, handle, n.ERROR_ITEM_NOT_FOUND)
    if found.type == n.TYPE_DATA:
        raise TeeError(n.ERROR_BAD_STATE)
    content = found.get_attr(attribute_id)
    if len(content) > capacity:
        raise ShortBuffer(len(content))
    return content


def alloc(ta: TaContext, object_type: int, max_size: int) -> int:
    """Return the handle of a new object."""
    return ta.handles.add(TransientObject(object_type, max_size))


def close(ta: TaContext, handle: int) -> None:
    """Close the handle of an object, unless an operation holds it."""
    if _object(ta, handle).busy:
        raise TeeError(n.ERROR_ITEM_NOT_FOUND)
    ta.handles.drop(handle, TransientObject).close()


def reset(ta: TaContext, handle: int) -> None:
    """Make an object as new."""
    _object(ta, handle).reset()


def populate(ta: TaContext, handle: int, attributes: Attributes) -> None:
    """Set the key of an object."""
    _object(ta, handle).populate(attributes)


def copy(ta: TaContext, destination: int, source: int) -> None:
    """Copy the key of an object to another."""
    _object(ta, destination).copy_from(_object(ta, source))


def generate_key(ta: TaContext, handle: int, size: int, params: Attributes) -> None:
    """Generate the key of an object."""
    _object(ta, handle).generate(size, params)


HANDLERS: dict[int, Callable[..., object]] = {
    n.CALL_CRYP_OBJ_GET_INFO: get_info,
    n.CALL_CRYP_OBJ_RESTRICT_USAGE: restrict_usage,
    n.CALL_CRYP_OBJ_GET_ATTR: get_attr,
    n.CALL_CRYP_OBJ_ALLOC: alloc,
    n.CALL_CRYP_OBJ_CLOSE: close,
    n.CALL_CRYP_OBJ_RESET: reset,
    n.CALL_CRYP_OBJ_POPULATE: populate,
    n.CALL_CRYP_OBJ_COPY: copy,
    n.CALL_CRYP_OBJ_GENERATE_KEY: generate_key,
}
