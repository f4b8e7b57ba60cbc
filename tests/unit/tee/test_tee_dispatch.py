# SPDX-License-Identifier: BSD-3-Clause
"""Dispatch of system calls: arguments in, outputs out, and nothing for forged messages."""

import struct
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realmos_agent.tee import numbers
from realmos_agent.tee.context import TaContext
from realmos_agent.tee.errors import ForgedCall, ShortBuffer, TaPanic, TeeError
from realmos_agent.tee.params import Params
from realmos_agent.tee.syscalls.table import Dispatcher, handlers

NOBODY = cast("TaContext", None)
LEAVE = struct.pack("<Q", 2**64 - 1)


def word(*values: int) -> bytes:
    return b"".join(struct.pack("<Q", value % 2**64) for value in values)


def sized(data: bytes) -> bytes:
    return word(len(data)) + data


def result(code: int, *outputs: bytes) -> bytes:
    return struct.pack("<II", code, len(outputs)) + b"".join(outputs)


def call(number: int, body: bytes, handler: Callable[..., object] | None = None) -> bytes:
    table = {} if handler is None else {number: handler}
    return Dispatcher(table)(NOBODY, number, len(numbers.CALLS[number][1]), body)


def raising(error: Exception) -> Callable[..., object]:
    def handler(*_: object) -> object:
        raise error

    return handler


def test_a_call_gets_its_arguments_and_gives_its_outputs() -> None:
    seen: list[Any] = []

    def hash_final(_: TaContext, *arguments: object) -> bytes:
        seen.extend(arguments)
        return b"digest"

    body = word(7) + sized(b"chunk") + word(32)
    assert call(numbers.CALL_HASH_FINAL, body, hash_final) == result(0, sized(b"digest"))
    assert seen == [7, b"chunk", 32]


def test_a_call_without_outputs_gives_none() -> None:
    assert call(numbers.CALL_CRYP_STATE_FREE, word(7), lambda _, __: None) == result(0)


def test_numbers_go_back_in_their_widths_and_structs_whole() -> None:
    assert call(numbers.CALL_STORAGE_ENUM_ALLOC, b"", lambda _: 5) == result(0, sized(b"\5\0\0\0"))
    assert call(numbers.CALL_GET_TIME, word(0), lambda _, __: bytes(8)) == result(
        0, sized(bytes(8))
    )


def test_signed_arguments_keep_their_sign() -> None:
    seen: list[int] = []
    call(
        numbers.CALL_STORAGE_OBJ_SEEK,
        word(1, -5, 2),
        lambda _, __, offset, ___: seen.append(offset),
    )
    assert seen == [-5]


def test_attributes_are_values_or_bytes() -> None:
    seen: list[object] = []
    attributes = word(2, numbers.ATTR_ECC_CURVE, 3, 2**32 + 4)
    attributes += word(numbers.ATTR_SECRET_VALUE) + sized(b"key")
    call(
        numbers.CALL_CRYP_OBJ_POPULATE, word(9) + attributes, lambda _, __, held: seen.append(held)
    )
    assert seen == [((numbers.ATTR_ECC_CURVE, (3, 4)), (numbers.ATTR_SECRET_VALUE, b"key"))]


def test_buffers_of_attributes_are_written_in_their_order() -> None:
    body = word(1, 3, numbers.ATTR_SM2_KEP_USER, 1, 0)
    body += word(numbers.ATTR_SM2_KEP_CONFIRMATION_IN) + sized(b"in")
    body += word(numbers.ATTR_SM2_KEP_CONFIRMATION_OUT) + sized(bytes(4)) + word(2)
    answer = call(numbers.CALL_CRYP_DERIVE_KEY, body, lambda *_: [b"", b"", b"out!"])
    assert answer == result(0, sized(sized(b"") + sized(b"out!")))
    assert call(numbers.CALL_CRYP_DERIVE_KEY, body, lambda *_: None) == result(0, word(0))
    with pytest.raises(TaPanic, match="5 bytes for an attribute of 4"):
        call(numbers.CALL_CRYP_DERIVE_KEY, body, lambda *_: [b"", b"", b"hello"])


def test_an_error_writes_no_output() -> None:
    handler = raising(TeeError(numbers.ERROR_BAD_STATE))
    body = word(1) + sized(b"") + word(8)
    assert call(numbers.CALL_CIPHER_UPDATE, body, handler) == result(numbers.ERROR_BAD_STATE)


def test_an_error_may_bring_its_outputs() -> None:
    handler = raising(TeeError(numbers.ERROR_OVERFLOW, outputs=(bytes(8),)))
    assert call(numbers.CALL_GET_TIME, word(1), handler) == result(
        numbers.ERROR_OVERFLOW, sized(bytes(8))
    )


def test_a_short_buffer_tells_only_the_length_that_is_missing() -> None:
    body = word(1) + sized(b"") + word(8, 4)
    handler = raising(ShortBuffer(8, 16))
    assert call(numbers.CALL_AUTHENC_ENC_FINAL, body, handler) == result(
        numbers.ERROR_SHORT_BUFFER, LEAVE, word(16)
    )


def test_a_value_too_long_for_its_buffer_is_a_short_buffer() -> None:
    body = word(1, numbers.ATTR_SECRET_VALUE, 3)
    assert call(numbers.CALL_CRYP_OBJ_GET_ATTR, body, lambda *_: b"four") == result(
        numbers.ERROR_SHORT_BUFFER, word(4)
    )


