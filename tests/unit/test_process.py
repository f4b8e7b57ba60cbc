# SPDX-License-Identifier: BSD-3-Clause
"""Running programs: failures show why, and nothing outlives its owner."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from realmos import process
from realmos.errors import ToolError


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_an_absent_program_is_named_with_the_hint() -> None:
    with pytest.raises(ToolError, match="no-such-program was not found") as caught:
        process.run(["no-such-program"], hint="install it")
    assert caught.value.hint == "install it"


def test_a_failure_shows_status_command_last_lines_and_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "print('\\n'.join(map(str, range(100)))); raise SystemExit(3)"
    with pytest.raises(ToolError) as caught:
        process.run([sys.executable, "-c", script], log=log)
    text = str(caught.value)
    assert "exit status 3" in text
    assert "\n    60" in text
    assert "\n    59" not in text
    assert str(log) in text
    assert log.read_text().splitlines()[0] == "0"


def test_death_by_signal_is_said() -> None:
    with pytest.raises(ToolError, match="ended by signal 9"):
        process.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])


def test_the_environment_is_passed_whole() -> None:
    program = [sys.executable, "-c", "import os; print(sorted(os.environ))"]
    out = process.run(program, env={"ONLY": "this"})
    assert "ONLY" in out
    assert "HOME" not in out


def test_output_lines_come_as_they_are_printed() -> None:
    seen: list[str] = []
    process.run([sys.executable, "-c", "print('a'); print('b')"], on_line=seen.append)
    assert seen == ["a", "b"]


def test_an_exception_from_a_line_kills_the_program_and_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = (
        "import os, time\n"
        f"f = open({str(pids)!r}, 'w')\n"
        "child = os.fork()\n"
        "if child: print(child, os.getpid(), file=f, flush=True); print('go', flush=True)\n"
        "time.sleep(600)\n"
    )

    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.run([sys.executable, "-c", script], on_line=stop)
    deadline = time.monotonic() + 30
    while any(alive(int(pid)) for pid in pids.read_text().split()):
        assert time.monotonic() < deadline, "a child is still alive"
        time.sleep(0.01)


def test_a_spawned_program_dies_with_its_owner(tmp_path: Path) -> None:
    owner = (
        "import sys, pathlib\n"
        "from realmos import process\n"
        f"p = process.spawn(['sleep', '600'], log=pathlib.Path({str(tmp_path / 'log')!r}))\n"
        "print(p.pid, flush=True)\n"
        "import time; time.sleep(0.5)\n"
        "import os; os.kill(os.getpid(), 9)\n"
    )
    seen: list[str] = []
    with pytest.raises(ToolError, match="signal 9"):
        process.run([sys.executable, "-c", owner], env=dict(os.environ), on_line=seen.append)
    deadline = time.monotonic() + 30
    while alive(int(seen[0])):
        assert time.monotonic() < deadline, "the spawned program is still alive"
        time.sleep(0.01)


CALLS = "import os, sys; from realmos import process; process.call(sys.argv[1:], env=os.environ)"
SAVES = "trap 'echo saved; exit' {}; (trap '' INT; sleep 1000) & echo up; wait; wait"


def test_a_called_program_has_time_to_end_and_leaves_nothing() -> None:
    words = [sys.executable, "-c", CALLS, "sh", "-c", SAVES.format("TERM")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"up\n"
        caller.send_signal(signal.SIGINT)
        # Its end comes when nobody has it any more, the shell's child neither.
        assert caller.stdout.read() == b"saved\n"


def test_a_called_program_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_GRACE_S", 0.1)
    words = ["sh", "-c", "trap '' TERM; kill -INT $PPID; while :; do sleep 1; done"]
    with pytest.raises(KeyboardInterrupt):
        process.call(words, env=process.base_env())


def test_ctrl_c_of_a_terminal_reaches_a_called_program_once() -> None:
    script = "trap 'echo saved; exit' INT; trap 'echo again' TERM; echo up;"
    in_front = f"import os; os.open(os.ttyname(0), os.O_RDWR); {CALLS}"  # it leads a session
    words = [sys.executable, "-c", in_front, "sh", "-c", f"{script} while :; do sleep 0.05; done"]
    ours, its = pty.openpty()
    caller = subprocess.Popen(words, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    with caller, os.fdopen(ours, "r+b", buffering=0) as screen:
        said = b""
        while b"up" not in said:
            said += screen.read(100)
        screen.write(b"\x03")
        with contextlib.suppress(OSError):  # a terminal's end
            while piece := screen.read(100):
                said += piece
    assert b"saved\r\n" in said
    assert b"again" not in said
