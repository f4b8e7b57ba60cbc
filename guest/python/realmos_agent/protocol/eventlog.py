# SPDX-License-Identifier: BSD-3-Clause
"""The log of events that explains REM 1: of each its size (4 bytes, little-endian), its bytes."""

import struct

from realmos_agent.protocol.measurement import EVENT_MAX, EventError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE = struct.Struct("<I")


def entry(event: bytes) -> bytes:
    """Return an event's entry in the log."""
    return _SIZE.pack(len(event)) + event


def entries(log: bytes) -> "Iterator[bytes]":
    """Yield the bytes of each event in a log.

    Raises:
        EventError: it is not a log; what was yielded before is what it holds up to there.
    """
    at = 0
    while at < len(log):
        if len(log) - at < _SIZE.size:
            raise EventError("a log of events that ends within a size")
        (size,) = _SIZE.unpack_from(log, at)
        at += _SIZE.size
        if size > EVENT_MAX or size > len(log) - at:
            raise EventError("a log of events with one longer than what is there")
        yield log[at : at + size]
        at += size
