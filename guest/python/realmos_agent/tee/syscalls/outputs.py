# SPDX-License-Identifier: BSD-3-Clause
"""The outputs of a system call, into the bytes of a RESULT: see docs/ta-runner.md, arguments."""

import struct

from realmos_agent.tee import call_params, numbers, runner_numbers
from realmos_agent.tee.errors import ShortBuffer
from realmos_agent.tee.params import Params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.syscalls.arguments import Room

_RESULT = struct.Struct(runner_numbers.RESULT_FORMAT)
_WORD = struct.Struct("<Q")
_NOTHING = _WORD.pack(0)
_ONE_OUTPUT = _RESULT.pack(numbers.SUCCESS, 1)
_UNTOUCHED = _WORD.pack(numbers.CAPACITY_NOT_WANTED)

# The kinds whose length the TA is told; a ShortBuffer tells one for each.
SIZED = frozenset({numbers.ARG_OUT, numbers.ARG_OUT32, numbers.ARG_OUT32_OPT, numbers.ARG_READ})
_NUMBERS = frozenset({numbers.ARG_RET32, numbers.ARG_RET32_OPT, numbers.ARG_RET64})


def plain(code: int) -> bytes:
    """Return the RESULT of a call that writes no output."""
    return _RESULT.pack(code, 0)


def success(rooms: "list[tuple[int, Room]]", returned: object) -> bytes:
    """Return the RESULT of a call whose handler returned `returned`.

    A buffer that is too small for what is returned makes the call fail with SHORT_BUFFER.
    """
    if not rooms:
        if returned is not None:
            raise TypeError("a value from the handler of a call without outputs")
        return plain(numbers.SUCCESS)
    if len(rooms) == 1 and isinstance(returned, bytes):
        kind, room = rooms[0]
        if kind in SIZED and isinstance(room, int):  # most calls
            return _one(room, returned) or short(rooms, ShortBuffer(len(returned)))
    outputs = returned if isinstance(returned, tuple) else (returned,)
    needed = tuple(
        len(value) if isinstance(value, bytes) else None
        for (kind, _), value in zip(rooms, outputs, strict=True)
        if kind in SIZED
    )
    if any(
        isinstance(room, int) and isinstance(value, bytes) and len(value) > room
        for (kind, room), value in zip(rooms, outputs, strict=True)
        if kind in SIZED
    ):
        return short(rooms, ShortBuffer(*needed))
    return failure(rooms, numbers.SUCCESS, outputs)


def _one(room: int, returned: bytes) -> bytes:
    """Return the RESULT of a call whose only output is a buffer; nothing if it does not fit."""
    if len(returned) > room:
        return b""
    return b"".join((_ONE_OUTPUT, _WORD.pack(len(returned)), returned))


def short(rooms: "list[tuple[int, Room]]", error: ShortBuffer) -> bytes:
    """Return the RESULT of a call that tells which sizes would do."""
    needed = iter(error.needed)
    out = [_RESULT.pack(error.code, len(rooms))]
    told = error.outputs or (None,) * len(rooms)
    for (kind, room), value in zip(rooms, told, strict=True):
        size = next(needed, None) if kind in SIZED else None
        if isinstance(room, int) and size is not None and size > room:
            out.append(_WORD.pack(size))
        else:
            out.append(_output(kind, room, value))
    return b"".join(out)


def failure(rooms: "list[tuple[int, Room]]", code: int, outputs: tuple[object, ...]) -> bytes:
    """Return the RESULT of a call that writes its outputs, whatever its result is."""
    out = [_RESULT.pack(code, len(rooms))]
    for (kind, room), value in zip(rooms, outputs, strict=True):
        out.append(_output(kind, room, value))
    return b"".join(out)


def _output(kind: int, room: "Room", value: object) -> bytes:
    if isinstance(room, Params):
        assert isinstance(value, Params)
        return call_params.encode(value)
    if room is None:
        return _NOTHING
    if value is None:
        return _UNTOUCHED if kind in SIZED else _NOTHING
    if isinstance(room, tuple):
        return _attributes(room, value)
    if kind in _NUMBERS:
        assert isinstance(value, int)
        return _sized(value.to_bytes(room, "little"))
    assert isinstance(value, bytes)
    if len(value) > room if kind in SIZED else len(value) != room:
        raise ValueError(f"{len(value)} bytes where {room} belong")
    return _sized(value)


def _attributes(room: tuple[int | None, ...], values: object) -> bytes:
    """Return what goes into the buffers of attributes; an attribute without one has no place."""
    assert isinstance(values, list)
    out = []
    for size, value in zip(room, values, strict=True):
        if size is None:
            continue
        if len(value) > size:
            raise ValueError(f"{len(value)} bytes for an attribute of {size}")
        out.append(_sized(value))
    return _sized(b"".join(out))


def _sized(data: bytes) -> bytes:
    return _WORD.pack(len(data)) + data
