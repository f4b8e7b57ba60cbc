# SPDX-License-Identifier: BSD-3-Clause
"""A machine brought to its agents' first answers: restored when it can be, booted when not."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.errors import BootError, MachineError, PeerError, PeerTimeoutError
from realmos.machine import (
    Layer,
    Machine,
    MachineSpec,
    RunDir,
    Snapshot,
    SnapshotStore,
    agent_socket,
    identity,
    load,
    restored_spec,
)
from realmos.progress import Reporter, Task
from realmos.session._evidence import Evidence, check, gather
from realmos.session._options import Options
from realmos.session._prepare import Prepared, prepare

_RESTORE_TIMEOUT = 60.0
_NO_REALM_HOST = (
    "an image for --bl33 must start the realms that the machine manifest lists, as our monitor "
    "does (ARCHITECTURE.md); `realmos logs` shows all that it printed"
)


@dataclass
class Session:
    """A running machine whose realms' agents answer."""

    prepared: Prepared
    machine: Machine
    restored: bool
    agents: list[AgentClient] = field(default_factory=list)
    seconds_to_answer: float = 0.0

    @property
    def agent(self) -> AgentClient:
        """The first realm's agent."""
        return self.agents[0]

    def evidence(self) -> Evidence:
        """Return what the consoles and the predictor say about the first realm."""
        return gather(
            self.machine,
            self.prepared.flash,
            self.prepared.realms[0],
            seconds=self.seconds_to_answer,
            restored=self.restored,
        )


@contextmanager
def running(
    options: Options,
    cache: Cache,
    reporter: Reporter,
    *,
    on_start: Callable[[Prepared], None] = lambda _: None,
) -> Iterator[Session]:
    """Build what is missing, start, and yield the session once every agent has answered.

    Args:
        options: what is wanted.
        cache: where finished things are kept.
        reporter: progress.
        on_start: called when everything is built, before QEMU starts.

    Raises:
        RealmosError: whatever stage fails; nothing is left running.
    """
    directory = RunDir.create()
    with ExitStack() as stack:
        stack.callback(directory.remove_sockets)
        prepared = prepare(options, cache, reporter, out=directory.logs)
        directory.write_facts(
            {
                "realms": [realm.config.name for realm in prepared.realms],
                "flash": prepared.flash.manifest(),
                "symbols": {name: str(path) for name, path in prepared.flash.symbols().items()},
            }
        )
        on_start(prepared)
        session = _start(prepared, prepared.spec(directory), SnapshotStore(cache), reporter, stack)
        # Last of all, for a machine that is restored or being saved stands still, and so do its
        # clocks.
        for agent in session.agents:
            agent.set_clock()
        yield session


def _start(
    prepared: Prepared,
    spec: MachineSpec,
    store: SnapshotStore,
    reporter: Reporter,
    stack: ExitStack,
) -> Session:
    options = prepared.options
    if options.cold or options.gdb is not None or options.probe_isolation:
        return stack.enter_context(_booted(prepared, spec, reporter))
    key = identity(spec, flash_sha256=prepared.flash.sha256, qemu_version=prepared.qemu.version)
    snapshot = store.find(key)
    if snapshot is not None:
        try:
            return stack.enter_context(_restored(prepared, spec, snapshot, reporter))
        except (MachineError, PeerError, OSError) as error:
            reporter.note(f"the snapshot did not come back to life, booting instead: {error}")
            store.discard(snapshot)
    session = stack.enter_context(_booted(prepared, spec, reporter))
    try:
        with reporter.task("Saving a snapshot for the next run"):
            store.save(session.machine, key)
    except (MachineError, OSError) as error:
        reporter.note(f"no snapshot was left for the next run: {error}")
    return session


@contextmanager
def _booted(prepared: Prepared, spec: MachineSpec, reporter: Reporter) -> Iterator[Session]:
    probe = prepared.options.probe_isolation
    with Machine(spec, probe_isolation=probe) as machine, ExitStack() as clients:
        session = Session(prepared, machine, restored=False)
        with reporter.task("Booting") as task:
            try:
                _connect_all(session, clients, _patience(prepared.options), task)
            except BootError as error:
                if prepared.options.bl33 is not None and error.layer == Layer.MONITOR:
                    error.hint = _NO_REALM_HOST
                raise
        yield session


def _patience(options: Options) -> float:
    """Return how long a boot may take; whoever steps through it has all the time there is."""
    return options.boot_timeout if options.gdb is None else math.inf


@contextmanager
def _restored(
    prepared: Prepared, spec: MachineSpec, snapshot: Snapshot, reporter: Reporter
) -> Iterator[Session]:
    with Machine(restored_spec(spec, snapshot)) as machine, ExitStack() as clients:
        session = Session(prepared, machine, restored=True)
        with reporter.task("Restoring") as task:
            load(machine)
            _connect_all(session, clients, _RESTORE_TIMEOUT, task)
            for agent in session.agents:
                agent.reseed()
        yield session


def _connect_all(session: Session, clients: ExitStack, timeout: float, task: Task) -> None:
    machine = session.machine
    for slot in machine.spec.realms:
        client = _connect(machine, slot.number, timeout, task)
        session.agents.append(clients.enter_context(_closing(client)))
    machine.watch.reach(Layer.WORKLOAD)
    session.seconds_to_answer = time.monotonic() - machine.started
    check(machine, session.prepared.flash, session.prepared.realms)


@contextmanager
def _closing(client: AgentClient) -> Iterator[AgentClient]:
    """Close a client at the end, whether or not its peer is still there."""
    try:
        yield client
    finally:
        with contextlib.suppress(PeerError, OSError):
            client.close()


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
            f"the agent of realm {number} did not answer within {timeout:.0f} s", realm=number
        ) from error
