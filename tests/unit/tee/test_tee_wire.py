# SPDX-License-Identifier: BSD-3-Clause
"""The codec of the tee wire: what goes in comes out, and nothing else gets in."""

from pathlib import Path
from uuid import UUID

import pytest
import realmos_abi
from hypothesis import given
from hypothesis import strategies as st
from realmos_abi.python import module
from realmos_agent.tee import client_numbers, numbers, wire

U32 = st.integers(0, 0xFFFFFFFF)
U64 = st.integers(0, 0xFFFFFFFFFFFFFFFF)
UUIDS = st.binary(min_size=16, max_size=16).map(lambda data: UUID(bytes=data))
MEMORY = {
    numbers.PARAM_TYPE_MEMREF_INPUT: client_numbers.REGION_IN,
    numbers.PARAM_TYPE_MEMREF_OUTPUT: client_numbers.REGION_OUT,
    numbers.PARAM_TYPE_MEMREF_INOUT: client_numbers.REGION_IN | client_numbers.REGION_OUT,
}
VALUES = (
    numbers.PARAM_TYPE_VALUE_INPUT,
    numbers.PARAM_TYPE_VALUE_OUTPUT,
    numbers.PARAM_TYPE_VALUE_INOUT,
)


@st.composite
def parameters(draw: st.DrawFn) -> wire.Params:
    count = draw(st.integers(0, client_numbers.REGIONS_MAX))
    sizes = [draw(st.integers(0, 300)) for _ in range(count)]
    flags = [0] * count
    params = []
    for index in range(client_numbers.PARAMS):
        kind = draw(st.sampled_from([*VALUES, *MEMORY, numbers.PARAM_TYPE_NONE]))
        region = index if index < count else draw(st.sampled_from([None, *range(count)]))
        if index < count and kind not in MEMORY:
            kind = draw(st.sampled_from(sorted(MEMORY)))
        if kind in MEMORY and region is not None:
            flags[region] |= MEMORY[kind]
            offset = draw(st.integers(0, sizes[region]))
            size = draw(st.integers(0, sizes[region] - offset))
            params.append(wire.Param(kind, offset, size, region))
        elif kind in {numbers.PARAM_TYPE_VALUE_INPUT, numbers.PARAM_TYPE_VALUE_INOUT}:
            params.append(wire.Param(kind, draw(U32), draw(U32)))
        else:
            params.append(wire.Param(kind))
    regions = [
        wire.Region(
            size,
            flag,
            draw(st.integers(0, client_numbers.PAGE - 1)),
            draw(st.binary(min_size=size, max_size=size))
            if flag & client_numbers.REGION_IN
            else b"",
        )
        for size, flag in zip(sizes, flags, strict=True)
    ]
    return wire.Params(tuple(params), tuple(regions))


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[wire.Outcome, ...]:
    made = []
    for _ in range(client_numbers.PARAMS):
        kind = draw(st.sampled_from([*VALUES, *MEMORY, numbers.PARAM_TYPE_NONE]))
        if kind in {numbers.PARAM_TYPE_VALUE_OUTPUT, numbers.PARAM_TYPE_VALUE_INOUT}:
            made.append(wire.Outcome(kind, draw(U32), draw(U32)))
        elif kind in {numbers.PARAM_TYPE_MEMREF_OUTPUT, numbers.PARAM_TYPE_MEMREF_INOUT}:
            made.append(wire.Outcome(kind, 0, draw(U64), draw(st.binary(max_size=200))))
        else:
            made.append(wire.Outcome(kind))
    return tuple(made)


ORIGINS = st.integers(numbers.ORIGIN_API, numbers.ORIGIN_TRUSTED_APP)
MESSAGES = st.one_of(
    st.builds(wire.Open, U32, U64, UUIDS, U32, UUIDS, U32, parameters()),
    st.builds(wire.Invoke, U32, U64, U32, U32, parameters()),
    st.builds(wire.Cancel, U32, U64),
    st.builds(wire.Close, U32, U64, U32),
    st.builds(wire.Gone, U32),
    st.builds(wire.Opened, U32, U64, st.just(0), ORIGINS, U32, outcomes()),
    st.builds(wire.Opened, U32, U64, U32.filter(bool), ORIGINS, st.just(0), outcomes()),
    st.builds(wire.Invoked, U32, U64, U32, ORIGINS, outcomes()),
    st.builds(wire.Closed, U32, U64),
)
ALL = wire.TO_CORE | wire.FROM_CORE


