# SPDX-License-Identifier: BSD-3-Clause
"""What large system calls, and their answers, may take of the core's memory, and for how long."""

import socket
import struct
import threading
import tracemalloc

import pytest
from realmos_agent.tee import numbers, runner
from realmos_agent.tee import runner_numbers as wire
from realmos_agent.tee.budget import Budget, Share
from realmos_agent.tee.parts import Call, RunnerError
from realmos_agent.tee.runner_stream import RunnerStream
from taken_runner import ENTRY, MIB, MakeTaken, Taken

WAIT_S = 60.0
CALL = struct.pack(wire.CALL_FORMAT, numbers.CALL_LOG, 1)
RETURNED = bytes(struct.calcsize(wire.RETURNED_FORMAT))
COPIES = 4


def large_call(size: int) -> bytes:
    return CALL + bytes(size - len(CALL))


def plain(code: int) -> bytes:
    return struct.pack(wire.RESULT_FORMAT, code, 0)


def said(taken: Taken, *bodies: bytes) -> threading.Thread:
    """Say calls, and do not wait until they are heard."""

    def say() -> None:
        for body in bodies:
            taken.say(wire.CALL, body)

    thread = threading.Thread(target=say)
    thread.start()
    return thread


def left(room: Budget) -> int:
    """Return how many MiB can be had of a budget."""
    size = 0
    while room.take((size + 1) * MIB):
        size += 1
        room.give(size * MIB)
    return size


def test_large_calls_are_held_as_far_as_there_is_room(make_taken: MakeTaken) -> None:
    room = Budget(12 * MIB)
    first, second = (make_taken(Share(room, 12 * MIB)) for _ in range(2))
    speaker = said(first, large_call(2 * MIB))
    assert first.runner.enter(ENTRY) == Call(numbers.CALL_LOG, 1, bytes(2 * MIB - len(CALL)))
    speaker.join()
    assert left(room) == (12 - COPIES * 2)
    speaker = said(second, large_call(4 * MIB), CALL)
    # The large one never came to the core: its TA has had an error, and has made another call.
    assert second.runner.enter(ENTRY) == Call(numbers.CALL_LOG, 1, b"")
    speaker.join()
    assert second.heard()[-1] == (wire.RESULT, plain(numbers.ERROR_OUT_OF_MEMORY))
    first.say(wire.RETURNED, RETURNED)
    first.runner.answer(plain(0))
    assert left(room) == 12


def test_room_for_a_large_call_comes_back_when_its_ta_ends(make_taken: MakeTaken) -> None:
    room = Budget(12 * MIB)
    taken = make_taken(Share(room, 12 * MIB))
    speaker = said(taken, large_call(2 * MIB))
    assert isinstance(taken.runner.enter(ENTRY), Call)
    speaker.join()
    taken.runner.close()
    taken.runner.close()
    assert room.take(12 * MIB)
    assert not room.take(1)


def test_who_announces_a_large_call_leaves_room_for_others(make_taken: MakeTaken) -> None:
    """Room is taken for what is announced, which costs a TA eight bytes."""
    room = Budget(16 * MIB)
    hostile, other = (make_taken(Share(room, 8 * MIB)) for _ in range(2))
    hostile.say(wire.CALL, b"", wire.LENGTH_MIN + 2 * MIB)

    def enter() -> None:
        with pytest.raises(RunnerError):
            hostile.runner.enter(ENTRY)

    waiting = threading.Thread(target=enter)
    waiting.start()
    speaker = said(other, large_call(2 * MIB))
    assert isinstance(other.runner.enter(ENTRY), Call)
    speaker.join()
    hostile.runner.close()
    waiting.join()