def test_outputs_that_are_not_wanted_stay_away() -> None:
    body = word(1, 0, numbers.CAPACITY_NOT_WANTED, 2, 0)
    seen: list[object] = []

    def get_property(_: TaContext, *arguments: object) -> tuple[object, ...]:
        seen.extend(arguments)
        return None, b"ab", 5

    answer = call(numbers.CALL_GET_PROPERTY, body, get_property)
    assert answer == result(0, word(0), sized(b"ab"), word(0))
    assert seen == [1, 0, None, 2, False]


def test_parameters_come_back_with_an_error_too() -> None:
    types = numbers.PARAM_TYPE_VALUE_INOUT | numbers.PARAM_TYPE_MEMREF_OUTPUT << 4
    body = word(1, 2, 3, types, 10, 11, 1) + sized(b"abcd") + word(1)

    def invoke(_: TaContext, *arguments: Any) -> None:  # noqa: ANN401 -- whatever it is
        params, origin_wanted = arguments[-2:]
        assert isinstance(params, Params)
        assert origin_wanted is True
        params.value(0).a = 20
        params.memref(1).write(b"xy")
        raise TeeError(numbers.ERROR_GENERIC, outputs=(params, numbers.ORIGIN_TRUSTED_APP))

    answer = call(numbers.CALL_INVOKE_TA_COMMAND, body, invoke)
    assert answer == struct.pack("<II", numbers.ERROR_GENERIC, 2) + word(20, 11, 2) + sized(
        b"xy"
    ) + sized(b"\4\0\0\0")


def test_parameters_that_a_ta_has_no_right_to_are_an_error_of_the_call() -> None:
    body = word(1, 2, 3, numbers.PARAM_TYPE_MEMREF_INPUT, 0, 5)
    assert call(numbers.CALL_INVOKE_TA_COMMAND, body) == result(numbers.ERROR_BAD_PARAMETERS)


def test_a_call_that_nobody_handles_is_not_implemented() -> None:
    assert call(numbers.CALL_CRYP_STATE_FREE, word(1)) == result(numbers.ERROR_NOT_IMPLEMENTED)


def test_a_failure_of_the_core_ends_the_ta_that_met_it() -> None:
    with pytest.raises(TaPanic, match="the core failed in cryp_state_free") as caught:
        call(numbers.CALL_CRYP_STATE_FREE, word(1), raising(ZeroDivisionError("oops")))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("number", "body"),
    [
        pytest.param(numbers.CALL_CRYP_STATE_FREE, b"", id="cut"),
        pytest.param(numbers.CALL_CRYP_STATE_FREE, word(1) + b"x", id="more"),
        pytest.param(numbers.CALL_CRYP_STATE_FREE, word(2**32), id="more than 32 bits"),
        pytest.param(numbers.CALL_STORAGE_OBJ_SEEK, word(1, 2**31, 0), id="more than 31 bits"),
        pytest.param(numbers.CALL_LOG, word(5) + b"four", id="length"),
        pytest.param(numbers.CALL_LOG, word(2**64 - 1) + b"four", id="huge length"),
        pytest.param(numbers.CALL_SET_TA_TIME, sized(bytes(7)), id="struct"),
        pytest.param(
            numbers.CALL_CRYP_OBJ_POPULATE, word(1, 65) + word(0, 0) * 65, id="attributes"
        ),
        pytest.param(numbers.CALL_CRYP_OBJ_POPULATE, word(1, 1, 2**32, 0), id="attribute"),
        pytest.param(numbers.CALL_GET_PROPERTY, word(1, 0, 2**32, 0, 0), id="capacity"),
        pytest.param(numbers.CALL_GET_PROPERTY, word(1, 0, 0, 0, 2), id="flag"),
        pytest.param(numbers.CALL_INVOKE_TA_COMMAND, word(1, 2, 3, 5, 9), id="parameters"),
        pytest.param(numbers.CALL_CHECK_ACCESS_RIGHTS, word(1, 2, 3), id="the runner's own"),
        pytest.param(numbers.CALL_CRYP_RANDOM_NUMBER_GENERATE, word(32), id="random numbers"),
        pytest.param(numbers.CALL_RETURN, word(0), id="return"),
    ],
)
def test_forged_arguments_end_the_ta(number: int, body: bytes) -> None:
    with pytest.raises(ForgedCall):
        call(number, body, lambda *_: None)


@pytest.mark.parametrize("number", [55, 69, 71, 2**32 - 1])
def test_unknown_calls_are_forged(number: int) -> None:
    with pytest.raises(ForgedCall):
        Dispatcher({})(NOBODY, number, 0, b"")


def test_a_wrong_count_of_arguments_is_forged() -> None:
    with pytest.raises(ForgedCall):
        Dispatcher({})(NOBODY, numbers.CALL_LOG, 2, sized(b"text"))


@given(st.sampled_from(sorted(numbers.CALLS)), st.binary(max_size=200))
def test_no_bytes_do_more_than_end_their_ta(number: int, body: bytes) -> None:
    try:
        answer = call(number, body)
    except ForgedCall:
        return
    assert answer in {
        result(numbers.ERROR_NOT_IMPLEMENTED),
        result(numbers.ERROR_BAD_PARAMETERS),
    }


def test_families_handle_each_call_once() -> None:
    assert set(handlers()) <= set(numbers.CALLS)


def test_two_families_for_one_call_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realmos_agent.tee.syscalls.table.FAMILIES", ("log", "log"))
    with pytest.raises(ValueError, match="log handles call 1, which it must not"):
        handlers()
