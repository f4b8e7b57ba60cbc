# SPDX-License-Identifier: BSD-3-Clause
"""Realms without Linux: machines whose realms run the payloads of tests/payloads."""

import contextlib
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from realmos import process
from realmos.cache import Cache
from realmos.firmware import build_firmware
from realmos.machine import Machine, MachineSpec, RunDir, argv, place_realms
from realmos.machine._spec import realm_pipe
from realmos.progress import Silent
from realmos.realm import HASHES, Realm, RealmConfig, RealmParams, initial_measurement
from realmos.realm._plan import RAM_BASE, Load, build_plan
from realmos.session import Options
from realmos.source import find_qemu

MEMORY = 2 << 20
PATIENCE = 240.0
POLL_SECONDS = 0.01
COMPILER_FLAGS = (
    "-std=c11", "-O2", "-ffreestanding", "-fno-builtin", "-fno-tree-loop-distribute-patterns",
    "-fno-pic", "-fno-asynchronous-unwind-tables", "-mgeneral-regs-only", "-mstrict-align",
    "-march=armv8.5-a", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes",
    "-Wstrict-prototypes", "-Wconversion", "-Wvla", "-Wundef",
    "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack",
    "-Wl,-z,max-page-size=4096",
)  # fmt: skip


@dataclass
class PayloadRun:
    """A machine whose realms are payloads, by number; every wait is bounded."""

    machine: Machine
    realms: tuple[Realm, ...]
    ports: dict[int, socket.socket] = field(default_factory=dict)

    def wait_for(self, text: str) -> None:
        """Wait for a line of UART0, whatever becomes of other realms meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while self.machine.find_line(text) is None:
            over = self.machine.exit_status is not None or self.machine.find_line(": panic: ")
            if over or time.monotonic() > deadline:
                raise self.machine.failure(f"the line {text!r} did not come")
            time.sleep(POLL_SECONDS)

    def wait_told(self, realm: int, name: str) -> None:
        self.wait_for(f"MON: realm {realm} uart: {name}")

    def send(self, realm: int, data: bytes = b"?") -> None:
        """Send bytes to port 0 of a realm's virtio-serial device."""
        self.ports[realm].sendall(data)

    def finish(self) -> "Outcome":
        status = self.machine.wait_power_off(timeout=PATIENCE)
        received = {realm: _drain(port) for realm, port in self.ports.items()}
        return Outcome(status, tuple(self.machine.watch.lines), self.realms, received)


@dataclass(frozen=True)
class Outcome:
    """What a machine of payloads left behind."""

    status: int
    lines: tuple[str, ...]
    realms: tuple[Realm, ...]
    received: dict[int, bytes]

    def told(self, realm: int) -> list[str]:
        """What a realm said on its UART, line by line."""
        start = f"MON: realm {realm} uart: "
        return [line.removeprefix(start) for line in self.lines if line.startswith(start)]

    def values(self, realm: int) -> dict[str, list[int]]:
        """The same of the lines `name 0xvalue`, values by name, in order."""
        found: dict[str, list[int]] = defaultdict(list)
        for line in self.told(realm):
            name, separator, value = line.rpartition(" 0x")
            if separator:
                found[name].append(int(value, 16))
        return dict(found)

    def value(self, realm: int, name: str) -> int:
        """The one value of this name."""
        (value,) = self.values(realm)[name]
        return value


PayloadMachine = Callable[..., contextlib.AbstractContextManager[PayloadRun]]


@pytest.fixture(scope="session")
def payload(
    top: Path, generated: Path, cross_compile: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that builds the raw image of a payload by its name."""
    sources = top / "tests/payloads"
    out = tmp_path_factory.mktemp("payloads")
    script = out / "payload.ld"
    preprocess = ["-E", "-P", "-x", "c", "-D__ASSEMBLER__", f"-I{generated}"]
    process.run([f"{cross_compile}gcc", *preprocess, "-o", script, sources / "payload.ld.S"])
    common = [sources / name for name in ("start.S", "payload.c", "virtio.c")]

    def build(name: str) -> Path:
        image = out / f"{name}.bin"
        if not image.exists():
            elf = out / f"{name}.elf"
            words = (*COMPILER_FLAGS, f"-I{generated}", f"-Wl,-T,{script}", "-o", str(elf))
            process.run([f"{cross_compile}gcc", *words, *common, sources / f"{name}.c"])
            process.run([f"{cross_compile}objcopy", "-O", "binary", elf, image])
        return image

    return build


def _realm(image: Path, number: int, hash_algorithm: str) -> Realm:
    plan = build_plan(
        RealmParams(hash_algo=HASHES[hash_algorithm]),
        memory=MEMORY,
        loads=[Load(0, image.stat().st_size, RAM_BASE)],
        vcpus=1,
        entry=RAM_BASE,
        gprs=(number,),
    )
    rim = initial_measurement(plan, [image.read_bytes()])
    config = RealmConfig(name=image.stem, memory=MEMORY, hash_algorithm=hash_algorithm)
    return Realm(config, image.stem, (image,), plan, rim, RAM_BASE)


@pytest.fixture(scope="session")
def payload_machine(payload: Callable[[str], Path], realm_options: Options) -> PayloadMachine:
    """Return a function that boots a machine of payloads, realm 0 first.

    A payload is a name, or a name and a hash algorithm. The console port of each realm is a socket,
    so that tests and payloads can wait for each other.
    """
    cache = Cache()
    flash = build_firmware(cache, Silent(), rmm=realm_options.rmm, bl33=realm_options.bl33)
    qemu = find_qemu(cache, Silent())

    @contextlib.contextmanager
    def boot(
        *payloads: str | tuple[str, str], probe_isolation: bool = False
    ) -> Iterator[PayloadRun]:
        named = [(each, "sha-256") if isinstance(each, str) else each for each in payloads]
        realms = tuple(_realm(payload(name), n, algo) for n, (name, algo) in enumerate(named))
        directory = RunDir.create()
        with contextlib.ExitStack() as stack:
            stack.callback(directory.remove_sockets)
            spec = MachineSpec(
                qemu=qemu.argv_prefix,
                flash=flash.path,
                realms=place_realms(realms),
                logs=directory.logs,
                sockets=directory.sockets,
            )
            command = _with_console_sockets(spec)
            machine = stack.enter_context(
                Machine(spec, command=command, probe_isolation=probe_isolation)
            )
            run = PayloadRun(machine, realms)
            run.wait_for("MON: ready")
            for slot in spec.realms:
                port = stack.enter_context(socket.socket(socket.AF_UNIX))
                port.settimeout(PATIENCE)
                port.connect(str(_console_socket(spec, slot.number)))
                run.ports[slot.number] = port
            yield run

    return boot


def _console_socket(spec: MachineSpec, number: int) -> Path:
    return spec.sockets / f"console{number}"


def _with_console_sockets(spec: MachineSpec) -> list[str]:
    """QEMU's command line, each realm's console connected to a socket instead of its log."""
    words = argv(spec)
    for slot in spec.realms:
        n = slot.number
        old = f"file,id=console{n},path={realm_pipe(spec, n)}"
        new = f"socket,id=console{n},path={_console_socket(spec, n)},server=on,wait=off"
        words[words.index(old)] = new
    return words


def _drain(port: socket.socket) -> bytes:
    """What has come through a socket whose other end is closed."""
    data = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := port.recv(4096):
            data += piece
    return bytes(data)
