# SPDX-License-Identifier: BSD-3-Clause
"""Reading packed initramfs archives back: what is in them, where, and that nothing else is read."""

import hashlib
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realmos.errors import ConfigError
from realmos.image import archive, cpio

MAGIC = b"\x02\x21\x4c\x18"
NODES = [
    cpio.file("init", b"program" * 1000, executable=True),
    cpio.file("etc/modules", b""),
    cpio.symlink("bin", "usr/bin"),
]


def plain(nodes: list[cpio.Node]) -> bytes:
    out = io.BytesIO()
    cpio.write(nodes, out)
    return out.getvalue()


def length(size: int) -> bytes:
    """What follows a token whose 4 bits are full."""
    return b"" if size < 15 else b"\xff" * ((size - 15) // 255) + bytes([(size - 15) % 255])


def sequence(literals: bytes, back: int = 0, size: int = 0) -> bytes:
    """One sequence of LZ4: literals, then `size` bytes from `back` before."""
    token = min(len(literals), 15) << 4 | (min(size - 4, 15) if size else 0)
    match = back.to_bytes(2, "little") + length(size - 4) if size else b""
    return bytes([token]) + length(len(literals)) + literals + match


def packed(*blocks: bytes) -> bytes:
    return MAGIC + b"".join(len(block).to_bytes(4, "little") + block for block in blocks)


def stored(data: bytes) -> bytes:
    """Data in blocks of nothing but literals."""
    pieces = [data[at : at + 5000] for at in range(0, len(data), 5000)]
    return packed(*map(sequence, pieces))


def test_members_are_read_back_as_they_were_written() -> None:
    members = archive.members(stored(plain(NODES)))
    assert [member.path for member in members] == ["bin", "etc", "etc/modules", "init"]
    init = members[-1]
    assert init.mode == 0o100755
    assert init.sha256 == hashlib.sha256(b"program" * 1000).hexdigest()


def test_matches_are_copied_also_where_they_overlap_themselves() -> None:
    data = plain([cpio.file("x", b"ab" * 200 + b"!" + b"ab" * 3)])
    start = data.index(b"abab")
    block = (
        sequence(data[: start + 2], 2, 398) + sequence(b"!", 101, 6) + sequence(data[start + 407 :])
    )
    (member,) = archive.members(packed(block))
    assert member.sha256 == hashlib.sha256(b"ab" * 200 + b"!" + b"ab" * 3).hexdigest()


def test_archives_one_after_the_other_are_told_apart() -> None:
    one, two = stored(plain(NODES)), stored(plain([cpio.file("later", b"y" * 9000)]))
    assert archive.archives(one + two) == [0, len(one)]
    assert [member.path for member in archive.members(one + two)][-1] == "later"


def test_the_member_behind_a_packed_byte_is_named() -> None:
    noise = random.Random(1).randbytes  # noqa: S311 -- the same bytes each time
    parts = [cpio.file(name, noise(20000)) for name in ("a", "b", "c")]
    data = packed(*(sequence(plain(parts)[at : at + 100]) for at in range(0, 60700, 100)))
    for name, part in zip("abc", parts, strict=True):
        middle = data.index(part.data[10000:10020])
        assert archive.member_at(data, middle) == name
    assert archive.member_at(data, 0) == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x1f\x8b",
        MAGIC + b"\x05",
        packed(b"\x10"),
        packed(b"\xf0\xff"),
        packed(sequence(b"abcd", 5, 8)),
        packed(sequence(b"abcd", 0, 8)),
        packed(sequence(b"abcd", 1, 9 << 20)),
        packed(b"")[:8],
        stored(b"070702" + bytes(104)),
        stored(b"07070" + b"x" * 105),
        stored(b"070701" + b"-" * 104),
        stored(plain(NODES)[:2000]),
        stored(plain(NODES))[:-1],
    ],
)
def test_what_is_no_packed_archive_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError):
        archive.members(data)


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_worse(data: bytes) -> None:
    for bad in (MAGIC + data, packed(data), stored(b"070701" + data)):
        try:
            archive.members(bad)
            archive.member_at(bad, 100)
        except ConfigError:
            continue
