# SPDX-License-Identifier: BSD-3-Clause
"""Reading initramfs archives, LZ4's legacy format around cpio: which file lies where in one.

Nothing here is on the way to a realm; it explains a difference, in seconds and without a program.
What is read may be anybody's: nothing but a ConfigError comes of bytes that are no such archive.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from realmos.errors import ConfigError

_LZ4_LEGACY = b"\x02\x21\x4c\x18"
_BLOCK_MAX = 8 << 20  # unpacked
_CPIO_MAGIC = b"070701"
_CPIO_HEADER = 110
_MODE, _SIZE, _NAME_SIZE = 1, 6, 11
_TRAILER = "TRAILER!!!"
_UNPACKED_MAX = 4 << 30
_MORE = 255
_LEAST_MATCH = 4


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        path: its name.
        start, end: where it lies in the unpacked archives, header included.
        mode: type and permissions.
        sha256: hash of its bytes, or of a link's target.
    """

    path: str
    start: int
    end: int
    mode: int
    sha256: str


def archives(data: bytes) -> list[int]:
    """Return where each packed archive begins; none for what is not packed so.

    Raises:
        ConfigError: the bytes are no packed archives.
    """
    return [at for at, size in _blocks(data) if not size]


def members(data: bytes) -> list[Member]:
    """Return what packed archives hold, in their order.

    Raises:
        ConfigError: the bytes are no packed archives.
    """
    return list(_members(b"".join(_unpack(data, len(data)))))


def member_at(data: bytes, offset: int) -> str:
    """Return the name of the member that the packed byte at `offset` unpacks to.

    A packed byte may also stand for later members, which repeat what it unpacks to.

    Raises:
        ConfigError: the bytes are no packed archives.
    """
    unpacked = b"".join(_unpack(data, offset + 1))
    name = ""
    for member in _members(unpacked, cut=True):
        name = member.path
    return name


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield offset and packed size of each block; those of size 0 are beginnings of archives."""
    at = 0
    if not data.startswith(_LZ4_LEGACY):
        raise ConfigError("not an archive packed with LZ4")
    while at < len(data):
        if data.startswith(_LZ4_LEGACY, at):
            yield at, 0
            at += len(_LZ4_LEGACY)
            continue
        size = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if not 0 < size <= len(data) - at:
            raise ConfigError("a packed archive that is cut short")
        yield at, size
        at += size


def _unpack(data: bytes, end: int) -> Iterator[bytes]:
    """Yield what the packed bytes before `end` stand for."""
    total = 0
    for at, size in _blocks(data):
        if at >= end:
            return
        if size:
            try:
                block = _unpack_block(data[at : at + size], end - at)
            except IndexError as error:
                raise ConfigError("a packed archive with a broken block") from error
            total += len(block)
            if total > _UNPACKED_MAX:
                raise ConfigError("a packed archive that is too large")
            yield block


def _unpack_block(packed: bytes, end: int) -> bytes:
    """Return what a block's sequences that begin before `end` stand for.

    Raises:
        IndexError: the block is cut short.
        ConfigError: it refers to what is not there, or is too large.
    """
    out = bytearray()
    at = 0
    while at < min(len(packed), end):
        token = packed[at]
        literals, at = _length(packed, at + 1, token >> 4)
        out += packed[at : at + literals]
        at += literals
        if at == len(packed):
            break
        back = packed[at] | packed[at + 1] << 8  # cut short: an IndexError
        size, at = _length(packed, at + 2, token & 15)
        size += _LEAST_MATCH
        if not 0 < back <= len(out) or len(out) + size > _BLOCK_MAX:
            raise ConfigError("a packed archive with a broken block")
        begin = len(out) - back
        if back >= size:
            out += out[begin : begin + size]
        else:
            out += (out[begin:] * (size // back + 1))[:size]
    return bytes(out)


def _length(packed: bytes, at: int, size: int) -> tuple[int, int]:
    """Return a length that begins with 4 bits and goes on in bytes, and where it ends."""
    if size == 15:
        more = _MORE
        while more == _MORE:
            more = packed[at]
            size += more
            at += 1
    return size, at


def _members(data: bytes, *, cut: bool = False) -> Iterator[Member]:
    """Yield the members of unpacked archives, of which `cut` allows the last to be cut short."""
    at = 0
    while at < len(data):
        if data[at] == 0:  # between archives
            at += 4
            continue
        header = data[at : at + _CPIO_HEADER]
        fields = _fields(header)
        if fields is None:
            if cut and len(header) < _CPIO_HEADER:
                return
            raise ConfigError("an archive with a broken header")
        name_end = at + _CPIO_HEADER + fields[_NAME_SIZE]
        begin = _aligned(name_end)
        end = _aligned(begin + fields[_SIZE])
        if end > len(data) and not cut:
            raise ConfigError("an archive that is cut short")
        path = data[at + _CPIO_HEADER : name_end - 1].decode("utf-8", "replace")
        if path != _TRAILER:
            content = hashlib.sha256(data[begin : begin + fields[_SIZE]]).hexdigest()
            yield Member(path, at, end, fields[_MODE], content)
        at = end


def _fields(header: bytes) -> list[int] | None:
    """Return a header's numbers, or None if it is none."""
    if len(header) < _CPIO_HEADER or not header.startswith(_CPIO_MAGIC):
        return None
    try:
        return [int(header[at : at + 8], 16) for at in range(6, _CPIO_HEADER, 8)]
    except ValueError:
        return None


def _aligned(value: int) -> int:
    return -(-value // 4) * 4
