# SPDX-License-Identifier: BSD-3-Clause
"""Workloads, through the real client and the real agent."""

import io
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos.agent import AgentClient
from realmos.errors import PeerRefusedError, PeerTimeoutError

if TYPE_CHECKING:
    from tests.unit.agent.conftest import Agent

FLOOD = 100 << 20


def test_script_runs_as_main_with_its_arguments_and_environment(client: AgentClient) -> None:
    script = (
        b"import os, sys\nprint(__name__, sys.argv[1:], os.environ['WHO'], len(sys.path) > 0)\n"
    )
    result = client.run(["hello.py", "a", "b c"], script=script, env={"WHO": "realm"})
    assert result.stdout == b"__main__ ['a', 'b c'] realm True\n"
    assert (result.status, result.signal, result.stderr) == (0, None, b"")


def test_script_sees_nothing_of_the_agent(client: AgentClient) -> None:
    script = (
        b"import os, sys\n"
        b"print([m for m in sys.modules if m.startswith('realmos')])\n"
        b"print([p for p in sys.path if p.endswith('guest/python')])\n"
        b"print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:4])\n"
        b"print('REALMOS_INIT_NS' in os.environ, 'PYTHONPATH' in os.environ)\n"
        b"print(os.getsid(0) == os.getpid(), sys.argv[0] == __file__)\n"
    )
    lines = client.run(["x.py"], script=script).stdout.decode().splitlines()
    assert lines == ["[]", "[]", "[0, 1, 2, 3]", "False False", "True True"]


def test_script_ends_as_scripts_do(client: AgentClient) -> None:
    flushed = client.run(
        ["x.py"],
        script=(
            b"import atexit\natexit.register(print, 'at exit')\n"
            b"f = open('kept', 'w'); f.write('unflushed')\nraise SystemExit(7)\n"
        ),
    )
    assert (flushed.status, flushed.stdout) == (7, b"at exit\n")
    work = client.hello().work_dir
    assert client.get_bytes(f"{work}/kept") == b"unflushed"
    failed = client.run(["boom.py"], script=b"def f():\n    1 / 0\nf()\n")
    assert failed.status == 1
    text = failed.stderr.decode()
    assert text.startswith("Traceback (most recent call last):\n")
    assert "ZeroDivisionError" in text
    assert "boom.py" in text
    assert "realmos_agent" not in text
    assert "    f()" in text  # the source line is found


def test_script_that_interrupts_itself_dies_by_the_signal(client: AgentClient) -> None:
    result = client.run(["x.py"], script=b"raise KeyboardInterrupt\n")
    assert (result.signal, result.status) == (signal.SIGINT, 128 + signal.SIGINT)


def test_syntax_error_is_the_scripts(client: AgentClient) -> None:
    result = client.run(["x.py"], script=b"def\n")
    assert result.status == 1
    assert b"SyntaxError" in result.stderr
    assert b"workload.py" not in result.stderr


def test_script_can_use_threads_and_processes(client: AgentClient) -> None:
    script = (
        b"import multiprocessing, threading\n"
        b"def f(x): return x * x\n"
        b"if __name__ == '__main__':\n"
        b"    t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
        b"    with multiprocessing.get_context('fork').Pool(2) as p: print(p.map(f, [1, 2, 3]))\n"
    )
    result = client.run(["x.py"], script=script, timeout=20)
    assert result.stdout == b"thread\n[1, 4, 9]\n", result.stderr


def test_command_gets_stdin_and_separate_outputs(client: AgentClient) -> None:
    result = client.run(["sh", "-c", "tr a-z A-Z; echo oops >&2; exit 3"], stdin=b"hello")
    assert (result.status, result.stdout, result.stderr) == (3, b"HELLO", b"oops\n")


def test_without_stdin_input_is_empty(client: AgentClient) -> None:
    assert client.run(["wc", "-c"], timeout=10).stdout.strip() == b"0"


def test_output_arrives_while_the_program_runs(client: AgentClient) -> None:
    seen: list[bytes] = []
    script = b"import sys\nprint('ready')\nprint('got', sys.stdin.readline())\n"
    handle = client.start(["x.py"], script=script, stdin=True, stdout=seen.append)
    deadline = time.monotonic() + 10
    while not seen and time.monotonic() < deadline:
        client.pump(0.1)
    assert seen == [b"ready\n"]
    assert not handle.over
    handle.write(b"it\n")
    handle.close_stdin()
    assert handle.wait(10).status == 0
    assert b"".join(seen) == b"ready\ngot it\n\n"


def test_unknown_command_is_refused_by_name(client: AgentClient) -> None:
    with pytest.raises(PeerRefusedError, match="No such file or directory: 'no-such-program'"):
        client.run(["no-such-program"])


@pytest.mark.parametrize("argv", [[], ["a\0b"]])
def test_command_that_cannot_be_is_refused(client: AgentClient, argv: list[str]) -> None:
    with pytest.raises(PeerRefusedError, match="NUL"):
        client.run(argv)
    assert client.run(["true"]).status == 0


def test_missing_working_directory_is_refused(client: AgentClient) -> None:
    with pytest.raises(PeerRefusedError):
        client.run(["true"], cwd="/no/such/directory")


def test_signal_reaches_the_program_and_is_reported(client: AgentClient) -> None:
    seen = bytearray()
    handle = client.start(["sh", "-c", "echo up; exec sleep 60"], stdout=seen.extend)
    _pump_for(client, seen, b"up")
    handle.signal(signal.SIGTERM)
    result = handle.wait(10)
    assert (result.signal, result.status, result.oom) == (signal.SIGTERM, 143, False)


