# SPDX-License-Identifier: BSD-3-Clause
"""The server without memory or threads, and with faults of its own: it goes on all the same."""

import threading

import pytest
from fake_hub import ME, OTHER, A, Hub, Waits, leave_busy, until
from fake_ta import CLIENT, CLOSE, INVOKE, MULTI, WAIT_S, Code, FakeRunner, World, a_uuid, quiet
from realmos_agent.tee import manager, numbers, requests, server
from realmos_agent.tee.chain import DEPTH_MAX, Chain
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.params import Params
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.session import Session
from realmos_agent.tee.wire import Gone, Invoke, Invoked

B, C = a_uuid(2), a_uuid(3)


def no_threads(patch: pytest.MonkeyPatch) -> None:
    """Let no thread begin."""

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    patch.setattr(threading.Thread, "start", start)


def test_a_call_without_a_thread_is_refused_and_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Hub(World({A: (0, quiet)}))
    with monkeypatch.context() as patch:
        no_threads(patch)
        assert hub.open().result == numbers.ERROR_OUT_OF_MEMORY
    assert not hub.server._calls  # noqa: SLF001 -- what this is about
    assert hub.invoke(hub.open().session).result == numbers.SUCCESS


def test_sessions_of_who_goes_while_there_are_no_threads_are_closed_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ta = Waits(unmask=False)
    hub = Hub(World({A: (0, quiet), B: (0, ta)}))
    hub.open()
    waits = hub.open(OTHER, uuid=B).session
    hub.send(Invoke(OTHER, 2000, waits, 1))
    assert ta.inside.wait(WAIT_S)
    with monkeypatch.context() as patch:
        no_threads(patch)
        while not hub.server._workers._idle.empty():  # noqa: SLF001 -- nor has one nothing to do
            hub.server._workers._idle.get()  # noqa: SLF001
        hub.send(Gone(ME))
        ta.go_on.set()
        assert isinstance(hub.answer(), Invoked)
        until(lambda: hub.world.runners[0].closed)
    until(lambda: not hub.server._leaving)  # noqa: SLF001 -- nothing is to be left


def test_a_close_without_a_thread_waits_for_one_and_for_no_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ta = Waits(unmask=False)
    hub = Hub(World({A: (MULTI, ta)}))
    others = leave_busy(hub, ta)
    with monkeypatch.context() as patch:
        patch.setattr(hub.server._workers, "run", lambda _job: False)  # noqa: SLF001 -- none is idle
        ta.go_on.set()
        assert hub.answer().client == OTHER
        until(lambda: CLOSE in ta.functions)
    assert hub.invoke(others, who=OTHER).result == numbers.SUCCESS


@pytest.mark.parametrize("step", ["has_single", "open"])
def test_an_opening_that_fails_is_not_counted(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def no_memory(*_: object, **__: object) -> bool:
        raise MemoryError

    hub = Hub(World({A: (0, quiet)}))
    with monkeypatch.context() as patch:
        patch.setattr(manager.Manager, step, no_memory)
        assert hub.open().result == numbers.ERROR_GENERIC
    assert not hub.server._clients[ME].opening  # noqa: SLF001 -- each would take a session's place
    assert hub.open().result == numbers.SUCCESS


def test_an_answer_without_memory_is_still_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(World({A: (0, quiet)}))
    session = hub.open().session
    failures, command = [MemoryError()], 4242  # which calls that other tests have left do not have

    def reply(message: object, *given: object) -> object:
        if isinstance(message, Invoke) and message.command == command and failures:
            raise failures.pop()
        return requests.reply(message, *given)  # type: ignore[arg-type] # passed on as it came

    monkeypatch.setattr(server, "reply", reply)
    answer = hub.invoke(session, command)
    assert (answer.result, answer.origin) == (numbers.ERROR_GENERIC, numbers.ORIGIN_TEE)
    assert hub.invoke(session).result == numbers.SUCCESS


def test_what_was_put_off_is_done_when_its_call_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({A: (0, quiet), B: (0, quiet)})
    hub = Hub(world)
    session = hub.open().session
    left = [world.opened(B) for _ in range(2)]
    finish = world.manager._finish  # noqa: SLF001 -- one that fails

    def fails(_session: Session, _command: int, chain: Chain, *_: object) -> None:
        chain.deferred += left
        raise ZeroDivisionError

    def fails_once(session: Session, chain: Chain) -> None:
        finish(session, chain)
        if session is left[1]:
            raise MemoryError

    monkeypatch.setattr(world.manager, "invoke", fails)
    monkeypatch.setattr(world.manager, "_finish", fails_once)
    assert hub.invoke(session).result == numbers.ERROR_GENERIC
    assert [runner.closed for runner in world.runners] == [False, True, True]
    assert "MemoryError" in "".join(world.log)


def test_sessions_that_a_ta_closes_count_until_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TA at the end of a full chain closes its sessions later, and shall not pile them up."""
    monkeypatch.setattr(manager, "SESSIONS_MAX", 3)
    opened: list[bool] = []

    def opens(ta: Instance) -> None:
        opened.append(ta.services.manager.open(B, CLIENT, ta, ta.chain, Params()).ok)

    def closes(ta: Instance) -> None:
        for session in list(ta.opened.values()):
            ta.services.manager.close(session, ta.chain)

    def script(entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == INVOKE:
            yield opens if entry.command else closes
        return numbers.SUCCESS

    world = World({A: (MULTI, script), B: (MULTI, quiet), C: (0, quiet)})
    session, turns, chain = world.opened(A), world.manager._turns, Chain(1)  # noqa: SLF001 -- for others that call it
    for _ in range(3):
        world.manager.invoke(session, 1, chain, Params())
    others = [world.opened(C).target for _ in range(DEPTH_MAX - 1)]
    for other in others:
        assert isinstance(other, Instance)
        assert turns.take(other, chain)
    world.manager.invoke(session, 0, chain, Params())
    for other in reversed(others):
        assert isinstance(other, Instance)
        turns.release(other)
    world.manager.invoke(session, 1, chain, Params())
    world.manager.settle(chain)
    world.manager.invoke(session, 1, chain, Params())
    assert opened == [True, True, True, False, True]


def test_an_instance_has_a_bounded_number_of_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are put off have no client any more that would be counted for them."""
    monkeypatch.setattr(manager, "SESSIONS_AN_INSTANCE", 2)
    hub = Hub(World({A: (MULTI, quiet)}))
    first = hub.open(1).session
    assert hub.open(2).result == numbers.SUCCESS
    assert hub.open(3).result == numbers.ERROR_OUT_OF_MEMORY
    hub.close(first, 1)
    assert hub.open(3).result == numbers.SUCCESS
