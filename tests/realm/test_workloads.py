# SPDX-License-Identifier: BSD-3-Clause
"""Workloads inside a realm, as their users see them."""

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest
from realmos.agent import AgentClient
from realmos.errors import PeerError

pytestmark = pytest.mark.qemu

FLOOD = 100_000_000
FILE_SIZE = 24 << 20
# What a message to the agent, and its answer, may take on a busy machine.
CLOCK_ERROR = 20.0


def python(realm: AgentClient, source: str, *args: str, **options: object) -> str:
    result = realm.run(["test.py", *args], script=source.encode(), **options)  # type: ignore[arg-type] # passed on
    assert result.status == 0, result.stderr.decode()
    return result.stdout.decode()


def test_a_script_sees_its_arguments_environment_and_input(realm: AgentClient) -> None:
    source = "import os, sys; print(sys.argv[1:], os.environ['COLOUR'], sys.stdin.read())"
    out = python(realm, source, "a", "b c", env={"COLOUR": "blue"}, stdin=b"hello")
    assert out == "['a', 'b c'] blue hello\n"


def test_an_exit_status_arrives_whole(realm: AgentClient) -> None:
    assert realm.run(["sh", "-c", "exit 42"]).status == 42


def test_a_workload_that_crashes_is_reported_by_its_signal(realm: AgentClient) -> None:
    result = realm.run(["crash.py"], script=b"import os; os.kill(os.getpid(), 11)")
    assert result.signal == signal.SIGSEGV
    assert result.status == 128 + signal.SIGSEGV


def test_an_exception_comes_with_its_traceback_on_stderr(realm: AgentClient) -> None:
    result = realm.run(["bad.py"], script=b"def f():\n    raise ValueError('why')\nf()\n")
    assert result.status == 1
    assert b"ValueError: why" in result.stderr
    assert b'bad.py", line 2, in f' in result.stderr
    assert result.stdout == b""


def test_a_program_that_is_not_there_is_refused_by_name(realm: AgentClient) -> None:
    with pytest.raises(PeerError, match="no-such-program"):
        realm.run(["no-such-program"])


def test_a_workload_that_hangs_is_killed_when_its_time_is_up(realm: AgentClient) -> None:
    result = realm.run(["sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"], timeout=2)
    assert result.timed_out
    assert result.signal == signal.SIGKILL
    assert b"sleep 600" not in realm.run(["ps"]).stdout


def most_memory(process: str, *, reset: bool = False) -> int:
    """The most memory that a process has had, in bytes: ever, or since this was reset."""
    folder = Path("/proc") / process
    if reset:
        (folder / "clear_refs").write_text("5")
    return peak((folder / "status").read_text())


def peak(status: str) -> int:
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def agent_memory(realm: AgentClient) -> int:
    """The same of the agent: it is the parent of what it runs."""
    return peak(realm.run(["sh", "-c", "cat /proc/$PPID/status"]).stdout.decode())


def test_a_flood_of_output_is_counted_whole_in_bounded_memory(realm: AgentClient) -> None:
    received = 0

    def count(data: bytes) -> None:
        nonlocal received
        received += len(data)

    ours, agents = most_memory("self", reset=True), agent_memory(realm)
    source = f"import os\nleft = {FLOOD}\nwhile left: left -= os.write(1, bytes(min(left, 65536)))"
    result = realm.run(["flood.py"], script=source.encode(), stdout=count)
    ours, agents = most_memory("self") - ours, agent_memory(realm) - agents
    assert result.status == 0
    assert received == FLOOD
    assert ours < FLOOD // 4, f"{ours} bytes more memory than before"
    assert agents < FLOOD // 4, f"{agents} bytes more memory in the agent"
    assert realm.run(["true"]).status == 0


def test_a_workload_killed_for_memory_is_said_to_be_so_and_the_agent_lives(
    realm: AgentClient,
) -> None:
    source = b"kept = []\nwhile True: kept.append(bytes([1]) * (1 << 20))"
    result = realm.run(["greedy.py"], script=source)
    assert result.oom
    assert result.signal == signal.SIGKILL
    assert realm.run(["echo", "alive"]).stdout == b"alive\n"


def test_several_workloads_run_at_once(realm: AgentClient) -> None:
    script = "read line; echo got $line"
    handles = [realm.start(["sh", "-c", script], stdin=True) for _ in range(4)]
    for number, handle in reversed(list(enumerate(handles))):
        handle.write(f"{number}\n".encode())
    assert [handle.wait(60).stdout for handle in handles] == [
        f"got {number}\n".encode() for number in range(4)
    ]


def test_output_arrives_while_the_workload_still_runs(realm: AgentClient) -> None:
    seen: list[bytes] = []
    handle = realm.start(["sh", "-c", "echo early; read line"], stdin=True, stdout=seen.append)
    deadline = time.monotonic() + 60
    while not seen and time.monotonic() < deadline:
        realm.pump(0.1)
    assert seen == [b"early\n"]
    assert not handle.over
    handle.write(b"\n")
    assert handle.wait(60).status == 0


def test_a_large_file_goes_in_and_comes_back_unchanged(realm: AgentClient, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * (FILE_SIZE >> 20)
    (tmp_path / "in").write_bytes(data)
    realm.put(tmp_path / "in", "/tmp/realmos-test/deep/file", mode=0o640)  # noqa: S108 -- there
    digest = realm.run(["sha256sum", "/tmp/realmos-test/deep/file"]).stdout.split()[0]  # noqa: S108
    assert digest.decode() == hashlib.sha256(data).hexdigest()
    realm.get("/tmp/realmos-test/deep/file", tmp_path / "out")  # noqa: S108
    assert (tmp_path / "out").read_bytes() == data
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640
    realm.run(["rm", "-r", "/tmp/realmos-test"])  # noqa: S108


def test_the_realm_knows_what_it_is(realm: AgentClient) -> None:
    report = realm.report()
    assert report.rsi == "1.0"
    assert report.machine == "aarch64"
    assert report.memory_total > 384 << 20
    assert report.uptime > 0


def test_a_time_out_of_bounds_is_refused_and_changes_nothing(realm: AgentClient) -> None:
    for hostile in (0, 10**18, 5 * 10**18, (1 << 64) - 1):
        with pytest.raises(PeerError, match="clock"):
            realm.set_clock(hostile)
    assert abs(float(python(realm, "import time; print(time.time())")) - time.time()) < CLOCK_ERROR


def test_the_standard_library_and_cryptography_are_there(realm: AgentClient) -> None:
    source = """
import asyncio, cbor2, ctypes, hashlib, json, sqlite3, ssl, subprocess, threading
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP384R1())
print(json.dumps([cbor2.loads(cbor2.dumps([1])), key.curve.name,
                  subprocess.run(["echo", "sub"], capture_output=True, text=True).stdout]))
"""
    assert python(realm, source) == '[[1], "secp384r1", "sub\\n"]\n'
