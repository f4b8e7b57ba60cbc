# SPDX-License-Identifier: BSD-3-Clause
"""The whole way from options to realms that answer: composition for the CLI and the plugin."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.errors import AttestationError, ConfigError, PeerTimeoutError
from realmos.firmware import Flash, build_firmware
from realmos.image import Image, build_image
from realmos.machine import (
    Layer,
    Machine,
    MachineSpec,
    RunDir,
    agent_socket,
    place_realms,
)
from realmos.progress import Reporter, Task
from realmos.realm import Realm, RealmConfig, build_realm
from realmos.source import find_qemu

_READY = re.compile(r"RMM: ready: RMI (\S+) RSI (\S+)")
_ACTIVE = re.compile(r"RMM: realm (\d+) active: rim (\S+) ([0-9a-f]+)")
BOOT_TIMEOUT = 300.0
"""Seconds after which a boot is given up: a safety net, some fifty times what it takes."""


@dataclass(frozen=True)
class Options:
    """Everything that shapes a machine.

    Args:
        image: name of an image recipe.
        realms: one configuration per realm.
        rmm: an RMM image to use instead of ours.
        bl33: a normal-world image to use instead of the monitor.
        gdb: TCP port for QEMU's gdb stub; the machine then starts halted.
        boot_timeout: seconds to wait for the first answer.
        cold: boot even when there is a snapshot, and leave none.
        probe_isolation: have the monitor attack realm 0.
    """

    image: str = "linux"
    realms: tuple[RealmConfig, ...] = (RealmConfig(),)
    rmm: Path | None = None
    bl33: Path | None = None
    gdb: int | None = None
    boot_timeout: float = BOOT_TIMEOUT
    cold: bool = False
    probe_isolation: bool = False


@dataclass(frozen=True)
class Evidence:
    """What is known about the first realm and what it runs on.

    `rim` and the versions are empty when the RMM does not print them (one that was brought in).
    """

    rmm_sha256: str
    rmm_origin: str
    rmi_version: str
    rsi_version: str
    hash_algorithm: str
    rim: str
    predicted_rim: str
    seconds_to_answer: float

    @property
    def rim_matches(self) -> bool | None:
        """Whether the RMM's RIM is the predicted one; None when it did not say."""
        return self.rim == self.predicted_rim if self.rim else None


@dataclass
class Prepared:
    """Everything built, nothing running."""

    options: Options
    flash: Flash
    image: Image
    realms: tuple[Realm, ...]
    qemu: tuple[str, ...]


@dataclass
class Session:
    """A running machine whose realms' agents answer."""

    prepared: Prepared
    machine: Machine
    agents: list[AgentClient] = field(default_factory=list)
    seconds_to_answer: float = 0.0

    @property
    def agent(self) -> AgentClient:
        """The first realm's agent."""
        return self.agents[0]

    def evidence(self) -> Evidence:
        """Return what the consoles and the predictor say about the first realm."""
        flash = self.prepared.flash
        realm = self.prepared.realms[0]
        ready = _READY.search(self.machine.find_line("RMM: ready: ") or "")
        active = _ACTIVE.search(self.machine.find_line(" active: rim ") or "")
        return Evidence(
            rmm_sha256=flash.rmm.sha256,
            rmm_origin=flash.rmm.origin,
            rmi_version=ready[1] if ready else "",
            rsi_version=ready[2] if ready else "",
            hash_algorithm=realm.config.hash_algorithm,
            rim=active[3] if active else "",
            predicted_rim=realm.rim.hex(),
            seconds_to_answer=self.seconds_to_answer,
        )

    def check_measurement(self) -> None:
        """Compare the RIM that the RMM printed with the predicted one.

        Raises:
            AttestationError: they differ.
        """
        evidence = self.evidence()
        if evidence.rim_matches is False:
            raise AttestationError(
                "the realm's initial measurement is not the predicted one\n"
                f"  measured  {evidence.rim}\n  predicted {evidence.predicted_rim}",
                hint="the monitor or the image was changed on its way: do not trust this realm",
            )


def prepare(options: Options, cache: Cache, reporter: Reporter, *, out: Path) -> Prepared:
    """Build or find everything a machine needs.

    Args:
        options: what is wanted.
        cache: where finished things are kept.
        reporter: progress.
        out: directory for what is made anew each time (device trees).
    """
    qemu = find_qemu(cache, reporter)
    flash = build_firmware(cache, reporter, rmm=options.rmm, bl33=options.bl33)
    image = build_image(options.image, cache, reporter)
    realms = []
    for number, config in enumerate(options.realms):
        folder = out / f"realm{number}"
        folder.mkdir(parents=True, exist_ok=True)
        realms.append(build_realm(image, config, out=folder))
    return Prepared(options, flash, image, tuple(realms), qemu.argv_prefix)


@contextmanager
def running(
    options: Options,
    cache: Cache,
    reporter: Reporter,
    *,
    on_start: Callable[[Prepared], None] = lambda _: None,
) -> Iterator[Session]:
    """Build what is missing, boot, and yield the session once every agent has answered.

    Args:
        options: what is wanted.
        cache: where finished things are kept.
        reporter: progress.
        on_start: called when everything is built, before QEMU starts.

    Raises:
        RealmosError: whatever stage fails; nothing is left running.
    """
    directory = RunDir.create()
    try:
        prepared = prepare(options, cache, reporter, out=directory.logs)
        on_start(prepared)
        with booted(prepared, directory, reporter) as session:
            yield session
    finally:
        directory.remove_sockets()


@contextmanager
def booted(prepared: Prepared, directory: RunDir, reporter: Reporter) -> Iterator[Session]:
    """Start the machine and yield the session once every agent has answered."""
    if not prepared.realms:
        raise ConfigError("a machine has at least one realm")
    spec = MachineSpec(
        qemu=prepared.qemu,
        flash=prepared.flash.path,
        realms=place_realms(prepared.realms),
        logs=directory.logs,
        sockets=directory.sockets,
        gdb=prepared.options.gdb,
    )
    directory.write_facts(
        {
            "realms": [realm.config.name for realm in prepared.realms],
            "flash": prepared.flash.manifest(),
            "symbols": {name: str(path) for name, path in prepared.flash.symbols().items()},
        }
    )
    with Machine(spec, probe_isolation=prepared.options.probe_isolation) as machine:
        session = Session(prepared, machine)
        with contextlib.ExitStack() as clients, reporter.task("Booting") as task:
            for slot in spec.realms:
                client = _connect(machine, slot.number, prepared.options.boot_timeout, task)
                session.agents.append(clients.enter_context(client))
                session.seconds_to_answer = time.monotonic() - machine.started
            held = clients.pop_all()
        with held:
            yield session


def _connect(machine: Machine, number: int, timeout: float, task: Task) -> AgentClient:
    """Wait for a realm's agent.

    Raises:
        BootError: it does not answer in time, or a layer stopped before.
    """
    layers = list(Layer)

    def watch() -> None:
        machine.poll()
        layer = machine.watch.layer
        task.update(done=layers.index(layer), total=layers.index(Layer.WORKLOAD), note=layer)

    path = agent_socket(machine.spec, number)
    machine.wait_until(path.exists, what="QEMU's socket", timeout=timeout)
    try:
        return AgentClient(path, timeout=timeout, watch=watch)
    except PeerTimeoutError as error:
        raise machine.failure(
            f"the agent of realm {number} did not answer within {timeout:.0f} s"
        ) from error
