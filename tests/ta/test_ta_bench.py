# SPDX-License-Identifier: BSD-3-Clause
"""The bench's TA and client: that they measure every operation, not what it takes."""

import pytest
from realmos import cli
from realmos.cache import Cache
from realmos.progress import Silent
from realmos.tee.bench import build_bench, read_series
from realmos.tee.libteec import build_architecture

pytest_plugins = ["ta_examples"]
pytestmark = pytest.mark.fetch

SIZES = (64, 1024, 4096, 65536, 1 << 20)
OPERATIONS = [
    *(("open-session", 0), ("close-session", 0), ("invoke", 0)),
    *((name, size) for name in ("sha256", "aes-128-ctr", "aes-128-gcm") for size in SIZES),
    *(("rsa-2048-sign", 32), ("p-256-sign", 32)),
    *((name, size) for name in ("object-write", "object-read") for size in (64, 4096, 65536)),
]


def test_client_measures_every_operation(cache: Cache, capfd: pytest.CaptureFixture[str]) -> None:
    pair = build_bench(cache, Silent(), architecture=build_architecture())
    words = [str(pair.application), "--", str(pair.client), "1"]
    assert cli.main(["ta", "run", "--local", *words]) == 0
    found = read_series(capfd.readouterr().out.splitlines())
    assert [(each.name, each.size) for each in found] == OPERATIONS
    for each in found:
        assert each.samples == 1
        assert each.begin < each.begin + each.least <= each.end
