# SPDX-License-Identifier: BSD-3-Clause
"""The symbols of TAs: the dev kit leaves UUID.elf, which has them, beside UUID.ta, which it strips.

They are the build machine's alone: what the TEE core says of a panic or a fault are addresses in
objects, and here these become functions and source lines.
"""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import UUID

from realmos_agent.tee.loader import Keys, LoadError
from realmos_agent.tee.loader.container import read, verify
from realmos_agent.tee.loader.elf import parse
from realmos_agent.tee.loader.elf_image import ElfImage

from realmos import process
from realmos.errors import ConfigError, ToolError
from realmos.source.toolchain import compiler_tools
from realmos.tee.inspect import read_keys

_END_S = 10.0
_CHUNK = 1 << 16
_STDERR = 2
_INSTRUCTION = 4
_SEARCHES = 32  # for names, while the next lines wait
_KNOWN_MAX = 4096
_CORE = b"tee: "
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Lines of the core's own: what TAs log has a colon behind their UUID.
_REPORT = re.compile(rf"tee: {_UUID} (?P<kind>calls TEE_Panic|faulted|was lost)".encode())
_PLACE = re.compile(rf"(?P<uuid>{_UUID})\+0x(?P<offset>[0-9a-f]{{1,16}})(?: \([\w.]+\+0x\w+\))?")


def signed_elf(uuid: UUID, path: Path, keys: Keys) -> bytes:
    """Return the ELF object in a `.ta` file, which has no symbols but those that it exports.

    Raises:
        ConfigError: it cannot be had, or no key vouches for it.
    """
    try:
        return verify(read(path.read_bytes()), keys, uuid).elf
    except (LoadError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from error


def symbol_file(uuid: UUID, path: Path, signed: bytes) -> tuple[Path | None, str]:
    """Return the ELF file with all symbols of a TA; or None, and why.

    Args:
        uuid: of the TA.
        path: its `.ta` file.
        signed: the object in that.
    """
    beside = path.with_name(f"{uuid}.elf")
    if not beside.is_file():
        return None, f"there is no {beside}"
    try:
        same = _instructions(parse(beside.read_bytes())) == _instructions(parse(signed))
    except LoadError as error:
        return None, f"{beside}: {error}"
    return (beside, "") if same else (None, f"{beside} is of another build than {path.name}")


def symbol_files(applications: Mapping[UUID, Path], keys: Keys) -> dict[UUID, Path]:
    """Return the files with symbols of those TAs that have one."""
    found = {}
    for uuid, path in applications.items():
        if path.with_name(f"{uuid}.elf").is_file():
            symbols, _ = symbol_file(uuid, path, signed_elf(uuid, path, keys))
            if symbols is not None:
                found[uuid] = symbols
    return found


class SymbolLog:
    """Where the core's lines for people go through: what it says of places gets names.

    What begins otherwise than the core's lines do does not wait for the end of its line. Names take
    time to find: of many places that come at once, the last keep their numbers.

    Args:
        symbols: of `symbol_files`.
        write: takes the lines.
    """

    def __init__(self, symbols: Mapping[UUID, Path], write: Callable[[bytes], object]) -> None:
        self._symbols = symbols
        self._write = write
        self._rest = b""
        self._begun = False  # the line is one that was written in part
        self._known: dict[tuple[Path, int], str] = {}
        self._searches = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> int:
        """Take bytes; what may be the beginning of a core's line waits for the rest of it."""
        self._searches = _SEARCHES
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._write((line if self._begun else self._named(line)) + b"\n")
            self._begun = False
        if rest and (self._begun or rest[: len(_CORE)] != _CORE[: len(rest)]):
            self._write(rest)
            self._begun, rest = True, b""
        self._rest = rest
        return len(data)

    def close(self) -> None:
        """Give on what there is without its end."""
        rest, self._rest = self._rest, b""
        if rest:
            self._write(rest)

    def _named(self, line: bytes) -> bytes:
        report = _REPORT.match(line)
        if report is None:
            return line
        text = line.decode("utf-8", "surrogateescape")
        # A fault is where it says; all other places are those that calls return to.
        exact = None if report["kind"] == b"calls TEE_Panic" else _PLACE.search(text)

        def name(match: re.Match[str]) -> str:
            place = int(match["offset"], 16)
            at_fault = exact is not None and match.start() == exact.start()
            file = self._symbols.get(UUID(match["uuid"]))
            named = self._name(file, place if at_fault else place - _INSTRUCTION)
            return f"{match['uuid']}+{place:#x} ({named})" if named else match[0]

        return _PLACE.sub(name, text).encode("utf-8", "surrogateescape")

    def _name(self, file: Path | None, address: int) -> str:
        if file is None:
            return ""
        name = self._known.get((file, address))
        if name is not None:
            return name
        if not self._searches:
            return ""
        self._searches -= 1
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        return self._known.setdefault((file, address), _name(file, address))


@contextmanager
def error_log(
    applications: Mapping[UUID, Path], key: Path | None
) -> Iterator[Callable[[bytes], object]]:
    """Yield what writes a core's lines to standard error, with the names that there are.

    Who writes does not wait for names, and does not learn that nobody reads.

    Args:
        applications: the TAs, by UUID.
        key: PEM file of the key that signs them; None for OP-TEE's development key.
    """
    keys = read_keys([] if key is None else [key])
    with named_errors(symbol_files(applications, keys)) as named:
        out = _STDERR if named is None else named

        def write(data: bytes) -> None:
            with contextlib.suppress(OSError):
                _write(out, data)

        yield write


@contextmanager
def named_errors(symbols: Mapping[UUID, Path]) -> Iterator[int | None]:
    """Yield a descriptor whose lines go to standard error with names; None without symbols."""
    if not symbols:
        yield None
        return
    read_end, write_end = os.pipe()

    def copy() -> None:
        # An error: nobody reads what goes to standard error.
        with contextlib.suppress(OSError), SymbolLog(symbols, _to_stderr) as log:
            while data := os.read(read_end, _CHUNK):
                log.write(data)
        os.close(read_end)

    copier = threading.Thread(target=copy, name="symbols", daemon=True)
    copier.start()
    try:
        yield write_end
    finally:
        os.close(write_end)
        copier.join(_END_S)


def _to_stderr(data: bytes) -> None:
    _write(_STDERR, data)


def _write(out: int, data: bytes) -> None:
    while data:
        data = data[os.write(out, data) :]


def _name(file: Path, address: int) -> str:
    """Return function and source line of an address; empty if nobody knows."""
    _, linker = compiler_tools()
    program = linker.program.removesuffix("ld") + "addr2line"
    with contextlib.suppress(ToolError):
        function, place = process.run([program, "-f", "-C", "-e", file, f"{address:#x}"]).split(
            "\n"
        )[:2]
        if function != "??":
            return function if place.startswith("??") else f"{function} at {place}"
    return ""


def _instructions(image: ElfImage) -> list[tuple[int, bytes]]:
    return [(start, image.read(start, end - start, "code")) for start, end in image.code]