def test_what_is_announced_has_to_come(
    make_taken: MakeTaken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_PASSAGE_SECONDS", 0.2)
    room = Budget(8 * MIB)
    taken = make_taken(Share(room, 8 * MIB))
    taken.say(wire.CALL, bytes(100), wire.LENGTH_MIN + 2 * MIB)
    with pytest.raises(RunnerError, match="did not come"):
        taken.runner.enter(ENTRY)
    taken.runner.close()
    assert room.take(8 * MIB)


def test_an_answer_counts_until_the_ta_has_it(make_taken: MakeTaken) -> None:
    room = Budget(16 * MIB)
    taken = make_taken(Share(room, 16 * MIB))
    speaker = said(taken, CALL)
    assert isinstance(taken.runner.enter(ENTRY), Call)
    speaker.join()
    sending = threading.Thread(target=taken.runner.reply, args=(bytes(4 * MIB),))
    sending.start()
    assert taken.end.recv(8, socket.MSG_WAITALL)
    assert left(room) == 16 - 4, "it is being sent"
    taken.end.recv(4 * MIB, socket.MSG_WAITALL)
    sending.join()
    assert left(room) == 16


def test_an_answer_that_there_is_no_room_for_is_an_error(make_taken: MakeTaken) -> None:
    taken = make_taken(Share(Budget(8 * MIB), MIB))
    speaker = said(taken, CALL)
    assert isinstance(taken.runner.enter(ENTRY), Call)
    speaker.join()
    taken.runner.reply(bytes(2 * MIB))
    assert taken.heard()[-1] == (wire.RESULT, plain(numbers.ERROR_OUT_OF_MEMORY))


def test_an_answer_has_to_be_taken(make_taken: MakeTaken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_PASSAGE_SECONDS", 0.2)
    room = Budget(8 * MIB)
    taken = make_taken(Share(room, 8 * MIB))
    with pytest.raises(RunnerError, match="did not take"):
        taken.runner.reply(bytes(4 * MIB))
    taken.runner.close()
    assert room.take(8 * MIB)


def test_large_messages_are_there_once(taken: Taken) -> None:
    """Neither how they are received nor how they are sent makes another copy."""
    size = 8 * MIB
    body, answer = large_call(size), bytes(size)
    speaker, hearer = said(taken, body), threading.Thread(target=swallow, args=(taken.end, size))
    tracemalloc.start()
    try:
        taken.runner.enter(ENTRY)
        received = tracemalloc.get_traced_memory()[1]
        speaker.join()
        hearer.start()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        taken.runner.reply(answer)
        sent = tracemalloc.get_traced_memory()[1] - before
        hearer.join()
    finally:
        tracemalloc.stop()
    assert size <= received < size + 2 * MIB
    assert sent < 2 * MIB


def swallow(end: socket.socket, size: int) -> None:
    """Receive so many bytes, and forget them."""
    while size > 0:
        size -= len(end.recv(1 << 14))


def hear(end: socket.socket, size: int) -> bytes:
    """Receive so many bytes in small pieces."""
    heard = bytearray()
    while len(heard) < size:
        heard += end.recv(1 << 14)
    return bytes(heard)


@pytest.mark.parametrize("seconds", [None, WAIT_S])
def test_what_is_held_back_comes_first_and_whole(seconds: float | None) -> None:
    ours, end = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
    stream = RunnerStream(ours)
    frames = [(kind, bytes([kind]) * 24, bytes([64 + kind]) * size)
              for kind, size in enumerate((0, 100, 5000, 70_000, 0, 300_000), 1)]  # fmt: skip
    wanted = b"".join(
        struct.pack(wire.FRAME_FORMAT, 4 + len(head + data), kind) + head + data
        for kind, head, data in frames
    )
    heard = []
    hearer = threading.Thread(target=lambda: heard.append(hear(end, len(wanted))))
    hearer.start()
    for kind, head, data in frames[:-1]:
        stream.send(kind, head, data, hold=True)
    stream.send(*frames[-1], seconds=seconds)
    hearer.join(WAIT_S)
    assert heard == [wanted]
    ours.close()
    end.close()


def test_no_more_is_held_back_than_there_is_room_for() -> None:
    ours, end = socket.socketpair()
    stream = RunnerStream(ours)
    stream.send(1, b"", bytes(1000), hold=True)
    with pytest.raises(BlockingIOError):
        end.recv(1, socket.MSG_DONTWAIT)
    hearer = threading.Thread(target=hear, args=(end, 1008 + 8 + 2 * MIB))
    hearer.start()
    stream.send(1, b"", bytes(2 * MIB), hold=True)
    hearer.join(WAIT_S)
    assert not hearer.is_alive()
    for _ in range(100):
        stream.send(1, b"", hold=True)
    assert end.recv(1, socket.MSG_DONTWAIT)
    ours.close()
    end.close()
