# SPDX-License-Identifier: BSD-3-Clause
"""The symbols in a kernel's Image: the tables from which it prints its own stack traces.

In the order in which they lie there (Linux 7, scripts/kallsyms.c): the number of symbols; their
names, ordered by address, as bytes that stand for tokens; markers, where every 256th name begins;
the 256 tokens; where each token begins; and for each symbol its distance from that very word.
"""

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from realmos.errors import ConfigError

_TOKENS = 256
_GROUP = 256
_WORD = 4
_MAX_NAME = 2 << 7
_LONG = 0x80
_DIGITS = b"".join(bytes([digit, 0]) for digit in b"0123456789")
"""These never stand for longer tokens, as names hold them; so this is within the token table."""


@dataclass(frozen=True)
class Symbol:
    """One symbol.

    Attributes:
        offset: from the start of the Image.
        kind: as nm shows it: `T` or `t` code, `D` data, and so on.
        name: its name.
    """

    offset: int
    kind: str
    name: str


def read_symbols(image: bytes) -> list[Symbol]:
    """Return the symbols of an Image in ascending order of their offset.

    Raises:
        ConfigError: it has no tables of this form.
    """
    for start, tokens, end in _token_tables(image):
        markers, at = _markers(image, start)
        for count, names in _names(image, markers, at):
            offsets = _offsets(image, end, count)
            texts = [b"".join(tokens[code] for code in name).decode("ascii") for name in names]
            if offsets is not None and all(texts):
                triples = zip(offsets, texts, strict=True)
                return [Symbol(offset, text[0], text[1:]) for offset, text in triples]
    raise ConfigError("the kernel holds no symbols in a form known here")


def _token_tables(image: bytes) -> Iterator[tuple[int, list[bytes], int]]:
    """Yield where the tokens begin, the tokens, and where the table of their places ends."""
    at = image.find(_DIGITS)
    while at >= 0:
        start = at
        for _ in range(_DIGITS[0] + 1):
            start = image.rfind(b"\0", 0, start)
        tokens, end = _strings(image, start + 1, _TOKENS)
        places = itertools.accumulate((len(token) + 1 for token in tokens[:-1]), initial=0)
        if end - start <= 1 << 16:
            table = struct.pack(f"<{_TOKENS}H", *places)
            where = image.find(table, end, end + 2 * _WORD + len(table))
            if where >= 0:
                yield start + 1, tokens, where + len(table)
        at = image.find(_DIGITS, at + 1)


def _strings(image: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    found = []
    for _ in range(count):
        end = image.find(b"\0", at)
        if end < 0:
            return [b""] * count, len(image)
        found.append(image[at:end])
        at = end + 1
    return found, at


def _markers(image: bytes, end: int) -> tuple[list[int], int]:
    """Return the markers that lie before `end`, and where they begin: with the only zero."""
    at = end - end % _WORD
    found: list[int] = []
    while at >= _WORD and (not found or found[-1] != 0):
        at -= _WORD
        (value,) = struct.unpack_from("<I", image, at)
        if found and value >= found[-1]:
            return [], at
        found.append(value)
    return found[::-1], at


def _names(image: bytes, markers: list[int], end: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield candidates for the names that end before `end`: their number, and they themselves."""
    if not markers:
        return
    most = len(markers) * _GROUP
    last = end - markers[-1]
    first = last - _GROUP * _MAX_NAME
    for at in range(max(first - first % _WORD, 0), last, _WORD):
        (count,) = struct.unpack_from("<I", image, at)
        if most - _GROUP < count <= most:
            names = _walk(image, at + _WORD, count, markers, end)
            if names is not None:
                yield count, names


def _walk(image: bytes, start: int, count: int, markers: list[int], end: int) -> list[bytes] | None:
    """Return `count` names from `start` on, or None when markers or the end do not fit them."""
    at, names = start, []
    for number in range(count):
        misplaced = number % _GROUP == 0 and at - start != markers[number // _GROUP]
        if misplaced or at >= end:
            return None
        length = image[at]
        at += 1
        if length & _LONG:
            length = length & ~_LONG | image[at] << 7
            at += 1
        names.append(image[at : at + length])
        at += length
    return names if at <= end < at + 2 * _WORD else None


def _offsets(image: bytes, at: int, count: int) -> list[int] | None:
    """Return the symbols' offsets in the Image, or None when they are not in order."""
    at += -at % _WORD
    if at + count * _WORD > len(image):
        return None
    distances = struct.unpack_from(f"<{count}i", image, at)
    found = [at + _WORD * number + distance for number, distance in enumerate(distances)]
    ordered = all(a <= b for a, b in itertools.pairwise(found))
    return found if ordered and 0 <= found[0] < len(image) else None
