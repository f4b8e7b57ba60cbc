# SPDX-License-Identifier: BSD-3-Clause
"""What a runner's frames say. A TA may have written them, so their sizes are whatever it likes."""

import struct

from realmos_agent.tee import runner_numbers as numbers
from realmos_agent.tee.parts import Body, Call, Event, Fault, Returned, RunnerError

_DONE = struct.Struct(numbers.DONE_FORMAT)
_CALL = struct.Struct(numbers.CALL_FORMAT)
_RETURNED = struct.Struct(numbers.RETURNED_FORMAT)
_FAULT = struct.Struct(numbers.FAULT_FORMAT)
_ADDRESS = 8
_FRAMES_MAX = 64
_STATUS_MAX = 4095


def event_of(kind: int, body: Body) -> Event:
    """Return what a TA did, from the frame that tells it.

    Raises:
        RunnerError: it is no such frame.
    """
    if kind == numbers.CALL and len(body) >= _CALL.size:
        number, count = _CALL.unpack_from(body)
        return Call(number, count, memoryview(body)[_CALL.size :])
    if kind == numbers.RETURNED and len(body) <= _RETURNED.size + numbers.RETURNED_MAX:
        result, _reserved, *vals = unpack(_RETURNED, body[: _RETURNED.size])
        return Returned(result, tuple(vals), memoryview(body)[_RETURNED.size :])
    if kind == numbers.FAULT and len(body) >= _FAULT.size:
        signal, code, address, pc, lr, sp, *_x = _FAULT.unpack_from(body)
        count = min((len(body) - _FAULT.size) // _ADDRESS, _FRAMES_MAX)
        frames = struct.unpack_from(f"<{count}Q", body, _FAULT.size)
        return Fault(signal, code, address, pc, lr, sp, frames)
    raise RunnerError(f"message {kind:#x} of {len(body)} bytes, which is out of place")


def status_of(body: Body) -> int:
    """Return what DONE says.

    Raises:
        RunnerError: that is nothing.
    """
    (status,) = unpack(_DONE, body)
    if status > _STATUS_MAX:
        raise RunnerError(f"a status of {status:#x}, which is no error of Linux")
    return status


def unpack(layout: struct.Struct, body: Body) -> tuple[int, ...]:
    """Take a body apart.

    Raises:
        RunnerError: it has another size.
    """
    if len(body) != layout.size:
        raise RunnerError(f"a message with {len(body)} bytes where {layout.size} are right")
    return layout.unpack(body)
