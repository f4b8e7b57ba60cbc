# SPDX-License-Identifier: BSD-3-Clause
"""The bench: that it measures every operation, not what it takes."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from realmos import cli, process
from realmos.cache import Cache
from realmos.image import build_runner
from realmos.progress import Silent
from realmos.source import qemu_user
from realmos.tee import build_libteec
from realmos.tee.bench import build_bench, edge_medians, read_edges, read_series
from realmos.tee.libteec import build_architecture

pytest_plugins = ["ta_examples"]
pytestmark = pytest.mark.fetch

SIZES = (64, 1024, 4096, 65536, 1 << 20)
OPERATIONS = [
    *(("open-session", 0), ("close-session", 0), ("sessions-in-a-row", 0), ("invoke", 0)),
    *((name, size) for name in ("sha256", "aes-128-ctr", "aes-128-gcm") for size in SIZES),
    *((f"{name}-pieces", 65536) for name in ("sha256", "aes-128-ctr", "aes-128-gcm")),
    *(("rsa-2048-sign", 32), ("p-256-sign", 32)),
    *((name, size) for name in ("object-write", "object-read") for size in (64, 4096, 65536)),
]


def test_local_tee_is_measured_by_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "tee", "--local", "--count", "1", "--json"]) == 0
    (tee,) = json.loads(capsys.readouterr().out)["tees"]
    assert tee["unit"] == "nanoseconds"
    assert [(row["name"], row["size"]) for row in tee["series"]] == OPERATIONS
    for row in tee["series"]:
        assert row["samples"] == 1
        assert row["begin"] < row["begin"] + row["least"] <= row["end"]


def test_stopwatch_times_every_request_at_the_edge(cache: Cache, tmp_path: Path) -> None:
    pair = build_bench(cache, Silent(), architecture=build_architecture())
    library = build_libteec(cache, Silent())
    for path in (library.path, pair.application):
        shutil.copy(path, tmp_path)
    words: list[str | Path] = ["--ta-dir", tmp_path, "--runner", build_runner(cache, Silent())]
    if emulator := qemu_user(cache, Silent()):
        words += ["--qemu-user", emulator[0]]
    script: list[str | Path] = [sys.executable, "-m", "realmos.tee._bench_script", tmp_path]
    said = process.run([*script, pair.client, "2", "--", *words]).splitlines()
    series, edges = read_series(said), read_edges(said)
    medians = edge_medians(series, edges)
    assert list(medians) == [each.key for each in series] == OPERATIONS
    assert all(0 < medians[each.key] < each.end - each.begin for each in series)


@pytest.mark.exhaustive
def test_realm_is_measured_by_instructions(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "tee", "--count", "3", "--json"]) == 0
    (tee,) = json.loads(capsys.readouterr().out)["tees"]
    assert tee["unit"] == "instructions"
    assert [(row["name"], row["size"]) for row in tee["series"]] == OPERATIONS
    assert all(row["edge"] > 0 for row in tee["series"])
