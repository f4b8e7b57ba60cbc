# SPDX-License-Identifier: BSD-3-Clause
"""The edge's library: what it serves by itself, and what it leaves to the core."""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from edge_rig import CLIENT, ENTRY_POINT, SESSION, STACK_TOP, WINDOW, Rig
from realmos.cache import Cache
from realmos.image import build_edge
from realmos.progress import Silent
from realmos_agent.tee import _edge_abi, edge_cdef, numbers, wire
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee import runner_numbers as run
from realmos_agent.tee.edge import Begun, NativeEdge
from realmos_agent.tee.wire import (
    Cancel,
    Close,
    Frame,
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
WINDOW_SIZE = 0x10000
PATIENCE_MS = 20
CALL = struct.pack(run.CALL_FORMAT, numbers.CALL_LOG, 0)


@pytest.fixture(scope="module")
def library() -> str:
    return str(build_edge(Cache(), Silent(), native=True))


@pytest.fixture
def rig(library: str) -> Iterator[Rig]:
    with Rig(library) as made:
        yield made


@pytest.fixture
def impatient(library: str) -> Iterator[Rig]:
    """Return a rig whose edge keeps no call for long."""
    with Rig(library, PATIENCE_MS) as made:
        yield made


def invoke(request: int = 1, params: Params = wire.NO_PARAMS, session: int = SESSION) -> Invoke:
    return Invoke(CLIENT, request, session, 0x55, params)


def one(param: Param, *regions: Region) -> Params:
    return Params((param, NONE, NONE, NONE), regions)


def memory(size: int, given: bytes = b"", shift: int = 0) -> Params:
    """Return an output of so many bytes, which may be input, too."""
    if given:
        flags, kind = client.REGION_IN | client.REGION_OUT, numbers.PARAM_TYPE_MEMREF_INOUT
    else:
        flags, kind = client.REGION_OUT, numbers.PARAM_TYPE_MEMREF_OUTPUT
    return one(Param(kind, 0, size, 0), Region(size, flags, shift, given))


def test_a_call_without_parameters_is_served(rig: Rig) -> None:
    ta = rig.ta()
    for request in range(1, 4):
        rig.send(invoke(request))
        (enter,) = ta.heard()
        assert struct.unpack(run.ENTER_FORMAT, enter.body) == (
            numbers.ENTRY_INVOKE_COMMAND, 0x55, SESSION, ENTRY_POINT, STACK_TOP, 0, *[0] * 8,
        )  # fmt: skip
        ta.returns(0xFFFF0009, (1, 2, 3, 4, 5, 6, 7, 8))
        assert rig.answer() == Invoked(CLIENT, request, 0xFFFF0009, numbers.ORIGIN_TRUSTED_APP)
    assert rig.left.empty()


def test_values_go_there_and_back(rig: Rig) -> None:
    ta = rig.ta()
    kinds = (
        numbers.PARAM_TYPE_VALUE_INPUT, numbers.PARAM_TYPE_VALUE_OUTPUT,
        numbers.PARAM_TYPE_VALUE_INOUT,
    )  # fmt: skip
    given = (Param(kinds[0], 1, 2), Param(kinds[1]), Param(kinds[2], 5, 0xFFFF_FFFF), NONE)
    rig.send(invoke(1, Params(given)))
    (enter,) = ta.heard()
    assert struct.unpack(run.ENTER_FORMAT, enter.body)[5:] == (
        0x321, 1, 2, 0, 0, 5, 0xFFFF_FFFF, 0, 0,
    )  # fmt: skip
    ta.returns(0, (91, 92, 93, 1 << 32 | 94, 95, 96, 97, 98))
    answer = rig.answer()
    assert isinstance(answer, Invoked)
    assert answer.outcomes == (
        Outcome(kinds[0]), Outcome(kinds[1], 93, 94), Outcome(kinds[2], 95, 96), Outcome(),
    )  # fmt: skip


def test_memory_goes_there_and_back(rig: Rig) -> None:
    ta = rig.ta()
    both = client.REGION_IN | client.REGION_OUT
    regions = (
        Region(10, both, 4090, b"0123456789"), Region(0, client.REGION_IN, 5),
        Region(3, client.REGION_OUT, 0),
    )  # fmt: skip
    params = (
        Param(numbers.PARAM_TYPE_MEMREF_INPUT, 0, 4, 0),
        Param(numbers.PARAM_TYPE_MEMREF_OUTPUT, 4, 6, 0),
        Param(numbers.PARAM_TYPE_MEMREF_INPUT, 0, 0, 1),
        Param(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, 3, 2),
    )
    rig.send(invoke(1, Params(params, regions)))
    *maps, enter = ta.heard()
    orders = [(struct.unpack_from(run.MAP_FORMAT, each.body), each.body[24:]) for each in maps]
    writable = run.PROT_READ | run.PROT_WRITE
    first, second, third = (order[0][0] for order in orders)
    assert orders == [
        ((first, 10, writable, run.FLAG_NONSECURE), b"0123456789"),
        ((second, 1, writable, run.FLAG_NONSECURE), b""),
        ((third, 3, writable, run.FLAG_NONSECURE), b""),
    ]
    assert [first % 4096, second % 4096, third % 4096] == [4090, 5, 0]
    assert (
        WINDOW <= first < first + 10 < second // 4096 * 4096 < second // 4096 * 4096 + 4096 < third
    )
    assert third + 3 <= WINDOW + WINDOW_SIZE
    vals = struct.unpack(run.ENTER_FORMAT, enter.body)[6:]
    assert vals == (first, 4, first + 4, 6, second, 0, third, 3)
    ta.returns(0, (0, 0, 0, 2, 0, 9, 0, 3), b"abxyz")
    answer = rig.answer()
    assert isinstance(answer, Invoked)
    assert [(each.b, bytes(each.data)) for each in answer.outcomes] == [
        (0, b""), (2, b"ab"), (0, b""), (3, b"xyz"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "result"), [(0, numbers.ERROR_SHORT_BUFFER), (0xFFFF000F, 0xFFFF000F)]
)
def test_more_than_there_is_room_for_is_a_short_buffer(rig: Rig, told: int, result: int) -> None:
    ta = rig.ta()
    rig.send(invoke(1, memory(8)))
    ta.heard()
    ta.returns(told, (0, 9, *[0] * 6))
    answer = rig.answer()
    assert isinstance(answer, Invoked)
    assert answer.result == result
    assert answer.outcomes[0] == Outcome(numbers.PARAM_TYPE_MEMREF_OUTPUT, 0, 9)


def test_null_may_be_told_a_size(rig: Rig) -> None:
    ta = rig.ta()
    rig.send(invoke(1, one(Param(numbers.PARAM_TYPE_MEMREF_OUTPUT))))
    ta.heard()
    ta.returns(0, (0, 1 << 40, *[0] * 6))
    answer = rig.answer()
    assert isinstance(answer, Invoked)
    assert (answer.result, answer.outcomes[0].b) == (0, 1 << 40)


def test_several_instances_are_served_at_a_time(rig: Rig) -> None:
    first, second = rig.ta(), rig.ta(SESSION + 1, CLIENT + 1)
    rig.send(invoke(1), Invoke(CLIENT + 1, 1, SESSION + 1, 0))
    first.heard()
    second.heard()
    second.returns(2)
    assert rig.answer() == Invoked(CLIENT + 1, 1, 2, numbers.ORIGIN_TRUSTED_APP)
    first.returns(1)
    assert rig.answer() == Invoked(CLIENT, 1, 1, numbers.ORIGIN_TRUSTED_APP)


NO_REGION = client.NO_REGION
HEAD = struct.pack(client.INVOKE_FORMAT, SESSION, 0)


def raw(types: int, *words: int, count: int = 0, tail: bytes = b"") -> bytes:
    """Return an INVOKE with any parameters, the absent ones NONE."""
    shapes, params = words[: 3 * count], words[3 * count :]
    params += (0, 0, NO_REGION) * (4 - len(params) // 3)
    body = HEAD + struct.pack(client.PARAMS_FORMAT, types, count)
    for n in range(count):
        body += struct.pack(client.REGION_FORMAT, *shapes[3 * n : 3 * n + 3])
    body += struct.pack("<12Q", *params) + tail
    return Frame(client.KIND_INVOKE, CLIENT, 1, body).to_bytes()


IN, OUT = client.REGION_IN, client.REGION_OUT
NOT_FOR_THE_EDGE = {
    "unknown session": wire.encode(invoke(session=SESSION + 1024)),
    "no session": wire.encode(invoke(session=0)),
    "other client": wire.encode(Invoke(CLIENT + 1, 1, SESSION, 0)),
    "open": wire.encode(Open(CLIENT, 1, wire.NIL)),
    "close": wire.encode(Close(CLIENT, 1, SESSION)),
    "type 4": raw(4),
    "fifth type": raw(1 << 16),
    "types beyond": raw(0x10000001, 0, 0, NO_REGION),
    "none with a value": raw(0, 1, 0, NO_REGION),
    "output with a value": raw(2, 1, 0, NO_REGION),
    "large value": raw(1, 1 << 32, 0, NO_REGION),
    "value with a region": raw(1, 0, 0, 0),
    "null with a size": raw(5, 0, 1, NO_REGION),
    "no such region": raw(5, 0, 0, 0),
    "beyond its region": raw(5, 4, IN, 0, 1, 4, 0, count=1, tail=b"1234"),
    "offset that wraps": raw(5, 4, IN, 0, (1 << 64) - 1, 4, 0, count=1, tail=b"1234"),
    "size that wraps": raw(5, (1 << 64) - 1, IN, 0, 0, 4, 0, count=1, tail=b"1234"),
    "unused region": raw(0, 0, IN, 0, count=1),
    "other flags": raw(5, 4, IN | OUT, 0, 0, 4, 0, count=1, tail=b"1234"),
    "no flags": raw(5, 4, 0, 0, 0, 4, 0, count=1),
    "shift of a page": raw(6, 4, OUT, 4096, 0, 4, 0, count=1),
    "bytes too few": raw(5, 4, IN, 0, 0, 4, 0, count=1, tail=b"123"),
    "bytes too many": raw(5, 4, IN, 0, 0, 4, 0, count=1, tail=b"12345"),
    "many regions": raw(0, *(0, IN, 0) * 5, count=5),
    "more than the window": raw(6, WINDOW_SIZE, OUT, 0, 0, 4, 0, count=1),
    "cut short": Frame(client.KIND_INVOKE, CLIENT, 1, HEAD).to_bytes(),
    "empty": Frame(client.KIND_INVOKE, CLIENT, 1, b"").to_bytes(),
    "flags": wire.encode(invoke())[:10] + b"\1" + wire.encode(invoke())[11:],
}


@pytest.mark.parametrize("name", NOT_FOR_THE_EDGE)
def test_what_is_not_for_the_edge_is_the_cores(rig: Rig, name: str) -> None:
    ta = rig.ta()
    rig.hub.sendall(NOT_FOR_THE_EDGE[name])
    assert rig.next_left() == NOT_FOR_THE_EDGE[name]
    rig.send(invoke(2))  # the first thing that the runner hears
    ta.heard()
    ta.returns()
    assert isinstance(rig.answer(), Invoked)


def test_frames_come_in_any_pieces(rig: Rig) -> None:
    ta = rig.ta()
    data = wire.encode(invoke(1, memory(5, b"input")))
    opening = wire.encode(Open(CLIENT, 9, wire.NIL))
    for at in (1, 23, 24, 30, len(data) - 1):
        rig.hub.sendall(data[:at])
        time.sleep(0.001)  # a piece more or less: what follows holds in any case
        rig.hub.sendall(data[at:] + opening[:at])
        ta.heard()
        ta.returns(0, (0, 0, *[0] * 6))
        assert isinstance(rig.answer(), Invoked)
        rig.hub.sendall(opening[at:])
        assert rig.next_left() == opening


def test_large_frames_are_passed_through(rig: Rig) -> None:
    ta = rig.ta()
    large = rig.send(invoke(1, memory(1 << 18, bytes(range(256)) * 1024)))
    rig.send(invoke(2))
    passed = b""
    while len(passed) < len(large):
        piece = rig.next_left()
        assert isinstance(piece, bytes)
        passed += piece
    assert passed == large
    ta.heard()
    ta.returns()
    assert isinstance(rig.answer(), Invoked)


@pytest.mark.parametrize("at", [0, 7])
def test_a_stream_that_is_none_is_the_cores_for_good(rig: Rig, at: int) -> None:
    rig.ta()
    data = bytearray(wire.encode(invoke()))
    data[at] ^= 0xFF  # magic, or a length that no frame has
    rig.hub.sendall(data)
    assert rig.next_left() == bytes(data)
    assert rig.send(invoke(2)) == rig.next_left()


def test_the_end_of_the_stream_is_told(rig: Rig) -> None:
    data = rig.send(Close(CLIENT, 1, SESSION)) + b"\0"
    rig.hub.sendall(b"\0")
    rig.hub.shutdown(socket.SHUT_WR)
    assert rig.next_left() == data[:-1]
    assert rig.next_left() == "end"


# What becomes the core's.


@pytest.mark.parametrize("kind", [run.CALL, run.FAULT, run.DONE, run.FETCHED, run.HELLO, 0])
def test_whatever_is_no_return_makes_a_call_the_cores(rig: Rig, kind: int) -> None:
    ta = rig.ta()
    sent = rig.send(invoke(1, memory(5, b"input", 100)))
    ta.heard()
    said = ta.say(kind, CALL)
    assert rig.adopted() == (SESSION, sent, said, (WINDOW + 100, 0, 0, 0))
    assert not ta.loan.take(), "it is the core's already"
    rig.send(invoke(2))
    assert isinstance(rig.next_left(), bytes)
    ta.loan.give()
    rig.send(invoke(3))
    ta.heard()


RETURNED = struct.pack(run.FRAME_FORMAT, 4 + run.RETURNED_SIZE, run.RETURNED)


@pytest.mark.parametrize(
    "said",
    [
        b"", b"\x4c", RETURNED[:7], RETURNED + bytes(run.RETURNED_SIZE - 1),
        RETURNED + struct.pack(run.RETURNED_FORMAT, 0, 0, 0, 4, *[0] * 6),
        RETURNED + struct.pack(run.RETURNED_FORMAT, 0, 0, 0, 0, *[0] * 6) + b"\0",
        struct.pack("<II", 4 + run.RETURNED_SIZE + 3, run.RETURNED)
        + struct.pack(run.RETURNED_FORMAT, 0, 0, 0, 4, *[0] * 6) + b"abc",
        struct.pack("<II", 4 + run.RETURNED_SIZE + 5, run.RETURNED)
        + struct.pack(run.RETURNED_FORMAT, 0, 0, 0, 4, *[0] * 6) + b"abcde",
        struct.pack("<II", 0, run.RETURNED), struct.pack("<II", 0xFFFF_FFFF, run.RETURNED),
        struct.pack("<II", 4 + run.RETURNED_SIZE - 1, run.RETURNED),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ends", [False, True])
def test_a_return_that_is_not_plain_is_the_cores(
    impatient: Rig, said: bytes, *, ends: bool
) -> None:
    ta = impatient.ta()
    ta.runner.sendall(said)
    if ends:
        ta.runner.shutdown(socket.SHUT_WR)
    sent = impatient.send(invoke(1, memory(5)))
    assert impatient.adopted() == (SESSION, sent, said, (WINDOW, 0, 0, 0))


def test_a_call_that_takes_its_time_is_the_cores(impatient: Rig) -> None:
    ta = impatient.ta()
    begun = time.monotonic()
    sent = impatient.send(invoke())
    assert impatient.adopted() == (SESSION, sent, b"", (0,) * 4)
    assert time.monotonic() - begun >= (PATIENCE_MS - 1) / 1000
    ta.heard()


def test_a_call_that_takes_its_time_is_adopted_however_much_comes_in(impatient: Rig) -> None:
    impatient.ta()
    impatient.send(invoke())
    busy = wire.encode(Close(CLIENT + 1, 1, 1)) * 64
    for _ in range(10_000):
        impatient.hub.sendall(busy)
        while not impatient.left.empty():
            if not isinstance(impatient.left.get(), bytes):
                return
    pytest.fail("it was never adopted")


@pytest.mark.parametrize(
    "message",
    [Cancel(CLIENT, 1), Gone(CLIENT), Close(CLIENT, 1, SESSION), Invoke(CLIENT, 1, SESSION + 1, 0)],
)
def test_a_frame_that_concerns_a_call_finds_it_with_the_core(
    rig: Rig, message: wire.Message
) -> None:
    rig.ta()
    first, second = wire.encode(invoke()), wire.encode(message)
    rig.hub.sendall(first + second)
    assert rig.adopted().frame == first
    assert rig.next_left() == second


def test_a_client_that_is_gone_is_served_no_more(rig: Rig) -> None:
    rig.ta()
    rig.send(Gone(CLIENT))
    assert isinstance(rig.next_left(), bytes)
    assert rig.send(invoke()) == rig.next_left()


def test_a_hub_that_takes_no_answers_is_not_waited_for(rig: Rig) -> None:
    ta = rig.ta()
    size = run.RETURNED_MAX
    for request in range(1, 1000):
        sent = rig.send(invoke(request, memory(size)))
        ta.heard()
        ta.returns(0, (0, size, *[0] * 6), bytes(size))
        after = rig.send(Close(CLIENT + 1, 1, 1))
        if (left := rig.next_left()) != after:
            assert isinstance(left, Begun)
            assert left.frame == sent
            assert len(left.said) == run.FRAME_SIZE + run.RETURNED_SIZE + size
            return
    pytest.fail("the edge never had to wait")


def test_a_runner_that_does_not_read_is_lost(rig: Rig) -> None:
    ta = rig.ta()
    with contextlib.suppress(BlockingIOError):
        while True:
            ta.core.send(bytes(4096), socket.MSG_DONTWAIT)
    sent = rig.send(invoke(1, memory(20_000, bytes(20_000))))
    left = rig.next_left()
    if left != sent:  # some of it went
        assert left == (SESSION, sent, b"", (WINDOW, 0, 0, 0))
        assert ta.core.recv(1) == b""


def test_when_all_clients_go_every_call_is_the_cores_first(rig: Rig) -> None:
    tas = [rig.ta(SESSION), rig.ta(SESSION + 1)]
    sent = [rig.send(invoke(1 + n, session=SESSION + n)) for n in range(2)]
    for ta in tas:
        ta.heard()
    gone = rig.send(Gone(0))
    left = [rig.next_left() for _ in range(3)]
    assert [each.frame for each in left[:2] if isinstance(each, Begun)] == sent
    assert left[2] == gone


# Whose instance it is.


def test_an_idle_instance_can_be_taken_and_given(rig: Rig) -> None:
    ta = rig.ta()
    assert ta.loan.take()
    assert rig.send(invoke(1)) == rig.next_left()
    ta.loan.give()
    rig.send(invoke(2))
    ta.heard()
    ta.returns()
    assert rig.answer() == Invoked(CLIENT, 2, 0, numbers.ORIGIN_TRUSTED_APP)


def test_who_wanted_a_busy_instance_is_told_and_comes_first(rig: Rig) -> None:
    ta = rig.ta()
    rig.send(invoke(1))
    ta.heard()
    assert not ta.loan.take(), "a call runs in it"
    ta.returns()
    assert isinstance(rig.answer(), Invoked)
    assert rig.next_left() == "freed"
    assert rig.send(invoke(2)) == rig.next_left()
    assert ta.loan.take()
    ta.loan.give()
    rig.send(invoke(3))
    ta.heard()


def test_a_session_that_is_forgotten_is_the_cores(rig: Rig) -> None:
    ta = rig.ta()
    ta.loan.add(SESSION + 1, CLIENT)
    ta.loan.forget(SESSION)
    assert rig.send(invoke(1)) == rig.next_left()
    rig.send(invoke(2, session=SESSION + 1))
    ta.heard()
    rig.edge.forget_client(CLIENT)
    ta.returns()
    assert isinstance(rig.answer(), Invoked)
    assert rig.send(invoke(3, session=SESSION + 1)) == rig.next_left()


def test_an_instance_that_is_dropped_is_nobodys(rig: Rig) -> None:
    ta = rig.ta()
    ta.loan.drop()
    assert rig.send(invoke(1)) == rig.next_left()
    other = rig.ta(SESSION + 1)
    assert other.loan.take()
    ta.loan.give()  # in vain: the place is another's now
    ta.loan.drop()
    ta.loan.add(SESSION, CLIENT)
    assert ta.loan.take()
    for session in (SESSION, SESSION + 1):
        sent = rig.send(invoke(2, session=session))
        assert sent == rig.next_left()


def test_an_instance_that_is_dropped_during_a_call_is_not_listened_to(rig: Rig) -> None:
    ta = rig.ta()
    sent = rig.send(invoke(1))
    ta.heard()
    ta.loan.drop()
    ta.returns()
    assert rig.adopted() == (SESSION, sent, b"", (0,) * 4)
    assert rig.send(invoke(2)) == rig.next_left()


def test_sessions_in_one_place_are_served_by_turns(rig: Rig) -> None:
    first, second = rig.ta(SESSION), rig.ta(SESSION + 1024)
    assert rig.send(invoke(1)) == rig.next_left()
    rig.send(invoke(2, session=SESSION + 1024))
    second.heard()
    first.loan.forget(SESSION)  # it is not there any more, and the other stays
    second.returns()
    assert isinstance(rig.answer(), Invoked)


def test_there_are_as_many_calls_and_instances_as_there_is_room_for(rig: Rig) -> None:
    tas = [rig.ta(session) for session in range(1, rig.edge.calls_max + 2)]
    sent = [rig.send(invoke(session, session=session)) for session in range(1, len(tas) + 1)]
    assert rig.next_left() == sent[-1]
    more = [rig.ta(1000 + n) for n in range(256 - len(tas))]
    assert all(type(ta.loan) is type(more[0].loan) for ta in more)
    assert type(rig.ta().loan) is not type(more[0].loan)


def test_what_the_core_sends_goes_out_whole(rig: Rig) -> None:
    data = wire.encode(Invoked(CLIENT, 1, 0, numbers.ORIGIN_TEE))
    rig.edge.send(data)
    assert rig.answer() == Invoked(CLIENT, 1, 0, numbers.ORIGIN_TEE)
    rig.hub.close()
    with pytest.raises(BrokenPipeError):
        rig.edge.send(data)


def test_a_library_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="/nowhere/tee-edge"):
        NativeEdge("/nowhere/tee-edge.so", 1)


def test_the_binding_is_made_of_its_declarations(tmp_path: Path) -> None:
    assert _edge_abi.__file__
    edge_cdef.generate(str(tmp_path / edge_cdef.TARGET))
    made = (tmp_path / edge_cdef.TARGET).read_text()
    assert Path(_edge_abi.__file__).read_text() == made, "run edge_cdef.py"
