# SPDX-License-Identifier: BSD-3-Clause
"""Where machines leave their logs and sockets, and what is cleaned up."""

import os
import sys
import time
from pathlib import Path

import pytest
from realmos import process
from realmos.errors import ConfigError, ToolError
from realmos.machine import RunDir, facts, last_run

NOBODY = 2**22 + 1
"""A process id that Linux never gives."""


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The directory that sockets are made in."""
    path = tmp_path / "runtime"
    path.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    return path


def test_a_run_that_started_no_machine_does_not_hide_the_one_before(tmp_path: Path) -> None:
    first = RunDir.create(tmp_path)
    (first.logs / "qemu.log").touch()
    first.write_facts({"realms": ["linux"]})
    RunDir.create(tmp_path)
    assert last_run(tmp_path) == first.logs
    assert facts(last_run(tmp_path)) == {"realms": ["linux"]}


def test_logs_of_no_machine_are_refused_with_a_next_step(tmp_path: Path) -> None:
    RunDir.create(tmp_path)
    with pytest.raises(ConfigError, match="no machine has run") as caught:
        last_run(tmp_path)
    assert caught.value.hint


def test_sockets_are_private_and_go_with_the_machine(tmp_path: Path, runtime: Path) -> None:
    run = RunDir.create(tmp_path)
    assert run.sockets.parent == runtime
    assert run.sockets.stat().st_mode & 0o777 == 0o700
    run.remove_sockets()
    assert not run.sockets.exists()


def test_sockets_go_with_their_process_however_it_ends(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib; from realmos.machine import RunDir\n"
        "run = RunDir.create(pathlib.Path(sys.argv[1]))\n"
        "(run.sockets / 'qmp').touch()\n"
        "print(run.sockets, flush=True); os.kill(os.getpid(), 9)\n"
    )
    with pytest.raises(ToolError, match="signal 9") as caught:
        process.run([sys.executable, "-c", program, tmp_path], env=dict(os.environ))
    sockets = Path(str(caught.value).splitlines()[-1].strip())
    assert sockets.name.startswith("realmos-")
    deadline = time.monotonic() + 60
    while sockets.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_killed_run_left_is_removed_and_what_is_in_use_stays(
    tmp_path: Path, runtime: Path
) -> None:
    mine = f"realmos-{os.getuid()}"
    left, used = runtime / f"{mine}-{NOBODY}-x", runtime / f"{mine}-{os.getpid()}-y"
    left.mkdir()
    used.mkdir()
    RunDir.create(tmp_path)
    assert not left.exists()
    assert used.exists()


def test_strange_names_and_dangling_links_do_not_stop_a_run(tmp_path: Path, runtime: Path) -> None:
    link = runtime / f"realmos-{os.getuid()}-{NOBODY}-link"
    link.symlink_to("/nowhere")
    (runtime / f"realmos-{os.getuid()}-").mkdir()
    for name in range(12):
        (tmp_path / "runs" / str(name)).mkdir(parents=True)
    assert RunDir.create(tmp_path).logs.is_dir()


def test_only_the_newest_runs_are_kept(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / "runs" / f"20200101-{number:06}-{NOBODY}-x").mkdir(parents=True)
    run = RunDir.create(tmp_path)
    kept = sorted((tmp_path / "runs").iterdir())
    assert len(kept) == 8
    assert kept[-1] == run.logs
