# SPDX-License-Identifier: BSD-3-Clause
"""A machine brought to its agents' first answers: restored when it can be, booted when not."""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from realmos_agent.protocol import measurement

from realmos.agent import AgentClient
from realmos.attest import NONCE_MAX, Policy, ReferenceRem, Verdict
from realmos.cache import Cache
from realmos.errors import BootError, ConfigError, MachineError, PeerError, PeerTimeoutError
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
from realmos.session._trust import Attested, attested, enforce, event_difference, judge, policy_of

_PLAIN = (
    "--plain: nothing shows that this is a realm before it is given work, and whoever is in "
    "between can read and change all that is said to it"
)
_UNUSED = (ReferenceRem(measurement.REM_INDEX, log=()),)
_RESTORE_TIMEOUT = 60.0
_CHANNEL_TIMEOUT = 120.0
_NO_REALM_HOST = (
    "an image for --bl33 must start the realms that the machine manifest lists, as our monitor "
    "does (ARCHITECTURE.md); `realmos logs` shows all that it printed"
)


@dataclass
class Session:
    """A running machine whose realms' agents answer.

    Attributes:
        booted_because: why it was not restored, if it could have been.
        verdicts: on the token that each realm showed when its channel was made; none for `plain`.
    """

    prepared: Prepared
    machine: Machine
    restored: bool
    booted_because: str = ""
    agents: list[AgentClient] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    seconds_to_answer: float = 0.0
    seconds_to_channel: float = 0.0

    @property
    def agent(self) -> AgentClient:
        """The first realm's agent."""
        return self.agents[0]

    def attest(
        self, number: int = 0, *, events: Sequence[bytes] | None = None, nonce: bytes | None = None
    ) -> Attested:
        """Fetch a realm's token for a fresh nonce, and verify it.

        It must say what was predicted, or what the options' policy wants instead.

        Args:
            number: the realm's.
            events: what REM 1 must have taken so far; None when that is not to be compared.
            nonce: of the caller's, at most 64 bytes; REM 1 takes one of more than 32.

        Raises:
            AttestationError: it is not what was built, or was given something else to do; unless
                the options say that this does not matter.
            PeerRefusedError: the realm cannot attest to itself.
        """
        realm = self.prepared.realms[number]
        nonce = os.urandom(measurement.FREE_NONCE_MAX) if nonce is None else nonce
        if events is not None:
            events = [*events, *map(measurement.encode, measurement.attest_events(nonce))]
        found = attested(self.agents[number], self.policy(number, events), nonce)
        if self.prepared.options.verify:
            detail = ""
            if events is not None:
                detail = event_difference(events, found, realm.config.hash_algorithm)
            enforce(found.verdict, f"realm {number}", detail=detail)
        return found

    def secure(self) -> None:
        """Go on inside TLS with each realm, once its token shows that it is the one built here.

        Raises:
            AttestationError: one is not.
            ConfigError: the options' policy would take any realm.
        """
        began = time.monotonic()
        for number, agent in enumerate(self.agents):
            if self.prepared.options.verify and not self.policy(number).rims:
                raise ConfigError(
                    "the policy names no RIM, so it would trust any realm on this platform",
                    hint="`realmos measure --policy FILE` adds the RIM of an image",
                )
            # A channel's nonce is not the caller's, and always of this size. A realm that has been
            # given work, or a long nonce, may have made a token for the key of somebody else.
            policy = replace(self.policy(number), nonce_max_size=NONCE_MAX, rems=_UNUSED)
            patience = math.inf if self.prepared.options.gdb is not None else _CHANNEL_TIMEOUT
            agent.secure(judge(policy, self._keep), timeout=patience)
        self.seconds_to_channel = time.monotonic() - began

    def policy(self, number: int = 0, events: Sequence[bytes] | None = None) -> Policy:
        """Return what a realm's token must say; without events, nothing of REM 1."""
        given = self.prepared.options.policy
        if given is None:
            return policy_of(self.prepared.flash, self.prepared.realms[number], events=events)
        return given if events is not None else replace(given, rems=())

    def _keep(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        if self.prepared.options.verify:
            enforce(verdict, f"realm {len(self.verdicts) - 1}")

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
        _introduce(session, reporter)
        # Last of all, for a machine that is restored or being saved stands still, and so do its
        # clocks.
        for agent in session.agents:
            agent.set_clock()
        yield session


def _introduce(session: Session, reporter: Reporter) -> None:
    """Make sure of whom we talk to, and that nobody listens; or say that we do not."""
    if not session.prepared.options.plain:
        with reporter.task("Attesting"):
            session.secure()
        for number, verdict in enumerate(session.verdicts):
            if not verdict.passed:
                reporter.warn(f"realm {number} is not to be trusted: {verdict.first_failure}")
        return
    reporter.warn(_PLAIN)
    if session.restored:
        for agent in session.agents:
            agent.reseed()


def _start(
    prepared: Prepared,
    spec: MachineSpec,
    store: SnapshotStore,
    reporter: Reporter,
    stack: ExitStack,
) -> Session:
    options = prepared.options
    new = options.cold or options.counting or options.probe_isolation
    if new or options.gdb is not None:
        return stack.enter_context(_booted(prepared, spec, reporter))
    key = identity(spec, flash_sha256=prepared.flash.sha256, qemu_version=prepared.qemu.version)
    snapshot = store.find(key)
    why = "there was no snapshot of it"
    if snapshot is not None:
        try:
            return stack.enter_context(_restored(prepared, spec, snapshot, reporter))
        except (MachineError, PeerError, OSError) as error:
            why = f"its snapshot did not come back to life: {error}"
            reporter.note(f"booting instead: {why}")
            store.discard(snapshot)
    session = stack.enter_context(_booted(prepared, spec, reporter))
    session.booted_because = why
    for agent in session.agents:
        # Answered when the agent has imported all that it needs, for all copies.
        agent.renew(timeout=options.boot_timeout)
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
    prepared = prepared.copied(snapshot.rpvs)
    with Machine(restored_spec(spec, snapshot)) as machine, ExitStack() as clients:
        session = Session(prepared, machine, restored=True)
        with reporter.task("Restoring") as task:
            load(machine)
            _connect_all(session, clients, _RESTORE_TIMEOUT, task)
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
