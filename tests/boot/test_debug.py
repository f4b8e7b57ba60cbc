# SPDX-License-Identifier: BSD-3-Clause
"""Debugging: the machine waits for gdb where it was asked to, and crashes can be read."""

import re
import shlex
import socket
import sys
import time
from pathlib import Path

import pexpect
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.machine import symbolise
from realmos.progress import Silent

pytestmark = pytest.mark.qemu

RUN = ["-m", "realmos.cli", "run", "--cold"]
PC = 32
"""Number of PC among gdb's registers of AArch64."""


def _connect(port: int) -> socket.socket:
    """Connect to QEMU, which may only just be starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=120)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "QEMU's gdb stub does not listen"
            time.sleep(0.05)


class Stub:
    """As much of gdb's remote protocol as setting a breakpoint and reading a register takes."""

    def __init__(self, port: int) -> None:
        self._socket = _connect(port)
        self._data = b""

    def close(self) -> None:
        self.ask("D")  # without it the machine stays halted
        self._socket.close()

    def ask(self, command: str) -> str:
        """Send a packet and return the answer to it."""
        checksum = sum(command.encode()) & 0xFF
        self._socket.sendall(f"${command}#{checksum:02x}".encode())
        while (found := re.search(rb"\$([^#]*)#..", self._data)) is None:
            self._data += self._socket.recv(4096)
        self._data = self._data[found.end() :]
        self._socket.sendall(b"+")
        return found[1].decode()

    def pc(self) -> int:
        return int.from_bytes(bytes.fromhex(self.ask(f"p{PC:x}")), "little")


def symbols(elf: Path) -> dict[str, int]:
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


@pytest.mark.parametrize("what", ["realm", "rmm", "monitor"])
def test_gdb_finds_the_machine_halted_and_stops_it_where_asked(what: str) -> None:
    words = [*RUN, f"--gdb={what}", "--", "echo", "ran"]
    child = pexpect.spawn(sys.executable, words, encoding="utf-8", dimensions=(50, 400))
    try:
        child.expect(r"gdb-multiarch [^\r\n]+", timeout=300)
        command = shlex.split(str(child.after))
        port = int(re.search(r"127\.0\.0\.1:(\d+)", " ".join(command))[1])  # type: ignore[index] # it matched
        stop = next(word for word in command if word.startswith("hbreak")).split()[1]
        if stop.startswith("*"):
            address = int(stop[1:], 16)
        else:
            elf = next(word for word in command if word.startswith("file ")).split()[1]
            address = symbols(Path(elf))[stop]
        stub = Stub(port)
        assert stub.ask(f"Z1,{address:x},4") == "OK"
        assert stub.ask("c").startswith("T05")
        assert stub.pc() == address
        stub.ask(f"z1,{address:x},4")
        stub.close()
        child.expect_exact("ran", timeout=300)
    finally:
        child.close(force=True)


def test_a_backtrace_names_functions_and_lines() -> None:
    found = build_firmware(Cache(), Silent()).symbols()
    for prefix, name in (("RMM", "rmm"), ("MON", "monitor")):
        table = symbols(found[name])
        line = symbolise(f"{prefix}:   #0 {table['console_line'] + 8:#x}", found)
        assert re.search(r"console_line\+0x4 \(\S*console\.c:\d+\)$", line), line
    assert symbolise("RMM: ready", found) == "RMM: ready"
    assert symbolise("RMM:   #0 0x1", {}) == "RMM:   #0 0x1"
