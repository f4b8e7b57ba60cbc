# SPDX-License-Identifier: BSD-3-Clause
"""`realmos bench tee` without a machine: what is printed, and what becomes of it."""

import io
import json
import re

import pytest
from realmos.cache import Cache
from realmos.cli import _bench_tee
from realmos.cli._bench_tee import Measured, bench_tee, make_table
from realmos.cli._parser import make_parser
from realmos.peer import PeerFigures
from realmos.progress import Reporter, Silent
from realmos.session import Options
from realmos.tee.bench import Series, edge_medians, read_edges
from rich.console import Console

SERIES = [
    Series("open-session", 0, 6_000_000, 5_000_000, 7_000_000, 3, 1000, 2000),
    Series("sha256", 64, 1_038_118, 1_000_000, 1_071_631, 5, 3000, 4000),
]
EDGES = ["edge: 1 1000 500", "edge: 4 1100 9", "edge: 1 1200 700", "edge: 1 1300 600",
         "edge: 2 2500 1", "edge: 2 4000 400"]  # fmt: skip


def ours(*, counted: bool = True) -> Measured:
    edges = {SERIES[0].key: 5_900_000, SERIES[1].key: 900_000}
    return Measured("ours", counted, SERIES, edges if counted else {})


def printed(*measured: Measured) -> list[list[str]]:
    """The table's rows, that of the titles first."""
    text = io.StringIO()
    Console(file=text, width=200).print(make_table(measured))
    cells = [re.split(r" *[│┃] *", line)[1:-1] for line in text.getvalue().splitlines()]
    return [row for row in cells if len(row) > 2]


def test_requests_at_the_edge_are_those_of_the_series_kind_and_time() -> None:
    edges = read_edges(["bench: end", *EDGES])
    assert len(edges) == len(EDGES)
    assert edge_medians(SERIES, edges) == {SERIES[0].key: 600, SERIES[1].key: 400}
    assert edge_medians(SERIES, []) == {}


def test_one_tee_is_shown_with_both_points_of_measurement() -> None:
    assert printed(ours()) == [
        ["operation", "bytes", "edge", "client", "client, least", "client, most"],
        ["open-session", "", "5,900.0", "6,000.0", "5,000.0", "7,000.0"],
        ["sha256", "64", "900.0", "1,038.1", "1,000.0", "1,071.6"],
    ]


def test_time_of_this_machine_has_no_edge() -> None:
    titles, _, row = printed(ours(counted=False))
    assert titles == ["operation", "bytes", "client", "client, least", "client, most"]
    assert row == ["sha256", "64", "1,038.1", "1,000.0", "1,071.6"]


def test_two_tees_stand_side_by_side_with_their_ratio() -> None:
    other = Measured("OP-TEE", True, SERIES[1:], {SERIES[1].key: 90_000})
    titles, first, second = printed(ours(), other)
    assert titles[2:5] == ["edge: ours", "edge: OP-TEE", "edge: OP-TEE to ours"]
    assert first == ["open-session", "", "5,900.0", "", "", "6,000.0", "", ""]
    assert second[2:] == ["900.0", "90.0", "0.10", "1,038.1", "1,038.1", "1.00"]


def test_json_has_every_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(options: Options, cache: Cache, reporter: Reporter, count: int) -> Measured:
        del options, cache, reporter
        assert count == 7
        return ours()

    monkeypatch.setattr(_bench_tee, "measure_realm", measure)
    bench_tee(Options(), Cache(), Silent(), 7, local=False, as_json=True)
    (tee,) = json.loads(capsys.readouterr().out)["tees"]
    assert (tee["name"], tee["unit"]) == ("ours", "instructions")
    assert [row["edge"] for row in tee["series"]] == [5_900_000, 900_000]
    assert tee["series"][1]["median"] == 1_038_118


def test_peer_is_measured_by_as_many_samples_beside_the_realm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(pair: str, cache: Cache, reporter: Reporter, count: int) -> PeerFigures:
        del cache, reporter
        assert (pair, count) == ("pair", 7)
        return PeerFigures(SERIES, {SERIES[1].key: 92_180})

    monkeypatch.setattr(_bench_tee, "measure_realm", lambda *_: ours())
    monkeypatch.setattr(_bench_tee, "build_bench", lambda *_: "pair")
    monkeypatch.setattr(_bench_tee, "measure_peer", measure)
    bench_tee(Options(), Cache(), Silent(), 7, local=False, as_json=True, peer=True)
    tees = json.loads(capsys.readouterr().out)["tees"]
    assert [(tee["name"], tee["unit"]) for tee in tees] == [
        ("ours", "instructions"), ("OP-TEE", "instructions"),
    ]  # fmt: skip
    assert [row["edge"] for row in tees[1]["series"]] == [None, 92_180]


@pytest.mark.parametrize("columns", [60, 80])
def test_no_figure_is_cut_where_there_is_little_room(columns: int) -> None:
    large = [Series("aes-128-gcm-pieces", 65536, 367_341_123, 367_000_000, 368_000_000, 5, 1, 2)]
    both = [Measured(name, True, large, {large[0].key: 367_341_123}) for name in ("ours", "OP-TEE")]
    text = io.StringIO()
    Console(file=text, width=columns).print(make_table(both))
    assert "…" not in text.getvalue()


def test_a_file_has_room_for_a_line_of_two_tees(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    large = [Series("sha256", 1 << 20, 367_341_123, 367_000_000, 368_000_000, 5, 1, 2)]
    edges = {large[0].key: 367_341_123}
    monkeypatch.setattr(
        _bench_tee, "measure_realm", lambda *_: Measured("ours", True, large, edges)
    )
    monkeypatch.setattr(_bench_tee, "build_bench", lambda *_: "pair")
    monkeypatch.setattr(_bench_tee, "measure_peer", lambda *_: PeerFigures(large, edges))
    bench_tee(Options(), Cache(), Silent(), 7, local=False, as_json=False, peer=True)
    (line,) = (each for each in capsys.readouterr().out.splitlines() if "sha256" in each)
    assert line.count("367,341.1") == 4


def test_options_choose_the_tee() -> None:
    parse = make_parser().parse_args
    assert (parse(["bench", "tee"]).local, parse(["bench", "tee"]).count) == (False, 20)
    assert parse(["bench", "tee", "--local", "--count", "3"]).local
    assert not parse(["bench", "tee"]).peer
    assert parse(["bench", "tee", "--peer"]).peer
