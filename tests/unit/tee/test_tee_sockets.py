# SPDX-License-Identifier: BSD-3-Clause
"""GlobalPlatform's sockets, from the pseudo TA to real ones of this machine and back."""

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from fake_hub import one_frame
from fake_ta import CLIENT, in_thread
from hypothesis import given, settings
from hypothesis import strategies as st
from pta_rig import PtaUsers, Use, command, memory
from realmos_agent.tee import client_numbers, numbers, wire
from realmos_agent.tee import network as network_module
from realmos_agent.tee.connections import Connections
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.network import Network
from realmos_agent.tee.params import Memref, Params, Value, param_types
from realmos_agent.tee.pta import SocketPta
from realmos_agent.tee.pta.sockets import SHARE
from realmos_agent.tee.questions import Questions
from realmos_agent.tee.session import INFINITE

PATIENCE = 60.0
IN, OUT = numbers.PARAM_TYPE_VALUE_INPUT, numbers.PARAM_TYPE_VALUE_OUTPUT
READ, WRITE = numbers.PARAM_TYPE_MEMREF_INPUT, numbers.PARAM_TYPE_MEMREF_OUTPUT
BOTH = numbers.PARAM_TYPE_MEMREF_INOUT
LOOPBACK = b"127.0.0.1\0"


class Setup(PtaUsers):
    """TAs that use the pseudo TA as they are told, and a hub's end of it."""

    def __init__(self) -> None:
        self.network = Network(self._answer)
        self.questions = Questions(self._ask, PATIENCE)
        super().__init__(SocketPta(Connections(self.questions)))

    def _ask(self, data: bytes) -> None:
        self.network.ask(one_frame(data, client_numbers.KIND_NET))

    def _answer(self) -> None:
        for data in self.network.take_answers():
            self.questions.take(one_frame(data, client_numbers.KIND_NET_DONE))


@pytest.fixture
def setup() -> Iterator[Setup]:
    made = Setup()
    yield made
    made.network.close()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A TCP server of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(PATIENCE)
        yield made


class Socket:
    """A socket as a TA has it."""

    def __init__(
        self, name: bytes, port: int, protocol: int = numbers.SOCKET_TCP, version: int = 0
    ) -> None:
        self._handle = Value()
        types = param_types(IN, READ, IN, OUT)
        where = Value(version, port)
        params = Params(types, (where, memory(name), Value(protocol), self._handle))
        self.open = command(numbers.SOCKET_PTA_OPEN, params)

    def _command(self, number: int, types: int, b: int, *slots: Memref | Value) -> Use:
        def use(ta: Instance, session: int) -> object:
            given = (Value(self._handle.a, b), *slots, None, None, None)[:4]
            return command(number, Params(types, given))(ta, session)

        return use

    @property
    def close(self) -> Use:
        return self._command(numbers.SOCKET_PTA_CLOSE, param_types(IN), 0)

    def send(self, data: bytes, wait_ms: int = INFINITE) -> tuple[Value, Use]:
        sent = Value()
        types = param_types(IN, READ, OUT)
        use = self._command(numbers.SOCKET_PTA_SEND, types, wait_ms, memory(data), sent)
        return sent, use

    def receive(self, room: int, wait_ms: int = INFINITE) -> tuple[Memref, Use]:
        out = memory(bytes(room))
        types = param_types(IN, WRITE)
        return out, self._command(numbers.SOCKET_PTA_RECV, types, wait_ms, out)

    def control(self, what: int, data: bytes) -> Use:
        types = param_types(IN, BOTH)
        return self._command(numbers.SOCKET_PTA_IOCTL, types, what, memory(data))


def to(server: socket.socket, protocol: int = numbers.SOCKET_TCP) -> Socket:
    return Socket(LOOPBACK, server.getsockname()[1], protocol)


def test_it_is_for_tas_only(setup: Setup) -> None:
    outcome = setup.world.open(SocketPta.uuid, identity=CLIENT)
    assert outcome == Outcome(numbers.ERROR_ACCESS_DENIED, numbers.ORIGIN_TRUSTED_APP)


def test_bytes_go_both_ways_and_the_end_is_told(setup: Setup, server: socket.socket) -> None:
    def serve() -> bytes:
        peer, _ = server.accept()
        with peer:
            got = peer.recv(100)
            peer.sendall(b"answer")
        return got

    served = in_thread(serve)
    ours = to(server)
    (sent, send), (got, receive), (rest, again) = (
        ours.send(b"question"), ours.receive(100), ours.receive(100),
    )  # fmt: skip
    assert setup.run(ours.open, send, receive, again, ours.close, ours.close) == [
        *[numbers.SUCCESS] * 5, numbers.ERROR_BAD_PARAMETERS,
    ]  # fmt: skip
    assert served.result(PATIENCE) == b"question"
    assert (sent.a, got.written, rest.written) == (8, b"answer", b"")


