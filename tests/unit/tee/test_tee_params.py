# SPDX-License-Identifier: BSD-3-Clause
"""Parameters in the core, their bytes in system calls, and a TA's address space."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realmos_agent.tee import call_params, numbers
from realmos_agent.tee.addresses import FIRST, PAGE, AddressSpace, SteadySpace
from realmos_agent.tee.errors import ForgedCall, TeeError
from realmos_agent.tee.params import Memref, Params, Region, Slot, Value, param_types
from realmos_agent.tee.runner_numbers import (
    MEMORY_CLIENT,
    MEMORY_NULL,
    MEMORY_OWN,
    MEMORY_TA,
)

MEMREF_INOUT = numbers.PARAM_TYPE_MEMREF_INOUT
VALUE_INOUT = numbers.PARAM_TYPE_VALUE_INOUT


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def test_a_call_brings_values_and_memory() -> None:
    types = param_types(VALUE_INOUT, MEMREF_INOUT, MEMREF_INOUT)
    body = (
        b"before" + words(types, 1, 2, MEMORY_OWN, 3) + b"abc" + words(MEMORY_NULL, 0) + b"behind"
    )
    params, end = call_params.decode(body, 6)
    assert body[end:] == b"behind"
    assert (params.value(0).a, params.value(0).b) == (1, 2)
    assert bytes(params.memref(1).view) == b"abc"
    assert params.memref(2).region is None


@pytest.mark.parametrize(
    ("memory", "secure"), [(MEMORY_OWN, True), (MEMORY_TA, True), (MEMORY_CLIENT, False)]
)
def test_a_clients_memory_stays_known_as_such(memory: int, *, secure: bool) -> None:
    params, _ = call_params.decode(words(MEMREF_INOUT, memory, 0), 0)
    region = params.memref(0).region
    assert region is not None
    assert region.secure is secure


def test_answers_go_back() -> None:
    types = param_types(
        VALUE_INOUT, MEMREF_INOUT, numbers.PARAM_TYPE_MEMREF_INPUT, numbers.PARAM_TYPE_MEMREF_OUTPUT
    )
    first, second = Memref(Region(b"abcd"), 0, 4), Memref(Region(b"xy"), 0, 2)
    params = Params(types, (Value(1, 2), first, Memref(Region(b"in"), 0, 2), second))
    first.write(b"AB")
    with pytest.raises(TeeError) as error:
        second.write(b"too much")
    assert error.value.code == numbers.ERROR_SHORT_BUFFER
    assert call_params.encode(params) == words(1, 2, 2, 2) + b"AB" + words(8, 0)


@pytest.mark.parametrize(
    "body", [b"", words(MEMREF_INOUT, MEMORY_OWN, 9), words(MEMREF_INOUT, MEMORY_CLIENT + 1, 0)]
)
def test_what_no_runner_sends_is_forged(body: bytes) -> None:
    with pytest.raises(ForgedCall):
        call_params.decode(body, 0)


@pytest.mark.parametrize("body", [words(MEMREF_INOUT, MEMORY_NULL, 9), words(4), words(1 << 16)])
def test_what_a_ta_may_not_pass_is_refused(body: bytes) -> None:
    with pytest.raises(TeeError) as error:
        call_params.decode(body, 0)
    assert error.value.code == numbers.ERROR_BAD_PARAMETERS


@given(st.binary(max_size=120), st.integers(0, 130))
def test_no_bytes_break_the_decoder(body: bytes, at: int) -> None:
    try:
        params, end = call_params.decode(body, at)
    except (ForgedCall, TeeError):
        return
    assert at < end <= len(body)
    assert len(call_params.encode(params)) <= len(body)


@pytest.mark.parametrize(
    ("types", "slots"),
    [
        (param_types(VALUE_INOUT), (None, None, None, None)),
        (param_types(VALUE_INOUT), (Memref(None), None, None, None)),
        (param_types(MEMREF_INOUT), (Value(), None, None, None)),
        (0, (Value(), None, None, None)),
        (0, (None, None, None)),
        (4, (None, None, None, None)),
        (0x10000, (None, None, None, None)),
    ],
)
def test_parameters_are_what_their_types_say(types: int, slots: tuple[Slot, ...]) -> None:
    with pytest.raises(TeeError):
        Params(types, slots)


@pytest.mark.parametrize(("offset", "size"), [(0, 5), (4, 1), (5, 0), (-1, 1), (1, -1)])
def test_memory_lies_inside_its_region(offset: int, size: int) -> None:
    with pytest.raises(TeeError):
        Memref(Region(b"abcd"), offset, size)


@given(st.lists(st.integers(1, 1 << 20), max_size=20))
def test_ranges_never_overlap(sizes: list[int]) -> None:
    space = AddressSpace()
    taken = sorted((space.reserve(size), size) for size in sizes)
    assert all(start % PAGE == 0 for start, _ in taken)
    assert all(start + size <= after for (start, size), (after, _) in pairwise(taken))


def test_what_is_released_is_free_again() -> None:
    space = AddressSpace()
    address = space.reserve(3 * PAGE)
    with pytest.raises(TeeError):
        space.reserve_at(address + 2 * PAGE, PAGE)
    with pytest.raises(TeeError):
        space.reserve_at(address + 3 * PAGE, PAGE, before=1)
    space.release(address)
    space.reserve_at(address + 2 * PAGE, PAGE)


def test_steady_addresses_are_the_same_each_time() -> None:
    sizes = [3 * PAGE, 1, PAGE + 1]
    spaces = [SteadySpace(), SteadySpace()]
    first, again = ([space.reserve(size) for size in sizes] for space in spaces)
    assert first == again == [FIRST, FIRST + 4 * PAGE, FIRST + 6 * PAGE]
    spaces[0].release(first[1])
    assert spaces[0].reserve(PAGE, after=2 * PAGE) == FIRST + 9 * PAGE
    assert spaces[0].reserve(PAGE) == FIRST + 4 * PAGE


def test_an_address_space_is_not_without_end() -> None:
    space = AddressSpace()
    for _ in range(4096):
        space.reserve(PAGE)
    with pytest.raises(TeeError) as error:
        space.reserve(PAGE)
    assert error.value.code == numbers.ERROR_OUT_OF_MEMORY
