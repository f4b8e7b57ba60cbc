# SPDX-License-Identifier: BSD-3-Clause
"""The core's side of the tee wire, with TAs that are Python generators."""

import queue
import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from fake_ta import (
    CLOSE,
    INVOKE,
    KEEP,
    MULTI,
    OPEN,
    WAIT_S,
    Code,
    FakeRunner,
    World,
    a_uuid,
    quiet,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee import numbers, wire
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.server import CALLS_MAX, GRACE_S, Server
from realmos_agent.tee.wire import (
    Cancel,
    Close,
    Closed,
    Gone,
    Invoke,
    Invoked,
    Open,
    Opened,
    Outcome,
    Param,
    Params,
    Region,
)

A = a_uuid(1)
ME, OTHER = 5, 6
NONE = Param()


class Hub:
    """The other end of the server's stream."""

    def __init__(self, world: World, grace_s: float = GRACE_S) -> None:
        self.world = world
        self.server = Server(world.manager, self._sent, grace_s)
        self._framer = wire.Framer(wire.FROM_CORE)
        self._answers: queue.Queue[wire.Message] = queue.Queue()
        self._requests = 0

    def send(self, message: wire.Message) -> None:
        self.server.receive(wire.encode(message))

    def answer(self) -> wire.Message:
        return self._answers.get(timeout=WAIT_S)

    def open(self, who: int = ME, login: int = 0, identity: UUID = wire.NIL) -> Opened:
        self._requests += 1
        self.send(Open(who, self._requests, A, login, identity))
        answer = self.answer()
        assert isinstance(answer, Opened)
        return answer

    def invoke(
        self, session: int, command: int = 0, params: Params = wire.NO_PARAMS, who: int = ME
    ) -> Invoked:
        self._requests += 1
        self.send(Invoke(who, self._requests, session, command, params))
        answer = self.answer()
        assert isinstance(answer, Invoked)
        assert (answer.client, answer.request) == (who, self._requests)
        return answer

    def close(self, session: int, who: int = ME) -> None:
        self._requests += 1
        self.send(Close(who, self._requests, session))
        assert self.answer() == Closed(who, self._requests)

    def _sent(self, data: bytes) -> None:
        self._framer.feed(data)
        frame = self._framer.next_frame()
        assert frame is not None
        self._answers.put(wire.decode(frame))


def until(true: Callable[[], bool]) -> None:
    for _ in range(WAIT_S * 100):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come true")


class Waits:
    """A TA whose command 1 waits, unmasked, until it is cancelled or let go."""

    def __init__(self, *, unmask: bool = True) -> None:
        self.inside = threading.Event()
        self.go_on = threading.Event()
        self.unmask = unmask
        self.functions: list[int] = []

    def __call__(self, entry: Entry, runner: FakeRunner) -> Code:
        del runner
        self.functions.append(entry.function)
        if entry.function == INVOKE and entry.command == 1:
            if self.unmask:
                yield lambda ta: ta.session.cancellation.mask(masked=False)
            self.inside.set()
            if not self.unmask:
                assert self.go_on.wait(WAIT_S)
                return numbers.SUCCESS
            cancelled = yield lambda ta: ta.session.cancellation.wait(WAIT_S * 1000)
            return numbers.ERROR_CANCEL if cancelled else numbers.SUCCESS
        return numbers.SUCCESS


def test_a_client_opens_uses_and_closes_a_session() -> None:
    hub = Hub(World({A: (0, quiet)}))
    opened = hub.open()
    assert (opened.result, opened.origin) == (numbers.SUCCESS, numbers.ORIGIN_TRUSTED_APP)
    assert hub.invoke(opened.session, 7).result == numbers.SUCCESS
    hub.close(opened.session)
    assert [entry.function for entry in hub.world.runners[0].entries] == [OPEN, INVOKE, CLOSE]


def test_parameters_go_there_and_back() -> None:
    def capitals(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE:
            text = runner.fetch(entry.vals[0], entry.vals[1]).upper()
            assert entry.vals[0] % 4096 == 100
            assert entry.vals[2] == entry.vals[0] + 5
            base = entry.vals[0]
            runner.memory[base][5 : 5 + len(text)] = text
            runner.vals[3] = len(text)
            runner.vals[4:6] = 8, 9
        return numbers.SUCCESS

    hub = Hub(World({A: (0, capitals)}))
    session = hub.open().session
    params = Params(
        (
            Param(numbers.PARAM_TYPE_MEMREF_INPUT, 0, 5, 0),
            Param(numbers.PARAM_TYPE_MEMREF_OUTPUT, 5, 10, 0),
            Param(numbers.PARAM_TYPE_VALUE_OUTPUT),
            NONE,
        ),
        (Region(15, client.REGION_IN | client.REGION_OUT, 100, b"hello" + bytes(10)),),
    )
    assert hub.invoke(session, 0, params).outcomes == (
        Outcome(numbers.PARAM_TYPE_MEMREF_INPUT),
        Outcome(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, 5, b"HELLO"),
        Outcome(numbers.PARAM_TYPE_VALUE_OUTPUT, 8, 9),
        Outcome(),
    )


def test_a_client_has_no_use_of_anothers_session() -> None:
    hub = Hub(World({A: (0, quiet)}))
    session = hub.open().session
    answer = hub.invoke(session, who=OTHER)
    assert (answer.result, answer.origin) == (numbers.ERROR_BAD_PARAMETERS, numbers.ORIGIN_TEE)
    hub.close(session, who=OTHER)
    assert hub.invoke(session).result == numbers.SUCCESS
    assert len(hub.world.runners[0].entries) == 2


@pytest.mark.parametrize(
    ("login", "seen"),
    [(numbers.LOGIN_PUBLIC, UUID(int=0)), (numbers.LOGIN_USER, UUID(int=9)), (7, None)],
)
def test_the_identity_is_what_the_hub_asserts(login: int, seen: UUID | None) -> None:
    identities = []

    def tells(entry: Entry, runner: FakeRunner) -> Code:
        del entry, runner
        yield lambda ta: identities.append((ta.identity.login, ta.identity.uuid))
        return numbers.SUCCESS

    hub = Hub(World({A: (0, tells)}))
    answer = hub.open(login=login, identity=UUID(int=9))
    if seen is None:
        assert answer.result == numbers.ERROR_BAD_PARAMETERS
        assert not identities
    else:
        assert identities == [(login, seen)]


@pytest.mark.parametrize("login", [numbers.LOGIN_TRUSTED_APP, numbers.LOGIN_REE_KERNEL])
def test_a_client_cannot_pass_for_a_ta_or_for_linux(login: int) -> None:
    hub = Hub(World({A: (0, quiet)}))
    assert hub.open(login=login).result == numbers.ERROR_BAD_PARAMETERS
    assert not hub.world.runners


def test_a_client_cancels_its_own_call_and_no_other() -> None:
    ta = Waits()
    hub = Hub(World({A: (0, ta)}))
    session = hub.open().session
    hub.send(Invoke(ME, 77, session, 1))
    assert ta.inside.wait(WAIT_S)
    hub.send(Cancel(OTHER, 77))
    hub.send(Cancel(ME, 78))
    with pytest.raises(queue.Empty):
        hub._answers.get(timeout=0.1)  # noqa: SLF001 -- this is the test's own
    hub.send(Cancel(ME, 77))
    answer = hub.answer()
    assert isinstance(answer, Invoked)
    assert (answer.request, answer.result) == (77, numbers.ERROR_CANCEL)


def test_a_client_that_goes_loses_its_sessions() -> None:
    hub = Hub(World({A: (KEEP, quiet)}))
    hub.open()
    hub.open()
    kept = hub.open(OTHER).session
    hub.send(Gone(ME))
    runner = hub.world.runners[0]
    until(lambda: [entry.function for entry in runner.entries].count(CLOSE) == 2)
    assert hub.invoke(kept, who=OTHER).result == numbers.SUCCESS


@pytest.mark.parametrize("unmask", [False, True])
def test_a_client_that_goes_in_a_call_loses_its_session_afterwards(*, unmask: bool) -> None:
    ta = Waits(unmask=unmask)
    hub = Hub(World({A: (0, ta)}))
    session = hub.open().session
    hub.send(Invoke(ME, 1000, session, 1))
    assert ta.inside.wait(WAIT_S)
    hub.send(Gone(ME))
    ta.go_on.set()
    until(lambda: ta.functions == [OPEN, INVOKE, CLOSE])
    until(lambda: hub.world.runners[0].closed)


def test_a_client_that_goes_while_its_session_is_opened_loses_it() -> None:
    inside, go_on = threading.Event(), threading.Event()
    functions = []

    def slow(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        functions.append(entry.function)
        inside.set()
        assert go_on.wait(WAIT_S)
        return numbers.SUCCESS

    hub = Hub(World({A: (0, slow)}))
    hub.send(Open(ME, 1, A))
    assert inside.wait(WAIT_S)
    hub.send(Gone(ME))
    go_on.set()
    until(lambda: functions == [OPEN, CLOSE])


@pytest.mark.parametrize("shared", [False, True])
def test_a_ta_that_runs_on_for_nobody_is_ended(*, shared: bool) -> None:
    inside = threading.Event()

    def runs_on(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE and entry.command == 1:
            inside.set()
            runner.ended.wait(1 if shared else WAIT_S)
        return numbers.SUCCESS

    hub = Hub(World({A: (MULTI, runs_on)}), grace_s=0.05)
    session = hub.open().session
    other = hub.open(OTHER).session if shared else 0
    hub.send(Invoke(ME, 1000, session, 1))
    assert inside.wait(WAIT_S)
    hub.send(Gone(ME))
    if shared:
        assert hub.answer().client == ME
        assert hub.invoke(other, who=OTHER).result == numbers.SUCCESS
    else:
        assert hub.world.runners[0].ended.wait(WAIT_S)
        until(lambda: not hub.world.manager.instances)


def test_a_client_has_a_bounded_number_of_calls() -> None:
    ta = Waits(unmask=False)
    hub = Hub(World({A: (MULTI, ta)}))
    session = hub.open().session
    for number in range(CALLS_MAX):
        hub.send(Invoke(ME, 1000 + number, session, 1))
    assert ta.inside.wait(WAIT_S)
    hub.send(Invoke(ME, 5000, session, 1))
    answer = hub.answer()
    assert isinstance(answer, Invoked)
    assert (answer.request, answer.result) == (5000, numbers.ERROR_OUT_OF_MEMORY)
    ta.go_on.set()
    assert {hub.answer().client for _ in range(CALLS_MAX)} == {ME}


def test_two_calls_of_one_number_are_an_error() -> None:
    ta = Waits(unmask=False)
    hub = Hub(World({A: (0, ta)}))
    session = hub.open().session
    hub.send(Invoke(ME, 1000, session, 1))
    with pytest.raises(wire.WireError, match="1000"):
        hub.send(Invoke(ME, 1000, session, 1))
    ta.go_on.set()
    assert isinstance(hub.answer(), Invoked)


def test_a_request_that_makes_no_sense_is_refused_and_the_stream_goes_on() -> None:
    hub = Hub(World({A: (0, quiet)}))
    hub.server.receive(wire.Frame(client.KIND_INVOKE, ME, 9, b"short").to_bytes())
    answer = hub.answer()
    assert isinstance(answer, Invoked)
    assert (answer.request, answer.result) == (9, numbers.ERROR_BAD_PARAMETERS)
    assert hub.open().result == numbers.SUCCESS


def test_a_mistake_of_the_core_is_still_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(World({A: (0, quiet)}))
    session = hub.open().session

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    monkeypatch.setattr(hub.world.manager, "invoke", fails)
    answer = hub.invoke(session)
    assert (answer.result, answer.origin) == (numbers.ERROR_GENERIC, numbers.ORIGIN_TEE)
    until(lambda: [args.exc_type for args in told] == [ZeroDivisionError])
    monkeypatch.undo()
    assert hub.invoke(session).result == numbers.SUCCESS


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 20), st.binary(max_size=200))
def test_no_body_breaks_the_server(kind: int, body: bytes) -> None:
    world = World({A: (0, quiet)})
    sent: list[bytes] = []
    server = Server(world.manager, sent.append)
    try:
        server.receive(wire.Frame(kind, ME, 9, body).to_bytes())
    except wire.WireError:
        return
    if kind in {client.KIND_OPEN, client.KIND_INVOKE, client.KIND_CLOSE}:
        until(lambda: len(sent) == 1)
