# SPDX-License-Identifier: BSD-3-Clause
"""The edge answers as the core would: the same requests and results, and both answers compared."""

from typing import TYPE_CHECKING, NamedTuple, cast

from edge_rig import CLIENT, SESSION, Rig
from hypothesis import given, settings
from hypothesis import strategies as st
from realmos.cache import Cache
from realmos.image import build_edge
from realmos.progress import Silent
from realmos_agent.tee import client_numbers as client
from realmos_agent.tee import numbers as n
from realmos_agent.tee import wire
from realmos_agent.tee.call_memory import CallMemory
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.parts import Returned
from realmos_agent.tee.requests import parameters, reply
from realmos_agent.tee.wire import Invoke, Param, Params, Region

if TYPE_CHECKING:
    from realmos_agent.tee.addresses import AddressSpace
    from realmos_agent.tee.parts import Runner

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
VALUES = (n.PARAM_TYPE_VALUE_INPUT, n.PARAM_TYPE_VALUE_OUTPUT, n.PARAM_TYPE_VALUE_INOUT)
DIRECTIONS = {
    n.PARAM_TYPE_MEMREF_INPUT: client.REGION_IN,
    n.PARAM_TYPE_MEMREF_OUTPUT: client.REGION_OUT,
    n.PARAM_TYPE_MEMREF_INOUT: client.REGION_IN | client.REGION_OUT,
}


class Piece(NamedTuple):
    """A parameter, its region, the words that the TA leaves there, and the bytes that it writes."""

    param: Param
    region: Region | None
    words: tuple[int, int]
    data: bytes


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    """Return any parameter that may be, and what a TA may make of it."""
    words = draw(st.tuples(U64, U64))
    kind = draw(st.sampled_from([n.PARAM_TYPE_NONE, *VALUES, *DIRECTIONS]))
    if kind in VALUES:
        a, b = (0, 0) if kind == n.PARAM_TYPE_VALUE_OUTPUT else draw(st.tuples(U32, U32))
        return Piece(Param(kind, a, b), None, words, b"")
    if kind == n.PARAM_TYPE_NONE or draw(st.booleans()):
        return Piece(Param(kind), None, words, b"")
    size = draw(st.integers(0, 40))
    offset = draw(st.integers(0, size))
    flags = DIRECTIONS[kind]
    given = draw(st.binary(min_size=size, max_size=size)) if flags & client.REGION_IN else b""
    room = size - offset
    told = draw(st.sampled_from([0, room, room // 2, room + 1, 1 << 40]))
    written = told if flags & client.REGION_OUT and told <= room else 0
    return Piece(
        Param(kind, offset, room, 0),
        Region(size, flags, draw(st.integers(0, 4095)), given),
        (words[0], told),
        draw(st.binary(min_size=written, max_size=written)),
    )


def join(found: list[Piece]) -> Params:
    regions: list[Region] = []
    params = []
    for piece in found:
        param = piece.param
        if piece.region is not None:
            param = param._replace(region=len(regions))
            regions.append(piece.region)
        params.append(param)
    return Params(tuple(params), tuple(regions))


def answer_of_the_core(message: Invoke, event: Returned) -> wire.Message:
    params = parameters(message.params)
    memory = CallMemory(params, cast("Runner", None), cast("AddressSpace", None))
    memory.adopt(0 for _ in params.regions)
    memory.take(event)
    result = event.result
    if result == n.SUCCESS and any(memref.exceeded for _, memref in params.memrefs):
        result = n.ERROR_SHORT_BUFFER  # as Manager has it
    return reply(message, Outcome(result, n.ORIGIN_TRUSTED_APP), params)


def test_the_edge_answers_as_the_core_does() -> None:
    with Rig(str(build_edge(Cache(), Silent(), native=True))) as rig:
        ta = rig.ta()

        @settings(max_examples=300, deadline=None)
        @given(
            st.lists(pieces(), min_size=4, max_size=4),
            st.sampled_from([n.SUCCESS, n.ERROR_SHORT_BUFFER, n.ERROR_GENERIC, 5]),
        )
        def check(found: list[Piece], result: int) -> None:
            message = Invoke(CLIENT, 1, SESSION, 9, join(found))
            vals = tuple(word for piece in found for word in piece.words)
            data = b"".join(piece.data for piece in found)
            rig.send(message)
            ta.heard()
            ta.returns(result, vals, data)
            expected = answer_of_the_core(message, Returned(result, vals, data))
            assert wire.encode(rig.answer()) == wire.encode(expected)

        check()
        assert rig.left.empty()
