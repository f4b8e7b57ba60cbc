# SPDX-License-Identifier: BSD-3-Clause
"""What the core lends to its edge, and what it does with a call that the edge has begun."""

import threading
from typing import TYPE_CHECKING

import pytest
from fake_hub import ME, OTHER, A, Hub, Waits, leave_busy, until
from fake_ta import INVOKE, MULTI, SEGV, WAIT_S, Code, FakeRunner, World, a_uuid, in_thread, quiet
from realmos_agent.tee import numbers, wire
from realmos_agent.tee.edge import Begun, Edge, Loan
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.params import Params as TaParams
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.server import CALLS_MAX
from realmos_agent.tee.session import INFINITE
from realmos_agent.tee.syscalls.sessions import open_ta_session
from realmos_agent.tee.wire import Cancel, Gone, Invoke, Invoked, Outcome, Param, Params

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 8
WINDOW = 0x1_0000
INOUT = numbers.PARAM_TYPE_VALUE_INOUT


class FakeLoan(Loan):
    """A loan that says what became of it; `busy` while a call of the edge's runs."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.sessions: dict[int, int] = {}
        self.given = False
        self.busy = False
        self.dropped = False
        self.refused = threading.Event()

    def take(self) -> bool:
        """Have it back, if it is idle."""
        assert self.given or self.busy or self.dropped, "nobody has what is to be taken"
        if self.busy:
            self.refused.set()
            return False
        self.given = False
        return True

    def give(self) -> None:
        """Let the edge have it."""
        runner = self.instance._runner  # noqa: SLF001 -- the test's own
        assert isinstance(runner, FakeRunner)
        assert not runner.closed, "its socket is not the edge's any more"
        self.given = not self.dropped

    def drop(self) -> None:
        """Forget it."""
        runner = self.instance._runner  # noqa: SLF001 -- the test's own
        assert isinstance(runner, FakeRunner)
        assert self.dropped or not runner.closed, "the edge may have used a closed socket"
        self.given, self.dropped = False, True
        self.sessions.clear()

    def add(self, session: int, client: int) -> None:
        """Serve a session."""
        self.sessions[session] = client

    def forget(self, session: int) -> None:
        """Serve it no more."""
        self.sessions.pop(session, None)


class FakeEdge(Edge):
    """An edge in the test's hands."""

    def __init__(self) -> None:
        super().__init__()
        self.calls_max = CALLS
        self.window = WINDOW
        self.loans: list[FakeLoan] = []
        self.forgotten: list[int] = []

    def lend(self, instance: Instance) -> Loan:
        """Note a loan."""
        self.loans.append(FakeLoan(instance))
        return self.loans[-1]

    def forget_client(self, client: int) -> None:
        """Note it."""
        self.forgotten.append(client)


class Rig(Hub):
    """A server with such an edge."""

    def __init__(self, world: World) -> None:
        self.edge = FakeEdge()
        super().__init__(world, edge=self.edge)

    def begin(self, request: int, session: int, params: Params = wire.NO_PARAMS) -> Begun:
        """Have the edge begin a call, which says command 1."""
        loan = next(each for each in self.edge.loans if session in each.sessions)
        assert loan.given
        loan.given, loan.busy = False, True
        frame = wire.encode(Invoke(loan.sessions[session], request, session, 1, params))
        return Begun(session, frame, b"1", (0, 0, 0, 0))

    def adopt(self, begun: Begun) -> None:
        """Have the core go on with it."""
        for loan in self.edge.loans:
            loan.busy = loan.busy and begun.session not in loan.sessions
        self.server.adopt(begun)


def test_an_instance_is_the_edges_between_the_cores_turns() -> None:
    rig = Rig(World({A: (0, quiet)}))
    session = rig.open().session
    (loan,) = rig.edge.loans
    assert loan.given
    assert loan.sessions == {session: ME}
    assert rig.invoke(session).result == numbers.SUCCESS
    assert loan.given
    rig.close(session)
    assert loan.dropped


def test_an_instance_is_lent_once_for_all_its_sessions() -> None:
    rig = Rig(World({A: (MULTI, quiet)}))
    mine, yours = rig.open().session, rig.open(OTHER).session
    (loan,) = rig.edge.loans
    assert loan.sessions == {mine: ME, yours: OTHER}
    rig.close(mine)
    assert loan.sessions == {yours: OTHER}
    assert loan.given


