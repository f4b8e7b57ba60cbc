# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench tee`: what a TEE's operations cost, in a realm's instructions or local time.

Beside a realm's may stand the same program's figures on OP-TEE itself: the peer.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from rich.console import Console
from rich.table import Column, Table

from realmos import process
from realmos import session as sessions
from realmos.cache import Cache
from realmos.errors import MachineError
from realmos.peer import measure_peer
from realmos.progress import Reporter
from realmos.session import Options, Session
from realmos.tee.bench import (
    BenchPair,
    Series,
    build_bench,
    edge_medians,
    inside_argv,
    inside_files,
    inside_script,
    read_edges,
    read_series,
)
from realmos.tee.libteec import build_architecture, build_libteec
from realmos.tee.local import find_applications, find_client, local_tee

_TIMEOUT = 3600.0
_THOUSAND = 1000
_FILE_WIDTH = 140  # columns, where there is no terminal whose width would count
_OURS = "ours"
_PEER = "OP-TEE"


@dataclass(frozen=True)
class Measured:
    """One TEE and its figures.

    Args:
        name: of the TEE.
        counted: they are instructions; else nanoseconds of this machine's clock.
        series: as the client saw them, to which all on the way belongs.
        edges: medians at the edge of the TEE, from request to answer, by operation and size; none
            where nobody stands there.
    """

    name: str
    counted: bool
    series: Sequence[Series]
    edges: dict[tuple[str, int], int]

    def as_json(self) -> dict[str, object]:
        """Return everything for machines."""
        unit = "instructions" if self.counted else "nanoseconds"
        rows = [{**asdict(each), "edge": self.edges.get(each.key)} for each in self.series]
        return {"name": self.name, "unit": unit, "series": rows}


def bench_tee(
    options: Options,
    cache: Cache,
    reporter: Reporter,
    count: int,
    *,
    local: bool,
    as_json: bool,
    peer: bool = False,
) -> None:
    """Measure and print.

    Args:
        options: the machine, of one realm.
        cache: where finished things are kept.
        reporter: progress.
        count: samples of each operation; fewer of one that takes long.
        local: measure the TEE of `realmos ta run --local` instead.
        as_json: print JSON instead of a table.
        peer: measure OP-TEE itself, too, beside the realm's.

    Raises:
        RealmosError: whatever stage fails.
    """
    if local:
        measured = [measure_local(cache, reporter, count)]
    else:
        measured = [measure_realm(options, cache, reporter, count)]
    if peer:
        measured.append(measure_op_tee(cache, reporter, count))
    if as_json:
        print(json.dumps({"tees": [each.as_json() for each in measured]}))
    else:
        console = Console()
        if not console.is_terminal:
            console.width = _FILE_WIDTH
        console.print(make_table(measured))


def measure_local(cache: Cache, reporter: Reporter, count: int) -> Measured:
    """Measure the TEE that runs on this machine, its TAs under an emulator, by the clock."""
    pair = build_bench(cache, reporter, architecture=build_architecture())
    applications = find_applications([pair.application], None)
    with local_tee(applications, None, cache=cache, reporter=reporter) as tee:
        words = [str(pair.client), str(count)]
        client = find_client(words, tee, cache=cache, reporter=reporter)
        with reporter.task("Measuring"):
            said = process.run(client.argv, env=process.base_env(**client.environment))
    return Measured(_OURS, False, read_series(said.splitlines()), {})


def measure_realm(options: Options, cache: Cache, reporter: Reporter, count: int) -> Measured:
    """Measure a TEE in a realm, whose client is there, too, by the instructions that it takes."""
    pair = build_bench(cache, reporter)
    with sessions.running(replace(options, counting=True), cache, reporter) as session:
        _put(session, pair, cache, reporter)
        with reporter.task("Measuring"):
            done = session.agent.run(inside_argv(count), script=inside_script(), timeout=_TIMEOUT)
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.status:
        error = done.stderr.decode(errors="replace").strip()
        raise MachineError(f"the bench failed in the realm: {lines[-1:]} {error}")
    series = read_series(lines)
    return Measured(_OURS, True, series, edge_medians(series, read_edges(lines)))


def measure_op_tee(cache: Cache, reporter: Reporter, count: int) -> Measured:
    """Measure OP-TEE on the same QEMU, by the same program, in instructions, too."""
    figures = measure_peer(build_bench(cache, reporter), cache, reporter, count)
    return Measured(_PEER, True, figures.series, figures.edges)


def make_table(measured: Sequence[Measured]) -> Table:
    """Return the table: of one TEE in detail, of two side by side."""
    unit = "thousands of instructions" if measured[0].counted else "microseconds"
    cells = _detail(measured[0]) if len(measured) == 1 else _side_by_side(*measured)
    table = Table(
        Column("operation", no_wrap=True), Column("bytes", justify="right", overflow="fold"),
        *(Column(title, justify="right", overflow="fold") for title in next(cells)),
        title=f"TEE: medians, in {unit}",
    )  # fmt: skip
    rows = zip(measured[0].series, cells, strict=True)
    for series, row in rows:
        table.add_row(series.name, str(series.size or ""), *row)
    if measured[0].edges:
        table.caption = "edge: from a request at the TEE to its answer there; client: all of it"
    return table


def _detail(one: Measured) -> Iterator[Sequence[str]]:
    """Yield the titles of one TEE's columns, then a row for each series."""
    edges = bool(one.edges)
    yield [*(["edge"] if edges else []), "client", "client, least", "client, most"]
    for series in one.series:
        edge = [_text(one.edges.get(series.key))] if edges else []
        yield [*edge, *map(_text, (series.median, series.least, series.most))]


def _side_by_side(ours: Measured, other: Measured) -> Iterator[Sequence[str]]:
    """Yield the titles of two TEEs' columns, then a row for each series of the first."""
    names = (ours.name, other.name, f"{other.name} to {ours.name}")
    yield [f"{where}: {name}" for where in ("edge", "client") for name in names]
    theirs = {series.key: series.median for series in other.series}
    for series in ours.series:
        key = series.key
        edges, whole = (ours.edges.get(key), other.edges.get(key)), (series.median, theirs.get(key))
        yield [cell for pair in (edges, whole) for cell in (*map(_text, pair), _ratio(*pair))]


def _text(value: int | None) -> str:
    return "" if value is None else f"{value / _THOUSAND:,.1f}"


def _ratio(ours: int | None, other: int | None) -> str:
    return f"{other / ours:.2f}" if ours and other else ""


def _put(session: Session, pair: BenchPair, cache: Cache, reporter: Reporter) -> None:
    library = build_libteec(cache, reporter, architecture="arm64")
    for remote, path in inside_files(pair, library).items():
        session.agent.put(path, remote)
