# SPDX-License-Identifier: BSD-3-Clause
"""Sequences of well-formed system calls with arguments that make no sense, as a hostile TA makes.

Whatever it does, the core answers with a result, or ends the TA for having forged a call or
panicked; it never fails itself, and never writes more than there is room for.
"""

import struct
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TaPanic
from realmos_agent.tee.services import Services
from realmos_agent.tee.storage import ephemeral
from realmos_agent.tee.syscalls.table import Dispatcher, handlers
from test_tee_small_calls import Ta

if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext

NESTED = {
    numbers.CALL_OPEN_TA_SESSION, numbers.CALL_CLOSE_TA_SESSION, numbers.CALL_INVOKE_TA_COMMAND
}  # fmt: skip
DISPATCHER = Dispatcher()
CALLS = sorted(set(handlers()) - NESTED)

U32 = st.integers(0, 2**32 - 1)
HANDLES = st.integers(1, 3) | st.integers(0, 12)
# Small, lest a test generates large keys or derives from a password for long.
SIZES = st.sampled_from([0, 1, 7, 8, 15, 16, 24, 32, 56, 64, 128, 160, 192, 256, 512])
ATTRIBUTE_WORDS = st.integers(0, 40)


def named(prefix: str) -> st.SearchStrategy[int]:
    """The numbers whose names begin with `prefix`."""
    found = {value for name, value in vars(numbers).items() if name.startswith(prefix)}
    return st.sampled_from(sorted(found))


KNOWN = {
    "algorithm": named("ALG_") | U32,
    "attributes": st.just(numbers.HANDLE_NULL) | HANDLES,
    "attribute": named("ATTR_") | U32,
    "category": st.integers(0, 4),
    "flags": named("DATA_FLAG_") | st.sampled_from([0x7, 0x37, 0x407, 0x437]) | U32,
    "index": st.integers(0, 20) | U32,
    "max_size": SIZES,
    "mode": named("MODE_"),
    "propset": named("PROPSET_") | U32,
    "size": SIZES,
    "storage": st.just(numbers.STORAGE_PRIVATE) | named("STORAGE_"),
    "timeout": st.integers(0, 2),
    "type": named("TYPE_") | U32,
    "whence": st.integers(0, 3) | U32,
}
BYTES = st.binary(max_size=80) | SIZES.map(bytes) | st.just(b"\xff" * 64)


def word(value: int) -> bytes:
    return struct.pack("<Q", value % 2**64)


def sized(data: bytes) -> bytes:
    return word(len(data)) + data


def an_attribute(number: int) -> st.SearchStrategy[bytes]:
    if number & numbers.ATTR_FLAG_VALUE:
        values = st.tuples(ATTRIBUTE_WORDS | named("ECC_CURVE_"), ATTRIBUTE_WORDS)
        return values.map(lambda pair: word(number) + word(pair[0]) + word(pair[1]))
    return BYTES.map(lambda data: word(number) + sized(data))


ATTRIBUTES = st.just(word(0)) | st.lists(named("ATTR_").flatmap(an_attribute), max_size=9).map(
    lambda found: word(len(found)) + b"".join(found)
)
NOTHING = st.just(b"")
OUTPUTS = {
    numbers.ARG_OUT, numbers.ARG_OUT32, numbers.ARG_OUT32_OPT, numbers.ARG_FILL, numbers.ARG_READ,
    numbers.ARG_RET32, numbers.ARG_RET32_OPT, numbers.ARG_RET64, numbers.ARG_OUTSTRUCT,
    numbers.ARG_ATTRS_INOUT,
}  # fmt: skip
BY_KIND = {
    numbers.ARG_U64: SIZES.map(word),
    numbers.ARG_I32: st.integers(-(2**31), 2**31 - 1).map(word),
    numbers.ARG_IN: BYTES.map(sized),
    numbers.ARG_IN_OWN: st.sampled_from([b"", b"a", b"b", bytes(64), bytes(65)]).map(sized),
    numbers.ARG_IN_ZEROS: BYTES.map(sized),
    numbers.ARG_OUT: (SIZES | st.sampled_from([512, 2**64 - 1])).map(word),
    numbers.ARG_OUT32: SIZES.map(word),
    numbers.ARG_OUT32_OPT: (SIZES | st.just(numbers.CAPACITY_NOT_WANTED)).map(word),
    numbers.ARG_FILL: SIZES.map(word),
    numbers.ARG_READ: SIZES.map(word),
    numbers.ARG_RET32: NOTHING,
    numbers.ARG_RET64: NOTHING,
    numbers.ARG_RET32_OPT: st.integers(0, 1).map(word),
    numbers.ARG_OUTSTRUCT: NOTHING,
    numbers.ARG_ATTRS: ATTRIBUTES,
    numbers.ARG_ATTRS_INOUT: ATTRIBUTES,
}


