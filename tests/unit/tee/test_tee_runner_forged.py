# SPDX-License-Identifier: BSD-3-Clause
"""The core's end of the runner protocol, when a TA has taken the other end over."""

import errno
import fcntl
import os
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import runner_numbers as wire
from realmos_agent.tee.parts import Call, Fault, Refused, Returned, RunnerError
from realmos_agent.tee.runner import RunnerProcess
from realmos_agent.tee.runner_start import start
from taken_runner import ENTRY, Taken


def map_page(runner: RunnerProcess) -> None:
    runner.map(0x10000, 0x1000, wire.PROT_READ, b"", stack=False)


ORDERS: list[Callable[[RunnerProcess], object]] = [
    map_page,
    lambda runner: runner.unmap(0x10000, 0x1000),
    lambda runner: runner.write(0x10000, b"data"),
    lambda runner: runner.fetch(0x10000, 4),
    lambda runner: runner.enter(ENTRY),
    lambda runner: runner.answer(b""),
    lambda runner: runner.greet(),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("length", [0, 3, wire.LENGTH_MAX + 1, 0xFFFF_FFFF])
def test_impossible_lengths_lose_the_ta(
    taken: Taken, order: Callable[[RunnerProcess], object], length: int
) -> None:
    taken.say(wire.DONE, b"", length)
    with pytest.raises(RunnerError, match="claims"):
        order(taken.runner)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [0, wire.MAP, wire.RESULT, 0x7FFF_FFFF])
def test_messages_that_are_the_cores_lose_the_ta(
    taken: Taken, order: Callable[[RunnerProcess], object], kind: int
) -> None:
    taken.say(kind, bytes(8))
    with pytest.raises(RunnerError, match="message"):
        order(taken.runner)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "kind", [wire.HELLO, wire.DONE, wire.CALL, wire.RETURNED, wire.FAULT, wire.FETCHED]
)
def test_messages_without_their_body_lose_the_ta(
    taken: Taken, order: Callable[[RunnerProcess], object], kind: int
) -> None:
    taken.say(kind, b"abc")
    with pytest.raises(RunnerError):
        order(taken.runner)


@pytest.mark.parametrize("order", ORDERS)
def test_the_end_of_the_process_is_told(
    taken: Taken, order: Callable[[RunnerProcess], object]
) -> None:
    taken.leave()
    with pytest.raises(RunnerError, match="signal 15"):
        order(taken.runner)
    with pytest.raises(RunnerError, match="signal 15"):
        order(taken.runner)


def test_a_refusal_is_told_and_no_end(taken: Taken) -> None:
    taken.done(17)
    with pytest.raises(Refused, match="File exists"):
        map_page(taken.runner)
    taken.done()
    map_page(taken.runner)


@pytest.mark.parametrize("order", ORDERS[:5])
def test_a_status_that_is_no_errno_loses_the_ta(
    taken: Taken, order: Callable[[RunnerProcess], object]
) -> None:
    taken.done(0xFFFF_FFFF)
    with pytest.raises(RunnerError, match="no error of Linux"):
        order(taken.runner)


def test_regions_go_with_the_entry_and_have_no_answer(taken: Taken) -> None:
    taken.runner.region(0x10000, b"one", secure=False)
    taken.runner.region(0x20000, b"", secure=True)
    returned = struct.pack(wire.RETURNED_FORMAT, 5, 0, *range(8))
    taken.say(wire.RETURNED, returned + b"output")
    assert taken.runner.enter(ENTRY) == Returned(5, tuple(range(8)), b"output")
    assert [kind for kind, _ in taken.heard()] == [wire.REGION, wire.REGION, wire.ENTER]


@pytest.mark.parametrize("more", [-1, wire.RETURNED_MAX + 1])
def test_a_result_of_the_wrong_size_loses_the_ta(taken: Taken, more: int) -> None:
    taken.say(wire.RETURNED, bytes(wire.RETURNED_SIZE + more))
    with pytest.raises(RunnerError, match="bytes"):
        taken.runner.enter(ENTRY)


def test_more_bytes_than_were_asked_for_lose_the_ta(taken: Taken) -> None:
    taken.say(wire.FETCHED, b"12345")
    with pytest.raises(RunnerError, match="asked for"):
        taken.runner.fetch(0x10000, 4)


