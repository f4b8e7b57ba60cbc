# SPDX-License-Identifier: BSD-3-Clause
"""A client beside the core, in one process group: who it is, what it gets, how it ends."""

import fcntl
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from realmos_agent.tee import client_process, wire
from realmos_agent.tee.budget import memory_total

LOOK = """
import os, resource, socket, sys
print(os.getuid(), os.getgid(), os.getgroups(), os.getcwd(), os.environ["HOME"])
print(os.environ["LD_LIBRARY_PATH"], sys.argv[1:], sys.stdin.read())
socket.socket(socket.AF_UNIX).connect(os.environ["REALMOS_TEE_SOCKET"])
open("mine", "w").close()
print(os.nice(0), open("/proc/self/oom_score_adj").read().strip())
open("/dev/stdin").close()
for name in ("/dev/stdout", "/dev/stderr"):
    open(name, "w").close()
print([line.split()[1] for line in open("/proc/self/status") if "NoNewPrivs" in line])
print(resource.getrlimit(resource.RLIMIT_DATA), resource.getrlimit(resource.RLIMIT_NPROC))
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


def limit(what: int, share: int) -> tuple[int, int]:
    """The limit that a client has."""
    limits = resource.getrlimit(what)
    if os.geteuid() != 0:
        return limits
    hard = share if limits[1] == resource.RLIM_INFINITY else min(share, limits[1])
    return hard, hard


def test_client_has_a_user_a_directory_and_a_socket_of_its_own(place: Path) -> None:
    env = {"LD_LIBRARY_PATH": "/other"}
    ended = run(place, "/usr/bin/python3", "-c", LOOK, "a", "b c", env=env, stdin="input")
    assert ended.returncode == 0, ended.stderr
    root = os.geteuid() == 0
    user, group = (client_process.USER,) * 2 if root else (os.getuid(), os.getgid())
    groups = [] if root else os.getgroups()
    total = memory_total()
    limits = [limit(resource.RLIMIT_DATA, total // 2), limit(resource.RLIMIT_NPROC, total >> 20)]
    home = place / "client"
    assert ended.stdout.splitlines() == [
        f"{user} {group} {groups} {home} {home}",
        f"{place}/lib:/other ['a', 'b c'] input",
        f"{min(os.nice(0) + 5, 19)} 1000",
        "['1']",
        " ".join(map(str, limits)),
        "[0, 1, 2]",
    ]
    assert (home / "mine").exists()
    assert not (place / "tee.socket").exists()
    assert "development key" in ended.stderr


def test_client_has_no_more_than_the_core(place: Path) -> None:
    """Nobody raises what is the most, but who has the privilege for it."""
    most = memory_total() // 4
    words = ["prlimit", f"--data={most}:{most}", sys.executable, "-m", "realmos_agent.tee"]
    words += ["--ta-dir", str(place), "--", "/bin/sh", "-c", "ulimit -H -d"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, f"{most >> 10}\n"), ended.stderr


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM), ("", 0)]
)
def test_clients_end_is_the_cores(place: Path, script: str, status: int) -> None:
    assert run(place, "/bin/sh", "-c", script).returncode == status


def test_client_that_is_not_there_is_told(place: Path) -> None:
    ended = run(place, "/nosuch")
    assert ended.returncode == 127
    assert "tee: /nosuch cannot be run: No such file or directory" in ended.stderr


def test_a_script_whose_interpreter_is_not_there_is_told(place: Path) -> None:
    script = place / "script"
    script.write_text("#!/nosuch/python\n", "utf-8")
    script.chmod(0o755)
    ended = run(place, str(script))
    assert ended.returncode == 127
    assert f"tee: {script} cannot be run: the interpreter that it names is not" in ended.stderr


def test_client_of_a_realm_has_half_of_its_memory(tmp_path: Path) -> None:
    """With tmp_path for the kernel's files; tests/ta has those."""
    group = tmp_path / "client"
    group.mkdir()
    files = [tmp_path / "cgroup.subtree_control"]
    files += [group / name for name in ("memory.max", "cpu.weight", "cgroup.procs")]
    for file in files:
        file.touch()
    client_process.join_group(str(tmp_path))
    written = [file.read_text("utf-8") for file in files]
    assert written == ["+cpu +memory", str(memory_total() // 2), "33", "0"]
    files[1].unlink()
    with pytest.raises(FileNotFoundError):
        client_process.join_group(str(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="there is one user only, if not root")
def test_what_is_put_into_the_clients_directory_is_the_clients(place: Path) -> None:
    """And nothing that a link in it leads to."""
    deep = place / "client" / "made" / "deep"
    deep.mkdir(parents=True)
    (deep / "private").write_text("for the client", "utf-8")
    (deep / "private").chmod(0o600)
    (place / "cores").write_text("not for the client", "utf-8")
    (deep / "link").symlink_to(place / "cores")
    ended = run(place, "/bin/sh", "-c", "cat made/deep/private && mkdir made/deep/more")
    assert (ended.returncode, ended.stdout) == (0, "for the client"), ended.stderr
    assert (deep / "more").is_dir()
    assert (place / "cores").stat().st_uid == 0


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
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", str(place), "--", "/bin/true"]
    try:
        ended = subprocess.run(words, stderr=write, check=False, timeout=60)
    finally:
        os.close(write)
    assert ended.returncode == 0


CHANGES = """
import fcntl, os
os.set_blocking(2, False)
try:
    while True:
        os.write(2, b"x" * 4096)
except BlockingIOError:
    os.write(1, b"full")
"""


def test_the_cores_standard_error_is_not_the_clients_to_change(place: Path) -> None:
    read, write = os.pipe()
    words = [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", str(place), "--"]
    words += ["/usr/bin/python3", "-c", CHANGES]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=write) as core:
        assert core.stdout is not None
        assert core.stdout.read(4) == b"full"
        assert not fcntl.fcntl(write, fcntl.F_GETFL) & os.O_NONBLOCK
        os.close(write)
        with os.fdopen(read, "rb") as errors:
            said = errors.read()
    assert core.returncode == 0
    assert said.count(b"x") >= 2 * select.PIPE_BUF  # what was written last comes, too


def test_what_a_client_leaves_behind_holds_nothing_up(place: Path) -> None:
    script = "echo before >&2; (while :; do echo more >&2; done) & exit 7"
    words = [sys.executable, "-m", "realmos_agent.tee", "--ta-dir", str(place), "--"]
    words += ["/bin/sh", "-c", script]
    with subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True) as core:
        assert core.stderr is not None
        said = core.stderr.read()
        assert core.wait(60) == 7
    assert b"before" in said
