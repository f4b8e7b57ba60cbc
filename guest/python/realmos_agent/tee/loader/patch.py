# SPDX-License-Identifier: BSD-3-Clause
"""System calls of a TA, led to the runner's dispatcher instead of to the realm's kernel.

Each `svc` becomes a branch to a veneer of its own, which notes where to come back to and jumps to
the dispatcher. The veneers stand behind the object's memory, in a page that begins with the
dispatcher's address: all else is the same wherever an object is placed, and is made once.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from realmos_agent.record import Record
from realmos_agent.tee import numbers as tee
from realmos_agent.tee.loader.errors import LoadError

SITES_MAX: Final = 32768
"""System calls in an object: from the last veneer, the dispatcher's address must be near."""

_SVC, _SVC_MASK, _SVC_TOP = 0xD4000001, 0xFFE0001F, 0xD4
_MOV_X8, _MOV_W8, _MOV_MASK = 0xD2800008, 0x52800008, 0xFFE0001F
_NEIGHBOURS: Final = 4  # words, on either side
_BTI_C, _BTI_J = 0xD503245F, 0xD503249F
_ADR_X17_12 = 0x10000071
_LDR_X16 = 0x58000010
_BR_X16 = 0xD61F0200
_B = 0x14000000
_LDR_X0_X0_8 = 0xF9400400
_RET = 0xD65F03C0

_WORD = struct.Struct("<I")
_VENEER = struct.Struct("<5I")
_LITERAL = struct.Struct("<Q")
_RESOLVER = struct.pack("<4I", _BTI_C, _LDR_X0_X0_8, _RET, 0)

RESOLVER_OFFSET: Final = _LITERAL.size
"""Where in the veneers the resolver of TLS descriptors is: it returns the descriptor's value."""


class Site(NamedTuple):
    """A system call: the address of its `svc`, and its number when that can be told."""

    address: int
    number: int | None


class Veneers(Record):
    """What stands behind an object's memory; `data` lacks the dispatcher's address."""

    sites: tuple[Site, ...]
    data: bytes

    def bound(self, dispatcher: int) -> bytes:
        """Return the bytes that lead to a dispatcher."""
        return _LITERAL.pack(dispatcher) + self.data[_LITERAL.size :]


def find(data: bytes) -> Iterator[int]:
    """Yield the offsets of all words that are an `svc`, whatever its number.

    The first look is at the words' top bytes alone, which few share.
    """
    tops = data[3::4]
    index = tops.find(_SVC_TOP)
    while index >= 0:
        if _WORD.unpack_from(data, 4 * index)[0] & _SVC_MASK == _SVC:
            yield 4 * index
        index = tops.find(_SVC_TOP, index + 1)


def number(data: bytes, at: int) -> int | None:
    """Return the number of the system call at an offset, if the instruction before it sets it."""
    if at < _WORD.size:
        return None
    (before,) = _WORD.unpack_from(data, at - _WORD.size)
    if before & _MOV_MASK not in {_MOV_X8, _MOV_W8}:
        return None
    return int(before >> 5 & 0xFFFF)


def patch(
    parts: Sequence[tuple[int, bytearray]], code: Iterable[tuple[int, int]], veneers: int
) -> Veneers:
    """Replace all system calls in an object's memory, and return the veneers that they jump to.

    Args:
        parts: address and content of the memory; the content is changed. All addresses are
            relative to the object.
        code: from where to where it holds instructions; each range lies in one part.
        veneers: where the veneers will stand.

    Raises:
        LoadError: there are too many, or data among instructions looks like one.
    """
    sites: list[Site] = []
    out = bytearray(_LITERAL.size) + _RESOLVER
    for start, end in code:
        address, memory = next(part for part in parts if part[0] <= start < part[0] + len(part[1]))
        original = bytes(memory[start - address : end - address])
        for at in find(original):
            if len(sites) == SITES_MAX:
                raise LoadError(
                    f"the TA has more than {SITES_MAX} system calls", tee.ERROR_NOT_SUPPORTED
                )
            site = Site(start + at, number(original, at))
            if site.number is None and not _among_instructions(original, at):
                raise LoadError(
                    f"data at {site.address:#x}, in a section of instructions, looks like a system "
                    "call: put data into a section of its own (.rodata)",
                    tee.ERROR_NOT_SUPPORTED,
                )
            branch = _branch(site.address, veneers + len(out))
            _WORD.pack_into(memory, site.address - address, branch)
            out += _veneer(len(out), veneers, site.address)
            sites.append(site)
    return Veneers(tuple(sites), bytes(out))


def _among_instructions(data: bytes, at: int) -> bool:
    """Return whether what is around a word may be instructions; zeros may lie between functions.

    Bits 28 to 25 say of what group an instruction is; the first four groups hold none that TAs
    have, but SVE's.
    """
    around = data[max(0, at - _NEIGHBOURS * _WORD.size) : at + (_NEIGHBOURS + 1) * _WORD.size]
    return all(word == 0 or word >> 25 & 15 > 3 for (word,) in _WORD.iter_unpack(around))


def _veneer(offset: int, veneers: int, site: int) -> bytes:
    literal = -(offset + 4) // 4 & 0x7FFFF
    back = _branch(veneers + offset + 16, site + 4)
    return _VENEER.pack(_ADR_X17_12, _LDR_X16 | literal << 5, _BR_X16, _BTI_J, back)


def _branch(source: int, target: int) -> int:
    """Return the instruction that jumps. It reaches 128 MiB, which no object has."""
    return _B | (target - source) // 4 & 0x3FFFFFF