def test_a_time_out_leaves_size_and_connection(setup: Setup, server: socket.socket) -> None:
    ours = to(server)
    (none, receive), (late, longer) = ours.receive(9, 0), ours.receive(9, 1200)
    results = setup.run(ours.open, receive, longer, ours.close)
    timeout = numbers.ISOCKET_ERROR_TIMEOUT
    assert results == [numbers.SUCCESS, timeout, timeout, numbers.SUCCESS]
    assert (none.size, late.size) == (9, 9)


def test_a_peer_that_does_not_read_makes_sending_time_out(
    setup: Setup, server: socket.socket
) -> None:
    ours = to(server)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    size = struct.pack("<i", 4096)
    uses = [ours.control(numbers.SOCKET_TCP_SET_SENDBUF, size)]
    uses += [ours.send(bytes(1 << 16), 10)[1] for _ in range(200)]
    results = setup.run(ours.open, *uses)
    assert results[:3] == [numbers.SUCCESS] * 3
    assert results[-1] == numbers.ISOCKET_ERROR_TIMEOUT


def test_datagrams_go_to_another_port_and_address(setup: Setup) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
            each.settimeout(PATIENCE)
        ours = to(one, numbers.SOCKET_UDP)
        port = struct.pack("<H", two.getsockname()[1])
        uses = [
            ours.open,
            ours.send(b"one")[1],
            ours.control(numbers.SOCKET_UDP_CHANGEPORT, port),
            ours.control(numbers.SOCKET_UDP_CHANGEADDR, LOOPBACK),
            ours.send(b"two")[1],
            ours.control(numbers.SOCKET_UDP_CHANGEADDR, b"127.0.0.1"),
            ours.control(numbers.SOCKET_TCP_SET_SENDBUF, bytes(4)),
            ours.control(numbers.SOCKET_UDP_CHANGEPORT, b""),
        ]
        assert setup.run(*uses) == [
            *[numbers.SUCCESS] * 5, numbers.ISOCKET_ERROR_HOSTNAME,
            numbers.ERROR_NOT_SUPPORTED, numbers.ERROR_NOT_SUPPORTED,
        ]  # fmt: skip
        assert (one.recv(9), two.recv(9)) == (b"one", b"two")


@pytest.mark.parametrize(
    ("name", "protocol", "version", "port", "result"),
    [
        (b"127.0.0.1", numbers.SOCKET_TCP, 0, 80, numbers.ISOCKET_ERROR_HOSTNAME),
        (b"\0", numbers.SOCKET_TCP, 0, 80, numbers.ISOCKET_ERROR_HOSTNAME),
        (b"\xff\0", numbers.SOCKET_TCP, 0, 80, numbers.ISOCKET_ERROR_HOSTNAME),
        (LOOPBACK, numbers.SOCKET_TCP, 2, 80, numbers.ISOCKET_ERROR_HOSTNAME),
        (LOOPBACK, 0x67, 0, 80, numbers.ERROR_BAD_PARAMETERS),
        (LOOPBACK, numbers.SOCKET_TCP, 3, 80, numbers.ERROR_BAD_PARAMETERS),
        (LOOPBACK, numbers.SOCKET_TCP, 0, 1 << 16, numbers.ERROR_BAD_PARAMETERS),
    ],
)
def test_what_is_no_address_is_refused(  # noqa: PLR0917 -- parameters
    setup: Setup, name: bytes, protocol: int, version: int, port: int, result: int
) -> None:
    assert setup.run(Socket(name, port, protocol, version).open) == [result]


def test_nobody_who_listens_is_an_error(setup: Setup) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        assert setup.run(to(deaf).open) == [numbers.ERROR_COMMUNICATION]


def test_a_session_has_its_sockets_alone_and_ends_them(setup: Setup, server: socket.socket) -> None:
    first, other = to(server), to(server)
    assert setup.run(first.open) == [numbers.SUCCESS]  # and its session was closed
    peer, _ = server.accept()
    with peer:
        peer.settimeout(PATIENCE)
        assert peer.recv(1) == b""
    foreign = [first.send(b"x")[1], first.receive(1)[1], first.control(1, b""), first.close]
    assert setup.run(other.open, *foreign) == [
        numbers.SUCCESS, *[numbers.ERROR_BAD_PARAMETERS] * 4,
    ]  # fmt: skip


def test_a_ta_has_so_many_sockets_and_no_more(setup: Setup, server: socket.socket) -> None:
    server.listen(2 * client_numbers.NET_SOCKETS_MAX)
    uses = [to(server).open for _ in range(SHARE + 1)]
    assert setup.run(*uses) == [*[numbers.SUCCESS] * SHARE, numbers.ERROR_OUT_OF_MEMORY]
    one = to(server)
    again = [use for _ in range(SHARE) for use in (one.open, one.close)]
    assert setup.run(*again, *uses) == [
        *[numbers.SUCCESS] * 3 * SHARE, numbers.ERROR_OUT_OF_MEMORY,
    ]  # fmt: skip
    assert SHARE < client_numbers.NET_SOCKETS_MAX


