# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench boot`: what a realm's boot costs beside the same kernel without RME."""

import json
from collections.abc import Callable, Mapping

from rich.console import Console

from realmos import session as sessions
from realmos.cache import Cache
from realmos.cli._bench_figures import Figures
from realmos.cli._bench_first_run import FirstRun, checkout, measure_first_run
from realmos.cli._bench_machines import Machines
from realmos.cli._bench_sizes import lines_of_code, sizes
from realmos.machine import RunDir
from realmos.progress import Reporter
from realmos.session import Options


def bench_boot(
    options: Options,
    cache: Cache,
    reporter: Reporter,
    count: int,
    *,
    first_run: bool,
    as_json: bool,
) -> None:
    """Measure and print.

    Args:
        options: the machine; its realm is booted, and its kernel once more without RME.
        cache: where finished things are kept.
        reporter: progress.
        count: runs of each kind.
        first_run: run scripts/run as on a fresh checkout with an empty cache, too.
        as_json: print JSON instead of tables.

    Raises:
        ConfigError: `first_run` without a checkout.
        RealmosError: whatever stage fails.
    """
    if first_run:
        checkout()  # before some minutes of measuring, not after them
    directory = RunDir.create()
    try:
        prepared = sessions.prepare(options, cache, reporter, out=directory.logs)
        machines = Machines(prepared, cache, reporter)
        machines.leave_snapshot()
        seconds = interleaved(machines.kinds(), count, reporter)
    finally:
        directory.remove_sockets()
    first: FirstRun | None = measure_first_run(cache, reporter) if first_run else None
    figures = Figures(options, seconds, sizes(prepared), lines_of_code(), first)
    if as_json:
        print(json.dumps(figures.as_json()))
    else:
        figures.print(Console())


def interleaved(
    kinds: Mapping[str, Callable[[], float]], count: int, reporter: Reporter
) -> dict[str, list[float]]:
    """Measure each kind `count` times in turns, so that other load on the machine meets all alike.

    Args:
        kinds: by name, what to measure; each returns seconds.
        count: how often.
        reporter: told of each figure.
    """
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(count):
        for kind, measure in kinds.items():
            seconds[kind].append(measure())
            reporter.note(f"{number + 1}/{count} {kind}: {seconds[kind][-1]:.2f} s")
    return seconds