def test_time_limit_kills_the_whole_group(client: AgentClient, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    result = client.run(
        ["sh", "-c", f"sleep 60 & echo $! > {pid_file}; echo started; wait"], timeout=1.0
    )
    assert result.timed_out
    assert result.stdout == b"started\n"
    assert _gone(int(pid_file.read_text()))


def test_background_children_end_with_the_program(client: AgentClient) -> None:
    result = client.run(["sh", "-c", "sleep 60 & echo $!"], timeout=10)
    assert not result.timed_out
    assert _gone(int(result.stdout))


def test_daemon_that_left_the_group_does_not_hold_up_the_end(client: AgentClient) -> None:
    script = "import os, time; os.fork() or (os.setsid(), time.sleep(20))"
    result = client.run([sys.executable, "-c", script], timeout=10)
    assert not result.timed_out


def test_flood_keeps_memory_bounded_on_both_sides(client: AgentClient, agent: "Agent") -> None:
    count = 0

    def sink(data: bytes) -> None:
        nonlocal count
        count += len(data)

    client.report()  # after it, the agent has all that it imports
    before = agent.memory()
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = client.run(["head", "-c", str(FLOOD), "/dev/zero"], stdout=sink, timeout=60)
    assert (result.status, count) == (0, FLOOD)
    assert agent.memory() - before < 8 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - ours < 8 << 10


def test_flood_that_is_captured_is_cut(client: AgentClient) -> None:
    result = client.run(["head", "-c", str(1 << 20), "/dev/zero"], capture_limit=1000, timeout=30)
    assert result.truncated
    assert result.stdout == bytes(1000)


def test_client_that_stops_reading_stops_the_program(client: AgentClient, agent: "Agent") -> None:
    client.report()  # after it, the agent has all that it imports
    before = agent.memory()
    seen: list[int] = []
    handle = client.start(["cat", "/dev/zero"], stdout=lambda data: seen.append(len(data)))
    while not seen:
        client.pump(1)
    time.sleep(0.5)  # nothing to wait for: nothing must happen
    ticks = _cpu_ticks(agent.process.pid)
    time.sleep(0.5)
    assert _cpu_ticks(agent.process.pid) - ticks <= 2
    assert agent.memory() - before < 4 << 20
    handle.kill()
    assert handle.wait(10).signal == signal.SIGKILL


def test_program_that_does_not_read_stops_the_client(client: AgentClient) -> None:
    handle = client.start(["sleep", "60"], stdin=True)
    with pytest.raises(PeerTimeoutError, match="does not read"):
        handle.write(bytes(4 << 20), timeout=0.5)
    handle.kill()
    assert handle.wait(10).signal == signal.SIGKILL


def test_input_after_the_program_closed_it_is_dropped(client: AgentClient) -> None:
    data = io.BytesIO(bytes(4 << 20))
    assert client.run(["sh", "-c", "exec <&-; sleep 0.3; exit 5"], stdin=data).status == 5


def test_large_input_comes_back(client: AgentClient) -> None:
    data = os.urandom(3 << 20)
    assert client.run(["cat"], stdin=data, timeout=30).stdout == data


def test_several_programs_run_at_once(client: AgentClient) -> None:
    script = b"import sys\nfor line in sys.stdin: print(sys.argv[1], line.strip())\n"
    handles = [client.start(["x.py", str(i)], script=script, stdin=True) for i in range(8)]
    for turn in range(3):
        for handle in handles:
            handle.write(b"%d\n" % turn)
    for handle in handles:
        handle.close_stdin()
    for i, handle in enumerate(handles):
        assert handle.wait(20).stdout == b"".join(b"%d %d\n" % (i, turn) for turn in range(3))


def test_too_many_at_once_are_refused_and_the_rest_go_on(client: AgentClient) -> None:
    handles = [client.start(["cat"], stdin=True) for _ in range(33)]
    with pytest.raises(PeerRefusedError, match="Too many"):
        handles[-1].wait(10)
    for handle in handles[:-1]:
        handle.close_stdin()
        assert handle.wait(10).status == 0


def test_program_on_a_terminal_sees_its_size_and_changes(client: AgentClient) -> None:
    seen = bytearray()
    handle = client.start(
        ["sh", "-c", "test -t 0 && stty size; read line; stty size"],
        stdin=True,
        stdout=seen.extend,
        pty=(30, 100),
    )
    _pump_for(client, seen, b"30 100")
    handle.resize(40, 120)
    handle.write(b"\n")
    assert handle.wait(10).status == 0
    assert b"40 120" in seen


def test_end_of_input_ends_a_program_on_a_terminal(client: AgentClient) -> None:
    handle = client.start(["cat"], stdin=io.BytesIO(b"typed\n"), pty=(24, 80))
    result = handle.wait(10)
    assert (result.status, result.timed_out) == (0, False)
    assert b"typed" in result.stdout


def test_interrupt_key_reaches_the_program(client: AgentClient) -> None:
    seen = bytearray()
    argv = ["sh", "-c", "trap 'echo caught; exit 4' INT; echo up; while :; do sleep 0.1; done"]
    handle = client.start(argv, stdin=True, stdout=seen.extend, pty=(24, 80))
    _pump_for(client, seen, b"up")
    handle.write(b"\x03")
    assert handle.wait(10).status == 4
    assert b"caught" in seen


def _pump_for(client: AgentClient, seen: bytearray, text: bytes) -> None:
    deadline = time.monotonic() + 10
    while text not in seen and time.monotonic() < deadline:
        client.pump(0.1)
    assert text in seen


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _gone(pid: int) -> bool:
    """Whether the process ends within a moment; a zombie counts."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