def test_the_hub_has_so_many_sockets_and_no_more(setup: Setup, server: socket.socket) -> None:
    server.listen(2 * client_numbers.NET_SOCKETS_MAX)
    connections = Connections(setup.questions)
    port = server.getsockname()[1]

    def connect() -> int:
        return connections.open(0, port, numbers.SOCKET_TCP, LOOPBACK)

    assert len({connect() for _ in range(client_numbers.NET_SOCKETS_MAX)}) == (
        client_numbers.NET_SOCKETS_MAX
    )
    with pytest.raises(TeeError, match="OUT_OF_MEMORY"):
        connect()


def test_unknown_commands_and_other_parameters_are_refused(setup: Setup) -> None:
    uses = [command(number, Params(param_types(OUT), (Value(), None, None, None)))
            for number in (0, 1, 2, 3, 4, 5, 6)]  # fmt: skip
    absent, wrong = numbers.ERROR_NOT_IMPLEMENTED, numbers.ERROR_BAD_PARAMETERS
    assert setup.run(*uses) == [absent, *[wrong] * 5, absent]


def test_a_ta_that_is_ended_waits_no_longer(setup: Setup, server: socket.socket) -> None:
    ours = to(server)
    waits = threading.Event()

    def note(ta: Instance, session: int) -> object:
        del ta, session
        waits.set()
        return None

    called = in_thread(lambda: setup.invoke(ours.open, note, ours.receive(1)[1]))
    assert waits.wait(PATIENCE)
    setup.world.manager.instances[0].kill()
    assert called.result(PATIENCE).result == numbers.ERROR_TARGET_DEAD


class Hostile:
    """A hub that answers as it likes."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.questions = Questions(self._answer, PATIENCE)
        self._numbers = itertools.count(1)

    def _answer(self, data: bytes) -> None:
        del data
        kind = client_numbers.KIND_NET_DONE
        self.questions.take(wire.Frame(kind, 0, next(self._numbers), self.body))


@pytest.mark.parametrize(
    "body", [b"", bytes(7), struct.pack("<II", 0, 5), bytes(8) + b"12345", bytes(9 + 0x10000)]
)
def test_an_answer_that_makes_no_sense_is_none(body: bytes) -> None:
    connections = Connections(Hostile(body).questions)
    if len(body) in {0, 7, 9 + 0x10000}:
        with pytest.raises(TeeError, match="COMMUNICATION"):
            connections.close(1)
    with pytest.raises(TeeError, match="COMMUNICATION"):
        (connections.receive(1, 4, 0) if len(body) != 8 else connections.send(1, b"1234", 0))


def test_no_answer_is_an_error_in_the_end() -> None:
    began = time.monotonic()
    connections = Connections(Questions(lambda _: None, 0.01))
    with pytest.raises(TeeError, match="COMMUNICATION"):
        connections.close(1)
    assert time.monotonic() - began < PATIENCE


def test_requests_that_are_none_end_the_core() -> None:
    network = Network(lambda: None)
    for frame in (
        wire.Frame(client_numbers.KIND_NET, 0, 1, bytes(client_numbers.NET_SIZE - 1)),
        wire.Frame(client_numbers.KIND_NET, 7, 1, bytes(client_numbers.NET_SIZE)),
        wire.Frame(client_numbers.KIND_NET, 0, 1, bytes(client_numbers.NET_SIZE + 0x10001)),
    ):
        with pytest.raises(wire.WireError):
            network.ask(frame)
    network.close()


WORDS = st.integers(0, 0xFFFFFFFF) | st.sampled_from(
    [0, 1, 2, 4, 80, numbers.SOCKET_TCP, numbers.SOCKET_UDP, numbers.SOCKET_TCP_SET_RECVBUF,
     numbers.SOCKET_TCP_SET_SENDBUF, numbers.SOCKET_UDP_CHANGEADDR, numbers.SOCKET_UDP_CHANGEPORT]
)  # fmt: skip
BODIES = st.tuples(
    st.integers(0, 6), st.integers(0, 3), WORDS, WORDS, WORDS,
    st.binary(max_size=80) | st.sampled_from([LOOPBACK, bytes(4), b"\x01\x00"]),
)  # fmt: skip


def no_lookup(name: str, port: int, *_: object) -> list[object]:
    """Know one name, and no network."""
    if name != "127.0.0.1":
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", (name, port))]


@settings(deadline=None, max_examples=60)
@given(st.lists(BODIES, max_size=12))
def test_no_request_of_a_hostile_core_breaks_the_hub(
    bodies: list[tuple[int, int, int, int, int, bytes]],
) -> None:
    made = threading.Semaphore(0)
    network = Network(made.release)
    opening = (client_numbers.NET_OPEN, 0, 0, 9, numbers.SOCKET_UDP, LOOPBACK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", no_lookup)
        patch.setattr(network_module, "PIECE_MS", 1)
        for number, (*words, data) in enumerate([opening, *bodies], 1):
            body = struct.pack(client_numbers.NET_FORMAT, *words) + data
            network.ask(wire.Frame(client_numbers.KIND_NET, 0, number, body))
            assert made.acquire(timeout=PATIENCE), f"no answer to {words} {data!r}"
            assert len(network.take_answers()) == 1
    network.close()
