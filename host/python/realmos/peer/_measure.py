# SPDX-License-Identifier: BSD-3-Clause
"""The bench's pair on the peer: what its client measures, and what Linux sees at OP-TEE's edge."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from realmos.agent import AgentClient
from realmos.cache import Cache
from realmos.errors import MachineError
from realmos.peer._linux import APPLICATIONS
from realmos.peer._machine import find_peer, running
from realmos.peer._trace import Call, read_calls
from realmos.progress import Reporter
from realmos.tee.bench import BenchPair, Series, read_series

_CLIENT = "/usr/bin/bench"
_TRACE = "/run/peer-trace"
_UNTRACED = "-"
_BOOT_S = 600.0
_RUN_S = 3600.0
_TRACED_SAMPLES = 5
_SESSIONS = {"open-session": (0,), "close-session": (1,), "sessions-in-a-row": (0, 1)}
"""Series of which each sample opens a session and closes it, and which of the two counts."""


@dataclass(frozen=True)
class PeerFigures:
    """What the bench's operations cost on OP-TEE, in instructions.

    Attributes:
        series: as the client saw them, to which libteec and Linux belong.
        edges: medians of what lies between Linux's leaving for OP-TEE and OP-TEE's answer, by
            operation and size.
    """

    series: Sequence[Series]
    edges: dict[tuple[str, int], int]


def measure_peer(
    pair: BenchPair, cache: Cache, reporter: Reporter, count: int, *, only: str = ""
) -> PeerFigures:
    """Run the bench's pair on the peer, and again with its calls traced.

    Args:
        pair: TA and client, which is arm64's.
        cache: where everything built is kept.
        reporter: progress.
        count: samples of each operation; fewer of one that takes long.
        only: how the names of the operations begin that are measured; all when empty.

    Raises:
        RealmosError: the peer cannot be had, or does not boot; or the client gives up.
    """
    peer = find_peer(cache, reporter)
    with running(peer, reporter, counting=True, timeout=_BOOT_S) as agent:
        agent.put(pair.client, _CLIENT)
        agent.put(pair.application, f"{APPLICATIONS}/{pair.application.name}")
        with reporter.task("Measuring OP-TEE"):
            series = _run(agent, _UNTRACED, count, only)
        with reporter.task("Measuring OP-TEE's edge"):
            traced = _run(agent, _TRACE, min(count, _TRACED_SAMPLES), only)
            text, raw = (
                agent.get_bytes(f"{_TRACE}.{ending}").decode("utf-8", "replace")
                for ending in ("text", "raw")
            )
    return PeerFigures(series, edge_medians(traced, read_calls(text, raw)))


def edge_medians(series: Iterable[Series], calls: Sequence[Call]) -> dict[tuple[str, int], int]:
    """Return the median of the calls of each series, by operation and size.

    Raises:
        MachineError: a series has other calls than its samples have.
    """
    found = {}
    for each in series:
        inside = [call for call in calls if each.begin <= call.begin and call.end <= each.end]
        per_sample = 2 if each.name in _SESSIONS else 1
        if len(inside) != per_sample * each.samples:
            raise MachineError(
                f"{each.samples} samples of {each.name} were {len(inside)} calls of OP-TEE, not "
                f"{per_sample * each.samples}"
            )
        took = [
            [call.took for call in inside[place::per_sample]]
            for place in _SESSIONS.get(each.name, (0,))
        ]
        found[each.key] = int(statistics.median(map(sum, zip(*took, strict=True))))
    return found


def _run(agent: AgentClient, trace: str, count: int, only: str) -> list[Series]:
    script = Path(__file__).with_name("_script.py").read_bytes()
    words = ["client", trace, _CLIENT, str(count), *([only] if only else [])]
    done = agent.run(words, script=script, timeout=_RUN_S)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.status:
        read_series(lines)  # it may have said why
        error = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MachineError(f"the bench ended with {done.status} on OP-TEE: {' '.join(error[-1:])}")
    return read_series(lines)
