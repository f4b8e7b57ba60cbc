# SPDX-License-Identifier: BSD-3-Clause
"""The bytes of PARAMS arguments of system calls: see docs/ta-runner.md, arguments.

A runner copies the memory that a TA refers to into the call, and the answers back out of it.
"""

import struct

from realmos_agent.tee.errors import ForgedCall
from realmos_agent.tee.params import COUNT, Memref, Params, Region, Slot, Value, is_memref, is_value
from realmos_agent.tee.runner_numbers import MEMORY_CLIENT, MEMORY_NULL

_WORD = struct.Struct("<Q")
_PAIR = struct.Struct("<QQ")


def decode(body: bytes | memoryview, at: int) -> tuple[Params, int]:
    """Return the parameters that begin at `at`, and where they end.

    Raises:
        ForgedCall: there are none.
        TeeError: the TA has no right to use these, such as NULL with a size.
    """
    try:
        (types,) = _WORD.unpack_from(body, at)
        at += _WORD.size
        slots: list[Slot] = []
        for index in range(COUNT):
            slot, at = _slot(types >> 4 * index & 0xF, body, at)
            slots.append(slot)
        return Params(types, tuple(slots)), at
    except struct.error as error:
        raise ForgedCall("parameters that are cut short") from error


def encode(params: Params) -> bytes:
    """Return what goes back for parameters: the answers, and nothing else."""
    out = []
    for index, slot in enumerate(params.slots):
        if not params.is_output(index):
            continue
        if isinstance(slot, Value):
            out.append(_PAIR.pack(slot.a, slot.b))
        elif isinstance(slot, Memref):
            data = slot.written
            out += (_PAIR.pack(slot.size, len(data)), data)
    return b"".join(out)


def untouched(params: Params) -> Params:
    """Return what answers for parameters that are to stay as they are now."""
    return Params(params.types, tuple(map(_untouched, params.slots)))


def _untouched(slot: Slot) -> Slot:
    if isinstance(slot, Value):
        return Value(slot.a, slot.b)
    if isinstance(slot, Memref):
        kept = Memref(slot.region, slot.offset)  # no room: no bytes go back
        kept.size = slot.size
        return kept
    return None


def _slot(kind: int, body: bytes | memoryview, at: int) -> tuple[Slot, int]:
    if is_value(kind):
        a, b = _PAIR.unpack_from(body, at)
        return Value(a, b), at + _PAIR.size
    if not is_memref(kind):
        return None, at
    memory, size = _PAIR.unpack_from(body, at)
    at += _PAIR.size
    if memory == MEMORY_NULL:
        return Memref(None, 0, size), at
    data = body[at : at + size]
    if memory > MEMORY_CLIENT or len(data) != size:
        raise ForgedCall(f"{len(data)} bytes of memory {memory}, not {size}")
    return Memref(Region(data, secure=memory != MEMORY_CLIENT), 0, size), at + size
