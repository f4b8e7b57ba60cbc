# SPDX-License-Identifier: BSD-3-Clause
"""Time: three clocks, and waiting."""

import struct

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext

_TIME = struct.Struct(numbers.TIME_FORMAT)
_MILLIS = 1000


def wait(ta: "TaContext", timeout: int) -> None:
    """Wait, but not longer than the TA's caller does.

    Raises:
        TeeError: CANCEL, the caller wants the TA to give up.
    """
    if ta.session.cancellation.wait(timeout):
        raise TeeError(numbers.ERROR_CANCEL)


def get_time(ta: "TaContext", category: int) -> bytes:
    """Return a clock's time.

    Raises:
        TeeError: there is no such clock; TIME_NOT_SET; OVERFLOW, with the time modulo 2**32.
    """
    clocks = ta.services.clocks
    if category == numbers.TIME_SYSTEM:
        return _pack(clocks.system())
    if category == numbers.TIME_REE:
        return _pack(clocks.ree())
    if category != numbers.TIME_TA_PERSISTENT:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    now, overflow = clocks.persistent(ta.uuid)
    if overflow:
        raise TeeError(numbers.ERROR_OVERFLOW, outputs=(_pack(now),))
    return _pack(now)


def set_ta_time(ta: "TaContext", value: bytes) -> None:
    """Set the TA's own clock.

    Raises:
        TeeError: BAD_PARAMETERS, there are more milliseconds than a second has.
    """
    seconds, millis = _TIME.unpack(value)
    if millis >= _MILLIS:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    ta.services.clocks.set_persistent(ta.uuid, seconds * _MILLIS + millis)


def _pack(millis: int) -> bytes:
    return _TIME.pack(*divmod(millis, _MILLIS))


HANDLERS = {
    numbers.CALL_WAIT: wait,
    numbers.CALL_GET_TIME: get_time,
    numbers.CALL_SET_TA_TIME: set_ta_time,
}
