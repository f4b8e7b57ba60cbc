# SPDX-License-Identifier: BSD-3-Clause
"""The hub between clients and cores that send anything.

No client disturbs another, and no core the hub: it says that the core has ended, and tells whoever
waits.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import client_numbers, numbers, wire
from tee_echo import TA
from test_tee_hostile_frames import a_frame
from test_tee_hub import PATIENCE, Bench, Wire

BUSY = numbers.ERROR_BUSY


class PoliteCore:
    """Checks what the hub passes on, and refuses all of it."""

    def __init__(self, stream: socket.socket) -> None:
        self.gone: set[int] = set()
        self.wrong: list[str] = []
        self._stream = stream
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        framer = wire.Framer(wire.TO_CORE)
        with contextlib.suppress(OSError):
            while data := self._stream.recv(1 << 16):
                try:
                    framer.feed(data)
                    while (frame := framer.next_frame()) is not None:
                        self._take(frame)
                except wire.WireError as error:
                    self.wrong.append(str(error))
                    return

    def _take(self, frame: wire.Frame) -> None:
        if frame.client == 0 or frame.client in self.gone:
            self.wrong.append(f"{frame} of nobody")
        if frame.kind == client_numbers.KIND_GONE:
            self.gone.add(frame.client)
        if frame.kind == client_numbers.KIND_OPEN:
            opening = wire.decode(frame)
            assert isinstance(opening, wire.Open)
            if (opening.client_uuid == wire.NIL) != (opening.login == numbers.LOGIN_PUBLIC):
                self.wrong.append(f"{frame} without an identity")
        answer = wire.refusal(frame, BUSY)
        if answer is not None:
            self._stream.sendall(wire.encode(answer))


@st.composite
def some_bytes(draw: st.DrawFn) -> bytes:
    """A frame, right or not in its body, and perhaps in its header; or no frame at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=60))
    kind, _, body = draw(a_frame())
    number = draw(st.sampled_from([0, 0, 0, 0, 0, 1]))
    raw = bytearray(wire.Frame(kind, number, draw(st.integers(0, 30)), body).to_bytes())
    if draw(st.integers(0, 4)) == 0:
        raw[draw(st.integers(0, client_numbers.HEADER_SIZE - 1))] = draw(st.integers(0, 255))
    return bytes(raw)


def checked(
    many: int,
    strategy: st.SearchStrategy[list[bytes]],
    holds: Callable[[list[bytes]], None],
    *,
    random: bool,
) -> None:
    @settings(
        max_examples=many,
        deadline=None,
        derandomize=not random,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(data: list[bytes]) -> None:
        holds(data)

    check()


@pytest.fixture
def attacked(tmp_path: Path) -> Iterator[tuple[Bench, PoliteCore]]:
    with Bench(tmp_path / "tee.sock") as made:
        yield made, PoliteCore(made.stream)


def no_client_disturbs(bench: Bench, core: PoliteCore, many: int, *, random: bool) -> None:
    good = Wire(bench.path)
    asked = iter(range(1, 1 << 30))

    def holds(data: list[bytes]) -> None:
        bad = Wire(bench.path)
        with contextlib.suppress(ConnectionError):  # it may be cut off
            for piece in data:
                bad.socket.sendall(piece)
        number = next(asked)
        answer = good.ask(wire.Open(0, number, TA, numbers.LOGIN_USER))
        assert answer == wire.Opened(0, number, BUSY, numbers.ORIGIN_COMMS)
        bad.socket.close()
        assert core.thread.is_alive()
        assert core.wrong == []

    try:
        checked(many, st.lists(some_bytes(), min_size=1, max_size=12), holds, random=random)
    finally:
        good.socket.close()


def test_no_client_disturbs_another(attacked: tuple[Bench, PoliteCore]) -> None:
    no_client_disturbs(*attacked, 150, random=False)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_no_client_disturbs_another_for_long(attacked: tuple[Bench, PoliteCore]) -> None:
    no_client_disturbs(*attacked, 20_000, random=True)


KINDS = st.sampled_from(
    [client_numbers.KIND_OPENED, client_numbers.KIND_INVOKED, client_numbers.KIND_CLOSED]
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """What a core may send: perhaps an answer."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(min_size=1, max_size=60))
    kind = draw(KINDS | KINDS | st.integers(0, 60))
    body = draw(
        st.just(wire.encode(wire.Opened(0, 0, BUSY, 3))[client_numbers.HEADER_SIZE :])
        | st.binary(max_size=40)
    )
    who, request = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    return wire.Frame(kind, who, request, body).to_bytes()


def no_core_harms(place: Path, many: int, *, random: bool) -> None:
    def holds(data: list[bytes]) -> None:
        with Bench(place) as made:
            clients = [made.dial(), made.dial()]
            for client in clients:
                client.say(wire.Open(0, 1, TA), wire.Open(0, 2, TA))
            with contextlib.suppress(ConnectionError):
                for piece in data:
                    made.stream.sendall(piece)
            made.stream.shutdown(socket.SHUT_RDWR)
            deadline = time.monotonic() + PATIENCE
            while not made.ended and time.monotonic() < deadline:
                time.sleep(0.001)
            assert len(made.ended) == 1
            for client in clients:
                hears_the_end(client)

    checked(many, st.lists(answers(), max_size=8), holds, random=random)


def hears_the_end(client: Wire) -> None:
    """Check that a client has its two answers, and is then told that the core has gone."""
    heard = set()
    for _ in range(2):
        with contextlib.suppress(wire.WireError):  # the hub leaves bodies to clients
            answer = client.hear()
            assert isinstance(answer, wire.Opened)
            heard.add(answer.request)
    assert heard <= {1, 2}
    with contextlib.suppress(wire.WireError):
        answer = client.ask(wire.Open(0, 3, TA))
        assert answer == wire.Opened(0, 3, numbers.ERROR_COMMUNICATION, numbers.ORIGIN_COMMS)


def test_no_core_harms_the_hub(tmp_path: Path) -> None:
    no_core_harms(tmp_path / "tee.sock", 80, random=False)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_no_core_harms_the_hub_for_long(tmp_path: Path) -> None:
    no_core_harms(tmp_path / "tee.sock", 5_000, random=True)
