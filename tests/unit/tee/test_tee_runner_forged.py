# SPDX-License-Identifier: BSD-3-Clause
"""The core's end of the runner protocol, when a TA has taken the other end over."""

import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import runner_numbers as wire
from realmos_agent.tee.parts import Call, Entry, Fault, Refused, Returned, RunnerError
from realmos_agent.tee.runner import RunnerProcess

ENTRY = Entry(0, 0, 0, 0, 0, 0, (0,) * 8)


class Taken:
    """A process that does nothing, and its socket, in the hands of the test."""

    def __init__(self) -> None:
        ours, self.end = socket.socketpair()
        self.pid = os.posix_spawn("/bin/sleep", ["sleep", "600"], {})
        self.runner = RunnerProcess(self.pid, ours)

    def say(self, kind: int, body: bytes = b"", length: int | None = None) -> None:
        if length is None:
            length = wire.LENGTH_MIN + len(body)
        self.end.sendall(struct.pack(wire.FRAME_FORMAT, length, kind) + body)

    def done(self, status: int = 0) -> None:
        self.say(wire.DONE, struct.pack(wire.DONE_FORMAT, status))

    def leave(self) -> None:
        self.end.close()
        os.kill(self.pid, signal.SIGTERM)


@pytest.fixture
def taken() -> Iterator[Taken]:
    process = Taken()
    yield process
    process.end.close()
    process.runner.close()


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


def test_regions_are_answered_before_what_follows(taken: Taken) -> None:
    taken.runner.region(0x10000, b"one", secure=False)
    taken.runner.region(0x20000, b"", secure=True)
    taken.done()
    taken.done()
    taken.say(wire.RETURNED, struct.pack(wire.RETURNED_FORMAT, 5, 0, *range(8)))
    assert taken.runner.enter(ENTRY) == Returned(5, tuple(range(8)))


def test_a_call_in_place_of_a_regions_answer_loses_the_ta(taken: Taken) -> None:
    taken.runner.region(0x10000, b"one", secure=False)
    taken.say(wire.CALL, struct.pack(wire.CALL_FORMAT, 9, 1))
    with pytest.raises(RunnerError, match="DONE was expected"):
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
