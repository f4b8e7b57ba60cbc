# SPDX-License-Identifier: BSD-3-Clause
"""The bench: a Trusted Application and its client, built; and what the client prints, read.

The pair is the same for every TEE that is measured, ours or another. In a realm both run beside the
core, with a stopwatch at its edge (`_bench_script`).
"""

import re
import shutil
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from realmos_agent.tee import client_numbers

from realmos import tree
from realmos.cache import Cache
from realmos.errors import MachineError
from realmos.progress import Reporter
from realmos.source import find_cross_compiler
from realmos.tee.build import TaSource, build_ta
from realmos.tee.build_client import ClientSource, build_client
from realmos.tee.devkit import find_dev_kit
from realmos.tee.libteec import NAME, Libteec, build_libteec
from realmos.tee.realm import CORE_OPTIONS, HOME

UUID_TA = UUID("4a03deef-5433-40bb-b266-807fffad2cf4")

_CLIENT = "bench"
_END = "bench: end"
_BAILED_OUT = "bench: Bail out! "
_EDGE = re.compile(r"^edge: (\d+) (\d+) (\d+)$")
_KINDS = {
    "open-session": (client_numbers.KIND_OPEN,),
    "close-session": (client_numbers.KIND_CLOSE,),
    "sessions-in-a-row": (client_numbers.KIND_OPEN, client_numbers.KIND_CLOSE),
}
"""The requests of a sample, if it is no invocation."""
_SERIES = re.compile(
    r"^bench: (\S+) (\d+) median (\d+) min (\d+) max (\d+) samples (\d+) from (\d+) to (\d+)$"
)


@dataclass(frozen=True)
class BenchPair:
    """What is run.

    Attributes:
        application: the TA, signed with the development key.
        client: the program that calls it, linked with libteec.so.2; its words are how many samples
            are taken of each operation, and how the names begin of those that are measured.
    """

    application: Path
    client: Path


@dataclass(frozen=True)
class Series:
    """One operation, measured.

    Attributes:
        name: of the operation.
        size: bytes that it works on.
        median: nanoseconds by the client's CLOCK_MONOTONIC, which are instructions where the
            machine counts them.
        least: the same.
        most: the same.
        samples: how many.
        begin: when the series began, by the same clock.
        end: when it was over.
    """

    name: str
    size: int
    median: int
    least: int
    most: int
    samples: int
    begin: int
    end: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the other series of a run."""
        return self.name, self.size


@dataclass(frozen=True)
class Edge:
    """One request, as the edge of a TEE saw it.

    Attributes:
        kind: of the request's frame.
        begin: when it was sent, by the client's clock.
        took: nanoseconds until its answer was there.
    """

    kind: int
    begin: int
    took: int


def build_bench(cache: Cache, reporter: Reporter, *, architecture: str = "arm64") -> BenchPair:
    """Return the pair, built if the cache does not hold it.

    Args:
        cache: where it is kept.
        reporter: progress.
        architecture: the client's: `arm64`, or the build machine's.

    Raises:
        ToolError: make or a compiler is absent, or fails.
        SourceError: OP-TEE's dev kit or headers cannot be had.
    """
    source = tree.root() / "guest" / "optee" / "bench"
    kit, compiler = find_dev_kit(cache, reporter), find_cross_compiler()
    library = build_libteec(cache, reporter, architecture=architecture)
    inputs = {
        "sources": tree.digest([source]),
        "kit": kit.version,
        "compiler": compiler.identity,
        "library": library.sha256,
        "architecture": architecture,
    }

    def make(out: Path) -> None:
        with cache.scratch() as work:
            copy = work / "source"
            shutil.copytree(source, copy)
            ta = TaSource(copy / "ta")
            built = build_ta(ta, kit, compiler, out=work / "ta", cache=cache, reporter=reporter)
            client = ClientSource(copy / "host", architecture)
            build_client(client, out=work / "client", cache=cache, reporter=reporter)
            shutil.copyfile(built.path, out / f"{UUID_TA}.ta")
            shutil.copy(work / "client" / _CLIENT, out / _CLIENT)

    home = cache.build("tee-bench", inputs, make)
    return BenchPair(home / f"{UUID_TA}.ta", home / _CLIENT)


def read_series(lines: Iterable[str]) -> list[Series]:
    """Return what the client measured, from what it printed.

    Raises:
        MachineError: it gave up, and why; or it did not come to its end.
    """
    found = []
    for line in lines:
        if line.startswith(_BAILED_OUT):
            raise MachineError(f"the bench's client gave up: {line.removeprefix(_BAILED_OUT)}")
        if match := _SERIES.match(line):
            found.append(Series(match[1], *map(int, match.groups()[1:])))
        elif line == _END:
            return found
    raise MachineError("the bench's client did not come to its end")


def read_edges(lines: Iterable[str]) -> list[Edge]:
    """Return what a realm's stopwatch noted, from what it printed."""
    return [Edge(*map(int, match.groups())) for line in lines if (match := _EDGE.match(line))]


def edge_medians(series: Iterable[Series], edges: Sequence[Edge]) -> dict[tuple[str, int], int]:
    """Return what the requests of each series took at the edge, by operation and size."""
    found = {}
    for each in series:
        kinds = _KINDS.get(each.name, (client_numbers.KIND_INVOKE,))
        inside = [edge for edge in edges if each.begin <= edge.begin <= each.end]
        took = [[edge.took for edge in inside if edge.kind == kind] for kind in kinds]
        if samples := [sum(parts) for parts in zip(*took, strict=True)]:
            found[each.key] = int(statistics.median(samples))
    return found


def inside_files(pair: BenchPair, library: Libteec) -> dict[str, Path]:
    """Return what a realm that is measured is given, by its paths there."""
    return {
        f"{HOME}/{pair.application.name}": pair.application,
        f"{HOME}/{_CLIENT}": pair.client,
        f"{HOME}/{NAME}": library.path,
    }


def inside_script() -> bytes:
    """Return the script for a realm's agent that runs core and client there."""
    return Path(__file__).with_name("_bench_script.py").read_bytes()


def inside_argv(samples: int) -> list[str]:
    """Return the script's words: with so many samples of each operation."""
    return [_CLIENT, HOME, f"{HOME}/{_CLIENT}", str(samples), "--", *CORE_OPTIONS]
