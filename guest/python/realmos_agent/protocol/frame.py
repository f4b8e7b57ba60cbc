# SPDX-License-Identifier: BSD-3-Clause
"""Frames: a header with two checksums, and a payload.

The header's own checksum is what makes a stream that lost its place recoverable in linear time:
the decoder looks for the next true header and never trusts the length in a false one. NUL bytes
between frames are silently skipped. A client sends `PREAMBLE` before its hello, so that whatever
half frame a dead client left behind is completed, refused, and out of the way.
"""

import struct
import zlib

from realmos_agent.protocol import numbers
from realmos_agent.protocol.errors import RemoteProtocolError
from realmos_agent.record import Record

_HEADER = struct.Struct(numbers.FRAME_HEADER_FORMAT)
_CHECKED = numbers.FRAME_HEADER_SIZE - 4
_MAGIC = struct.pack("<I", numbers.FRAME_MAGIC)

FRAME_MAX = numbers.FRAME_HEADER_SIZE + numbers.PAYLOAD_MAX
PREAMBLE = bytes(FRAME_MAX)


class Frame(Record):
    """One frame: its type, the session it belongs to (0: none) and its encoded payload."""

    type: int
    session: int
    payload: bytes


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of `frame`, whose payload is at most `PAYLOAD_MAX` long."""
    payload = frame.payload
    head = _HEADER.pack(
        numbers.FRAME_MAGIC, frame.type, frame.session, len(payload), 0, zlib.crc32(payload), 0
    )[:_CHECKED]
    return head + struct.pack("<I", zlib.crc32(head)) + payload


class FrameDecoder:
    """Finds frames in a byte stream that arrives in pieces of any size.

    It holds at most one frame and the piece that was fed last.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        self._buffer += data

    def reset(self) -> None:
        """Forget an unfinished frame: the stream starts anew."""
        self._buffer.clear()
        self._lost = False

    def next_frame(self) -> Frame | None:
        """Return the next whole frame, or None when more bytes are needed.

        Raises:
            RemoteProtocolError: the stream holds something else; raised once, and the next call
                looks for a frame behind it.
        """
        while True:
            if not self._seek():
                return None
            head = bytes(self._buffer[: numbers.FRAME_HEADER_SIZE])
            _, kind, session, length, flags, crc, head_crc = _HEADER.unpack(head)
            if head_crc != zlib.crc32(head[:_CHECKED]) or length > numbers.PAYLOAD_MAX or flags:
                self._drop(1)
                self._lose("a false frame header")
                continue
            end = numbers.FRAME_HEADER_SIZE + length
            if len(self._buffer) < end:
                return None
            payload = bytes(self._buffer[numbers.FRAME_HEADER_SIZE : end])
            self._drop(end)
            if crc != zlib.crc32(payload):
                self._lose("a frame with a wrong checksum")
                continue
            self._lost = False
            return Frame(kind, session, payload)

    def _seek(self) -> bool:
        """Bring a frame's magic to the front; return whether a whole header is there."""
        buffer = self._buffer
        if buffer.startswith(b"\0"):
            self._drop(len(buffer) - len(buffer.lstrip(b"\0")))
        while not _MAGIC.startswith(bytes(buffer[: len(_MAGIC)])):
            at = buffer.find(_MAGIC[:1], 1)
            self._drop(at if at > 0 else len(buffer))
            self._lose("bytes that are not a frame")
        return len(buffer) >= numbers.FRAME_HEADER_SIZE

    def _drop(self, count: int) -> None:
        del self._buffer[:count]

    def _lose(self, what: str) -> None:
        if not self._lost:
            self._lost = True
            raise RemoteProtocolError(what, numbers.ERR_BAD_FRAME)
