# SPDX-License-Identifier: BSD-3-Clause
"""Consoles: nothing is lost between the writer and the log, and no log grows without end."""

import os
import sys
import threading
from pathlib import Path

import pytest
from realmos import process
from realmos.machine import BootWatch
from realmos.machine._console import (
    LINE_LIMIT,
    LOG_HEAD,
    LOG_LIMIT,
    LOG_TAIL,
    BoundedLog,
    Console,
    Consoles,
    Lines,
)

PATIENCE = 60.0
FLOOD = """
import sys
with open(sys.argv[1], "wb", buffering=0) as pipe:
    for number in range(int(sys.argv[2])):
        line = b"line %09d " % number
        pipe.write(line.ljust(1023, b".") + b"\\n")
"""


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_a_log_that_is_not_too_long_is_whole(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log", append=False)
    data = os.urandom(LOG_LIMIT)
    for at in range(0, LOG_LIMIT, 1 << 16):
        log.write(data[at : at + (1 << 16)])
    log.close()
    assert (tmp_path / "log").read_bytes() == data


def test_a_flood_leaves_the_beginning_the_end_and_a_note(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = BoundedLog(path, append=False)
    total = 20 << 20
    for number in range(total // 1024):
        log.write((b"line %09d " % number).ljust(1023, b".") + b"\n")
        assert path.stat().st_size <= LOG_LIMIT
    log.close()
    lines = lines_of(path)
    notes = [n for n, line in enumerate(lines) if line.startswith("[realmos: ")]
    assert len(notes) == 1
    head, tail = lines[: notes[0] - 1], lines[notes[0] + 1 :]
    assert len(head) == LOG_HEAD // 1024
    assert len(tail) >= LOG_TAIL // 1024 - 1
    numbers = [int(line.split()[1]) for line in head + tail]
    assert numbers[: len(head)] == list(range(len(head)))
    assert numbers[len(head) :] == list(range(total // 1024 - len(tail), total // 1024))
    left_out = total - 1024 * (len(head) + len(tail))
    assert f" {left_out} bytes are left out here" in lines[notes[0]]


def test_a_log_goes_on_where_that_of_the_saved_machine_ends(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    log = BoundedLog(path, append=True)
    log.write(b"after\n")
    log.close()
    assert lines_of(path) == ["before", "after"]
    BoundedLog(path, append=False).close()
    assert lines_of(path) == []


def test_a_full_disk_costs_lines_and_not_the_machine(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    log = BoundedLog(tmp_path / "log", append=False)
    log.write(b"lost\n")
    log.close()


def test_all_that_a_program_writes_before_it_ends_is_in_the_log(tmp_path: Path) -> None:
    heard = bytearray()
    console = Console(tmp_path / "pipe", tmp_path / "log", on_data=heard.extend)
    with Consoles([console]) as consoles:
        pipe = os.open(tmp_path / "pipe", os.O_WRONLY)
        os.write(pipe, b"last words\n")
        os.close(pipe)
        consoles.pump()
        assert lines_of(tmp_path / "log") == ["last words"]
    assert heard == b"last words\n"


def test_a_flooding_program_is_slowed_down_and_loses_nothing(tmp_path: Path) -> None:
    seen: list[str] = []
    lines = Lines()
    done = threading.Event()
    count = 30 << 10

    def hear(data: bytes) -> None:
        seen.extend(lines.feed(data))
        if len(seen) == count:
            done.set()

    console = Console(tmp_path / "pipe", tmp_path / "log", on_data=hear)
    quiet = Console(tmp_path / "quiet.pipe", tmp_path / "quiet")
    with Consoles([console, quiet]):
        argv = [sys.executable, "-c", FLOOD, str(tmp_path / "pipe"), str(count)]
        writer = process.spawn(argv, log=tmp_path / "quiet.pipe")
        assert done.wait(PATIENCE)
        assert writer.wait(PATIENCE) == 0
    assert [int(line.split()[1]) for line in seen] == list(range(count))
    assert (tmp_path / "log").stat().st_size <= LOG_LIMIT
    assert (tmp_path / "quiet").read_bytes() == b""


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_lines_do_not_depend_on_how_bytes_come(size: int) -> None:
    data = b"one\r\n\ntwo \xff\n" + b"x" * (2 * LINE_LIMIT) + b"\nrest"
    lines = Lines()
    found = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    assert found[:3] == ["one", "", "two \N{REPLACEMENT CHARACTER}"]
    assert "".join(found[3:]) == "x" * (2 * LINE_LIMIT)


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    lines = Lines()
    for _ in range(100):
        for line in lines.feed(b"x" * LINE_LIMIT):
            assert len(line) <= LINE_LIMIT
    assert len(lines.feed(b"\n")) <= 2


def test_lines_that_are_watched_are_bounded_and_the_first_and_last_stay() -> None:
    watch = BootWatch()
    count = 50_000
    for number in range(count):
        watch.feed(f"RMM: {number}")
    assert len(watch.lines) < count
    assert watch.lines[0] == "RMM: 0"
    assert watch.lines[-1] == f"RMM: {count - 1}"
