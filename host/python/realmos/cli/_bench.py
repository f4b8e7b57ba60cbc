# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench boot`: what a realm's boot costs beside the same kernel without RME."""

import json
import statistics
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from realmos import session as sessions
from realmos import tree
from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.cli._bench_cold import ColdRun, measure_cold_run
from realmos.errors import MachineError
from realmos.machine import Machine, RunDir, agent_socket, plain_argv
from realmos.progress import Reporter
from realmos.session import Options, Prepared

if TYPE_CHECKING:
    from collections.abc import Callable

_C_ENDINGS = {".c", ".h", ".S"}


def bench_boot(
    options: Options,
    cache: Cache,
    reporter: Reporter,
    count: int,
    *,
    first_run: bool,
    as_json: bool,
) -> None:
    """Measure and print: medians of `count` runs, interleaved, and their ratios.

    Args:
        options: the machine; its realm is booted, and its kernel once more without RME.
        cache: where finished things are kept.
        reporter: progress.
        count: runs of each kind.
        first_run: measure a run with an empty cache too, which fetches and builds everything.
        as_json: print JSON instead of a table.
    """
    directory = RunDir.create()
    try:
        prepared = sessions.prepare(options, cache, reporter, out=directory.logs)
    finally:
        directory.remove_sockets()
    kinds: dict[str, Callable[[], float]] = {
        "realm, cold boot": lambda: _session(replace(options, cold=True), cache, reporter),
        "same kernel without RME": lambda: _plain(prepared),
        "realm, restored": lambda: _restored(options, cache, reporter),
    }
    _session(options, cache, reporter)  # leaves a snapshot for the restored runs
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(count):
        for kind, measure in kinds.items():
            seconds[kind].append(measure())
            reporter.note(f"{number + 1}/{count} {kind}: {seconds[kind][-1]:.2f} s")
    cold = measure_cold_run(replace(options, cold=True), reporter) if first_run else None
    _print(seconds, sizes(prepared), cold, as_json=as_json)


def sizes(prepared: Prepared) -> dict[str, int]:
    """Return bytes of each firmware image and image file, and lines of C of RMM and monitor."""
    flash = prepared.flash
    found = {"RMM image, bytes": flash.rmm.path.stat().st_size}
    found["monitor image, bytes"] = flash.bl33.path.stat().st_size
    found["kernel, initramfs and device tree, bytes"] = sum(
        blob.stat().st_size for blob in prepared.realms[0].blobs
    )
    found["lines of C and assembly, rmm/src"] = _lines(tree.root() / "rmm" / "src")
    found["lines of C and assembly, rmm/lib"] = _lines(tree.root() / "rmm" / "lib")
    found["lines of C and assembly, host/monitor"] = _lines(tree.root() / "host" / "monitor")
    return found


def _lines(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.suffix in _C_ENDINGS)
    return sum(len(path.read_text("utf-8").splitlines()) for path in files)


def _session(options: Options, cache: Cache, reporter: Reporter) -> float:
    with sessions.running(options, cache, reporter) as session:
        return session.seconds_to_answer


def _restored(options: Options, cache: Cache, reporter: Reporter) -> float:
    """Return the seconds to the first answer of a machine that did come from a snapshot.

    Raises:
        MachineError: it was booted, so the figure would be another's.
    """
    with sessions.running(options, cache, reporter) as session:
        if not session.restored:
            raise MachineError(
                "the machine was booted instead of restored", hint="--verbose says why"
            )
        return session.seconds_to_answer


def _plain(prepared: Prepared) -> float:
    """Return the seconds from QEMU's start to the agent's first answer without RME."""
    directory = RunDir.create()
    spec = prepared.spec(directory)
    kernel, initrd = prepared.image.kernel.path, prepared.image.initrd.path
    command = plain_argv(spec, kernel=kernel, initrd=initrd, cmdline=prepared.image.cmdline)
    try:
        with Machine(spec, command=command) as machine:
            path = agent_socket(spec, 0)
            machine.wait_until(path.exists, what="the agent's socket", timeout=30.0)
            with AgentClient(path, timeout=prepared.options.boot_timeout):
                return time.monotonic() - machine.started
    finally:
        directory.remove_sockets()


def _print(
    seconds: dict[str, list[float]],
    facts: dict[str, int],
    first: ColdRun | None,
    *,
    as_json: bool,
) -> None:
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    base = medians["same kernel without RME"]
    cold = medians["realm, cold boot"]
    if as_json:
        ratios = {
            "cold boot to plain boot": cold / base,
            "restore to cold boot": medians["realm, restored"] / cold,
        }
        run = None if first is None else asdict(first)
        text = {"seconds": seconds, "medians": medians, "ratios": ratios, "first run": run}
        print(json.dumps({**text, **facts}))
        return
    table = Table("QEMU start to first answer", "median s", "min s", "to plain", "to cold")
    for kind, values in seconds.items():
        numbers = (medians[kind], min(values), medians[kind] / base, medians[kind] / cold)
        table.add_row(kind, *(f"{number:.2f}" for number in numbers))
    console = Console()
    console.print(table)
    table = Table("size", "")
    for name, value in facts.items():
        table.add_row(name, f"{value:,}")
    console.print(table)
    if first is not None:
        _print_first_run(console, first)


def _print_first_run(console: Console, first: ColdRun) -> None:
    table = Table("first run, empty cache", "seconds")
    for stage, value in first.stages.items():
        table.add_row(stage, f"{value:.1f}")
    table.add_row("in all", f"{first.seconds:.1f}")
    table.add_row("fetched, MB", f"{first.fetched / 1e6:.0f}")
    table.add_row("disk, MB", f"{first.disk / 1e6:.0f}")
    console.print(table)