Known = dict[str, st.SearchStrategy[int]]


def an_argument(name: str, kind: int, size: int, known: Known) -> st.SearchStrategy[bytes]:
    if kind == numbers.ARG_U32:
        return known.get(name, HANDLES | U32).map(word)
    if kind == numbers.ARG_INSTRUCT:
        return st.binary(min_size=size, max_size=size).map(sized)
    return BY_KIND[kind]


def a_call(number: int, known: Known = KNOWN) -> st.SearchStrategy[tuple[int, bytes]]:
    """Return a call with arguments of its kinds; `known` has what suits those of some names."""
    arguments = [an_argument(*descriptor, known) for descriptor in numbers.CALLS[number][1]]
    return st.tuples(*arguments).map(lambda parts: (number, b"".join(parts)))


def check(number: int, answer: bytes) -> None:
    """Check that an answer is one that a runner takes."""
    code, count = struct.unpack_from("<II", answer)
    outputs = [kind for _, kind, _ in numbers.CALLS[number][1] if kind in OUTPUTS]
    assert code == numbers.SUCCESS or code >= numbers.ERROR_CORRUPT_OBJECT
    assert count in {0, len(outputs)}
    if not count:
        assert len(answer) == 8
    event(f"{numbers.CALLS[number][0]}: {code:#x}")


def storing_ta() -> Ta:
    """Return a TA whose core has a store."""
    ta = Ta()
    ta.services = Services(ta.lines.append, ta.services.clocks, UUID(int=1), storage=ephemeral())
    return ta


def serve(ta: Ta, number: int, body: bytes) -> bool:
    """Serve a call as the core does; return whether the TA goes on."""
    count = len(numbers.CALLS[number][1])
    try:
        answer = DISPATCHER(cast("TaContext", ta), number, count, body)
    except TaPanic as panic:
        if panic.__cause__ is not None:
            raise panic.__cause__ from panic
        return False
    check(number, answer)
    return True


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(CALLS).flatmap(a_call), min_size=1, max_size=20))
def test_no_sequence_of_calls_makes_the_core_fail(calls: list[tuple[int, bytes]]) -> None:
    ta = storing_ta()
    for number, body in calls:
        if not serve(ta, number, body):
            break
    ta.handles.clear()


STORAGE_CALLS = range(numbers.CALL_STORAGE_OBJ_OPEN, numbers.CALL_STORAGE_OBJ_SEEK + 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(STORAGE_CALLS).flatmap(a_call), min_size=1, max_size=30))
def test_no_use_of_storage_makes_the_core_fail(calls: list[tuple[int, bytes]]) -> None:
    ta = storing_ta()
    flags = numbers.DATA_FLAG_ACCESS_READ | numbers.DATA_FLAG_ACCESS_WRITE
    flags |= numbers.DATA_FLAG_ACCESS_WRITE_META
    begun = word(numbers.STORAGE_PRIVATE) + sized(b"a") + word(flags) + word(0) + sized(b"data")
    serve(ta, numbers.CALL_STORAGE_OBJ_CREATE, begun + word(1))
    serve(ta, numbers.CALL_STORAGE_ENUM_ALLOC, b"")
    assert len(ta.handles) == 2
    for number, body in calls:
        if not serve(ta, number, body):
            break
    ta.handles.clear()


@pytest.mark.parametrize("number", CALLS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_each_call_stands_arguments_of_its_kinds(number: int, data: st.DataObject) -> None:
    _, body = data.draw(a_call(number))
    serve(storing_ta(), number, body)