def test_tas_that_call_each_other_are_the_cores_alone() -> None:
    """The edge, which begins calls in any that is idle, does not know that their turn is one."""
    peer = a_uuid(9)

    def calls(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield lambda ta: open_ta_session(
                ta, peer.bytes_le, INFINITE, TaParams(), tells_origin=True
            )
        return numbers.SUCCESS

    rig = Rig(World({A: (MULTI, calls), peer: (MULTI, quiet)}))
    session = rig.open().session
    (loan,) = rig.edge.loans
    assert loan.given
    assert rig.invoke(session).result == numbers.SUCCESS
    assert loan.dropped
    rig.open()
    rig.open(uuid=peer)
    assert rig.edge.loans == [loan]


def test_the_core_goes_on_with_what_the_edge_has_begun() -> None:
    def doubles(entry: Entry, runner: FakeRunner) -> Code:
        yield lambda ta: runner.vals.__setitem__(0, ta.session.id)
        return entry.command

    rig = Rig(World({A: (0, doubles)}))
    session = rig.open().session
    params = Params((Param(INOUT, 21, 0), *[Param()] * 3))
    rig.adopt(rig.begin(77, session, params))
    answer = rig.answer()
    assert answer == Invoked(
        ME, 77, 1, numbers.ORIGIN_TRUSTED_APP, (Outcome(INOUT, session), *[Outcome()] * 3)
    )
    assert rig.edge.loans[0].given


def test_who_wants_what_the_edge_has_waits_and_has_it_then() -> None:
    rig = Rig(World({A: (MULTI, quiet)}))
    session = rig.open().session
    rig.begin(1, session)
    loan = rig.edge.loans[0]
    answer = in_thread(lambda: rig.invoke(session))
    assert loan.refused.wait(WAIT_S)
    assert not answer.done()
    loan.busy, loan.given = False, True
    rig.world.manager.look_again()
    assert answer.result(WAIT_S).result == numbers.SUCCESS
    assert loan.given


def test_who_wants_what_the_edge_has_waits_for_the_core_if_that_goes_on_with_it() -> None:
    ta = Waits()
    rig = Rig(World({A: (MULTI, ta)}))
    session = rig.open().session
    begun = rig.begin(1, session)
    rig.send(Invoke(ME, 2, session, 0))
    assert rig.edge.loans[0].refused.wait(WAIT_S)
    rig.adopt(begun)
    assert ta.inside.wait(WAIT_S)
    rig.send(Cancel(ME, 1))
    answers = [rig.answer(), rig.answer()]
    assert [each.request for each in answers if isinstance(each, Invoked)] == [1, 2]


def test_a_close_that_had_no_thread_waits_for_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    ta = Waits(unmask=False)
    tries: list[Callable[[], None]] = []
    rig = Rig(World({A: (MULTI, ta)}))
    others = leave_busy(rig, ta)
    with monkeypatch.context() as patch:
        patch.setattr(rig.server._workers, "run", lambda _job: False)  # noqa: SLF001 -- none is idle
        patch.setattr(rig.server._workers, "run_sometime", tries.append)  # noqa: SLF001 -- nor soon
        ta.go_on.set()
        assert rig.answer().client == OTHER
    (loan,) = rig.edge.loans
    rig.begin(2001, others)
    again = in_thread(tries[-1])
    assert loan.refused.wait(WAIT_S)
    assert numbers.ENTRY_CLOSE_SESSION not in ta.functions
    loan.busy, loan.given = False, True
    rig.world.manager.look_again()
    again.result(WAIT_S)
    assert ta.functions[-1] == numbers.ENTRY_CLOSE_SESSION
    assert loan.given


def test_a_client_that_goes_cancels_what_the_edge_had_begun() -> None:
    ta = Waits()
    rig = Rig(World({A: (0, ta)}))
    session = rig.open().session
    rig.adopt(rig.begin(1, session))
    assert ta.inside.wait(WAIT_S)
    rig.send(Gone(ME))
    answer = rig.answer()
    assert isinstance(answer, Invoked)
    assert answer.result == numbers.ERROR_CANCEL
    until(lambda: rig.edge.loans[0].dropped)


def test_a_session_that_is_closed_meanwhile_ends_after_the_call() -> None:
    entered: list[int] = []

    def notes(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        entered.append(entry.function)
        return numbers.SUCCESS

    rig = Rig(World({A: (0, notes)}))
    session = rig.open().session
    begun = rig.begin(1, session)
    rig.send(wire.Close(ME, 2, session))
    loan = rig.edge.loans[0]
    assert loan.refused.wait(WAIT_S)
    loan.sessions[session] = ME  # for this rig to find it again
    rig.adopt(begun)
    assert [type(rig.answer()) for _ in range(2)] == [Invoked, wire.Closed]
    assert entered == [numbers.ENTRY_OPEN_SESSION, INVOKE, numbers.ENTRY_CLOSE_SESSION]


def test_a_ta_that_dies_is_the_edges_no_more() -> None:
    def dies(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        return SEGV if entry.function == INVOKE else numbers.SUCCESS

    rig = Rig(World({A: (0, dies)}))
    session = rig.open().session
    rig.adopt(rig.begin(1, session))
    answer = rig.answer()
    assert isinstance(answer, Invoked)
    assert answer.result == numbers.ERROR_TARGET_DEAD
    until(lambda: rig.edge.loans[0].dropped)
    assert rig.invoke(session).result == numbers.ERROR_TARGET_DEAD


def test_a_death_that_cannot_be_logged_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside, go = threading.Event(), threading.Event()

    def dies(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE:
            inside.set()
            assert go.wait(WAIT_S)
            return SEGV
        return numbers.SUCCESS

    def log(text: str) -> None:
        if "was lost" in text:
            raise MemoryError

    rig = Rig(World({A: (MULTI, dies)}))
    monkeypatch.setattr(rig.world.services, "log", log)
    mine, yours = rig.open().session, rig.open(OTHER).session
    rig.send(Invoke(ME, 100, mine, 1))
    assert inside.wait(WAIT_S)
    rig.send(Invoke(OTHER, 101, yours, 1))
    (loan,) = rig.edge.loans
    until(lambda: rig.world.manager._turns._waiting == 1)  # noqa: SLF001 -- nobody else is told
    go.set()
    for _ in range(2):
        answer = rig.answer()
        assert isinstance(answer, Invoked)
        assert answer.result == numbers.ERROR_TARGET_DEAD
    until(lambda: loan.dropped)


def test_memory_for_the_edge_is_found_while_nobody_is_kept_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have to be taken back from what has ended, which takes its time."""
    held: list[bool] = []
    rig = Rig(World({A: (MULTI, quiet)}))

    def make_place(_self: Instance, window: int) -> None:
        assert window == WINDOW
        held.append(rig.server._lock.locked())  # noqa: SLF001 -- what others would wait for
        held.append(rig.world.manager._changed._is_owned())  # type: ignore[attr-defined] # noqa: SLF001 -- the same

    monkeypatch.setattr(Instance, "make_place", make_place)
    rig.open()
    assert held == [False, False]


def test_a_client_that_goes_has_nothing_at_the_edge() -> None:
    rig = Rig(World({A: (MULTI, quiet)}))
    rig.open()
    rig.send(Gone(ME))
    assert rig.edge.forgotten == [ME]


def test_a_client_with_many_calls_has_no_sessions_at_the_edge() -> None:
    ta = Waits()
    rig = Rig(World({A: (MULTI, ta)}))
    session = rig.open().session
    for request in range(100, 100 + CALLS_MAX - CALLS):
        rig.send(Invoke(ME, request, session, 1))
    assert not rig.edge.forgotten
    rig.send(Invoke(ME, 99, session, 1))
    assert rig.edge.forgotten == [ME]
    rig.send(Gone(ME))


def test_a_request_that_is_there_twice_ends_the_stream() -> None:
    ta = Waits()
    rig = Rig(World({A: (MULTI, ta)}))
    first, second = rig.open().session, rig.open(uuid=A).session
    rig.send(Invoke(ME, 77, first, 1))
    assert ta.inside.wait(WAIT_S)
    frame = wire.encode(Invoke(ME, 77, second, 1))
    rig.world.manager._turns.adopt = lambda *_: None  # type: ignore[method-assign] # noqa: SLF001 -- a hub's fault, not to be had with one instance
    with pytest.raises(wire.WireError, match="77 is there already"):
        rig.server.adopt(Begun(second, frame, b"1", (0,) * 4))
    rig.send(Cancel(ME, 77))
