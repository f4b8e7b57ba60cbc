# SPDX-License-Identifier: BSD-3-Clause
"""Debugging: the machine waits for gdb where it was asked to, and crashes can be read."""

import contextlib
import os
import re
import shlex
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from realmos import process
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.image import symbol_file
from realmos.machine import Symboliser
from realmos.progress import Silent
from realmos.pytest_plugin import RealmFactory
from realmos.realm import RealmConfig

pytestmark = pytest.mark.qemu

RUN = ["-m", "realmos.cli", "run", "--cold"]
PC = 32
"""Number of PC among gdb's registers of AArch64."""
NOWHERE = 0xDEAD0000
"""No address of BL31's."""


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

    def set_pc(self, address: int) -> None:
        assert self.ask(f"P{PC:x}={address.to_bytes(8, 'little').hex()}") == "OK"

    def pc(self) -> int:
        return int.from_bytes(bytes.fromhex(self.ask(f"p{PC:x}")), "little")


def symbols(elf: Path) -> dict[str, int]:
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


@dataclass
class Halted:
    """A machine that waits for its debugger, and the gdb command that was printed for it."""

    child: "pexpect.spawn[str]"
    command: list[str]

    def __post_init__(self) -> None:
        port = re.search(r"127\.0\.0\.1:(\d+)", " ".join(self.command))
        assert port, self.command
        self.stub = Stub(int(port[1]))

    @property
    def stop(self) -> int:
        """The address at which the command stops."""
        word = next(word for word in self.command if word.startswith("hbreak *"))
        return int(word.removeprefix("hbreak *"), 16)

    def run_to(self, address: int) -> None:
        assert self.stub.ask(f"Z1,{address:x},4") == "OK"
        assert self.stub.ask("c").startswith("T05")
        assert self.stub.pc() == address
        self.stub.ask(f"z1,{address:x},4")

    def let_go(self) -> None:
        self.stub.close()


@contextlib.contextmanager
def stopped(what: str, *, env: Mapping[str, str] = os.environ) -> Iterator[Halted]:
    """`realmos run --gdb=WHAT`, at the first instruction of that."""
    words = [*RUN, f"--gdb={what}", "--", "echo", "ran"]
    child = pexpect.spawn(
        sys.executable, words, encoding="utf-8", dimensions=(50, 400), env=dict(env)
    )
    try:
        child.expect(r"gdb-multiarch [^\r\n]+", timeout=300)
        halted = Halted(child, shlex.split(str(child.after)))
        halted.run_to(halted.stop)
        yield halted
    finally:
        child.close(force=True)


@pytest.mark.parametrize("what", ["realm", "rmm", "monitor"])
def test_gdb_finds_the_machine_halted_and_stops_it_where_asked(what: str) -> None:
    with stopped(what) as halted:
        if what != "realm":
            (elf,) = [word.split()[1] for word in halted.command if word.startswith("file ")]
            assert symbols(Path(elf))[f"{what}_entry"] == halted.stop
        halted.let_go()
        halted.child.expect_exact("ran", timeout=300)


def test_a_backtrace_names_functions_and_lines() -> None:
    found = build_firmware(Cache(), Silent()).symbols()
    symboliser = Symboliser(found)
    for prefix, name in (("RMM", "rmm"), ("MON", "monitor")):
        table = symbols(found[name])
        line = symboliser.line(f"{prefix}:   #0 {table['console_line'] + 8:#x}")
        assert re.search(r"console_line\+0x4 \(\S*console\.c:\d+\)$", line), line
    assert symboliser.line("RMM: ready") == "RMM: ready"
    assert Symboliser({}).line("RMM:   #0 0x1") == "RMM:   #0 0x1"


def test_the_symbols_of_the_realms_kernel_are_where_it_runs() -> None:
    with stopped("realm") as halted:
        (elf,) = [word.split()[1] for word in halted.command if word.endswith("/kernel.elf")]
        table = symbols(Path(elf))
        for name in ("start_kernel", "rest_init"):
            halted.run_to(table[name])
        halted.let_go()
        halted.child.expect_exact("ran", timeout=300)


def test_the_kernel_itself_has_the_same_names_at_the_same_addresses(
    realm_factory: RealmFactory,
) -> None:
    with realm_factory(realms=(RealmConfig(cmdline="nokaslr"),), cold=True) as session:
        elf = symbol_file(session.prepared.image.kernel, Cache())
        told = session.agent.run(["grep", "-v", "\\[", "/proc/kallsyms"]).stdout.decode()
    own = sorted((int(line.split()[0], 16), line.split()[2]) for line in told.splitlines())
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        made = sorted((symbol["st_value"], symbol.name) for symbol in table.iter_symbols())
    assert len(own) > 10_000
    assert made[1:] == own  # a table of symbols begins with an empty one


def test_a_crash_in_el3_is_told_with_the_function_that_called(tmp_path: Path) -> None:
    bl31 = symbols(build_firmware(Cache(), Silent()).symbols()["bl31"])
    state = {"REALMOS_STATE": str(tmp_path)}
    with stopped("monitor", env={**os.environ, **state}) as halted:
        halted.run_to(bl31["rmmd_rmi_handler"])
        halted.stub.set_pc(NOWHERE)
        halted.let_go()
        halted.child.expect_exact("Unhandled Exception in EL3.", timeout=300)
        halted.child.expect_exact("BL31", timeout=60)
        halted.child.expect(r"x30 += 0x[0-9a-f]+ sync_exception_handler\+0x", timeout=60)
        halted.child.expect(f"elr_el3 += {NOWHERE:#018x}", timeout=60)
    command = [sys.executable, "-m", "realmos.cli", "logs"]
    logs = process.run(command, env=process.base_env(**state))
    assert re.search(
        r"^ +BL31 \| x30 += 0x[0-9a-f]+ sync_exception_handler\+0x", logs, re.MULTILINE
    )
