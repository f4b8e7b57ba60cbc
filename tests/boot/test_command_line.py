# SPDX-License-Identifier: BSD-3-Clause
"""The command line as a user has it: output, evidence, exit status, interruption."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pexpect
import pytest
from realmos import process
from realmos.errors import ToolError

pytestmark = pytest.mark.qemu

REALMOS = [sys.executable, "-m", "realmos.cli"]

NothingStays = Callable[[Iterable[int]], None]


def realmos(*words: str) -> str:
    return process.run([*REALMOS, *words], env=dict(os.environ))


def children(parent: int) -> list[int]:
    """Return the processes that `parent` started, dead ones not yet reaped excepted."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_run_prints_what_the_program_printed_then_the_evidence(top: Path) -> None:
    text = realmos("run", str(top / "examples/hello/hello.py"), "one", "two")
    hello, evidence = text.index("Hello from a realm!"), text.index("RIM measured")
    assert hello < evidence
    assert "RMM image" in text
    assert "RIM predicted" in text


def test_run_as_json_is_one_object_on_standard_output(tmp_path: Path) -> None:
    script = tmp_path / "quiet.py"
    script.write_text("raise SystemExit(0)")
    facts = json.loads(realmos("run", "--json", str(script)))
    assert facts["rim_matches"] is True
    assert facts["status"] == 0
    assert (facts["rmi_version"], facts["rsi_version"]) == ("1.0", "1.0")


def test_the_exit_status_is_the_workloads() -> None:
    with pytest.raises(ToolError, match="exit status 7"):
        realmos("run", "--", "sh", "-c", "exit 7")


def test_a_workload_over_its_time_ends_with_124() -> None:
    with pytest.raises(ToolError, match="exit status 124"):
        realmos("run", "--timeout", "1", "--", "sleep", "600")


def test_a_script_that_is_not_there_is_refused_before_anything_is_built() -> None:
    with pytest.raises(ToolError, match=r"nowhere\.py cannot be read"):
        realmos("run", "nowhere.py")


def test_files_go_in_and_come_out(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("cargo")
    realmos(
        "run", "--put", f"{tmp_path}/in:/run/cargo", "--get", f"/run/cargo2:{tmp_path}/out",
        "--", "cp", "/run/cargo", "/run/cargo2",
    )  # fmt: skip
    assert (tmp_path / "out").read_text() == "cargo"


def started(*words: str) -> "tuple[pexpect.spawn[str], list[int]]":
    """Start realmos on a terminal, wait until its realm prints "up", and list its processes."""
    child = pexpect.spawn(sys.executable, [*REALMOS[1:], *words], encoding="utf-8")
    if words[0] == "shell":
        child.expect_exact("# ", timeout=300)
        child.sendline("echo u''p; sleep 600")
    child.expect_exact("up", timeout=300)
    assert child.pid is not None
    return child, children(child.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(
    number: signal.Signals, runtime: Path, nothing_stays: NothingStays
) -> None:
    child, processes = started("run", "--", "sh", "-c", "echo up; sleep 600")
    assert processes
    assert list(runtime.glob("*/qmp"))
    child.kill(number)
    child.expect(pexpect.EOF, timeout=60)
    child.close()
    assert child.exitstatus == 130
    nothing_stays(processes)


@pytest.mark.parametrize("words", [("run", "--", "sh", "-c", "echo up; sleep 600"), ("shell",)])
def test_a_terminal_that_dies_leaves_nothing(
    words: tuple[str, ...], nothing_stays: NothingStays
) -> None:
    child, processes = started(*words)
    vars(child)["ptyproc"].fileobj.close()  # the stubs of pexpect leave it out
    assert child.wait() == 130
    nothing_stays(processes)


def test_a_run_killed_outright_leaves_nothing(nothing_stays: NothingStays) -> None:
    child, processes = started("run", "--", "sh", "-c", "echo up; sleep 600")
    child.kill(signal.SIGKILL)
    child.close(force=True)
    nothing_stays(processes)


def test_two_runs_at_once_share_one_cache() -> None:
    words = [*REALMOS[1:], "run", "--", "echo", "done"]
    both = [pexpect.spawn(sys.executable, words) for _ in range(2)]
    for child in both:
        child.expect_exact("done", timeout=300)
        child.expect(pexpect.EOF, timeout=120)
        child.close()
        assert child.exitstatus == 0


def test_a_shell_is_a_terminal_in_the_realm() -> None:
    child = pexpect.spawn(sys.executable, [*REALMOS[1:], "shell"], encoding="utf-8")
    child.expect("# ", timeout=300)
    child.sendline("test -t 0 && echo $((6 * 7)) && exit 3")
    child.expect_exact("42", timeout=60)
    child.expect(pexpect.EOF, timeout=60)
    child.close()
    assert child.exitstatus == 3


def test_logs_show_every_layer_of_the_last_machine() -> None:
    realmos("run", "--cold", "--", "true")
    lines = [json.loads(line) for line in realmos("logs", "--json").splitlines()]
    assert {"BL1", "BL2", "BL31", "RMM", "monitor", "kernel"} <= {line["layer"] for line in lines}
