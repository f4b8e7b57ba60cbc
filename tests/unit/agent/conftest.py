# SPDX-License-Identifier: BSD-3-Clause
"""The real agent as a process of this machine, on a port that behaves as a virtio-serial port."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import realmos_agent
from realmos.agent import AgentClient
from realmos_agent.protocol import numbers

_PIECE = 64 << 10
EXIT_STATUSES = (numbers.EXIT_POWER_OFF, numbers.EXIT_REBOOT)
_ATTESTING = Path(__file__).with_name("attesting_agent.py")
_PYTHONPATH = Path(realmos_agent.__file__).parents[1]


class Port:
    """A unix socket joined to the agent's port, as QEMU's chardev and virtio-serial join them.

    One client at a time. The realm's side sees nobody (reads return nothing, poll hangs up) while
    there is none, and what it writes then is lost; two named pipes have just these manners. With
    `announces` off, the realm's side does not learn that a client went.
    """

    def __init__(self, folder: Path, *, announces: bool = True) -> None:
        self.path = folder / "socket"
        self._announces = announces
        for name in ("in", "out"):
            os.mkfifo(folder / name)
        self.agent_in = os.open(folder / "in", os.O_RDONLY | os.O_NONBLOCK)
        self.agent_out = os.open(folder / "out", os.O_RDWR | os.O_NONBLOCK)
        self._in_path = folder / "in"
        self._out = os.open(folder / "out", os.O_RDONLY | os.O_NONBLOCK)
        self._in = -1
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(1)
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        os.close(self._stopper)
        self._thread.join()
        self._server.close()
        for fd in {self._stop, self._out, self.agent_in, self.agent_out, self._in} - {-1}:
            os.close(fd)

    def _serve(self) -> None:
        while self._wait(self._server.fileno(), self._out):
            self._drop_output()
            if select.select([self._server], [], [], 0)[0]:
                client, _ = self._server.accept()
                with client, contextlib.suppress(OSError):
                    self._join(client)
                if self._announces:
                    os.close(self._in)
                    self._in = -1

    def _wait(self, *fds: int) -> bool:
        return self._stop not in select.select([self._stop, *fds], [], [])[0]

    def _drop_output(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._out, _PIECE):
                pass

    def _join(self, client: socket.socket) -> None:
        """Pass bytes both ways, neither way waiting for the other, until the client goes."""
        client.setblocking(False)
        if self._in < 0:
            self._in = os.open(self._in_path, os.O_WRONLY)
            os.set_blocking(self._in, False)
        to_agent = to_client = b""
        fd = client.fileno()
        while True:
            reads = [self._stop, *([] if to_agent else [fd]), *([] if to_client else [self._out])]
            writes = [*([self._in] if to_agent else []), *([fd] if to_client else [])]
            reads, writes, _ = select.select(reads, writes, [])
            if self._stop in reads:
                return
            if fd in reads:
                to_agent = client.recv(_PIECE)
                if not to_agent:
                    return
            if self._out in reads:
                to_client = os.read(self._out, _PIECE)
            if self._in in writes:
                to_agent = to_agent[os.write(self._in, to_agent) :]
            if fd in writes:
                to_client = to_client[client.send(to_client) :]


class Agent:
    """The agent's process."""

    def __init__(self, port: Port, folder: Path, *, attests: bool, claims: bool) -> None:
        self.port = port
        self.work = folder / "work"
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_PYTHONPATH)}
        if not claims:
            env["NO_CLAIM"] = "1"
        program = [str(_ATTESTING)] if attests else ["-m", "realmos_agent"]
        fds = (port.agent_in, port.agent_out)
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-s",
                "-S",
                *program,
                "--fds",
                f"{fds[0]},{fds[1]}",
                "--work-dir",
                str(self.work),
            ],
            env=env,
            pass_fds=fds,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def memory(self, field: str = "VmHWM") -> int:
        """Return a size of the process, in bytes; the peak of its memory by default."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) << 10
        raise KeyError(field)

    def close(self) -> None:
        status = self.process.poll()
        # Whatever the test did, the agent must have lived through it or have been told to stop.
        assert status in {None, *EXIT_STATUSES}, self.process.communicate(timeout=60)
        if status is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=60)


Starter = Callable[..., Agent]


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[Starter]:
    """Start agents, each on a port of its own."""
    with contextlib.ExitStack() as stack:

        def start(*, announces: bool = True, attests: bool = False, claims: bool = True) -> Agent:
            folder = tmp_path / f"agent{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            port = Port(folder, announces=announces)
            stack.callback(port.close)
            agent = Agent(port, folder, attests=attests, claims=claims)
            stack.callback(agent.close)
            return agent

        yield start


@pytest.fixture
def agent(start_agent: Starter) -> Agent:
    return start_agent()


@pytest.fixture
def client(agent: Agent) -> Iterator[AgentClient]:
    with AgentClient(agent.port.path, timeout=60.0, reply_timeout=60.0) as client:
        yield client
