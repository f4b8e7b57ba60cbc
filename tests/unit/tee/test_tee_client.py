# SPDX-License-Identifier: BSD-3-Clause
"""The Python client, through the hub, against a core that echoes; and against hostile ones."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from realmos.errors import ConfigError, PeerError, PeerTimeoutError, TeeResultError
from realmos.tee import _link
from realmos.tee.client import Context, Session
from realmos.tee.hub import Hub
from realmos.tee.parameters import INOUT, INPUT, OUTPUT, Null, SharedMemory, Value, buffer
from realmos_agent.tee import numbers, wire
from tee_echo import DIE, ECHO, REGIONS, RESULT, TA, WAIT, EchoCore, HostileCore


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    ours, theirs = socket.socketpair()
    EchoCore(theirs)
    with Hub(tmp_path / "tee.sock", ours), Context(tmp_path / "tee.sock") as made:
        yield made


@pytest.fixture
def session(context: Context) -> Iterator[Session]:
    with context.open(TA) as made:
        yield made


def test_outputs_are_updated_and_inputs_are_not(session: Session) -> None:
    value, given = Value(1, 2), buffer(b"seal")
    taken, turned = buffer(10), buffer(b"abc", INOUT)
    session.invoke(ECHO, value, given, taken, turned)
    assert (value.a, value.b) == (2, 1)
    assert (given.data, given.size) == (b"seal", 4)
    assert (taken.data, taken.size) == (b"seal", 4)
    assert turned.data == b"cba"
    fixed, made = Value(7, 8, INPUT), Value(direction=OUTPUT)
    session.invoke(ECHO, fixed, made, None, Null(INPUT))
    assert (fixed.a, fixed.b, made.a, made.b) == (7, 8, 0xA, 0xB)


def test_a_short_buffer_learns_its_size_and_can_be_used_again(session: Session) -> None:
    taken = buffer(2)
    with pytest.raises(TeeResultError, match=r"TEE_ERROR_SHORT_BUFFER .0xffff0010. from the TA"):
        session.invoke(ECHO, buffer(b"12345"), taken)
    assert taken.size == 5
    session.invoke(ECHO, buffer(b"12345"), taken := buffer(taken.size))
    assert taken.data == b"12345"


def test_parts_of_shared_memory_keep_their_distance(session: Session) -> None:
    shared = SharedMemory(bytes(range(100)) + bytes(20000))
    told = buffer(56)
    parts = (shared.part(10, 20), shared.part(40, 10, INPUT), shared.part(20000))
    session.invoke(REGIONS, *parts, told)
    words = [int.from_bytes(told.data[at : at + 8], "little") for at in range(0, 56, 8)]
    assert words[:6] == [3, 40, 10, 0, 30, 0]


def test_overlapping_parts_are_one_memory(session: Session) -> None:
    shared = SharedMemory(b"0123456789")
    session.invoke(ECHO, shared.part(0, 4, INPUT), shared.part(2, 6, OUTPUT))
    assert shared.data == b"0101236789"
    with pytest.raises(ConfigError, match="not within 10"):
        shared.part(4, 7)


def test_results_come_with_their_origin(context: Context, session: Session) -> None:
    with pytest.raises(TeeResultError, match=r"result \(0x00001234\) from the TEE") as caught:
        session.invoke(RESULT, Value(0x1234, numbers.ORIGIN_TEE, INPUT))
    assert (caught.value.result, caught.value.origin) == (0x1234, numbers.ORIGIN_TEE)
    with pytest.raises(TeeResultError, match="TEE_ERROR_ITEM_NOT_FOUND"):
        context.open(UUID(int=1))
    with pytest.raises(TeeResultError, match=r"TEE_ERROR_GENERIC .* from the connection"):
        context.open(TA, login=numbers.LOGIN_GROUP, group=0xDEAD)


def test_a_call_can_be_cancelled(session: Session) -> None:
    call = session.start(WAIT)
    call.cancel()
    with pytest.raises(TeeResultError, match="TEE_ERROR_CANCEL"):
        call.wait()
    with pytest.raises(TeeResultError, match="TEE_ERROR_CANCEL"):
        session.invoke(WAIT, timeout=0.05)


def test_threads_share_a_context(context: Context) -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        with context.open(str(TA)) as own:
            for number in range(100):
                value = Value(seed, number)
                own.invoke(ECHO, value)
                wrong.extend([number] * ((value.a, value.b) != (number, seed)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_core_that_dies_is_reported(context: Context) -> None:
    session = context.open(TA)
    with pytest.raises(TeeResultError, match="TEE_ERROR_TARGET_DEAD"):
        session.invoke(DIE)
    with pytest.raises(TeeResultError, match="TEE_ERROR_COMMUNICATION"):
        session.invoke(ECHO)


def test_what_cannot_be_sent_is_refused_here(session: Session) -> None:
    with pytest.raises(ConfigError, match="5 parameters"):
        session.invoke(ECHO, *[Value()] * 5)
    with pytest.raises(ConfigError, match="cannot be sent"):
        session.invoke(ECHO, Value(1 << 32))
    session.invoke(ECHO)


def wrong_types(frame: wire.Frame) -> bytes:
    outcome = wire.Outcome(numbers.PARAM_TYPE_VALUE_OUTPUT, 1, 1)
    outcomes = (outcome, *wire.NO_OUTCOMES[1:])
    return wire.encode(wire.Opened(0, frame.request, 0, 4, 1, outcomes))


HOSTILE = {
    "junk": lambda _frame: b"x" * 100,
    "nothing": lambda _frame: b"",
    "another request": lambda frame: wire.encode(wire.Opened(0, frame.request + 1, 0, 4, 1)),
    "another kind": lambda frame: wire.encode(wire.Closed(0, frame.request)),
    "another client": lambda frame: wire.encode(wire.Opened(3, frame.request, 0, 4, 1)),
    "other types": wrong_types,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_core_is_cut_off(case: str, tmp_path: Path) -> None:
    core = HostileCore(str(tmp_path / "tee.sock"), HOSTILE[case])
    with Context(tmp_path / "tee.sock") as context:
        with pytest.raises(PeerError, match="the connection broke off"):
            context.open(TA, timeout=20)
        with pytest.raises(PeerError, match="is over"):
            context.open(TA)
    core.close()


def test_a_call_that_goes_on_though_cancelled_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_link, "_GRACE_S", 0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "tee.sock"))
        listener.listen()
        with (
            Context(tmp_path / "tee.sock") as context,
            pytest.raises(PeerTimeoutError, match=r"no answer in 0\.1 s"),
        ):
            context.open(TA, timeout=0.1)


def test_a_session_that_is_opened_after_all_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_link, "_GRACE_S", 0.1)
    given_up = threading.Event()
    seen: list[wire.Message] = []
    closed = threading.Event()

    def late(frame: wire.Frame) -> bytes:
        seen.append(wire.decode(frame))
        if isinstance(seen[-1], wire.Open):
            assert given_up.wait(20)
            return wire.encode(wire.Opened(0, frame.request, 0, 4, 77))
        if isinstance(seen[-1], wire.Close):
            closed.set()
            return wire.encode(wire.Closed(0, frame.request))
        return b""

    core = HostileCore(str(tmp_path / "tee.sock"), late, times=3)
    with Context(tmp_path / "tee.sock") as context:
        with pytest.raises(PeerTimeoutError):
            context.open(TA, timeout=0.1)
        given_up.set()
        assert closed.wait(20)
    core.close()
    assert seen[-1] == wire.Close(0, 2, 77)


def test_a_context_without_a_tee_is_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REALMOS_TEE_SOCKET", raising=False)
    with pytest.raises(ConfigError, match="REALMOS_TEE_SOCKET is not set"):
        Context()
    with pytest.raises(PeerError, match="no TEE answers"):
        Context(tmp_path / "tee.sock")
