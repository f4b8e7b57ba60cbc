# SPDX-License-Identifier: BSD-3-Clause
"""A running machine: QEMU's life time, its consoles, and what stopped it."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from realmos import process
from realmos.errors import BootError, MachineError
from realmos.image import compile_source
from realmos.machine import _spec
from realmos.machine._console import Console, Consoles, Lines
from realmos.machine._layers import BootWatch, Layer, is_kernel_line, stopped_in
from realmos.machine._manifest import manifest_source, numbered_plan
from realmos.machine._qmp import Qmp
from realmos.machine._run_dir import log_lines
from realmos.machine._spec import MachineSpec
from realmos.machine._symbols import Symboliser

_POLL_SECONDS = 0.004
_QUIT_SECONDS = 5.0
_TAIL = 20
_QUIET_SECONDS = 0.25
_LAST_WORDS_SECONDS = 3.0
_PANIC = "Kernel panic - not syncing"
_CAUSE_LIMIT = 200


class Machine:
    """QEMU with realms in it; a context manager that leaves no QEMU and no socket behind.

    Args:
        spec: what to run.
        command: its command line; `argv(spec)` when absent.
        probe_isolation: have the monitor attack realm 0 (its own tests).
        consoles: pipes that `command` writes to besides, and the logs behind them.
    """

    def __init__(
        self,
        spec: MachineSpec,
        *,
        command: Sequence[str] | None = None,
        probe_isolation: bool = False,
        consoles: Mapping[Path, Path] | None = None,
    ) -> None:
        self.spec = spec
        self.watch = BootWatch()
        self.started = 0.0
        self._command = command
        self._probe = probe_isolation
        self._others = consoles or {}
        self._process: process.Process | None = None
        self._stack = contextlib.ExitStack()
        self._consoles: Consoles | None = None
        self._uart_at = 0
        self._uart_lines = Lines()

    def __enter__(self) -> Self:
        source = manifest_source(self.spec, probe_isolation=self._probe)
        compile_source(source, self.spec.logs / "manifest.dtb")
        for slot in self.spec.realms:
            plan = numbered_plan(self.spec, slot)
            (self.spec.logs / f"plan{slot.number}.bin").write_bytes(plan)
        command = self._command or _spec.argv(self.spec)
        qemu_pipe = self.spec.sockets / "qemu.pipe"
        consoles = self._open_consoles(qemu_pipe)
        with contextlib.ExitStack() as stack:
            self._consoles = stack.enter_context(consoles)
            self.started = time.monotonic()
            self._process = process.spawn(command, log=qemu_pipe)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._consoles = None
        self._stack.close()

    def _open_consoles(self, qemu_pipe: Path) -> Consoles:
        """Make the pipes that QEMU opens; a restored machine has a past in its logs."""
        goes_on = self.spec.incoming is not None
        if goes_on:
            self.poll_consoles()
        uart = Console(
            _spec.uart_pipe(self.spec),
            _spec.uart_log(self.spec),
            append=goes_on,
            on_data=self._hear,
        )
        realms = [
            Console(
                _spec.realm_pipe(self.spec, slot.number),
                _spec.realm_log(self.spec, slot.number),
                append=goes_on,
            )
            for slot in self.spec.realms
        ]
        others = [Console(pipe, log) for pipe, log in self._others.items()]
        return Consoles([uart, *realms, *others, Console(qemu_pipe, self.qemu_log)])

    @property
    def qemu_log(self) -> Path:
        """The log of QEMU's own messages."""
        return self.spec.logs / "qemu.log"

    @property
    def pid(self) -> int:
        """QEMU's process id.

        Raises:
            MachineError: it was not started.
        """
        if self._process is None:
            raise MachineError("this machine was not started")
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """QEMU's exit status, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def qmp(self) -> Qmp:
        """Connect to QEMU's control socket, waiting until it is there."""
        path = _spec.qmp_socket(self.spec)
        self.wait_until(path.exists, what="QEMU's control socket", timeout=30.0)
        return Qmp(path)

    def poll(self) -> None:
        """Read what the machine has printed since the last time.

        Raises:
            BootError: a line says that a layer has failed, or QEMU has ended.
        """
        self.poll_consoles()
        if self.watch.failure:
            self._hear_out()
            raise self.failure(self.watch.failure)
        status = self.exit_status
        if status is not None:
            self.poll_consoles()
            if status < 0:
                raise self.failure(f"QEMU was ended by signal {-status}", layer=Layer.QEMU)
            if self.watch.is_over:
                raise self.failure("the machine was powered off")
            raise self.failure(f"QEMU exited with {status}")

    def wait_until(self, ready: Callable[[], object], *, what: str, timeout: float) -> None:
        """Wait until `ready()` is true, following the consoles meanwhile.

        Raises:
            BootError: a layer failed, QEMU ended, or `timeout` seconds went by.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            self.poll()
            if time.monotonic() > deadline:
                raise self.failure(f"{what} did not come within {timeout:.0f} s")
            time.sleep(_POLL_SECONDS)

    def wait_line(self, text: str, *, timeout: float) -> str:
        """Wait for a line of UART0 that contains `text`, and return it."""
        self.wait_until(lambda: self.find_line(text), what=f"the line {text!r}", timeout=timeout)
        found = self.find_line(text)
        if found is None:
            raise MachineError(f"the line {text!r} has gone")
        return found

    def find_line(self, text: str) -> str | None:
        """Return the first line of UART0 so far that contains `text`."""
        self.poll_consoles()
        return next((line for line in self.watch.lines if text in line), None)

    def wait_power_off(self, *, timeout: float) -> int:
        """Wait until the monitor has powered the machine off; return the status it reported.

        Raises:
            BootError: QEMU did not end in time, or ended without the monitor saying so.
        """
        deadline = time.monotonic() + timeout
        while self.exit_status is None:
            if time.monotonic() > deadline:
                raise self.failure(f"the machine did not power off within {timeout:.0f} s")
            self.poll_consoles()
            time.sleep(_POLL_SECONDS)
        line = self.find_line("MON: power-off ")
        if line is None:
            raise self.failure("QEMU ended, but the monitor had not powered off")
        return int(line.split()[2])

    def failure(
        self, message: str, *, layer: Layer | None = None, realm: int | None = None
    ) -> BootError:
        """Return the error that says which layer stopped, with that layer's last lines.

        Args:
            message: what was seen, or waited for.
            layer: the layer at fault, where that is known better than the consoles tell.
            realm: the realm that it is about, ditto.
        """
        with contextlib.suppress(OSError):
            self.poll_consoles()
        number = self.watch.failed_realm if realm is None else realm
        if layer is None:
            layer = self.watch.failed_layer or self.layer(number)
        cause = self._panic(number) if layer is Layer.KERNEL else ""
        message = f"{message}: {cause}" if cause else message
        symboliser = Symboliser.of_run(self.spec.logs)
        tail = tuple(map(symboliser.line, self.tail(layer, number)))
        return BootError(symboliser.line(message), layer=layer, tail=tail, hint=self._hint(layer))

    def layer(self, realm: int = 0) -> Layer:
        """Return the furthest layer of a realm, or the one that died."""
        return stopped_in(self.watch.layer, log_lines(_spec.realm_log(self.spec, realm)))

    def tail(self, layer: Layer, realm: int = 0) -> tuple[str, ...]:
        """Return the last lines of one layer's output; what is in a realm is told of that one."""
        if layer is Layer.QEMU:
            return tuple(log_lines(self.qemu_log)[-_TAIL:])
        if layer in {Layer.KERNEL, Layer.AGENT, Layer.WORKLOAD}:
            early, late = self._kernel_lines(realm)
            alone = any(map(is_kernel_line, early))
            monitor = () if alone else self.watch.tail(Layer.MONITOR, 3)
            return (*_last_words(early), *_last_words(late), *monitor)
        return self.watch.tail(layer)

    def _kernel_lines(self, realm: int) -> tuple[list[str], list[str]]:
        """Return what a kernel printed on its UART, and on its console later."""
        prefix = f"MON: realm {realm} uart: "
        early = [
            line for line in self.watch.lines if line.startswith(prefix) or is_kernel_line(line)
        ]
        return early, log_lines(_spec.realm_log(self.spec, realm))

    def _panic(self, realm: int) -> str:
        """Return why a realm's kernel gave up, in its own words; nothing when it did not."""
        early, late = self._kernel_lines(realm)
        found = [_PANIC + line.partition(_PANIC)[2] for line in (*early, *late) if _PANIC in line]
        return found[0][:_CAUSE_LIMIT] if found else ""

    def _hint(self, layer: Layer) -> str:
        if layer in {Layer.BL31, Layer.RMM} and self.find_line("RMM: ready") is None:
            return "is the RMM image built for PLAT=qemu? `realmos logs` shows all layers"
        if layer is Layer.QEMU and (self.exit_status or 0) < 0:
            return "did somebody, or this machine's kernel for want of memory, kill it?"
        return "`realmos logs` shows all layers"

    def _hear_out(self) -> None:
        """Let whoever failed say why: a backtrace comes after the line that tells of it."""
        now = heard = time.monotonic()
        deadline = now + _LAST_WORDS_SECONDS
        while now < min(deadline, heard + _QUIET_SECONDS):
            before = self._uart_at
            time.sleep(_POLL_SECONDS)
            self.poll_consoles()
            now = time.monotonic()
            heard = now if self._uart_at != before else heard

    def poll_consoles(self) -> None:
        """Take what has been printed since the last time, judging nothing."""
        if self._consoles is not None:
            self._consoles.pump()
            return
        path = _spec.uart_log(self.spec)
        if path.exists():
            with path.open("rb") as file:
                file.seek(self._uart_at)
                self._hear(file.read())

    def _hear(self, data: bytes) -> None:
        self._uart_at += len(data)
        for line in self._uart_lines.feed(data):
            self.watch.feed(line)


def _last_words(lines: Sequence[str]) -> tuple[str, ...]:
    """Return a kernel log's end: from the panic on, whose reason comes before a long trace."""
    panics = [number for number, line in enumerate(lines) if _PANIC in line]
    return tuple(lines[panics[0] :][:_TAIL]) if panics else tuple(lines[-_TAIL:])
