# SPDX-License-Identifier: BSD-3-Clause
"""The symbols in a kernel's Image: read from tables made here by their format alone."""

import itertools
import struct
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from realmos.cache import Cache
from realmos.errors import ConfigError
from realmos.image.kallsyms import Symbol, read_symbols
from realmos.image.kernel import Kernel
from realmos.image.symbolfile import symbol_file

LONG = "a_name_longer_than_127_characters_" * 5
SYMBOLS = [
    Symbol(0, "T", "_text"),
    *(Symbol(64 * n, "tTDb"[n % 4], f"function_{n}") for n in range(1, 600)),
    Symbol(40_000, "t", LONG),
    Symbol(40_000, "T", "an_alias"),
]
TOKENS = [bytes([code]) for code in range(256)]
TOKENS[1] = b"function_"


def encoded(name: str) -> bytes:
    text = name.encode().replace(TOKENS[1], b"\1")
    size = len(text)
    return bytes([size] if size < 128 else [size & 127 | 128, size >> 7]) + text


def tables(symbols: list[Symbol], at: int, *, cut: int = 0) -> bytes:
    """The tables of an Image, to lie at `at` in it; `cut` spoils the places of the tokens."""
    names, markers = b"", []
    for number, symbol in enumerate(symbols):
        if number % 256 == 0:
            markers.append(len(names))
        names += encoded(symbol.kind + symbol.name)
    out = struct.pack("<I", len(symbols)) + names
    out = out.ljust(-(-len(out) // 4) * 4, b"\0")
    out += struct.pack(f"<{len(markers)}I", *markers)
    # NUL ends a token, so its own code stands for nothing.
    strings = [b"", *TOKENS[1:]]
    out += b"".join(token + b"\0" for token in strings)
    places = itertools.accumulate((len(token) + 1 for token in strings[:-1]), initial=cut)
    out = out.ljust(-(-len(out) // 4) * 4, b"\0") + struct.pack("<256H", *places)
    here = at + len(out)
    distances = (s.offset - here - 4 * number for number, s in enumerate(symbols))
    return out + struct.pack(f"<{len(symbols)}i", *distances)


def image(symbols: list[Symbol], **spoilt: int) -> bytes:
    """An Image with something like the tables before them, and code around them."""
    decoy = b"".join(struct.pack("<H", n) for n in range(256))
    start = (b"\x1f\x20\x03\xd5" * 12_000 + decoy).ljust(50_000, b"\xff")
    return start + tables(symbols, len(start), **spoilt) + b"\xff" * 4096


def test_names_kinds_and_places_are_read() -> None:
    assert read_symbols(image(SYMBOLS)) == SYMBOLS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(100_000),
        b"".join(bytes([digit, 0]) for digit in b"0123456789") * 100,
        image(SYMBOLS, cut=1),
        image(SYMBOLS)[:-8192],
        image(SYMBOLS[::-1]),
    ],
)
def test_an_image_without_such_tables_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="no symbols"):
        read_symbols(data)


def test_one_byte_that_is_wrong_gives_no_wrong_names() -> None:
    whole = image(SYMBOLS)
    at = whole.index(encoded("Tfunction_1")) + 8
    spoilt = bytearray(whole)
    spoilt[at] ^= 0x40  # the length of a name
    with pytest.raises(ConfigError):
        read_symbols(bytes(spoilt))


@pytest.mark.parametrize(("bits", "base"), [(52, 0xFFFF800080000000), (39, 0xFFFFFFC080000000)])
def test_a_debugger_finds_them_where_the_kernel_is_linked_to(
    tmp_path: Path, bits: int, base: int
) -> None:
    path = tmp_path / "Image"
    path.write_bytes(image(SYMBOLS))
    (tmp_path / "config").write_text(f"CONFIG_ARM64_VA_BITS={bits}\n")
    kernel = Kernel(path, f"{bits}", path.stat().st_size, 1 << 20, 0, "7.3", "a test", None)
    with symbol_file(kernel, Cache(tmp_path / "cache")).open("rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        found = {symbol.name: symbol for symbol in table.iter_symbols()}
        first_global = table["sh_info"]
        scopes = [symbol["st_info"]["bind"] for symbol in table.iter_symbols()]
    assert {name: found[name]["st_value"] for name in ("_text", "function_2", LONG)} == {
        "_text": base, "function_2": base + 128, LONG: base + 40_000,
    }  # fmt: skip
    assert found["function_2"]["st_size"] == 64
    assert found["_text"]["st_size"] == 0  # a mark, not the function that begins there
    assert found["function_2"]["st_info"]["type"] == "STT_OBJECT"
    assert found["function_1"]["st_info"]["type"] == "STT_FUNC"
    assert scopes == sorted(scopes, reverse=True)
    assert scopes[first_global - 1 : first_global + 1] == ["STB_LOCAL", "STB_GLOBAL"]