def messages(data: bytes, pieces: int = 1 << 30) -> list[wire.Message]:
    framer = wire.Framer(ALL)
    found = []
    for at in range(0, len(data), pieces):
        framer.feed(data[at : at + pieces])
        while (frame := framer.next_frame()) is not None:
            found.append(wire.decode(frame))
    assert framer.idle
    return found


@given(st.lists(MESSAGES, max_size=3), st.integers(1, 100))
def test_what_is_sent_arrives(sent: list[wire.Message], pieces: int) -> None:
    data = b"".join(map(wire.encode, sent))
    assert messages(data, pieces) == sent


@given(MESSAGES, st.data())
def test_a_frame_has_one_encoding(sent: wire.Message, data: st.DataObject) -> None:
    raw = bytearray(wire.encode(sent))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    framer = wire.Framer(ALL)
    framer.feed(bytes(raw))
    try:
        frame = framer.next_frame()
        if frame is None:
            return  # it claims to be longer
        found = wire.decode(frame)
    except wire.WireError:
        return
    again = wire.encode(found)
    assert again == raw[: len(again)]


@given(st.sampled_from(sorted(ALL)), st.binary(max_size=300))
def test_junk_is_refused_or_means_what_it_says(kind: int, body: bytes) -> None:
    frame = wire.Frame(kind, 1, 2, body)
    try:
        found = wire.decode(frame)
    except wire.WireError:
        return
    assert wire.encode(found) == frame.to_bytes()


@given(st.binary(min_size=client_numbers.HEADER_SIZE, max_size=100))
def test_junk_streams_are_refused(data: bytes) -> None:
    framer = wire.Framer(ALL)
    framer.feed(data)
    with pytest.raises(wire.WireError):
        framer.next_frame()


def header(**changes: int) -> bytes:
    layout = realmos_abi.load("tee_client").structs["Header"]
    fields = {"magic": client_numbers.MAGIC, "kind": client_numbers.KIND_CLOSED, "request": 1}
    return layout.pack(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"magic": 1}, "not the tee wire"),
        ({"flags": 1}, "flags"),
        ({"kind": client_numbers.KIND_INVOKE}, "kind"),
        ({"kind": 0}, "kind"),
        ({"length": client_numbers.LENGTH_MAX + 1}, "at most"),
    ],
)
def test_headers_are_checked_before_anything_follows(changes: dict[str, int], message: str) -> None:
    framer = wire.Framer(wire.FROM_CORE)
    framer.feed(header(**changes))
    with pytest.raises(wire.WireError, match=message):
        framer.next_frame()


def test_a_framer_says_how_much_is_missing() -> None:
    framer = wire.Framer(wire.FROM_CORE)
    assert (framer.missing, framer.idle) == (client_numbers.HEADER_SIZE, True)
    framer.feed(header(length=10)[:5])
    assert (framer.missing, framer.idle) == (client_numbers.HEADER_SIZE - 5, False)
    framer.feed(header(length=10)[5:] + b"abc")
    assert framer.missing == 7
    assert framer.next_frame() is None


READ = wire.Region(4, client_numbers.REGION_IN, 0, b"abcd")


def one(param: wire.Param, *regions: wire.Region) -> wire.Params:
    return wire.Params((param, wire.Param(), wire.Param(), wire.Param()), regions)


