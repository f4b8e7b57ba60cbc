# SPDX-License-Identifier: BSD-3-Clause
"""The peer, real OP-TEE: it boots, runs the bench's pair, and its figures are what they can be."""

import pytest
from realmos.cache import Cache
from realmos.peer import find_peer, measure_peer, running
from realmos.progress import Silent
from realmos.tee.bench import build_bench

pytestmark = [pytest.mark.qemu, pytest.mark.fetch, pytest.mark.exhaustive]

# For comparison: OP-TEE's own figures are some 56 000, 4 000 000 and 39 000 000 instructions.
LEAST = {("invoke", 0): 20_000, ("sha256", 65536): 1_000_000, ("open-session", 0): 10_000_000}


def test_what_op_tee_costs_is_counted_at_its_edge_and_at_the_client() -> None:
    cache, reporter = Cache(), Silent()
    figures = measure_peer(build_bench(cache, reporter), cache, reporter, 1)
    assert figures.edges.keys() == {series.key for series in figures.series}
    for series in figures.series:
        assert LEAST.get(series.key, 0) < series.least <= series.median
        # Two runs: signatures are blinded, and storage has become another. The kernel's notes are
        # part of what is at the edge.
        assert 0.5 < figures.edges[series.key] / series.median < 1.5


def test_linux_beside_op_tee_has_its_driver() -> None:
    cache, reporter = Cache(), Silent()
    peer = find_peer(cache, reporter)
    with running(peer, reporter, counting=False, timeout=600.0) as agent:
        assert agent.report().rsi == ""
        kinds = agent.run(["cat", "/sys/class/tee/tee0/implementation_id"])
        assert kinds.stdout.strip() == b"1"  # TEE_IMPL_ID_OPTEE
