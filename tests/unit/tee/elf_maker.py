# SPDX-License-Identifier: BSD-3-Clause
"""ELF objects laid out by hand: their tables can be of any size, and no compiler is needed."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from realmos_agent.tee.loader import elf_numbers as elf
from ta_files import TA

CODE: Final = 0x1000
"""Where instructions begin."""
DATA: Final = 0x400_0000
"""Where memory begins that is written."""
RET: Final = 0xD65F03C0
_NAMES: Final = b"\0ta_head\0"
_HEAD_AT: Final = 64  # behind the first instructions


@dataclass(frozen=True)
class Object:
    """A TA whose tables are as given; it can be loaded.

    Attributes:
        uuid: that its head tells.
        words: its instructions.
        needed: offsets of the names of what it needs, in `names`.
        names: strings, behind those that every object here has.
        symbols: more symbols: name, as an offset in `names`, and value.
        relocations: offset, type, symbol and addend of each.
        zeros: how many segments more it has, of a page of zeros each.
    """

    uuid: UUID = TA
    words: Sequence[int] = (RET, RET, RET, RET)
    needed: Sequence[int] = ()
    names: bytes = b""
    symbols: Sequence[tuple[int, int]] = ()
    relocations: Sequence[tuple[int, int, int, int]] = ()
    zeros: int = 0

    def made(self) -> bytes:
        """Return its file."""
        read = _Part(CODE)
        code = b"".join(word.to_bytes(4, "little") for word in self.words)
        read.add(code.ljust(_HEAD_AT, b"\0"))
        head = read.add(self.uuid.bytes_le + struct.pack("<IIQ", 4096, 0, (1 << 64) - 1))
        symbols = read.add(self._symbols(head[0]), 8)
        names = read.add(_NAMES + self.names)
        relocations = read.add(b"".join(struct.pack("<QIIq", *r) for r in self.relocations), 8)
        dynamic = read.add(self._dynamic(names), 8)
        sections = [
            (1, 6, (CODE, max(len(code), 4)), 0, 0),
            (elf.SHT_DYNSYM, 2, symbols, 3, 24),
            (3, 2, names, 0, 0),
            (elf.SHT_RELA, 2, relocations, 2, 24),
        ]
        programs = [(elf.PT_LOAD, 5, CODE, read.size, read.size)]
        programs += [(elf.PT_LOAD, 6, DATA + n * 4096, 0, 4096) for n in range(self.zeros)]
        end = CODE + read.size
        programs.append((elf.PT_LOAD, 6, DATA + self.zeros * 4096, 4096, 4096))
        programs.append((elf.PT_DYNAMIC, 4, dynamic[0], dynamic[1], dynamic[1]))
        return _file(programs, sections, read, -(-end // 4096) * 4096)

    def _symbols(self, head: int) -> bytes:
        table = [(0, 0, 0, 0, 0, 0), (1, 0x11, 0, 1, head, 32)]
        table += [(len(_NAMES) + name, 0x12, 0, 1, value, 4) for name, value in self.symbols]
        return b"".join(struct.pack("<IBBHQQ", *each) for each in table)

    def _dynamic(self, names: tuple[int, int]) -> bytes:
        table = [(elf.DT_STRTAB, names[0]), (elf.DT_STRSZ, names[1])]
        table += [(elf.DT_NEEDED, len(_NAMES) + name) for name in self.needed]
        return b"".join(struct.pack("<QQ", *each) for each in (*table, (elf.DT_NULL, 0)))

    @property
    def writable(self) -> int:
        """Where there is memory for relocations."""
        return DATA + self.zeros * 4096


class _Part:
    """Content of a segment that is being laid out."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.data = bytearray()

    @property
    def size(self) -> int:
        return len(self.data)

    def add(self, data: bytes, alignment: int = 1) -> tuple[int, int]:
        """Put something behind what is there; return its address and size."""
        self.data += bytes(-len(self.data) % alignment)
        self.data += data
        return self._start + len(self.data) - len(data), len(data)


def _file(
    programs: list[tuple[int, int, int, int, int]],
    sections: list[tuple[int, int, tuple[int, int], int, int]],
    read: _Part,
    written: int,
) -> bytes:
    """Return a file: headers, the segment that is read, one page that is written, sections."""
    headers = b""
    for kind, flags, address, filled, size in programs:
        at = written if address >= DATA and filled else address if address < DATA else 0
        headers += struct.pack("<IIQQQQQQ", kind, flags, at, address, address, filled, size, 4096)
    table = bytes(64)
    for kind, flags, (address, size), link, entry in sections:
        table += struct.pack(
            "<IIQQQQIIQQ", 0, kind, flags, address, address, size, link, 0, 4, entry
        )
    start = struct.pack(
        "<4sBBBB8sHHIQQQIHHHHHH",
        b"\x7fELF", 2, 1, 1, 0, bytes(8), 3, elf.EM_AARCH64, 1, CODE, 64, written + 4096, 0, 64,
        56, len(programs), 64, len(sections) + 1, 0,
    )  # fmt: skip
    body = (start + headers).ljust(CODE, b"\0") + read.data
    return bytes(body.ljust(written + 4096, b"\0") + table)
