# SPDX-License-Identifier: BSD-3-Clause
"""The peer's edge: what a kernel's trace says of calls, and which of them belong to a series."""

import os
import sys
from pathlib import Path

import pytest
from realmos.errors import MachineError
from realmos.peer import _script
from realmos.peer._measure import edge_medians
from realmos.peer._trace import Call, read_calls
from realmos.tee.bench import Series

# As the kernel prints them, and which events these are: begin or end, register 0, moment.
TEXT = """\
# tracer: nop
#
# entries-in-buffer/entries-written: {count}/{written}   #P:1
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
"""
LINES = {
    "begin": "optee_invoke_fn_begin: param=0000000058434c73 ({:x}, ffff0000, 253d, 0, 0, 0, 0, 0)",
    "end": "optee_invoke_fn_end: param=0000000058434c73 ret ({:x}, 0, 0, 0)",
}
CALL, AGAIN, RPC, DONE = 0x32000013, 0x32000003, 0xFFFF0005, 0
Events = list[tuple[str, int, int]]


def printed(events: Events, written: int | None = None) -> tuple[str, str]:
    count = len(events)
    head = TEXT.format(count=count, written=count if written is None else written)
    text, raw = [head], [head]
    for kind, register, moment in events:
        what = LINES[kind].format(register)
        text.append(f"          bench-96      [000] .....     {moment / 1e9:.6f}: {what}\n")
        raw.append(f"96 0 {moment} type: {1582 if kind == 'begin' else 1581}\n")
    return "".join(text), "".join(raw)


def test_call_lasts_until_it_has_been_answered_whatever_op_tee_asks_for() -> None:
    events = [
        ("begin", CALL, 896_679_341), ("end", RPC, 897_383_131),
        ("begin", AGAIN, 897_609_088), ("end", RPC, 897_630_728),
        ("begin", AGAIN, 897_722_680), ("end", DONE, 897_737_284),
        ("begin", CALL, 900_000_001), ("end", DONE, 900_056_578),
    ]  # fmt: skip
    calls = read_calls(*printed(events))
    assert calls == [Call(896_679_341, 897_737_284), Call(900_000_001, 900_056_578)]
    assert [call.took for call in calls] == [1_057_943, 56_577]


def test_refusal_of_a_call_ends_it() -> None:
    calls = read_calls(*printed([("begin", CALL, 1_000), ("end", 0xFFFFFFFF, 2_000)]))
    assert calls == [Call(1_000, 2_000)]


def test_trace_without_calls_has_none() -> None:
    assert read_calls(*printed([])) == []


@pytest.mark.parametrize(
    ("traces", "told"),
    [
        (printed([("begin", CALL, 1)], written=2), "not whole"),
        (("", ""), "not whole"),
        ((printed([("begin", CALL, 1)])[0], printed([])[1]), "in 1 and 0 lines"),
        ((printed([("begin", CALL, 1)])[0], "96 0 0.000001: something\n"), "no trace"),
        ((printed([])[0] + "what else\n", "96 0 1 type: 1\n"), "no trace"),
        (printed([("begin", 0x32000005, 1)]), "0x32000005"),
    ],
)
def test_trace_that_cannot_be_read_is_refused(traces: tuple[str, str], told: str) -> None:
    with pytest.raises(MachineError, match=told):
        read_calls(*traces)


def series(name: str, samples: int, begin: int, end: int) -> Series:
    return Series(name, 64, 1, 1, 1, samples, begin, end)


def test_series_has_the_median_of_the_calls_within_it() -> None:
    calls = [Call(5, 95), Call(100, 110), Call(120, 150), Call(160, 180), Call(190, 999)]
    assert edge_medians([series("sha256", 3, 100, 200)], calls[:4]) == {("sha256", 64): 20}


def test_sessions_are_opened_and_closed_in_turns() -> None:
    calls = [Call(10, 50), Call(60, 61), Call(70, 112), Call(120, 123), Call(130, 131)]
    for name, expected in (("open-session", 41), ("close-session", 2), ("sessions-in-a-row", 43)):
        found = edge_medians([series(name, 2, 10, 125)], calls)
        assert found == {(name, 64): expected}


def test_calls_that_no_sample_made_are_no_figures() -> None:
    with pytest.raises(MachineError, match="2 samples of invoke were 3 calls"):
        edge_medians([series("invoke", 2, 0, 99)], [Call(n, n + 1) for n in (1, 3, 5)])


@pytest.fixture
def supplicant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for tee-supplicant: it runs until it is killed. Return where it leaves its PID."""
    program, pid = tmp_path / "tee-supplicant", tmp_path / "pid"
    program.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 1000\n", "ascii")
    program.chmod(0o755)
    monkeypatch.setattr(_script, "_SUPPLICANT", str(program))
    store = tmp_path / "store"
    store.mkdir()
    (store / "dirf.db").touch()
    monkeypatch.setattr(_script, "_STORE", str(store))
    return pid


def run_script(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["client", *words])
    return _script.main()


def test_supplicant_is_there_for_the_client_and_gone_after_it(
    supplicant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = (
        f"test ! -e {supplicant.parent}/store || exit 1; "
        f"until test -s {supplicant}; do sleep 0.01; done; "
        f"kill -0 $(cat {supplicant}) && exit 7"
    )
    assert run_script(monkeypatch, "-", "sh", "-c", client) == 7
    with pytest.raises(ProcessLookupError):
        os.kill(int(supplicant.read_text("ascii")), 0)


def test_trace_is_left_in_both_forms_with_the_clients_clock(
    supplicant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not supplicant.exists()
    tracing = tmp_path / "tracing"
    (tracing / "events" / "optee").mkdir(parents=True)
    monkeypatch.setattr(_script, "_TRACING", tracing)
    (tracing / "trace").write_text("old", "ascii")
    client = f"cat {tracing}/events/optee/enable {tracing}/trace_clock > {tmp_path}/seen"
    assert run_script(monkeypatch, str(tmp_path / "trace"), "sh", "-c", client) == 0
    assert (tmp_path / "seen").read_text("ascii") == "1mono"
    assert (tracing / "events" / "optee" / "enable").read_text("ascii") == "0"
    assert {path.name for path in tmp_path.glob("trace.*")} == {"trace.text", "trace.raw"}
    assert (tmp_path / "trace.text").read_text("ascii") == ""
