# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench attest`: what attestation costs, from a prediction to a whole run.

The runs are of a realm that a snapshot brings back, which runs `true` and shows a token, inside the
attested channel and without it in turns.
"""

import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from realmos import session as sessions
from realmos.attest import Policy, verify
from realmos.cache import Cache
from realmos.cli._bench import interleaved
from realmos.cli._bench_machines import check_restored
from realmos.errors import MachineError
from realmos.machine import RunDir
from realmos.progress import Reporter, Silent
from realmos.realm import Workload, build_realm, encoded_events
from realmos.session import Attested, Options, Prepared, Session

PREDICTION, VERIFICATION = "prediction", "verification"
TOKEN, FETCH = "token", "fetch"
CHANNEL = "channel"
RUN, PLAIN = "run", "run_plain"
_TITLES = {
    PREDICTION: "RIM predicted, offline",
    VERIFICATION: "token verified, on this machine",
    TOKEN: "token made, in the realm",
    FETCH: "token fetched through the channel, and verified",
    CHANNEL: "channel made: key, token, handshake, verdict",
    RUN: "realmos run -- true, restored",
    PLAIN: "the same with --plain",
}
_PROGRAM = Workload(("true",))
_BATCH = 20
_TIMEOUT = 300.0
_TOKENS = b"""
import os, sys, time
from realmos_agent import attestation
attestation.token(os.urandom(64))  # loads the drivers
for _ in range(int(sys.argv[1])):
    nonce = os.urandom(64)
    began = time.monotonic()
    attestation.token(nonce)
    print(time.monotonic() - began)
"""


@dataclass(frozen=True)
class Costs:
    """All figures of one run of `realmos bench attest`.

    Args:
        options: the machine.
        seconds: of each time that each thing was done.
    """

    options: Options
    seconds: Mapping[str, Sequence[float]]

    @property
    def medians(self) -> dict[str, float]:
        """The median seconds of each thing."""
        return {what: statistics.median(values) for what, values in self.seconds.items()}

    def as_json(self) -> dict[str, object]:
        """Return everything for machines."""
        realm, medians = self.options.realms[0], self.medians
        return {
            "image": self.options.image,
            "memory": realm.memory,
            "vcpus": realm.vcpus,
            "count": len(self.seconds[RUN]),
            "seconds": {what: list(values) for what, values in self.seconds.items()},
            "medians": medians,
            "verifications_per_second": 1 / medians[VERIFICATION],
            "ratios": {"run_to_plain": medians[RUN] / medians[PLAIN]},
        }

    def table(self) -> Table:
        """Return everything for people."""
        numbers = ("median ms", "min ms", "max ms", "samples")
        table = Table("attestation", *(Column(name, justify="right") for name in numbers))
        for what, values in self.seconds.items():
            cells = (self.medians[what], min(values), max(values))
            table.add_row(_TITLES[what], *(f"{1e3 * cell:.1f}" for cell in cells), str(len(values)))
        rate, ratio = 1 / self.medians[VERIFICATION], self.medians[RUN] / self.medians[PLAIN]
        table.caption = f"{rate:.0f} verifications a second; a run takes {ratio:.2f} of a plain one"
        return table


def bench_attest(
    options: Options, cache: Cache, reporter: Reporter, count: int, *, as_json: bool
) -> None:
    """Measure and print.

    Args:
        options: the machine, of one realm.
        cache: has, or gets, the machine's snapshot.
        reporter: progress.
        count: how often each thing is done; verifications in batches.
        as_json: print JSON instead of a table.

    Raises:
        RealmosError: whatever stage fails.
    """
    bench = _Bench(options, cache, reporter, count)
    costs = Costs(options, bench.measure())
    if as_json:
        print(json.dumps(costs.as_json()))
    else:
        Console().print(costs.table())


@dataclass
class _Bench:
    """The measurements, in the order in which they are shown."""

    options: Options
    cache: Cache
    reporter: Reporter
    count: int
    channels: list[float] = field(default_factory=list)

    def measure(self) -> dict[str, list[float]]:
        with sessions.running(self.options, self.cache, self.reporter) as session:
            seconds = self._tokens(session)  # leaves a snapshot for what follows
        runs = interleaved({RUN: self._run, PLAIN: self._plain}, self.count, self.reporter)
        return {PREDICTION: self._predictions(), **seconds, CHANNEL: self.channels, **runs}

    def _predictions(self) -> list[float]:
        directory = RunDir.create()
        try:
            prepared = sessions.prepare(self.options, self.cache, self.reporter, out=directory.logs)
            return _predictions(prepared, directory.logs, self.count)
        finally:
            directory.remove_sockets()

    def _tokens(self, session: Session) -> dict[str, list[float]]:
        """Measure in the realm first: so what its kernel loads at the first use is there."""
        words = ["tokens.py", str(self.count)]
        done = session.agent.run(words, script=_TOKENS, timeout=_TIMEOUT)
        if done.status:
            error = done.stderr.decode(errors="replace").strip()
            raise MachineError(f"no tokens were made in the realm: {error}")
        fetches: list[float] = []
        for _ in range(self.count):
            with _stopwatch(fetches):
                session.attest()
        return {
            VERIFICATION: _verifications(session.attest(), session.policy(), self.count),
            TOKEN: [float(line) for line in done.stdout.split()],
            FETCH: fetches,
        }

    def _run(self) -> float:
        return self._whole_run(self.options, self.reporter)

    def _plain(self) -> float:
        return self._whole_run(replace(self.options, plain=True), Silent())  # who asked is warned

    def _whole_run(self, options: Options, reporter: Reporter) -> float:
        session, seconds = self._one_run(options, reporter)
        if not session.restored:  # that boot left a snapshot
            session, seconds = self._one_run(options, reporter)
        check_restored(session)
        if not options.plain:
            self.channels.append(session.seconds_to_channel)
        return seconds

    def _one_run(self, options: Options, reporter: Reporter) -> tuple[Session, float]:
        events = encoded_events(_PROGRAM)
        took: list[float] = []
        with _stopwatch(took), sessions.running(options, self.cache, reporter) as session:
            session.agent.run(_PROGRAM.argv, timeout=_TIMEOUT)
            session.attest(events=events)
        return session, took[0]


@contextmanager
def _stopwatch(took: list[float]) -> Iterator[None]:
    """Append the seconds that the block takes."""
    began = time.monotonic()
    yield
    took.append(time.monotonic() - began)


def _predictions(prepared: Prepared, out: Path, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        with _stopwatch(took):
            build_realm(prepared.image, prepared.options.realms[0], out=out)
    return took


def _verifications(found: Attested, policy: Policy, count: int) -> list[float]:
    """Return means of batches: one verification takes little longer than a clock may be off."""
    took: list[float] = []
    for _ in range(count):
        with _stopwatch(took):
            for _ in range(_BATCH):
                verify(found.token, policy, nonce=found.nonce)
    return [seconds / _BATCH for seconds in took]
