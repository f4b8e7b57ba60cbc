# SPDX-License-Identifier: BSD-3-Clause
"""The hub: whose answers come to whom, who a client is said to be, and what nobody can do to it."""

import contextlib
import errno
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Self
from uuid import uuid5

import pytest
from realmos.errors import ConfigError
from realmos.tee.hub import Hub
from realmos_agent.tee import client_numbers, numbers, wire
from realmos_agent.tee import hub as hub_module
from realmos_agent.tee.client_identity import _NAMESPACE, Credentials, client_uuid
from realmos_agent.tee.stream import Stream
from tee_echo import ECHO, IDENTITY, RESULT, TA, WAIT, EchoCore

PATIENCE = 20.0


class Wire:
    """A client that says what it likes."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self._framer = wire.Framer(wire.FROM_CORE)

    def say(self, *messages: wire.Message) -> None:
        self.socket.sendall(b"".join(map(wire.encode, messages)))

    def hear(self) -> wire.Message | None:
        """The next message, or None when the hub hangs up."""
        while (frame := self._framer.next_frame()) is None:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionError:
                return None
            if not data:
                return None
            self._framer.feed(data)
        return wire.decode(frame)

    def ask(self, message: wire.Message) -> wire.Message | None:
        self.say(message)
        return self.hear()

    def open(self, login: int = numbers.LOGIN_PUBLIC, group: int = 0, *, request: int = 1) -> int:
        answer = self.ask(wire.Open(0, request, TA, login, wire.NIL, group))
        assert isinstance(answer, wire.Opened), answer
        assert answer.result == numbers.SUCCESS
        return answer.session


class Bench:
    """A hub, the core behind it, and what the hub says when that ends."""

    def __init__(self, path: Path, *, stall: float = 30.0) -> None:
        ours, self.stream = socket.socketpair()
        self.ended: list[str] = []
        self.hub = Hub(path, ours, on_end=self.ended.append, stall=stall)
        self.path = path
        self._dialled: list[Wire] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._dialled:
            each.socket.close()
        self.hub.close()
        self.stream.close()

    def echo(self) -> EchoCore:
        return EchoCore(self.stream)

    def dial(self) -> Wire:
        self._dialled.append(Wire(self.path))
        return self._dialled[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path / "tee.sock") as made:
        yield made


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_the_socket_is_the_users_alone(bench: Bench) -> None:
    assert stat.S_IMODE(bench.path.stat().st_mode) == 0o600
    bench.hub.close()
    assert not bench.path.exists()


def test_two_clients_get_their_own_answers(bench: Bench) -> None:
    core = bench.echo()
    one, two = bench.dial(), bench.dial()
    sessions = one.open(), two.open()
    assert len(set(sessions)) == 2
    one.say(wire.Invoke(0, 2, sessions[0], WAIT))
    value = wire.Param(numbers.PARAM_TYPE_VALUE_INOUT, 1, 2)
    params = wire.Params((value, *(wire.Param(),) * 3))
    answer = two.ask(wire.Invoke(0, 2, sessions[1], ECHO, params))
    assert isinstance(answer, wire.Invoked)
    assert (answer.outcomes[0].a, answer.outcomes[0].b) == (2, 1)
    two.say(wire.Cancel(0, 2))  # its own request 2, which is over: not the other's
    cancelled = one.ask(wire.Cancel(0, 2))
    assert cancelled == wire.Invoked(0, 2, numbers.ERROR_CANCEL, numbers.ORIGIN_TRUSTED_APP)
    foreign = two.ask(wire.Invoke(0, 3, sessions[0], ECHO))
    assert isinstance(foreign, wire.Invoked)
    assert foreign.result == numbers.ERROR_BAD_PARAMETERS
    assert sorted(opened.client for opened in core.sessions.values()) == [1, 2]


def test_the_core_hears_that_a_client_is_gone(bench: Bench) -> None:
    core = bench.echo()
    one, two = bench.dial(), bench.dial()
    one.open()
    session = two.open()
    one.socket.close()
    eventually(lambda: core.gone == [1])
    assert two.ask(wire.Close(0, 2, session)) == wire.Closed(0, 2)


def test_answers_to_who_is_gone_are_dropped(bench: Bench) -> None:
    one, two = bench.dial(), bench.dial()
    one.say(wire.Invoke(0, 1, 1, ECHO))
    assert bench.stream.recv(1 << 16)
    one.socket.close()
    assert bench.stream.recv(1 << 16) == wire.encode(wire.Gone(1))
    bench.stream.sendall(wire.encode(wire.Invoked(1, 1, 0, 4)))
    two.say(wire.Invoke(0, 1, 1, ECHO))
    assert bench.stream.recv(1 << 16)
    bench.stream.sendall(wire.encode(wire.Invoked(2, 1, 0, 4)))
    assert two.hear() == wire.Invoked(0, 1, 0, 4)


def test_a_dead_core_answers_whoever_waits(bench: Bench) -> None:
    bench.echo()
    one = bench.dial()
    session = one.open()
    one.say(wire.Invoke(0, 7, session, WAIT), wire.Close(0, 8, 99))
    assert one.hear() == wire.Closed(0, 8)
    bench.stream.shutdown(socket.SHUT_RDWR)
    assert one.hear() == wire.Invoked(0, 7, numbers.ERROR_TARGET_DEAD, numbers.ORIGIN_COMMS)
    later = one.ask(wire.Invoke(0, 9, session, ECHO))
    assert later == wire.Invoked(0, 9, numbers.ERROR_COMMUNICATION, numbers.ORIGIN_COMMS)
    other = bench.dial().ask(wire.Open(0, 1, TA))
    assert other == wire.Opened(0, 1, numbers.ERROR_COMMUNICATION, numbers.ORIGIN_COMMS)
    assert bench.ended == ["it was closed"]


HOSTILE_CORE = {
    "no frame": b"Traceback (most recent call last):\n",
    "a client's frame": wire.encode(wire.Close(1, 1, 1)),
    "no such request": wire.encode(wire.Invoked(1, 2, 0, 4)),
    "no such client": wire.encode(wire.Invoked(9, 1, 0, 4)),
    "client 0": wire.encode(wire.Invoked(0, 1, 0, 4)),
    "another kind": wire.encode(wire.Closed(1, 1)),
}


@pytest.mark.parametrize("case", HOSTILE_CORE)
def test_a_core_that_breaks_the_rules_is_dead(bench: Bench, case: str) -> None:
    one = bench.dial()
    one.say(wire.Invoke(0, 1, 1, ECHO))
    assert bench.stream.recv(1 << 16)
    bench.stream.sendall(HOSTILE_CORE[case])
    dead = wire.Invoked(0, 1, numbers.ERROR_TARGET_DEAD, numbers.ORIGIN_COMMS)
    assert one.hear() == dead
    assert len(bench.ended) == 1


HOSTILE_CLIENT = {
    "no frame": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "the hub's frame": wire.encode(wire.Gone(1)),
    "the core's frame": wire.encode(wire.Closed(0, 1)),
    "another's number": wire.encode(wire.Close(2, 1, 1)),
    "a number twice": wire.encode(wire.Invoke(0, 1, 1, WAIT)) * 2,
    "too long": wire.encode(wire.Close(0, 1, 1))[:4] + b"\xff" * 4 + bytes(16),
}


@pytest.mark.parametrize("case", HOSTILE_CLIENT)
def test_a_client_that_breaks_the_rules_is_cut_off(bench: Bench, case: str) -> None:
    bench.echo()
    good, bad = bench.dial(), bench.dial()
    session = good.open()
    bad.socket.sendall(HOSTILE_CLIENT[case])
    while (heard := bad.hear()) is not None:
        assert isinstance(heard, wire.Invoked), heard
    assert good.ask(wire.Close(0, 2, session)) == wire.Closed(0, 2)
    assert bench.ended == []


def test_bad_contents_are_answered_and_forgiven(bench: Bench) -> None:
    bench.echo()
    one = bench.dial()
    for kind, expected in (
        (client_numbers.KIND_OPEN, wire.Opened),
        (client_numbers.KIND_INVOKE, wire.Invoked),
    ):
        one.socket.sendall(wire.Frame(kind, 0, 5, b"nonsense").to_bytes())
        answer = one.hear()
        assert answer == expected(0, 5, numbers.ERROR_BAD_PARAMETERS, numbers.ORIGIN_COMMS)
    assert one.open() == 1


def test_clients_cannot_say_who_they_are(bench: Bench) -> None:
    bench.echo()
    pretender = wire.Open(0, 1, TA, client_uuid=TA)
    refused = wire.Opened(0, 1, numbers.ERROR_BAD_PARAMETERS, numbers.ORIGIN_COMMS)
    assert bench.dial().ask(pretender) == refused


@pytest.mark.parametrize(
    ("login", "group", "name"),
    [
        (numbers.LOGIN_PUBLIC, 0, None),
        (numbers.LOGIN_USER, 0, f"uid={os.geteuid():x}"),
        (numbers.LOGIN_GROUP, os.getegid(), f"gid={os.getegid():x}"),
    ],
)
def test_the_hub_says_who_a_client_is(
    bench: Bench, login: int, group: int, name: str | None
) -> None:
    bench.echo()
    one = bench.dial()
    session = one.open(login=login, group=group)
    memory = wire.Param(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, 16, 0)
    params = wire.Params(
        (wire.Param(numbers.PARAM_TYPE_VALUE_OUTPUT), memory, wire.Param(), wire.Param()),
        (wire.Region(16, client_numbers.REGION_OUT),),
    )
    answer = one.ask(wire.Invoke(0, 2, session, IDENTITY, params))
    assert isinstance(answer, wire.Invoked)
    assert (answer.outcomes[0].a, answer.outcomes[0].b) == (login, 0)
    uuid = wire.NIL if name is None else uuid5(_NAMESPACE, name)
    assert answer.outcomes[1].data == uuid.bytes


@pytest.mark.parametrize(
    ("login", "result"),
    [
        (numbers.LOGIN_APPLICATION, numbers.ERROR_BAD_PARAMETERS),
        (numbers.LOGIN_APPLICATION_USER, numbers.ERROR_BAD_PARAMETERS),
        (numbers.LOGIN_APPLICATION_GROUP, numbers.ERROR_BAD_PARAMETERS),
        (numbers.LOGIN_TRUSTED_APP, numbers.ERROR_BAD_PARAMETERS),
        (3, numbers.ERROR_BAD_PARAMETERS),
        (numbers.LOGIN_REE_KERNEL, numbers.ERROR_GENERIC),
        (numbers.LOGIN_GROUP, numbers.ERROR_GENERIC),  # of a group that the client is not in
    ],
)
def test_logins_that_linux_refuses_are_refused(bench: Bench, login: int, result: int) -> None:
    bench.echo()
    refused = wire.Opened(0, 1, result, numbers.ORIGIN_COMMS)
    assert bench.dial().ask(wire.Open(0, 1, TA, login, group=0x7FFF_FFFE)) == refused


def test_any_group_of_the_client_will_do_and_no_other() -> None:
    client = Credentials(1000, frozenset({100, 27}))
    login = numbers.LOGIN_GROUP
    assert client_uuid(client, login, 27) == uuid5(_NAMESPACE, "gid=1b")
    assert client_uuid(client, login, 100) == uuid5(_NAMESPACE, "gid=64")
    assert client_uuid(client, login, 0) is None
    assert client_uuid(client, numbers.LOGIN_USER, 0) == uuid5(_NAMESPACE, "uid=3e8")


def test_too_many_requests_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "REQUESTS_MAX", 2)
    bench.echo()
    one = bench.dial()
    session = one.open()
    one.say(*(wire.Invoke(0, number, session, WAIT) for number in (2, 3, 4)))
    assert one.hear() == wire.Invoked(0, 4, numbers.ERROR_BUSY, numbers.ORIGIN_COMMS)
    one.say(wire.Cancel(0, 2))
    assert one.hear() == wire.Invoked(0, 2, numbers.ERROR_CANCEL, numbers.ORIGIN_TRUSTED_APP)
    assert one.ask(wire.Close(0, 5, 99)) == wire.Closed(0, 5)


def test_more_clients_than_there_may_be_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "CLIENTS_MAX", 2)
    bench.echo()
    first, second, third = (bench.dial() for _ in range(3))
    first.open()
    second.open()
    third.say(wire.Open(0, 1, TA))
    second.open(request=2)  # and by then it could have taken the third
    assert len(bench.hub._clients) == 2  # noqa: SLF001 -- who waits hears nothing
    first.socket.close()
    assert isinstance(third.hear(), wire.Opened)


def big(session: int, request: int, size: int) -> wire.Invoke:
    memory = wire.Param(numbers.PARAM_TYPE_MEMREF_INOUT, 0, size, 0)
    region = wire.Region(size, client_numbers.REGION_IN | client_numbers.REGION_OUT, 0, bytes(size))
    params = wire.Params((memory, *(wire.Param(),) * 3), (region,))
    return wire.Invoke(0, request, session, ECHO, params)


def test_what_does_not_fit_waits_for_its_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 3 << 20
    monkeypatch.setattr(hub_module, "BUFFER_MAX", 4 << 20)
    bench.echo()
    clients = [bench.dial() for _ in range(4)]
    answers: list[wire.Message | None] = []

    def work(client: Wire) -> None:
        session = client.open()
        answers.extend(client.ask(big(session, number, size)) for number in (2, 3))

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 3)
    assert len(answers) == 8
    for answer in answers:
        assert isinstance(answer, wire.Invoked)
        assert answer.outcomes[0].data == bytes(size)


def test_who_keeps_everybody_waiting_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "BUFFER_MAX", 1 << 20)
    with Bench(tmp_path / "tee.sock", stall=0.5) as made:
        core = made.echo()
        good, bad = made.dial(), made.dial()
        session = good.open()
        theirs = bad.open()
        with contextlib.suppress(ConnectionError):  # it may be cut off already
            for number in range(2, 10):
                bad.say(big(theirs, number, 900 << 10))
        value = wire.Param(numbers.PARAM_TYPE_VALUE_INPUT, 5, 4)
        params = wire.Params((value, *(wire.Param(),) * 3))
        answer = good.ask(wire.Invoke(0, 2, session, RESULT, params))
        assert answer == wire.Invoked(0, 2, 5, 4)
        eventually(lambda: core.gone == [2])


def test_who_takes_its_answers_slowly_does_not_keep_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "BUFFER_MAX", 1 << 20)
    with Bench(tmp_path / "tee.sock", stall=0.5) as made:
        core = made.echo()
        good, bad = made.dial(), made.dial()
        session, theirs = good.open(), bad.open()
        over = threading.Event()

        def sip() -> None:
            with contextlib.suppress(OSError):
                while not over.wait(0.02) and bad.socket.recv(1 << 16):
                    pass

        sips = threading.Thread(target=sip)
        sips.start()
        with contextlib.suppress(ConnectionError):
            for number in range(2, 40):
                bad.say(big(theirs, number, 900 << 10))
        eventually(lambda: core.gone == [2])
        over.set()
        sips.join()
        assert isinstance(good.ask(wire.Invoke(0, 2, session, ECHO)), wire.Invoked)


def test_a_core_that_does_not_read_stops_its_clients(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "BUFFER_MAX", 1 << 20)
    peak = [0]
    queue = Stream.queue

    def watched(self: Stream, data: bytes) -> None:
        queue(self, data)
        peak[0] = max(peak[0], self.queued)

    monkeypatch.setattr(Stream, "queue", watched)
    client, hub = bench.dial(), bench.hub
    frames = [big(1, number, 200 << 10) for number in range(40)]
    sends = threading.Thread(target=lambda: client.say(*frames))
    sends.start()

    def is_stopped() -> bool:
        (only,) = hub._clients.values()  # noqa: SLF001 -- who is not read from is told nothing
        return peak[0] > 1 << 20 and only.socket not in hub._watched  # noqa: SLF001 -- the same

    eventually(lambda: peak[0] > 0)
    eventually(is_stopped)
    assert sends.is_alive()
    assert peak[0] < 2 << 20
    bench.echo()
    answers = [client.hear() for _ in frames]
    sends.join(PATIENCE)
    assert all(isinstance(answer, wire.Invoked) for answer in answers)


def test_a_hub_without_descriptors_does_not_spin(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, clock = [], [0.0]

    def none_left(_listener: socket.socket) -> None:
        tries.append(1)
        raise OSError(errno.EMFILE, "Too many open files")

    bench.echo()
    other = bench.dial()
    assert other.open()
    monkeypatch.setattr(hub_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "accept", none_left)
        client = bench.dial()
        eventually(lambda: bool(tries))
        for number in range(2, 5):
            assert other.open(request=number)  # as often as it is asked, it looks around
        assert len(tries) == 1
        clock[0] += 1
        assert other.open(request=5)
        eventually(lambda: len(tries) == 2)
    clock[0] += 1
    assert other.open(request=6)
    assert client.open()


def test_a_place_where_no_socket_can_be_is_named(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "absent" / "tee.sock", "No such file"),
        (tmp_path / ("x" * 120), "too long"),
    ):
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(ConfigError, match=message):
            Hub(path, ours)
