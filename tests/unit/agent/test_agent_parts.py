# SPDX-License-Identifier: BSD-3-Clause
"""The agent's smaller parts: the log, the clock, finding the port, what it imports; and PID 1."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import realmos_agent
from realmos_agent import kernel_log
from realmos_agent.clock import set_clock
from realmos_agent.port import Port, find_port
from realmos_agent.protocol import numbers

EXPENSIVE = {
    "asyncio", "cbor2", "collections", "contextlib", "dataclasses", "enum", "functools", "inspect",
    "json", "pathlib", "re", "selectors", "signal", "socket", "subprocess", "tempfile", "threading",
    "typing",
}  # fmt: skip

LOG = (
    b"6,100,5000000,-;RME: Using RSI version 1.0\n",
    b"3,101,6000000,-;Out of memory: Killed process 77 (python3) total-vm:1kB\n SUBSYSTEM=x\n",
    b"4,102,7000000,c;Memory cgroup out of memory: Killed process 78 (a) x\n",
    b"garbage\n",
)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A log that is read record by record, as the kernel's is."""
    records = list(LOG)
    monkeypatch.setattr(os, "read", lambda *_: records.pop(0) if records else b"")
    path = tmp_path / "kmsg"
    path.touch()
    return str(path)


def test_rsi_version_is_found_in_the_log(log: str) -> None:
    assert kernel_log.rsi_version(log) == "1.0"


@pytest.mark.parametrize(
    ("pid", "since", "killed"),
    [(77, 0, True), (77, 6_500_000, False), (78, 0, True), (7, 0, False)],
)
def test_memory_kills_are_found_in_the_log(log: str, pid: int, since: int, *, killed: bool) -> None:
    assert kernel_log.was_killed_for_memory(pid, since, log) is killed


def test_log_that_cannot_be_read_tells_nothing() -> None:
    assert kernel_log.rsi_version("/no/such/log") == ""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What clocks were set to, instead of setting this machine's."""
    settings: list[tuple[int, int]] = []
    monkeypatch.setattr(time, "clock_settime_ns", lambda *setting: settings.append(setting))
    return settings


EARLIEST = numbers.CLOCK_MIN_S * 10**9
LATEST = numbers.CLOCK_END_S * 10**9 - 1


@pytest.mark.parametrize("time_ns", [EARLIEST, LATEST])
def test_clock_is_set_to_a_time_within_bounds(clock: list[tuple[int, int]], time_ns: int) -> None:
    set_clock(time_ns)
    assert clock == [(time.CLOCK_REALTIME, time_ns)]


@pytest.mark.parametrize("time_ns", [0, EARLIEST - 1, LATEST + 1, (1 << 63) - 1, (1 << 64) - 1])
def test_clock_is_not_set_out_of_bounds(clock: list[tuple[int, int]], time_ns: int) -> None:
    with pytest.raises(OSError, match="2024 to 2099"):
        set_clock(time_ns)
    assert clock == []


def test_port_is_found_by_name(tmp_path: Path) -> None:
    assert find_port("realmos.agent", str(tmp_path / "absent")) is None
    (tmp_path / "vport0p0").mkdir()  # a console: no name
    (tmp_path / "vport0p1").mkdir()
    (tmp_path / "vport0p1" / "name").write_text("realmos.agent\n")
    assert find_port("realmos.agent", str(tmp_path)) == "/dev/vport0p1"
    assert find_port("another", str(tmp_path)) is None
    (tmp_path / "vport0p1" / "name").write_text("realmos.agent.3\n")
    assert find_port("realmos.agent", str(tmp_path)) == "/dev/vport0p1"
    assert find_port("realmos.age", str(tmp_path)) is None


def test_port_drops_all_but_the_rest_of_a_frame_it_began() -> None:
    read_fd, write_fd = os.pipe()
    port = Port(read_fd, write_fd)
    frame = bytes(range(256)) * 512
    for _ in range(3):
        port.send(frame)
    port.flush()
    assert 0 < port.pending < 3 * len(frame)
    port.drop()
    assert 0 < port.pending < len(frame)
    port.send(b"next")
    got = b""
    while port.pending:
        got += os.read(read_fd, 1 << 20)
        port.flush()
    got += port.read() or b""
    assert got == frame + b"next"
    port.clear()
    assert (port.pending, port.read()) == (0, None)
    os.close(write_fd)
    assert port.read() == b""
    os.close(read_fd)


def test_nothing_expensive_is_imported_before_the_first_answer() -> None:
    home = Path(realmos_agent.__file__).parents[1]
    code = (
        "import sys; before = set(sys.modules); import realmos_agent.main; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-s", "-S", "-c", code],
        env={"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "realmos_agent.service" in loaded
    assert not loaded & EXPENSIVE
    assert "realmos_agent.runs" not in loaded


def test_unknown_option_is_refused() -> None:
    home = Path(realmos_agent.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "realmos_agent", "--nonsense"],
        env={"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "usage" in done.stderr


def test_init_is_reproducible_and_only_runs_as_pid_1(
    top: Path, generated: Path, tmp_path: Path
) -> None:
    images = []
    for name in ("one", "two"):
        subprocess.run(
            [
                "make",
                "-s",
                "-C",
                top / "guest/init",
                "CC=gcc",
                f"BUILD_DIR={tmp_path / name}",
                f"GENERATED={generated}",
            ],
            check=True,
        )
        images.append((tmp_path / name / "init").read_bytes())
    assert images[0] == images[1]
    done = subprocess.run([tmp_path / "one" / "init"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