INPUT, OUTPUT = numbers.PARAM_TYPE_MEMREF_INPUT, numbers.PARAM_TYPE_MEMREF_OUTPUT
WRONG = {
    "no such type": one(wire.Param(4)),
    "bits that no type has": one(wire.Param(16)),
    "a value of 33 bits": one(wire.Param(numbers.PARAM_TYPE_VALUE_INPUT, 1 << 32)),
    "an output that has a value": one(wire.Param(numbers.PARAM_TYPE_VALUE_OUTPUT, 1)),
    "nothing with a value": one(wire.Param(numbers.PARAM_TYPE_NONE, 0, 1)),
    "a value in memory": one(wire.Param(numbers.PARAM_TYPE_VALUE_INPUT, 0, 0, 0), READ),
    "no such region": one(wire.Param(INPUT, 0, 1, 1), READ),
    "NULL with a size": one(wire.Param(INPUT, 0, 1)),
    "NULL with an offset": one(wire.Param(INPUT, 1, 0)),
    "behind the region": one(wire.Param(INPUT, 5, 0, 0), READ),
    "beyond the region": one(wire.Param(INPUT, 2, 3, 0), READ),
    "a sum that wraps": one(wire.Param(INPUT, 1, (1 << 64) - 1, 0), READ),
    "a region that nothing uses": one(wire.Param(), READ),
    "a region with other flags": one(wire.Param(INPUT, 0, 4, 0), wire.Region(4, 3, 0, b"abcd")),
    "a shift of a page": one(wire.Param(INPUT, 0, 4, 0), wire.Region(4, 1, 0x1000, b"abcd")),
    "bytes that are not there": one(wire.Param(INPUT, 0, 4, 0), wire.Region(4, 1, 0, b"abc")),
    "bytes for an output": one(wire.Param(OUTPUT, 0, 4, 0), wire.Region(4, 2, 0, b"abcd")),
    "more than there may be": one(
        wire.Param(OUTPUT, 0, 4, 0), wire.Region(client_numbers.DATA_MAX + 1, 2, 0)
    ),
    "more than may come back": wire.Params(
        (
            wire.Param(OUTPUT, 0, client_numbers.DATA_MAX, 0),
            wire.Param(OUTPUT, 0, 1, 0),
            *(wire.Param(),) * 2,
        ),
        (wire.Region(client_numbers.DATA_MAX, 2),),
    ),
    "five regions": one(wire.Param(INPUT, 0, 4, 0), *(READ,) * 5),
    "three parameters": wire.Params((wire.Param(),) * 3),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_parameters_are_neither_sent_nor_received(case: str) -> None:
    with pytest.raises(wire.WireError):
        wire.encode(wire.Invoke(0, 1, 2, 3, WRONG[case]))


def test_answers_must_fit_the_question() -> None:
    params = one(wire.Param(OUTPUT, 0, 4, 0), wire.Region(4, client_numbers.REGION_OUT))
    rest = wire.NO_OUTCOMES[1:]

    def answer(kind: int, data: bytes, result: int = 0) -> wire.Invoked:
        size = 9 if result else len(data)
        return wire.Invoked(0, 1, result, 4, (wire.Outcome(kind, 0, size, data), *rest))

    wire.check_outcomes(params, answer(OUTPUT, b"abcd"))
    wire.check_outcomes(params, answer(OUTPUT, b"", numbers.ERROR_SHORT_BUFFER))
    wire.check_outcomes(
        one(wire.Param(OUTPUT)),
        wire.Invoked(0, 1, 0, 4, (wire.Outcome(OUTPUT, 0, 9), *rest)),
    )
    wire.check_outcomes(params, wire.Invoked(0, 1, numbers.ERROR_GENERIC, 3))
    for wrong in (
        answer(OUTPUT, b"abcde"),
        answer(numbers.PARAM_TYPE_MEMREF_INOUT, b"", numbers.ERROR_GENERIC),
        wire.Invoked(0, 1, numbers.SUCCESS, 3),
        wire.Invoked(0, 1, numbers.SUCCESS, 4, (wire.Outcome(OUTPUT, 0, 5, b"abcd"), *rest)),
    ):
        with pytest.raises(wire.WireError):
            wire.check_outcomes(params, wrong)


def test_every_request_can_be_refused() -> None:
    busy = numbers.ERROR_BUSY
    answers = {kind: wire.refusal(wire.Frame(kind, 7, 8, b"junk"), busy) for kind in wire.TO_CORE}
    assert answers == {
        client_numbers.KIND_OPEN: wire.Opened(7, 8, busy, numbers.ORIGIN_COMMS),
        client_numbers.KIND_INVOKE: wire.Invoked(7, 8, busy, numbers.ORIGIN_COMMS),
        client_numbers.KIND_CLOSE: wire.Closed(7, 8),
        client_numbers.KIND_CANCEL: None,
        client_numbers.KIND_GONE: None,
    }


def test_numbers_are_those_of_their_table(top: Path) -> None:
    kept = top / "guest/python/realmos_agent/tee/client_numbers.py"
    assert kept.read_text("utf-8") == module(realmos_abi.load("tee_client"))
