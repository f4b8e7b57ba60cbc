# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench rmm`: how many instructions each operation of an RMM takes.

The program that counts (host/bench) needs nothing of an RMM but RMM 1.0, so that any image can be
measured, and all by the same run.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from realmos.cache import Cache
from realmos.errors import MachineError
from realmos.firmware import Flash, build_bench_flash
from realmos.machine import Machine, MachineSpec, RunDir, firmware_argv
from realmos.progress import Reporter
from realmos.source import find_qemu

FLOOR = "RMI_VERSION"
"""What the way to the RMM and back costs, of which EL3 has nearly all."""
_REALMS_FLOOR = "RSI_VERSION"
_TIMEOUT = 600.0
_END = "bench: end"
_BAILED_OUT = "bench: Bail out! "
_SERIES = re.compile(r"^bench: (\S+) median (\d+) min (\d+) max (\d+) samples (\d+)$")
_NOT_OFFERED = re.compile(r"^bench: (\S+) not offered$")


@dataclass(frozen=True)
class Cost:
    """Instructions that an operation took."""

    median: int
    least: int
    most: int
    samples: int


Costs = dict[str, Cost | None]
"""By operation; None for what the RMM does not offer."""


@dataclass(frozen=True)
class Measured:
    """One RMM image and its figures."""

    name: str
    sha256: str
    size: int
    costs: Costs


def bench_rmm(rmms: Sequence[Path], cache: Cache, reporter: Reporter, *, as_json: bool) -> None:
    """Measure our RMM, and those given, and print.

    Args:
        rmms: raw images to measure beside ours.
        cache: where finished things are kept.
        reporter: progress.
        as_json: print JSON instead of a table.

    Raises:
        RealmosError: whatever stage fails.
    """
    measured = [_measure(rmm, cache, reporter) for rmm in (None, *rmms)]
    if as_json:
        print(json.dumps({"floor": FLOOR, "rmms": [asdict(each) for each in measured]}))
    else:
        Console().print(make_table(measured))


def read_costs(lines: Iterable[str]) -> Costs:
    """Return what the program printed, in its order.

    Raises:
        MachineError: it gave up, and why.
    """
    costs: Costs = {}
    for line in lines:
        if line.startswith(_BAILED_OUT):
            raise MachineError(
                f"an operation could not be measured: {line.removeprefix(_BAILED_OUT)}",
                hint="does this RMM keep to RMM 1.0? `realmos logs` shows all layers",
            )
        if found := _SERIES.match(line):
            costs[found[1]] = Cost(*map(int, found.groups()[1:]))
        elif found := _NOT_OFFERED.match(line):
            costs[found[1]] = None
    return costs


def make_table(measured: Sequence[Measured]) -> Table:
    """Return the table: of one RMM in detail, of several side by side."""
    return _detail(measured[0]) if len(measured) == 1 else _side_by_side(measured)


def _measure(rmm: Path | None, cache: Cache, reporter: Reporter) -> Measured:
    flash = build_bench_flash(cache, reporter, rmm=rmm)
    name = "ours" if rmm is None else str(rmm)
    with reporter.task(f"Counting instructions of {'our RMM' if rmm is None else rmm}"):
        costs = _count(flash, cache, reporter)
    return Measured(name, flash.rmm.sha256, flash.rmm.size, costs)


def _count(flash: Flash, cache: Cache, reporter: Reporter) -> Costs:
    directory = RunDir.create()
    spec = MachineSpec(
        qemu=find_qemu(cache, reporter).argv_prefix,
        flash=flash.path,
        realms=(),
        logs=directory.logs,
        sockets=directory.sockets,
    )

    def is_over() -> bool:
        return any(machine.find_line(text) is not None for text in (_END, _BAILED_OUT))

    try:
        with Machine(spec, command=firmware_argv(spec, counting=True)) as machine:
            machine.wait_until(is_over, what=f"the line {_END!r}", timeout=_TIMEOUT)
            return read_costs(machine.watch.lines)
    finally:
        directory.remove_sockets()


def _detail(measured: Measured) -> Table:
    table = _table("instructions", "less the way", "at most")
    for name, cost in measured.costs.items():
        if cost is None:
            table.add_row(escape(name), _text(cost), "", "")
        else:
            less = _without_way(name, cost, measured.costs)
            table.add_row(escape(name), _text(cost), less, str(cost.most))
    table.caption = f"{FLOOR}, {_REALMS_FLOOR}: the way to the RMM and back, mostly EL3's"
    return table


def _without_way(name: str, cost: Cost, costs: Costs) -> str:
    floors = {"RMI_": FLOOR, "RSI_": _REALMS_FLOOR}
    floor = costs.get(floors.get(name[:4], ""))
    if floor is None or name in floors.values():
        return ""
    return str(cost.median - floor.median)


def _side_by_side(measured: Sequence[Measured]) -> Table:
    ours, others = measured[0], measured[1:]
    columns = [ours.name, *(title for each in others for title in (each.name, "to ours"))]
    table = _table(*columns)
    for name, cost in ours.costs.items():
        cells = [_text(cost)]
        for each in others:
            other = each.costs.get(name)
            ratio = f"{other.median / cost.median:.2f}" if other and cost else ""
            cells += [_text(other), ratio]
        table.add_row(escape(name), *cells)
    return table


def _text(cost: Cost | None) -> str:
    return "not offered" if cost is None else str(cost.median)


def _table(*titles: str) -> Table:
    right = [Column(escape(title), justify="right", overflow="fold") for title in titles]
    return Table(
        Column("operation", no_wrap=True), *right, title="Instructions by operation, medians"
    )
