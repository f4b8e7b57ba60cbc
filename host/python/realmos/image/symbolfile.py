# SPDX-License-Identifier: BSD-3-Clause
"""An ELF file for debuggers with the symbols of a kernel's Image, at the addresses it is linked to.

Debian's own file with symbols is a package of its own, hundreds of megabytes large; the Image holds
the names and addresses already. What it does not hold is types and source lines.
"""

import re
import struct
from collections.abc import Sequence
from pathlib import Path

from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.image.kallsyms import Symbol, read_symbols
from realmos.image.kernel import CONFIG, Kernel, parse_config

_NAME = "kernel.elf"
_RECIPE = 2
_MAX_VA_BITS = 48
_MODULES = 2 << 30
"""Modules lie between the linear map, which is half of the space, and the kernel."""

# ELF-64, AArch64: header, section header, symbol (System V ABI, chapter 4).
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_IDENT = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
_EXEC, _AARCH64, _VERSION = 2, 183, 1
_SYMTAB, _STRTAB, _NOBITS = 2, 3, 8
_WRITE_ALLOC_EXEC = 7
_OBJECT, _FUNCTION = 1, 2
_GLOBAL = 1 << 4
_CODE = "tTwW"
_MARK = re.compile(r"_\w*(start|begin|end|text)|__(start|stop)_\w+")
"""Where sections begin and end: without a size, or it would hide the function that is there."""
_ALIGN = 1 << 16


def symbol_file(kernel: Kernel, cache: Cache) -> Path:
    """Return an ELF file with a kernel's symbols, as they are when the kernel is told `nokaslr`.

    Raises:
        ConfigError: it holds none in a form known here, or does not say where it is linked to.
    """

    def make(out: Path) -> None:
        base = _link_address(kernel)
        symbols = read_symbols(kernel.path.read_bytes())
        (out / _NAME).write_bytes(_elf(symbols, base, kernel.image_size))

    inputs = {"kernel": kernel.sha256, "recipe": _RECIPE}
    return cache.build("kernel-symbols", inputs, make) / _NAME


def _link_address(kernel: Kernel) -> int:
    """Return where the Image begins (Linux, arch/arm64/include/asm/memory.h: KIMAGE_VADDR)."""
    config = parse_config((kernel.path.parent / CONFIG).read_text("utf-8"))
    bits = config.get("CONFIG_ARM64_VA_BITS", "")
    if not bits.isdecimal():
        raise ConfigError("the kernel's configuration does not say how large its addresses are")
    return (1 << 64) - (1 << min(int(bits), _MAX_VA_BITS) - 1) + _MODULES


def _elf(symbols: Sequence[Symbol], base: int, size: int) -> bytes:
    """Return an ELF file of one section without content, in which all the symbols lie."""
    strings, table = bytearray(b"\0"), bytearray(_SYMBOL.size)
    places = sorted({symbol.offset for symbol in symbols})
    ends = dict(zip(places, [*places[1:], size], strict=True))
    ordered = sorted(symbols, key=_is_global)  # locals come first in such a table
    for symbol in ordered:
        kind = _FUNCTION if symbol.kind in _CODE else _OBJECT
        scope = _GLOBAL if _is_global(symbol) else 0
        is_mark = _MARK.fullmatch(symbol.name) is not None
        length = 0 if is_mark else max(ends[symbol.offset] - symbol.offset, 0)
        address = (base + symbol.offset) % (1 << 64)
        table += _SYMBOL.pack(len(strings), scope | kind, 0, 1, address, length)
        strings += symbol.name.encode() + b"\0"
    first_global = 1 + sum(not _is_global(symbol) for symbol in symbols)
    names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    at_table = _HEADER.size
    at_strings = at_table + len(table)
    at_names = at_strings + len(strings)
    at_sections = -(-(at_names + len(names)) // 8) * 8

    def section(name: bytes, kind: int, at: int, length: int, *rest: int) -> bytes:
        flags, address, link, info, align, entry = rest or (0, 0, 0, 0, 1, 0)
        where = names.index(name + b"\0") if name else 0
        return _SECTION.pack(where, kind, flags, address, at, length, link, info, align, entry)

    sections = [
        bytes(_SECTION.size),
        section(b".text", _NOBITS, at_table, size, _WRITE_ALLOC_EXEC, base, 0, 0, _ALIGN, 0),
        section(b".symtab", _SYMTAB, at_table, len(table), 0, 0, 3, first_global, 8, _SYMBOL.size),
        section(b".strtab", _STRTAB, at_strings, len(strings)),
        section(b".shstrtab", _STRTAB, at_names, len(names)),
    ]
    header = _HEADER.pack(
        _IDENT, _EXEC, _AARCH64, _VERSION, base, 0, at_sections, 0,
        _HEADER.size, 0, 0, _SECTION.size, len(sections), len(sections) - 1,
    )  # fmt: skip
    content = header + table + strings + names
    return content.ljust(at_sections, b"\0") + b"".join(sections)


def _is_global(symbol: Symbol) -> bool:
    return symbol.kind.isupper()
