# SPDX-License-Identifier: BSD-3-Clause
"""Clients that come, go, die and misbehave; and the agent, which stays."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import cbor2
import pytest
from realmos.agent import AgentClient
from realmos.errors import PeerError, PeerRefusedError, PeerTimeoutError
from realmos_agent.protocol import (
    Bye,
    Clock,
    Credit,
    Data,
    Done,
    Eof,
    Error,
    Get,
    Hello,
    Message,
    Put,
    Run,
    Session,
    Welcome,
    numbers,
)
from realmos_agent.protocol.frame import Frame, encode_frame

if TYPE_CHECKING:
    from tests.unit.agent.conftest import Agent, Starter

TIMEOUT = 60.0  # a safety net: under load a second takes long


class RawClient:
    """A client that may do what the real one never does."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(str(path))
        self.session = Session("client")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, message: Message) -> None:
        self.socket.sendall(self.session.send(message))

    def receive(self) -> Message:
        while (message := self.session.next_event()) is None:
            data = self.socket.recv(1 << 16)
            assert data, "closed"
            self.session.feed(data)
        return message

    def greet(self, version: int = numbers.VERSION) -> Message:
        self.send(Hello(version, os.urandom(numbers.NONCE_SIZE), "raw"))
        return self.receive()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def fake_agent(reply: Callable[[Session, Message], bytes]) -> Iterator[AgentClient]:
    """A client of an agent that says welcome, and then what `reply` returns for each message."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    agent = Session("agent")

    def answer() -> None:
        with contextlib.suppress(BlockingIOError):
            agent.feed(theirs.recv(1 << 20))
        while (message := agent.next_event()) is not None:
            if isinstance(message, Hello):
                welcome = Welcome(numbers.VERSION, message.nonce, "fake", b"", b"/", ())
                theirs.sendall(agent.send(welcome))
            elif not isinstance(message, Bye):
                theirs.sendall(reply(agent, message))

    with theirs, ours, AgentClient(ours, timeout=TIMEOUT, watch=answer) as client:
        yield client


def works(agent: "Agent") -> None:
    """Check that a new client is served."""
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        assert client.run(["echo", "still here"]).stdout == b"still here\n"


def test_greeting_tells_where_and_when(client: AgentClient, agent: "Agent") -> None:
    greeting = client.hello()
    assert Path(greeting.work_dir).parent == agent.work
    assert len(greeting.nonce) == numbers.NONCE_SIZE
    assert list(greeting.marks) == ["agent", "port", "answer"]
    assert sorted(greeting.marks.values()) == list(greeting.marks.values())


def test_report_describes_the_machine(client: AgentClient) -> None:
    report = client.report()
    uname = os.uname()
    assert (report.kernel, report.machine) == (uname.release, uname.machine)
    assert 0 < report.memory_available < report.memory_total
    assert report.uptime > 0
    assert report.cpus >= 1


def test_session_leaves_nothing_behind(agent: "Agent") -> None:
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        work = Path(client.hello().work_dir)
        client.put_bytes(b"x", f"{work}/a/b/c")
        client.start(["sleep", "60"])
        client.run(["ln", "-s", "/", "link"])
        assert (work / "a/b/c").exists()
    until(lambda: not work.exists())
    assert Path("/usr").exists()
    until(lambda: not _children(agent))


@pytest.mark.parametrize("announces", [True, False])
def test_client_that_dies_leaves_a_clean_port(start_agent: "Starter", *, announces: bool) -> None:
    agent = start_agent(announces=announces)
    with RawClient(agent.port.path) as raw:
        welcome = raw.greet()
        assert isinstance(welcome, Welcome)
        raw.send(Run(1, (b"cat", b"/dev/zero"), (), None, python=False, stdin=True, pty=None))
        raw.receive()
        target = welcome.work_dir + b"/file"
        raw.send(Put(2, target, 0o644, parents=False))
        frame = raw.session.send(Data(2, 0, bytes(50_000)))
        raw.socket.sendall(frame[:-20_000])
    works(agent)
    until(lambda: not _children(agent))
    assert not Path(os.fsdecode(target)).exists()


def test_clients_follow_each_other_quickly(agent: "Agent") -> None:
    nonces = set()
    for _ in range(20):
        with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
            nonces.add(client.hello().work_dir)
            client.start(["sleep", "60"])
    assert len(nonces) == 20
    until(lambda: not _children(agent))


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\nHost: realm\r\n\r\n",
        bytes(200_000),
        b"\xff" * 200_000,
        os.urandom(200_000),
        numbers.FRAME_MAGIC.to_bytes(4, "little") * 50_000,
    ],
    ids=["http", "zeros", "ones", "random", "magic"],
)
def test_junk_on_the_port_is_survived(agent: "Agent", junk: bytes) -> None:
    with RawClient(agent.port.path) as raw:
        raw.socket.sendall(junk)
        assert isinstance(raw.greet(), Welcome)
        raw.socket.sendall(b"junk")
        answer = raw.receive()
        assert isinstance(answer, Error)
        assert answer.code == numbers.ERR_BAD_FRAME
        assert isinstance(raw.greet(), Welcome)
    works(agent)


def test_junk_without_a_session_is_answered(agent: "Agent") -> None:
    with RawClient(agent.port.path) as raw:
        raw.socket.sendall(b"junk")
        data = raw.socket.recv(1 << 16)
        assert int.from_bytes(data[:4], "little") == numbers.FRAME_MAGIC
        assert b"BAD" in data or b"not a frame" in data
    works(agent)


def test_violation_ends_the_session_and_its_programs(agent: "Agent") -> None:
    with RawClient(agent.port.path) as raw:
        raw.greet()
        raw.send(Run(1, (b"sleep", b"60"), (), None, python=False, stdin=False, pty=None))
        raw.receive()
        again = Run(1, (b"true",), (), None, python=False, stdin=False, pty=None)
        raw.session._last_id = 0  # noqa: SLF001 - forget our own rules
        raw.send(again)
        answer = raw.receive()
        assert isinstance(answer, Error)
        assert (answer.id, answer.code) == (0, numbers.ERR_BAD_STATE)
    until(lambda: not _children(agent))
    works(agent)


def test_other_version_is_refused_and_said(agent: "Agent") -> None:
    with RawClient(agent.port.path) as raw:
        answer = raw.greet(numbers.VERSION + 1)
        assert isinstance(answer, Error)
        assert answer.code == numbers.ERR_VERSION
    works(agent)


def test_requests_without_reading_answers_do_not_fill_memory(agent: "Agent") -> None:
    works(agent)  # after it, the agent has all that it imports
    with RawClient(agent.port.path) as raw:
        raw.greet()
        before = agent.memory()
        raw.socket.settimeout(0.5)
        requests = b"".join(raw.session.send(Get(number, b"/no")) for number in range(1, 20_000))
        with pytest.raises(TimeoutError):
            raw.socket.sendall(requests)
        assert agent.memory() - before < 4 << 20
        raw.socket.settimeout(TIMEOUT)
        assert isinstance(raw.receive(), Error)
    works(agent)


def test_data_beyond_the_credit_ends_the_session(agent: "Agent") -> None:
    with RawClient(agent.port.path) as raw:
        raw.greet()
        raw.send(Run(1, (b"sleep", b"60"), (), None, python=False, stdin=True, pty=None))
        raw.receive()
        operation = raw.session._operations[1]  # noqa: SLF001 - forget our own rules
        for _ in range(6):
            operation._streams[0].credit = numbers.DATA_MAX  # noqa: SLF001 - ditto
            raw.send(Data(1, 0, bytes(numbers.DATA_MAX)))
        while isinstance(answer := raw.receive(), Credit):
            pass  # for what went into the pipe
        assert isinstance(answer, Error)
        assert answer.code == numbers.ERR_OVERRUN
    works(agent)


def test_eof_on_every_stream_is_only_taken_once(agent: "Agent") -> None:
    with RawClient(agent.port.path) as raw:
        raw.greet()
        raw.send(Run(1, (b"cat",), (), None, python=False, stdin=True, pty=None))
        raw.send(Eof(1, 0))
        names = [type(raw.receive()).__name__ for _ in range(4)]
    assert names == ["Started", "Eof", "Eof", "Exited"]


def test_reseed_changes_the_agents_nonce(agent: "Agent") -> None:
    if os.geteuid() != 0:
        pytest.skip("adding entropy to the kernel takes root")
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        before = client.hello().nonce
        client.reseed()
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        assert client.hello().nonce != before


@pytest.mark.parametrize("size", [0, numbers.RESEED_MAX + 1])
def test_seed_of_another_size_is_refused(client: AgentClient, size: int) -> None:
    with pytest.raises(PeerRefusedError, match="seed"):
        client.reseed(bytes(size))


# The kernel would refuse these too: the clock of this machine is safe, whatever the agent does.
@pytest.mark.parametrize("time_ns", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_time_out_of_bounds_is_refused(agent: "Agent", client: AgentClient, time_ns: int) -> None:
    with pytest.raises(PeerRefusedError, match="clock: The time is not in 2024 to 2099"):
        client.set_clock(time_ns)
    assert client.run(["echo", "still here"]).stdout == b"still here\n"
    assert agent.alive


@pytest.mark.parametrize("time_ns", [-1, 1.7e18, "now", None, [1, 2], 1 << 64])
def test_time_that_is_none_ends_the_session_only(agent: "Agent", time_ns: object) -> None:
    with RawClient(agent.port.path) as raw:
        raw.greet()
        payload = cbor2.dumps({"id": 1, "time_ns": time_ns})
        tag = int.from_bytes(raw.session._nonce[:8], "little") | 1  # noqa: SLF001 - forge a frame
        raw.socket.sendall(encode_frame(Frame(numbers.MSG_CLOCK, tag, payload)))
        answer = raw.receive()
        assert isinstance(answer, Error)
        assert (answer.id, answer.code) == (0, numbers.ERR_BAD_MESSAGE)
    works(agent)


def test_client_sends_this_machines_time() -> None:
    received = []

    def reply(agent: Session, message: Message) -> bytes:
        assert isinstance(message, Clock)
        received.append(message.time_ns)
        return agent.send(Done(message.id, 0))

    with fake_agent(reply) as client:
        before = time.time_ns()
        client.set_clock()
        after = time.time_ns()
        client.set_clock(7)
    assert before <= received[0] <= after
    assert received[1:] == [7]


@pytest.mark.parametrize(
    ("reboot", "status"), [(False, numbers.EXIT_POWER_OFF), (True, numbers.EXIT_REBOOT)]
)
def test_shutdown_ends_the_agent_and_its_programs(
    agent: "Agent", *, reboot: bool, status: int
) -> None:
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        client.start(["sleep", "60"])
        client.shutdown(reboot=reboot)
        assert agent.process.wait(TIMEOUT) == status


def test_client_waits_for_an_agent_that_comes_late(tmp_path: Path) -> None:
    with pytest.raises(PeerTimeoutError, match=r"did not answer in 0\.3 s"):
        AgentClient(tmp_path / "nobody", timeout=0.3)


def test_client_says_how_long_it_waited_for_another_session(agent: "Agent") -> None:
    with AgentClient(agent.port.path, timeout=TIMEOUT) as client:
        agent.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(PeerTimeoutError, match=r"did not answer in 0\.3 s"):
                client.renew(timeout=0.3)
        finally:
            agent.process.send_signal(signal.SIGCONT)


def test_client_gives_up_on_a_port_nobody_reads(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "port"))
        server.listen(1)
        with pytest.raises(PeerTimeoutError, match="nobody reads it"):
            AgentClient(str(tmp_path / "port"), timeout=0.3)


def test_watch_can_end_a_wait(agent: "Agent", tmp_path: Path) -> None:
    class Stopped(Exception):  # noqa: N818 - a test's own
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        AgentClient(tmp_path / "nobody", timeout=TIMEOUT, watch=stop)
    works(agent)


def test_client_says_when_the_connection_breaks() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"")
        theirs.shutdown(socket.SHUT_RDWR)
        with ours, pytest.raises(PeerError, match="closed"):
            AgentClient(ours, timeout=TIMEOUT)


def test_client_refuses_an_agent_that_breaks_the_protocol() -> None:
    with fake_agent(lambda *_: b"junk") as client:
        with pytest.raises(PeerError, match="broke the protocol"):
            client.report()
        with pytest.raises(PeerError, match="over"):
            client.report()


def _children(agent: "Agent") -> list[str]:
    """The agent's living children."""
    path = Path(f"/proc/{agent.process.pid}/task/{agent.process.pid}/children")
    return path.read_text("ascii").split()