def test_faults_bring_a_bounded_number_of_callers(taken: Taken) -> None:
    registers = struct.pack(wire.FAULT_FORMAT, 11, 1, 2, 3, 4, 5, *range(29))
    taken.say(wire.FAULT, registers + bytes(8 * 100 + 3))
    assert taken.runner.enter(ENTRY) == Fault(11, 1, 2, 3, 4, 5, (0,) * 64)


def test_a_runner_of_another_version_is_not_used(taken: Taken) -> None:
    taken.say(wire.HELLO, struct.pack(wire.HELLO_FORMAT, wire.VERSION + 1, 0, 0))
    with pytest.raises(RunnerError, match="version"):
        taken.runner.greet()


def test_what_is_not_protected_is_named(taken: Taken) -> None:
    flags = wire.HELLO_SECCOMP | wire.HELLO_NS_USER
    taken.say(wire.HELLO, struct.pack(wire.HELLO_FORMAT, wire.VERSION, flags, 0x1234))
    taken.runner.greet()
    assert taken.runner.dispatcher == 0x1234
    assert "network namespace" in taken.runner.missing
    assert "system call filter" not in taken.runner.missing


def test_closing_wakes_who_waits(taken: Taken) -> None:
    threading.Timer(0.1, taken.runner.close).start()
    with pytest.raises(RunnerError, match="signal 9"):
        taken.runner.enter(ENTRY)
    taken.runner.close()


def test_orders_too_long_for_a_frame_are_not_sent(taken: Taken) -> None:
    with pytest.raises(RunnerError, match="at most"):
        taken.runner.write(0x10000, bytes(wire.LENGTH_MAX))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400), st.sampled_from(range(len(ORDERS))))
def test_random_bytes_are_an_answer_or_the_end(data: bytes, order: int) -> None:
    ours, end = socket.socketpair()
    pid = os.posix_spawn("/bin/sleep", ["sleep", "600"], {})
    runner = RunnerProcess(pid, ours)
    os.kill(pid, signal.SIGKILL)
    with end:
        end.sendall(data)
        end.shutdown(socket.SHUT_WR)
        try:
            event = ORDERS[order](runner)
        except RunnerError:
            return
        finally:
            runner.close()
    assert event is None or isinstance(event, bytes | Call | Returned | Fault)


@pytest.mark.parametrize("kind", [wire.HELLO, wire.DONE, wire.RETURNED, wire.FAULT, wire.FETCHED])
def test_only_calls_are_large_unless_they_were_asked_for(taken: Taken, kind: int) -> None:
    taken.say(kind, b"", wire.LENGTH_MAX)
    with pytest.raises(RunnerError, match="out of place"):
        taken.runner.enter(ENTRY)


class Lingering:
    """A socket, a call of which is not over as soon as it is woken."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self.inside = threading.Event()
        self.closed_under: bool | None = None

    def recv(self, size: int, flags: int) -> bytes:
        self.inside.set()
        try:
            return self._inner.recv(size, flags)
        finally:
            time.sleep(0.2)
            self.inside.clear()

    def close(self) -> None:
        if self.closed_under is None:
            self.closed_under = self.inside.is_set()
        self._inner.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def test_no_descriptor_is_closed_under_who_uses_it() -> None:
    ours, end = socket.socketpair()
    lingering = Lingering(ours)
    pid = os.posix_spawn("/bin/sleep", ["sleep", "600"], {})
    runner = RunnerProcess(pid, cast("socket.socket", lingering))
    ended: list[RunnerError] = []

    def enter() -> None:
        try:
            runner.enter(ENTRY)
        except RunnerError as error:
            ended.append(error)

    with end:
        waiting = threading.Thread(target=enter)
        waiting.start()
        assert lingering.inside.wait(60)
        runner.close()
        waiting.join()
    assert len(ended) == 1
    assert lingering.closed_under is False


def test_an_end_is_noticed_with_many_files_open(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    original = os.pidfd_open

    def far(pid: int) -> int:
        near = original(pid)
        try:
            return fcntl.fcntl(near, fcntl.F_DUPFD_CLOEXEC, 1024)
        finally:
            os.close(near)

    monkeypatch.setattr(os, "pidfd_open", far)
    try:
        taken.leave()
        with pytest.raises(RunnerError, match="signal 15"):
            taken.runner.enter(ENTRY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_runner_without_a_socket_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socketpair", fail)
    with pytest.raises(RunnerError, match="Too many open files"):
        start(("/bin/true",))
