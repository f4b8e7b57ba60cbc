# SPDX-License-Identifier: BSD-3-Clause
"""Clients that send any frames, to the core itself: some right, some nearly, some not at all.

Every request is answered once, whatever it was; when the clients are gone, nothing is left of them,
and one that did nothing wrong has its session throughout.
"""

import threading
from collections import Counter

import pytest
from fake_hub import until
from fake_ta import CLIENT, INVOKE, KEEP, MULTI, SEGV, Code, FakeRunner, World, a_uuid
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import blobs, numbers, wire
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee.budget import limits
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.params import Params
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.server import Server

PLAIN, SHARED, KEPT, UNKNOWN = (a_uuid(number) for number in range(1, 5))
GOOD = 9
CRASH, ANSWER, CALL, WAIT, CLAIM = range(1, 6)
HEADER = client.HEADER_SIZE
ANSWERED = {client.KIND_OPEN, client.KIND_INVOKE, client.KIND_CLOSE}


def calls(ta: Instance) -> None:
    """Open a session with another TA, and leave it open."""
    manager = ta.services.manager
    outcome = manager.open(SHARED, CLIENT, ta, ta.chain, Params())
    if outcome.session is not None:
        manager.invoke(outcome.session, 0, ta.chain, Params())


def script(entry: Entry, runner: FakeRunner) -> Code:
    """Do what the command says."""
    command = entry.command if entry.function == INVOKE else 0
    if command == CALL:
        yield calls
    if command == WAIT:
        yield lambda ta: ta.session.cancellation.mask(masked=False)
        yield lambda ta: ta.session.cancellation.wait(1)
    if command == CLAIM:
        runner.vals = [2**64 - 1] * 8
    if command == CRASH:
        return SEGV
    return numbers.ERROR_GENERIC if command == ANSWER else numbers.SUCCESS


# What clients send

CLIENTS = st.integers(1, 3)
KINDS = st.sampled_from([0, 1, 2, 3, 5, 6, 7])


@st.composite
def some_params(draw: st.DrawFn) -> wire.Params:
    """Right parameters, each reference in a region of its own."""
    regions: list[wire.Region] = []
    params = []
    for _ in range(client.PARAMS):
        kind = draw(KINDS)
        if kind in {0, 2}:
            params.append(wire.Param(kind))
        elif kind < numbers.PARAM_TYPE_MEMREF_INPUT:
            params.append(wire.Param(kind, draw(st.integers(0, 9)), draw(st.integers(0, 9))))
        elif draw(st.booleans()):
            params.append(wire.Param(kind))  # NULL
        else:
            size = draw(st.sampled_from([0, 1, 5000]))
            offset = draw(st.integers(0, size))
            params.append(wire.Param(kind, offset, size - offset, len(regions)))
            data = bytes(size) if kind & client.REGION_IN else b""
            regions.append(wire.Region(size, kind & 3, draw(st.sampled_from([0, 4095])), data))
    return wire.Params(tuple(params), tuple(regions))


UUIDS = st.sampled_from([PLAIN, SHARED, KEPT, UNKNOWN])
SESSIONS = st.integers(0, 6)
# Requests get their numbers when they are sent.
MESSAGES: st.SearchStrategy[wire.Message] = st.one_of(
    st.tuples(CLIENTS, UUIDS, st.sampled_from([0, 1, 2, 7]), some_params()).map(
        lambda it: wire.Open(it[0], 0, it[1], it[2], params=it[3])
    ),
    st.tuples(CLIENTS, UUIDS).map(lambda it: wire.Open(it[0], 0, it[1])),
    st.tuples(CLIENTS, SESSIONS, st.integers(0, 6), some_params()).map(
        lambda it: wire.Invoke(it[0], 0, *it[1:])
    ),
    st.tuples(CLIENTS, SESSIONS, st.integers(0, 6)).map(
        lambda it: wire.Invoke(it[0], 0, it[1], it[2])
    ),
    st.tuples(CLIENTS, SESSIONS).map(lambda it: wire.Close(it[0], 0, it[1])),
    st.tuples(CLIENTS, st.integers(0, 12)).map(lambda it: wire.Cancel(*it)),
    CLIENTS.map(wire.Gone),
)


