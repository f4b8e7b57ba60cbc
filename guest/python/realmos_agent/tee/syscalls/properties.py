# SPDX-License-Identifier: BSD-3-Clause
"""Properties that the TEE gives: of itself, of the client and, of the TA, its identifier.

All other properties of a TA lie in the TA, where its own library reads them.
"""

import struct

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import ShortBuffer, TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from realmos_agent.tee.context import TaContext

    Property = tuple[str, int, Callable[[TaContext], bytes]]

_U32 = struct.Struct("<I")

_API_VERSION = "GPD-1.1-dev"  # what OP-TEE 4.10 says of itself
_VERSION = "OP-TEE 4.10 ABI on realmos"
_MANUFACTURER = "realmos"
# 1000: out of reach of the untrusted side. The counter's offset in a realm is the RMM's.
_SYSTEM_TIME_LEVEL = 1000
# 100: the origin of a TA's clock is the core's, the clock that it is compared with may not be.
_PERSISTENT_TIME_LEVEL = 100
_LITTLE_ENDIAN = 0


def _string(name: str, text: str) -> "Property":
    value = text.encode("ascii") + b"\0"
    return name, numbers.PROPERTY_TYPE_STRING, lambda _: value


def _u32(name: str, number: int) -> "Property":
    value = _U32.pack(number)
    return name, numbers.PROPERTY_TYPE_U32, lambda _: value


def _uuid(uuid: "UUID") -> bytes:
    return uuid.bytes_le


_CLIENT: "tuple[Property, ...]" = (
    (
        "gpd.client.identity",
        numbers.PROPERTY_TYPE_IDENTITY,
        lambda ta: _U32.pack(ta.identity.login) + _uuid(ta.identity.uuid),
    ),
    _u32("gpd.client.endian", _LITTLE_ENDIAN),
)

_TA: "tuple[Property, ...]" = (
    ("gpd.ta.appID", numbers.PROPERTY_TYPE_UUID, lambda ta: _uuid(ta.uuid)),
)

_TEE: "tuple[Property, ...]" = (
    _string("gpd.tee.apiversion", _API_VERSION),
    _string("gpd.tee.description", _VERSION),
    ("gpd.tee.deviceID", numbers.PROPERTY_TYPE_UUID, lambda ta: _uuid(ta.services.device_id)),
    _u32("gpd.tee.systemTime.protectionLevel", _SYSTEM_TIME_LEVEL),
    _u32("gpd.tee.TAPersistentTime.protectionLevel", _PERSISTENT_TIME_LEVEL),
    ("gpd.tee.cryptography.ecc", numbers.PROPERTY_TYPE_BOOL, lambda _: b"\1"),
    (
        "gpd.tee.trustedStorage.antiRollback.protectionLevel",
        numbers.PROPERTY_TYPE_U32,
        lambda ta: _U32.pack(ta.services.rollback_protection),
    ),
    _string("gpd.tee.trustedos.implementation.version", _VERSION),
    _u32("gpd.tee.trustedos.implementation.binaryversion", 0),
    _string("gpd.tee.trustedos.manufacturer", _MANUFACTURER),
    _string("gpd.tee.firmware.implementation.version", _VERSION),
    _u32("gpd.tee.firmware.implementation.binaryversion", 0),
    _string("gpd.tee.firmware.manufacturer", _MANUFACTURER),
)

_SETS = {
    numbers.PROPSET_CURRENT_TA: _TA,
    numbers.PROPSET_CURRENT_CLIENT: _CLIENT,
    numbers.PROPSET_TEE_IMPLEMENTATION: _TEE,
}


def get_property(
    ta: "TaContext",
    propset: int,
    index: int,
    name_room: int | None,
    value_room: int | None,
    type_wanted: bool,
) -> tuple[bytes | None, bytes | None, int]:
    """Return name, value and type of a property.

    Raises:
        TeeError: there is none.
        ShortBuffer: one does not fit; the type is told, by which libutee knows whether it is the
            right one to ask for, and the value, if the name alone does not.
    """
    members = _SETS.get(propset, ())
    if index >= len(members):
        raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
    name, kind, value_of = members[index]
    shown_name = None if name_room is None else name.encode("ascii") + b"\0"
    value = None if value_room is None else value_of(ta)
    if value is not None and value_room is not None and len(value) > value_room:
        raise ShortBuffer(None, len(value), outputs=(None, None, kind))
    if shown_name is not None and name_room is not None and len(shown_name) > name_room:
        raise ShortBuffer(len(shown_name), None, outputs=(None, value, kind))
    return shown_name, value, kind


def get_property_name_to_index(ta: "TaContext", propset: int, name: bytes) -> int:
    """Return the index of a property; the last byte of `name` is taken for its end.

    Raises:
        TeeError: there is none of that name; BAD_PARAMETERS, the name is empty.
    """
    if propset not in _SETS:
        raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)
    if not name:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    wanted = name[:-1].split(b"\0", 1)[0]
    for index, (known, _, _) in enumerate(_SETS[propset]):
        if known.encode("ascii") == wanted:
            return index
    raise TeeError(numbers.ERROR_ITEM_NOT_FOUND)


HANDLERS = {
    numbers.CALL_GET_PROPERTY: get_property,
    numbers.CALL_GET_PROPERTY_NAME_TO_INDEX: get_property_name_to_index,
}
