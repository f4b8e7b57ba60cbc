# SPDX-License-Identifier: BSD-3-Clause
"""Backtrace addresses of the RMM and the monitor, turned into functions and lines."""

import bisect
import re
from functools import cached_property
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.dwarf.lineprogram import LineProgramEntry
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

_FRAME = re.compile(r"^(RMM|MON): +#\d+ (0x[0-9a-f]+)$")
_COMPONENTS = {"RMM": "rmm", "MON": "monitor"}


class Symbols:
    """The functions and source lines of one ELF file.

    Args:
        elf: an ELF file with a symbol table and DWARF line information.
    """

    def __init__(self, elf: Path) -> None:
        self._path = elf

    def describe(self, address: int) -> str:
        """Return `function+offset (file:line)` of a code address, as far as it is known."""
        name = self._name(address)
        line = self._line(address)
        return f"{name} ({line})" if line else name

    @cached_property
    def _functions(self) -> list[tuple[int, int, str]]:
        with self._path.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            if not isinstance(table, SymbolTableSection):
                return []
            found = [
                (symbol["st_value"], symbol["st_size"], symbol.name)
                for symbol in table.iter_symbols()
                if symbol["st_info"]["type"] == "STT_FUNC"
            ]
        return sorted(found)

    @cached_property
    def _lines(self) -> list[tuple[int, str]]:
        rows: list[tuple[int, str]] = []
        with self._path.open("rb") as file:
            elf = ELFFile(file)
            if not elf.has_dwarf_info():
                return []
            dwarf = elf.get_dwarf_info()
            for unit in dwarf.iter_CUs():
                program = dwarf.line_program_for_CU(unit)
                if program is not None:
                    names = [entry.name.decode() for entry in program["file_entry"]]
                    base = 0 if program["version"] >= 5 else 1
                    rows += _rows(program.get_entries(), names, base)
        return sorted(rows)

    def _name(self, address: int) -> str:
        at = bisect.bisect_right(self._functions, (address, 1 << 64, "")) - 1
        if at >= 0:
            start, size, name = self._functions[at]
            if address < start + max(size, 4):
                return f"{name}+{address - start:#x}"
        return f"{address:#x}"

    def _line(self, address: int) -> str:
        at = bisect.bisect_right(self._lines, (address, "\U0010ffff")) - 1
        return self._lines[at][1] if at >= 0 else ""


def symbolise(line: str, elves: dict[str, Path]) -> str:
    """Return a backtrace line with its function and source line added; other lines unchanged.

    Args:
        line: a line of UART0.
        elves: ELF files by component name (`rmm`, `monitor`).
    """
    found = _FRAME.match(line)
    path = elves.get(_COMPONENTS[found[1]]) if found else None
    if found is None or path is None or not path.is_file():
        return line
    try:
        # A return address lies behind the call, so look up the instruction before it.
        return f"{line} {Symbols(path).describe(int(found[2], 16) - 4)}"
    except (ELFError, OSError):
        return line


def _rows(entries: list[LineProgramEntry], names: list[str], base: int) -> list[tuple[int, str]]:
    states = [entry.state for entry in entries if entry.state is not None]
    return [
        (state.address, "" if state.end_sequence else f"{names[state.file - base]}:{state.line}")
        for state in states
    ]
