# SPDX-License-Identifier: BSD-3-Clause
"""The core's side of the tee wire, with TAs that are Python generators."""

import queue
import threading
from uuid import UUID

import pytest
from fake_hub import ME, OTHER, A, Hub, Waits, until
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
    quiet,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee import numbers, wire
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.params import Params as CoreParams
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.server import CALLS_MAX, Server
from realmos_agent.tee.session import Cancellation, Session
from realmos_agent.tee.wire import (
    Cancel,
    Gone,
    Invoke,
    Invoked,
    Open,
    Outcome,
    Param,
    Params,
    Region,
)

NONE = Param()


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


def test_a_cancellation_is_of_the_call_that_it_names() -> None:
    ta = Waits()
    hub = Hub(World({A: (MULTI, ta)}))
    session = hub.open().session
    hub.send(Invoke(ME, 77, session, 1))
    assert ta.inside.wait(WAIT_S)
    hub.send(Invoke(ME, 78, session, 1))  # waits for the first
    hub.send(Cancel(ME, 78))
    with pytest.raises(queue.Empty):
        hub._answers.get(timeout=0.1)  # noqa: SLF001 -- this is the test's own
    hub.send(Cancel(ME, 77))
    answers = [hub.answer(), hub.answer()]
    assert all(isinstance(one, Invoked) and one.result == numbers.ERROR_CANCEL for one in answers)


def test_a_cancellation_that_comes_late_is_not_the_next_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[object] = []

    def tells(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield lambda ta: ta.session.cancellation.mask(masked=False)
            seen.append((yield lambda ta: ta.session.cancellation.effective))
        return numbers.SUCCESS

    hub = Hub(World({A: (0, tells)}))
    session = hub.open().session
    invoke = hub.world.manager.invoke

    def then_cancel(
        session: Session, command: int, chain: Chain, params: CoreParams, mine: Cancellation
    ) -> object:
        outcome = invoke(session, command, chain, params, mine)
        hub.send(Cancel(ME, 2))  # the TA has returned, and the answer is not there yet
        return outcome

    monkeypatch.setattr(hub.world.manager, "invoke", then_cancel)
    hub.invoke(session)
    hub.invoke(session)
    assert seen == [0, 0]


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

    monkeypatch.setattr(hub.world.manager, "invoke", fails)
    answer = hub.invoke(session)
    assert (answer.result, answer.origin) == (numbers.ERROR_GENERIC, numbers.ORIGIN_TEE)
    assert "ZeroDivisionError" in "".join(hub.world.log)
    monkeypatch.undo()
    assert hub.invoke(session).result == numbers.SUCCESS


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 20), st.binary(max_size=200))
def test_no_body_breaks_the_server(kind: int, body: bytes) -> None:
    world = World({A: (0, quiet)})
    sent: list[bytes] = []
    server = Server(world.manager, sent.append, world.log.append)
    try:
        server.receive(wire.Frame(kind, ME, 9, body).to_bytes())
    except wire.WireError:
        return
    if kind in {client.KIND_OPEN, client.KIND_INVOKE, client.KIND_CLOSE}:
        until(lambda: len(sent) == 1)
