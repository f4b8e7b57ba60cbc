# SPDX-License-Identifier: BSD-3-Clause
"""The broker on its socket: several realms at once, slow and hostile peers, and its end."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from realmos.broker import Address, Server
from realmos.errors import ConfigError
from realmos_agent.asking import Asking, Question
from realmos_agent.identity import server_context
from realmos_agent.protocol import Given, Refused, numbers

if TYPE_CHECKING:
    from tests.unit.broker.conftest import Desk

PATIENCE = 30.0
SECRET = b"correct horse battery staple"

# The agent has a single thread, and makes its certificates for that.
ONE_THREAD = threading.Lock()

Start = Callable[..., AbstractContextManager[list[str]]]


@pytest.fixture
def address(tmp_path: Path) -> Address:
    return Address.parse(str(tmp_path / "socket"))


@pytest.fixture
def serving(desk: "Desk", address: Address) -> Start:
    """Return a function that starts a broker; what goes wrong with connections is in its list."""

    @contextlib.contextmanager
    def start(**options: float) -> Iterator[list[str]]:
        complaints: list[str] = []
        over = threading.Event()
        with address.listening() as listener:
            server = Server(
                listener,
                desk.broker.answer,
                complain=complaints.append,
                **options,  # type: ignore[arg-type] # names are checked
            )
            thread = threading.Thread(target=server.serve, args=(over.is_set,))
            thread.start()
            try:
                yield complaints
            finally:
                over.set()
                thread.join()

    return start


def ask(address: Address) -> Given | Refused:
    """Be a realm."""
    asking = Asking(Question(numbers.WANT_SECRET, "model", 0, b"", b""), server_context)
    with address.connect() as connection:
        connection.settimeout(PATIENCE)
        while asking.answer is None:
            data = connection.recv(1 << 16)
            assert data, "the broker hung up"
            with ONE_THREAD:
                asking.feed(data)
            connection.sendall(b"".join(asking.take_output()))
    return asking.answer


@pytest.mark.usefixtures("peer")
def test_realms_are_served_one_after_the_other_and_at_once(
    serving: Start, address: Address
) -> None:
    answers: list[Given | Refused] = []
    with serving() as complaints:
        threads = [threading.Thread(target=lambda: answers.append(ask(address))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers.append(ask(address))
    assert [vars(answer).get("data") for answer in answers] == [SECRET] * 7
    assert complaints == []


@pytest.mark.usefixtures("peer")
def test_slow_peers_hold_nobody_up(serving: Start, address: Address) -> None:
    with serving(), contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(address.connect())
        assert isinstance(ask(address), Given)


@pytest.mark.usefixtures("peer")
def test_oldest_silent_peer_gives_way(serving: Start, address: Address) -> None:
    with serving(connections=3), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(address.connect()) for _ in range(3)]
        assert isinstance(ask(address), Given)
        silent[0].settimeout(PATIENCE)
        while silent[0].recv(1 << 20):
            pass  # the hello; then the end


def test_peer_that_takes_too_long_is_cut_off(serving: Start, address: Address) -> None:
    with serving(patience=0.3) as complaints, address.connect() as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(b"\0")  # one that trickles
        while connection.recv(1 << 20):
            pass
        deadline = time.monotonic() + PATIENCE
        while not complaints and time.monotonic() < deadline:
            time.sleep(0.01)
    assert complaints == ["connection 1: it took too long"]


@pytest.mark.parametrize("size", [1, 64 << 10, 4 << 20])
def test_junk_ends_one_conversation(serving: Start, address: Address, size: int) -> None:
    with serving(patience=5.0) as complaints:
        with address.connect() as connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            connection.sendall(os.urandom(size))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 20):
                pass
        deadline = time.monotonic() + PATIENCE
        while not complaints and time.monotonic() < deadline:
            time.sleep(0.01)
        address.require()
    assert len(complaints) == 1


def test_looking_whether_it_is_there_is_no_event(serving: Start, address: Address) -> None:
    with serving() as complaints:
        address.require()
    assert complaints == []


def test_end_cuts_conversations_and_removes_the_socket(serving: Start, address: Address) -> None:
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        with serving():
            assert address.path is not None
            assert address.path.stat().st_mode & 0o777 == 0o600
            stack.enter_context(address.connect())
            time.sleep(0.1)
        assert not address.path.exists()
    assert time.monotonic() - began < PATIENCE
    with pytest.raises(ConfigError, match="no broker answers"):
        address.require()


def test_socket_that_a_dead_broker_left_is_replaced(serving: Start, address: Address) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(address))
    with serving():
        address.require()


def test_socket_of_a_live_broker_and_other_files_are_not(
    serving: Start, address: Address, tmp_path: Path
) -> None:
    with serving(), pytest.raises(ConfigError, match="another broker"), address.listening():
        pass
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigError, match="no socket"),
        Address.parse(str(tmp_path / "file")).listening(),
    ):
        pass
    assert (tmp_path / "file").exists()


def test_port_of_this_machine_will_do(desk: "Desk") -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    there = Address.parse(f"127.0.0.1:{port}")
    assert Address.parse(f"localhost:{port}") == there
    assert str(there) == f"127.0.0.1:{port}"
    over = threading.Event()
    with there.listening() as listener:
        server = Server(listener, desk.broker.answer, complain=lambda _: None)
        thread = threading.Thread(target=server.serve, args=(over.is_set,))
        thread.start()
        there.require()
        over.set()
        thread.join()


@pytest.mark.parametrize("text", ["", "10.0.0.1:80", "127.0.0.1:x", "127.0.0.1:70000", "/" * 200])
def test_address_elsewhere_or_of_no_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Address.parse(text)
