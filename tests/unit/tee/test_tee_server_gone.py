# SPDX-License-Identifier: BSD-3-Clause
"""Clients that are gone, and what their TAs still do: nothing of it may last."""

import threading
from functools import partial

import pytest
from fake_hub import ME, OTHER, A, Hub, Waits, until
from fake_ta import (
    CLIENT,
    CLOSE,
    INVOKE,
    KEEP,
    MULTI,
    OPEN,
    SINGLE,
    WAIT_S,
    Code,
    FakeRunner,
    Script,
    World,
    a_uuid,
    in_thread,
    quiet,
)
from realmos_agent.tee import numbers, server
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.edge import Begun
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.params import Params
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.session import INFINITE
from realmos_agent.tee.wire import Gone, Invoke, Invoked, Open, Opened, WireError, encode

B = a_uuid(2)
GRACE_S = 0.05


class Hangs:
    """A TA that, in one of its functions, goes on until its process ends."""

    def __init__(self, function: int = INVOKE) -> None:
        self.function = function
        self.inside = threading.Event()

    def __call__(self, entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == self.function:
            self.inside.set()
            runner.ended.wait(WAIT_S)
        return numbers.SUCCESS


def stays_in(
    function: int, inside: threading.Event, go_on: threading.Event, entry: Entry, runner: FakeRunner
) -> Code:
    """Be a TA that stays in one of its functions until it may go on."""
    yield from quiet(entry, runner)
    if entry.function == function:
        inside.set()
        assert go_on.wait(WAIT_S * 10)
    return numbers.SUCCESS


class WaitsMasked:
    """A TA that waits in the core for ever, and has not asked for cancellations."""

    def __init__(self) -> None:
        self.inside = threading.Event()

    def __call__(self, entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            self.inside.set()
            yield lambda ta: ta.session.cancellation.wait(INFINITE)
        return numbers.SUCCESS


def calls(then: int = numbers.SUCCESS) -> Script:
    """Return a TA that opens a session with B and invokes it, and does so twice."""

    def call(ta: Instance) -> object:
        manager = ta.services.manager
        outcome = manager.open(B, CLIENT, ta, ta.chain, Params())
        if outcome.session is None:
            return outcome
        return manager.invoke(outcome.session, 0, ta.chain, Params())

    def script(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield call
            yield call
        return then

    return script


def gone_from(hub: Hub, inside: threading.Event, session: int) -> None:
    """Let a client go in a call."""
    hub.send(Invoke(ME, 1000, session, 1))
    assert inside.wait(WAIT_S)
    hub.send(Gone(ME))


def waits(hub: Hub) -> bool:
    """Tell whether a call waits for a busy TA."""
    return hub.world.manager._turns._waiting == 1  # noqa: SLF001 -- seen nowhere else


def is_empty(hub: Hub) -> bool:
    """Tell whether nothing is left of anybody."""
    server = hub.server
    return not hub.world.manager.instances and not server._calls and not server._leaving  # noqa: SLF001


@pytest.mark.parametrize("flags", [0, MULTI, KEEP])
@pytest.mark.parametrize("make", [Hangs, WaitsMasked])
def test_a_ta_that_does_not_return_is_ended(
    flags: int, make: type[Hangs] | type[WaitsMasked]
) -> None:
    ta = make()
    hub = Hub(World({A: (flags, ta)}), GRACE_S)
    gone_from(hub, ta.inside, hub.open().session)
    assert hub.world.runners[0].ended.wait(WAIT_S)
    until(lambda: is_empty(hub))
    assert any("does not return" in line for line in hub.world.log)


@pytest.mark.parametrize("function", [OPEN, CLOSE])
def test_a_ta_that_does_not_open_or_close_is_ended(function: int) -> None:
    ta = Hangs(function)
    hub = Hub(World({A: (0, ta)}), GRACE_S)
    hub.send(Open(ME, 1, A))
    if function == CLOSE:
        hub.answer()
    else:
        assert ta.inside.wait(WAIT_S)
    hub.send(Gone(ME))
    until(lambda: is_empty(hub))
    assert ta.inside.is_set()


def test_a_ta_that_another_waits_for_is_ended_first() -> None:
    inner = Hangs()
    hub = Hub(World({A: (0, calls()), B: (0, inner)}), GRACE_S)
    gone_from(hub, inner.inside, hub.open().session)
    until(lambda: is_empty(hub))
    assert hub.world.runners[1].closed
    functions = [entry.function for entry in hub.world.runners[0].entries]
    assert functions == [OPEN, INVOKE, CLOSE]


def test_other_sessions_of_the_same_client_do_not_keep_a_ta() -> None:
    ta = Hangs()
    hub = Hub(World({A: (MULTI, ta)}), GRACE_S)
    hub.open()
    gone_from(hub, ta.inside, hub.open().session)
    assert hub.answer().client == ME
    until(lambda: is_empty(hub))
    assert hub.open(OTHER).result == numbers.SUCCESS


def test_others_get_a_dead_target_instead_of_waiting_for_ever() -> None:
    ta = Hangs()
    hub = Hub(World({A: (KEEP, ta)}), GRACE_S)
    other = hub.open(OTHER).session
    gone_from(hub, ta.inside, hub.open().session)
    hub.send(Invoke(OTHER, 2000, other, 0))
    answers = {hub.answer() for _ in range(2)}
    (answer,) = (one for one in answers if isinstance(one, Invoked) and one.client == OTHER)
    assert answer.result == numbers.ERROR_TARGET_DEAD
    ta.function = CLOSE
    assert hub.invoke(hub.open(OTHER).session, who=OTHER).result == numbers.SUCCESS


def test_who_only_waits_for_a_busy_ta_does_not_end_it() -> None:
    ta = Hangs()
    hub = Hub(World({A: (KEEP, ta)}), GRACE_S)
    mine, others = hub.open().session, hub.open(OTHER).session
    hub.send(Invoke(OTHER, 2000, others, 0))
    assert ta.inside.wait(WAIT_S)
    hub.send(Invoke(ME, 1000, mine, 1))
    until(lambda: waits(hub))
    hub.send(Gone(ME))
    answer = hub.answer()
    assert isinstance(answer, Invoked)
    assert (answer.client, answer.result) == (ME, numbers.ERROR_BUSY)
    assert not hub.world.runners[0].closed
    hub.world.runners[0].ended.set()
    answer = hub.answer()
    assert isinstance(answer, Invoked)
    assert (answer.client, answer.result) == (OTHER, numbers.SUCCESS)
    until(lambda: not hub.server._leaving)  # noqa: SLF001 -- what this is about


def test_clients_that_leave_a_busy_ta_leave_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CLIENTS_MAX", 4)
    ta = Waits(unmask=False)
    hub = Hub(World({A: (MULTI, ta), B: (0, quiet)}))
    live = hub.open(1).session
    for who in (2, 3, 4):
        hub.open(who)
        hub.open(who)
    hub.send(Invoke(1, 1000, live, 1))
    assert ta.inside.wait(WAIT_S)
    for who in (2, 3, 4):
        hub.send(Gone(who))
    until(lambda: not hub.server._leaving)  # noqa: SLF001 -- what this is about
    for who in (5, 6, 7):
        assert hub.open(who, uuid=B).result == numbers.SUCCESS
    assert CLOSE not in ta.functions
    ta.go_on.set()
    assert hub.answer().client == 1
    until(lambda: ta.functions.count(CLOSE) == 6)
    assert hub.invoke(live, who=1).result == numbers.SUCCESS
    assert hub.world.manager.instances[0].sessions == 1


def test_a_call_that_waits_ends_with_its_client() -> None:
    ta = Waits(unmask=False)
    hub = Hub(World({A: (MULTI, ta)}))  # the minute that a TA has is not waited for
    mine, others = hub.open().session, hub.open(OTHER).session
    hub.send(Invoke(OTHER, 2000, others, 1))
    assert ta.inside.wait(WAIT_S)
    hub.send(Invoke(ME, 1000, mine, 0))
    until(lambda: waits(hub))
    hub.send(Gone(ME))
    answer = hub.answer()
    assert isinstance(answer, Invoked)
    assert (answer.client, answer.result) == (ME, numbers.ERROR_BUSY)
    until(lambda: not hub.server._leaving)  # noqa: SLF001 -- what this is about
    ta.go_on.set()
    until(lambda: ta.functions == [OPEN, OPEN, INVOKE, CLOSE])


def test_what_a_ta_leaves_open_with_a_busy_one_is_closed_when_that_is_free() -> None:
    shared = Waits(unmask=False)
    hub = Hub(World({A: (0, calls()), B: (MULTI, shared)}))
    mine, others = hub.open().session, hub.open(OTHER, uuid=B).session
    hub.invoke(mine)
    hub.send(Invoke(OTHER, 2000, others, 1))
    assert shared.inside.wait(WAIT_S)
    hub.send(Gone(ME))
    until(lambda: not hub.server._leaving)  # noqa: SLF001 -- what this is about
    assert hub.world.runners[0].closed
    assert CLOSE not in shared.functions
    shared.go_on.set()
    assert hub.answer().client == OTHER
    until(lambda: shared.functions.count(CLOSE) == 2)


def test_a_close_that_was_put_off_and_hangs_is_ended() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def ta(entry: Entry, runner: FakeRunner) -> Code:
        yield from quiet(entry, runner)
        if entry.function == INVOKE:
            inside.set()
            assert go_on.wait(WAIT_S)
        if entry.function == CLOSE:
            runner.ended.wait(WAIT_S)
        return numbers.SUCCESS

    hub = Hub(World({A: (MULTI, ta)}), GRACE_S)
    hub.open(ME)
    others = hub.open(OTHER).session
    hub.send(Invoke(OTHER, 2000, others, 1))
    assert inside.wait(WAIT_S)
    hub.send(Gone(ME))
    until(lambda: not hub.server._leaving)  # noqa: SLF001 -- it left, and the close is to come
    go_on.set()
    assert hub.answer().client == OTHER
    assert hub.world.runners[0].ended.wait(WAIT_S)
    until(lambda: is_empty(hub))


def test_a_ta_that_is_ended_as_it_returns_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is to learn from a lost process that it was ended."""
    world = World({A: (KEEP, quiet)})
    session = world.opened(A)
    turns = world.manager._turns  # noqa: SLF001 -- the end of a turn is seen nowhere else
    release = turns.release

    def too_late(instance: Instance) -> bool:
        assert instance.turn.holder is not None
        world.manager.abandon(instance.turn.holder)
        return release(instance)

    with monkeypatch.context() as patch:
        patch.setattr(turns, "release", too_late)
        world.invoke(session)
    assert not world.manager.instances
    assert world.open(A).ok
    assert world.invoke(session).result == numbers.ERROR_TARGET_DEAD


def test_the_ta_that_is_ended_is_the_one_that_is_called() -> None:
    world = World({A: (0, quiet), B: (0, quiet)})
    outer, inner = (world.opened(uuid).target for uuid in (A, B))
    assert isinstance(outer, Instance)
    assert isinstance(inner, Instance)
    turns, chain = world.manager._turns, Chain(1)  # noqa: SLF001 -- both turns, and no call yet
    assert turns.take(outer, chain)
    assert turns.take(inner, chain)
    world.manager.abandon(chain)
    assert (outer.killed, inner.killed) == (False, True)


def test_all_are_seen_off_when_the_hub_ends() -> None:
    shared, busy = Waits(), Waits(unmask=False)
    hub = Hub(World({A: (KEEP, shared), B: (MULTI, busy)}))
    for who in (ME, OTHER):
        hub.open(who)
        hub.open(who, uuid=B)
    hub.send(Invoke(ME, 1000, hub.open().session, 1))
    hub.send(Invoke(OTHER, 2000, hub.open(OTHER, uuid=B).session, 1))
    assert shared.inside.wait(WAIT_S)
    assert busy.inside.wait(WAIT_S)
    hub.send(Gone(0))
    cancelled = hub.answer()
    assert isinstance(cancelled, Invoked)
    assert (cancelled.client, cancelled.result) == (ME, numbers.ERROR_CANCEL)
    assert CLOSE not in busy.functions
    busy.go_on.set()
    assert isinstance(hub.answer(), Invoked)
    assert hub.answer() == Gone(0)
    assert (shared.functions.count(CLOSE), busy.functions.count(CLOSE)) == (3, 3)


def test_a_call_that_the_edge_begins_for_who_is_gone_ends_the_stream() -> None:
    """The hub, which has said so, sends none."""
    hub = Hub(World({A: (MULTI, quiet)}))
    session = hub.open().session
    hub.send(Gone(0))
    with pytest.raises(WireError, match=f"client {ME}, which is gone"):
        hub.server.adopt(Begun(session, encode(Invoke(ME, 1000, session, 0)), b"", ()))


@pytest.mark.parametrize(("flags", "instances"), [(SINGLE, 2), (MULTI, 2), (KEEP, 1)])
def test_who_comes_after_a_client_that_left_finds_its_ta_free(flags: int, instances: int) -> None:
    closing, go_on = threading.Event(), threading.Event()
    hub = Hub(World({A: (flags, partial(stays_in, CLOSE, closing, go_on))}))
    hub.open(ME)
    hub.send(Gone(ME))
    assert closing.wait(WAIT_S)
    answer = in_thread(lambda: hub.open(OTHER))
    until(lambda: OTHER in hub.server._clients)  # noqa: SLF001 -- it has come
    go_on.set()
    assert answer.result(WAIT_S).result == numbers.SUCCESS
    assert len(hub.world.runners) == instances


def opened_after(hub: Hub, go_on: threading.Event) -> Opened:
    """Return what another client finds when one has left that something is still done for."""
    hub.send(Gone(ME))
    hub.send(Open(OTHER, 1001, A))
    until(lambda: OTHER in hub.server._clients)  # noqa: SLF001 -- it has come
    go_on.set()
    answers = [hub.answer(), hub.answer()]
    (opened,) = (one for one in answers if isinstance(one, Opened) and one.request == 1001)
    return opened


TIMES = 20  # each time the other comes at another moment


@pytest.mark.parametrize("unmask", [True, False], ids=["cancelled", "not cancelled"])
def test_who_comes_after_a_client_that_left_in_a_call_finds_its_ta_free(*, unmask: bool) -> None:
    for _ in range(TIMES):
        ta = Waits(unmask=unmask)
        hub = Hub(World({A: (SINGLE, ta)}))
        hub.send(Invoke(ME, 1000, hub.open(ME).session, 1))
        assert ta.inside.wait(WAIT_S)
        assert opened_after(hub, ta.go_on).result == numbers.SUCCESS


def test_who_comes_after_a_client_that_left_as_it_came_finds_its_ta_free() -> None:
    for _ in range(TIMES):
        inside, go_on = threading.Event(), threading.Event()
        hub = Hub(World({A: (SINGLE, partial(stays_in, OPEN, inside, go_on))}))
        hub.send(Open(ME, 1000, A))
        assert inside.wait(WAIT_S)
        assert opened_after(hub, go_on).result == numbers.SUCCESS


def test_who_leaves_while_it_waits_for_who_left_waits_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "LEAVING_S", WAIT_S * 1000)
    inside, go_on = threading.Event(), threading.Event()
    hub = Hub(World({A: (SINGLE, partial(stays_in, CLOSE, inside, go_on))}))
    hub.open(ME)
    hub.send(Gone(ME))
    assert inside.wait(WAIT_S)
    hub.send(Open(OTHER, 1001, A))
    until(lambda: OTHER in hub.server._clients)  # noqa: SLF001 -- it has come
    hub.send(Gone(OTHER))
    opened = hub.answer()
    assert isinstance(opened, Opened)
    assert opened.result == numbers.ERROR_BUSY
    go_on.set()


def test_who_comes_after_a_client_that_left_does_not_wait_for_another_ta(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "LEAVING_S", WAIT_S * 1000)
    inside, go_on = threading.Event(), threading.Event()
    hub = Hub(World({A: (MULTI, quiet), B: (MULTI, partial(stays_in, CLOSE, inside, go_on))}))
    for uuid in (B, A, B):
        hub.open(ME, uuid=uuid)
    hub.send(Gone(ME))
    assert inside.wait(WAIT_S)
    assert hub.open(OTHER).result == numbers.SUCCESS
    go_on.set()


def test_a_ta_whose_close_hangs_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LEAVING_S", 0.01)
    ta = Hangs(CLOSE)
    hub = Hub(World({A: (SINGLE, ta)}))
    hub.open(ME)
    hub.send(Gone(ME))
    assert ta.inside.wait(WAIT_S)
    assert hub.open(OTHER).result == numbers.ERROR_BUSY
    hub.world.runners[0].ended.set()
