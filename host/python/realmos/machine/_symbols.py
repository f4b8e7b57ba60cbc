# SPDX-License-Identifier: BSD-3-Clause
"""Code addresses in what firmware and monitor print when they crash, as functions and lines."""

import bisect
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.dwarf.lineprogram import LineProgramEntry
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from realmos.machine._run_dir import facts

_COMPONENTS = {"RMM": "rmm", "MON": "monitor"}
_OURS = re.compile(r"^(RMM|MON): ")
_FRAME = re.compile(r"^(?:RMM|MON): +#\d+ (0x[0-9a-f]+)$")
_PANIC = re.compile(r"^(?:RMM|MON): panic: ")
_PANIC_REGISTER = re.compile(r"\b(ELR|LR) (0x[0-9a-f]+)")
# The registers of TF-A's dump at a crash in EL3 that hold code addresses, and its other message.
_DUMPED = re.compile(r"^(?:(x30|elr_el3) +=|PANIC at PC :) +(0x[0-9a-f]+)$")
_LINK_REGISTERS = {"LR", "x30"}
_INSTRUCTION = 4
"""A return address lies behind the call, so the instruction before it is looked up."""
_EXECUTABLE = 1


class Symbols:
    """The functions and source lines of one ELF file.

    Args:
        elf: an ELF file with a symbol table and, for lines, DWARF line information.
    """

    def __init__(self, elf: Path) -> None:
        self._path = elf

    def describe(self, address: int) -> str:
        """Return `function+offset (file:line)` of an address, as far as known; "" if no code's."""
        if not any(start <= address < end for start, end in self._code):
            return ""
        name = self._name(address)
        line = self._line(address)
        return f"{name} ({line})" if line else name

    @cached_property
    def _code(self) -> list[tuple[int, int]]:
        with self._path.open("rb") as file:
            return [
                (segment["p_vaddr"], segment["p_vaddr"] + segment["p_memsz"])
                for segment in ELFFile(file).iter_segments("PT_LOAD")
                if segment["p_flags"] & _EXECUTABLE
            ]

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


class Symboliser:
    """Adds functions and source lines to the code addresses of crash reports on UART0.

    Args:
        elves: ELF files by component name (`bl1`, `bl2`, `bl31`, `rmm`, `monitor`).
    """

    def __init__(self, elves: Mapping[str, Path]) -> None:
        self._symbols = {name: Symbols(path) for name, path in elves.items() if path.is_file()}

    @classmethod
    def of_run(cls, run: Path) -> "Symboliser":
        """Return one for a machine whose log directory this is."""
        known = facts(run).get("symbols", {})
        return cls({k: Path(v) for k, v in known.items()} if isinstance(known, dict) else {})

    def line(self, line: str) -> str:
        """Return a line of UART0 with what is known of its code addresses; others unchanged."""
        if found := _FRAME.match(line):
            return f"{line}{self._described(line, found[1], is_return=True, form=' {}')}"
        if _PANIC.match(line):
            return _PANIC_REGISTER.sub(lambda match: self._register(line, match), line)
        if found := _DUMPED.match(line):
            is_return = found[1] in _LINK_REGISTERS
            return f"{line}{self._described(line, found[2], is_return=is_return, form=' {}')}"
        return line

    def _register(self, line: str, found: re.Match[str]) -> str:
        is_return = found[1] in _LINK_REGISTERS
        return f"{found[0]}{self._described(line, found[2], is_return=is_return, form=' = {}')}"

    def _described(self, line: str, address: str, *, is_return: bool, form: str) -> str:
        owner = _OURS.match(line)
        name = _COMPONENTS[owner[1]] if owner else None
        candidates = [s for n, s in self._symbols.items() if name is None or n == name]
        value = int(address, 16) - (_INSTRUCTION if is_return else 0)
        for symbols in candidates:
            try:
                text = symbols.describe(value)
            except (ELFError, OSError):
                continue
            if text:
                return form.format(text)
        return ""


def _rows(entries: list[LineProgramEntry], names: list[str], base: int) -> list[tuple[int, str]]:
    states = [entry.state for entry in entries if entry.state is not None]
    return [
        (state.address, "" if state.end_sequence else f"{names[state.file - base]}:{state.line}")
        for state in states
    ]
