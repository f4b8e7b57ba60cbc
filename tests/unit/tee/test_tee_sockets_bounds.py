# SPDX-License-Identifier: BSD-3-Clause
"""What connections may cost the hub and the core: requests at a time, time, and sockets."""

import socket
import struct
from types import SimpleNamespace

import pytest
from fake_hub import one_frame, until
from fake_ta import in_thread
from realmos_agent.tee import client_numbers, numbers, wire
from realmos_agent.tee import network as network_module
from realmos_agent.tee.connections import WAITING_MAX, Connections
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.network import Network
from realmos_agent.tee.questions import SECONDS, Questions

PATIENCE = 60.0
LOOPBACK = b"127.0.0.1\0"


def request(number: int, what: int, *words: int, data: bytes = b"") -> wire.Frame:
    """Return what a core asks of its hub."""
    body = struct.pack(client_numbers.NET_FORMAT, what, *words) + data
    return wire.Frame(client_numbers.KIND_NET, 0, number, body)


class Bare:
    """A hub's end of connections, asked by hand."""

    def __init__(self) -> None:
        self.network = Network(lambda: None)
        self.answers: dict[int, tuple[int, int]] = {}

    def ask(self, number: int, what: int, *words: int, data: bytes = b"") -> None:
        """Ask for something."""
        self.network.ask(request(number, what, *words, data=data))

    def answer(self, number: int) -> tuple[int, int]:
        """Return result and value of an answer."""
        until(lambda: number in self.answers or self._take())
        return self.answers[number]

    def _take(self) -> bool:
        for each in self.network.take_answers():
            frame = one_frame(each, client_numbers.KIND_NET_DONE)
            self.answers[frame.request] = struct.unpack_from("<II", frame.body)
        return False


def test_too_many_requests_at_a_time_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_module, "PIECE_MS", 60000)
    bare = Bare()
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = (0, 0, server.getsockname()[1], numbers.SOCKET_TCP)
        bare.ask(1, client_numbers.NET_OPEN, *where, data=LOOPBACK)
        assert bare.answer(1) == (numbers.SUCCESS, 1)
        peer, _ = server.accept()
    with peer:
        for number in range(WAITING_MAX):
            bare.ask(10 + number, client_numbers.NET_RECEIVE, 1, 60000, 1, 0)
        bare.ask(2, client_numbers.NET_RECEIVE, 1, 60000, 1, 0)
        assert bare.answer(2) == (numbers.ISOCKET_ERROR_OUT_OF_RESOURCES, 0)
        assert 10 not in bare.answers
        bare.ask(3, client_numbers.NET_CLOSE, 1, 0, 0, 0)
        assert bare.answer(3) == (numbers.SUCCESS, 0)
        for number in range(WAITING_MAX):
            bare.answer(10 + number)
        assert peer.recv(1) == b""
    bare.ask(4, client_numbers.NET_RECEIVE, 1, 0, 1, 0)
    assert bare.answer(4) == (numbers.ERROR_BAD_PARAMETERS, 0)
    bare.network.close()


def test_the_core_asks_for_no_more_at_a_time_than_the_hub_bears() -> None:
    asked: list[bytes] = []
    questions = Questions(asked.append, PATIENCE)
    connections = Connections(questions)
    receiving = [in_thread(lambda: connections.receive(1, 1, 0)) for _ in range(WAITING_MAX)]
    until(lambda: len(asked) == WAITING_MAX)
    with pytest.raises(TeeError, match=f"{numbers.ISOCKET_ERROR_OUT_OF_RESOURCES:x}"):
        connections.receive(1, 1, 0)
    assert len(asked) == WAITING_MAX
    closing = in_thread(lambda: connections.close(1))
    until(lambda: len(asked) > WAITING_MAX)
    questions.end()
    with pytest.raises(TeeError, match="COMMUNICATION"):
        closing.result(PATIENCE)
    for each in receiving:
        with pytest.raises(TeeError, match="COMMUNICATION"):
            each.result(PATIENCE)


def test_all_addresses_of_a_name_share_the_time_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the last is tried as well."""
    waits: list[float] = []

    class Dead(socket.socket):
        def connect(self, _address: object) -> None:
            wait = self.gettimeout()
            assert wait is not None
            waits.append(wait)
            now[0] += wait
            raise TimeoutError

    now = [100.0]
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))] * 30
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: addresses)
    monkeypatch.setattr(socket, "socket", Dead)
    monkeypatch.setattr(network_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with pytest.raises(TeeError, match=f"{numbers.ISOCKET_ERROR_TIMEOUT:x}"):
        network_module._connect(b"dead\0", 1, socket.AF_INET, socket.SOCK_STREAM)  # noqa: SLF001 -- without its threads
    assert len(waits) == len(addresses)
    assert sum(waits) <= network_module.CONNECT_SECONDS * 1.01 < 0.6 * SECONDS


def test_a_socket_that_comes_too_late_is_closed_and_counts_until_then() -> None:
    asked: list[wire.Frame] = []
    framer = wire.Framer(frozenset({client_numbers.KIND_NET}))

    def send(data: bytes) -> None:
        framer.feed(data)
        frame = framer.next_frame()
        assert frame is not None
        asked.append(frame)

    questions = Questions(send, 0.01)
    connections = Connections(questions)
    for _ in range(WAITING_MAX):
        with pytest.raises(TeeError, match="COMMUNICATION"):
            connections.open(0, 1, numbers.SOCKET_TCP, LOOPBACK)
    with pytest.raises(TeeError, match=f"{numbers.ISOCKET_ERROR_OUT_OF_RESOURCES:x}"):
        connections.open(0, 1, numbers.SOCKET_TCP, LOOPBACK)
    done = struct.pack("<II", numbers.SUCCESS, 77)
    for _ in range(2):  # the second time it is no answer to anything
        questions.take(wire.Frame(client_numbers.KIND_NET_DONE, 0, asked[0].request, done))
    until(lambda: len(asked) > WAITING_MAX)
    what, number, *_ = struct.unpack_from(client_numbers.NET_FORMAT, asked[-1].body)
    assert (what, number) == (client_numbers.NET_CLOSE, 77)
    with pytest.raises(TeeError, match="COMMUNICATION"):  # it is asked again
        connections.open(0, 1, numbers.SOCKET_TCP, LOOPBACK)
    with pytest.raises(TeeError, match=f"{numbers.ISOCKET_ERROR_OUT_OF_RESOURCES:x}"):
        connections.open(0, 1, numbers.SOCKET_TCP, LOOPBACK)