@st.composite
def a_frame(draw: st.DrawFn) -> tuple[int, int, bytes]:
    """Kind, client and body; in some, bytes of the body are others, or missing, or too many."""
    message = draw(MESSAGES)
    raw = wire.encode(message)
    kind, body = int.from_bytes(raw[8:10], "little"), bytearray(raw[HEADER:])
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        if body:
            place = draw(st.integers(0, min(len(body), 200) - 1))
            body[place] = draw(st.sampled_from([0, 1, 4, 0x7F, 0xFF]))
    cut = draw(st.sampled_from([0, 0, 0, 1, 8]))
    more = draw(st.sampled_from([b"", b"", b"", b"x"]))
    return kind, message.client, bytes(body[: len(body) - cut]) + more


class Stream:
    """The stream to a server, and what comes back."""

    def __init__(self, world: World) -> None:
        self.server = Server(world.manager, self._take, world.log.append, grace_s=0.5)
        self.asked: Counter[tuple[int, int]] = Counter()
        self.answered: Counter[tuple[int, int]] = Counter()
        self.answers: dict[int, wire.Message] = {}
        self._framer = wire.Framer(blobs.FROM_CORE)
        self._lock = threading.Lock()
        self._last = 0

    def send(self, kind: int, number: int, body: bytes) -> int:
        """Send a frame; return its request's number."""
        self._last += 1
        request = self._last if kind in ANSWERED else 0
        if request:
            self.asked[number, request] += 1
        self.server.receive(wire.Frame(kind, number, request, body).to_bytes())
        return request

    def say(self, message: wire.Message) -> wire.Message:
        """Send a message, and return its answer."""
        raw = wire.encode(message)
        request = self.send(int.from_bytes(raw[8:10], "little"), GOOD, raw[HEADER:])
        until(lambda: request in self.answers)
        return self.answers[request]

    def _take(self, data: bytes) -> None:
        self._framer.feed(data)
        while (frame := self._framer.next_frame()) is not None:
            message = wire.decode(frame)
            with self._lock:
                self.answered[frame.client, frame.request] += 1
                self.answers[frame.request] = message


def attacked(frames: list[tuple[int, int, bytes]]) -> None:
    """Check that frames get nowhere."""
    world = World({PLAIN: (0, script), SHARED: (MULTI, script), KEPT: (KEEP, script)})
    stream = Stream(world)
    opened = stream.say(wire.Open(GOOD, 0, PLAIN))
    assert isinstance(opened, wire.Opened)
    for frame in frames:
        stream.send(*frame)
    until(lambda: stream.answered == stream.asked)
    answer = stream.say(wire.Invoke(GOOD, 0, opened.session, 0))
    assert isinstance(answer, wire.Invoked)
    assert answer.result == numbers.SUCCESS
    for number in (1, 2, 3, GOOD, 0):
        stream.send(client.KIND_GONE, number, b"")
    until(lambda: 0 in stream.answers)
    assert stream.answers.pop(0) == wire.Gone(0)  # nothing is left
    stream.server.end()
    world.check_what_is_left()
    assert stream.server._memory.take(limits().clients)  # noqa: SLF001 -- nor of their memory
    assert "Traceback" not in "\n".join(world.log)
    for message in stream.answers.values():
        assert isinstance(message, wire.Opened | wire.Invoked | wire.Closed)
        event(f"{type(message).__name__} {getattr(message, 'result', 0):#x}")


def run(many: int, *, random: bool) -> None:
    @settings(
        max_examples=many,
        deadline=None,
        derandomize=not random,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(a_frame(), min_size=1, max_size=25))
    def check(frames: list[tuple[int, int, bytes]]) -> None:
        attacked(frames)

    check()


def test_no_frames_harm_the_core_or_another_client() -> None:
    run(80, random=False)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_no_frames_harm_the_core_for_long() -> None:
    run(20_000, random=True)
