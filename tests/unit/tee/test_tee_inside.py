# SPDX-License-Identifier: BSD-3-Clause
"""A client beside the core, in one process group: who it is, what it gets, how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from realmos_agent.tee import inside, wire

LOOK = """
import os, socket, sys
print(os.getuid(), os.getgid(), os.getgroups(), os.getcwd(), os.environ["HOME"])
print(os.environ["LD_LIBRARY_PATH"], sys.argv[1:], sys.stdin.read())
socket.socket(socket.AF_UNIX).connect(os.environ["REALMOS_TEE_SOCKET"])
open("mine", "w").close()
print(os.nice(0), open("/proc/self/oom_score_adj").read().strip())
open("/dev/stdin").close()
for name in ("/dev/stdout", "/dev/stderr"):
    open(name, "w").close()
print(sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1])
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users can see, as a realm's are."""
    made = Path(tempfile.mkdtemp(prefix="realmos-inside-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def run(place: Path, *client: str, env: dict[str, str] | None = None, stdin: str = "") -> "Ended":
    """Run a core with a client."""
    words = [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", str(place), "--", *client]
    return subprocess.run(
        words, input=stdin, capture_output=True, text=True, env={**os.environ, **(env or {})},
        check=False, timeout=120,
    )  # fmt: skip


Ended = subprocess.CompletedProcess[str]


def test_client_has_a_user_a_directory_and_a_socket_of_its_own(place: Path) -> None:
    env = {"LD_LIBRARY_PATH": "/other"}
    ended = run(place, "/usr/bin/python3", "-c", LOOK, "a", "b c", env=env, stdin="input")
    assert ended.returncode == 0, ended.stderr
    root = os.geteuid() == 0
    user, group = (inside.USER, inside.USER) if root else (os.getuid(), os.getgid())
    groups = [] if root else os.getgroups()
    home = place / "client"
    assert ended.stdout.splitlines() == [
        f"{user} {group} {groups} {home} {home}",
        f"{place}/lib:/other ['a', 'b c'] input",
        f"{min(os.nice(0) + 5, 19)} 1000",
        "[0, 1, 2]",
    ]
    assert (home / "mine").exists()
    assert not (place / "tee.socket").exists()
    assert "development key" in ended.stderr


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM), ("", 0)]
)
def test_clients_end_is_the_cores(place: Path, script: str, status: int) -> None:
    assert run(place, "/bin/sh", "-c", script).returncode == status


def test_client_that_is_not_there_is_told(place: Path) -> None:
    ended = run(place, "/nosuch")
    assert ended.returncode == 127
    assert "tee: /nosuch cannot be run: No such file or directory" in ended.stderr


def test_client_does_not_start_when_the_core_does_not(place: Path) -> None:
    words = [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", str(place)]
    words += ["--ta-key", "/nosuch", "--", "/bin/echo", "started"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 1
    assert "/nosuch" in ended.stderr
    assert ended.stdout == ""


DIES = """
import os, sys
from realmos_agent.tee import __main__, inside

class Core:
    def __init__(self, options, out):
        pass

    def serve(self, source):
        os.read(source, 1)
        raise ValueError("a fault")

inside.Core = Core
__main__.main()
"""
CALLS = """
import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["REALMOS_TEE_SOCKET"])
connection.sendall(bytes.fromhex(sys.argv[1]))
print(len(connection.recv(99)) > 0)
"""


def test_client_of_a_core_that_ends_is_told(place: Path) -> None:
    """It would wait for ever."""
    call = wire.encode(wire.Close(0, 1, 1)).hex()
    words = [sys.executable, "-c", DIES, "--ta-dir", str(place), "--"]
    words += ["/usr/bin/python3", "-c", CALLS, call]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr
    assert "tee: the TEE has ended: " in ended.stderr


def test_a_client_must_be_named(place: Path) -> None:
    ended = run(place)
    assert ended.returncode == 1
    assert "there is no client behind --" in ended.stderr


def test_a_log_that_nobody_reads_ends_nothing(place: Path) -> None:
    """The client has the same standard error, and can fill it or make it fail."""
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", str(place), "--", "/bin/true"]
    try:
        ended = subprocess.run(words, stderr=write, check=False, timeout=60)
    finally:
        os.close(write)
    assert ended.returncode == 0
