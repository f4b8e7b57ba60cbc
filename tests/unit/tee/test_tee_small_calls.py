# SPDX-License-Identifier: BSD-3-Clause
"""The small families of system calls: log, panic, properties, time, cancellation."""

import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, cast
from uuid import UUID

import pytest
from realmos_agent.tee import numbers
from realmos_agent.tee.clocks import Clocks
from realmos_agent.tee.errors import TaPanic
from realmos_agent.tee.handles import HandleTable
from realmos_agent.tee.parts import RunnerError
from realmos_agent.tee.services import Services
from realmos_agent.tee.session import Cancellation, Identity
from realmos_agent.tee.syscalls.table import Dispatcher

if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext

UUID_TA = UUID("8aaaf200-2450-11e4-abe2-0002a5d5c51b")
UUID_CLIENT = UUID("00112233-4455-6677-8899-aabbccddeeff")
UUID_DEVICE = UUID("58ac9ca0-2086-4683-a1b8-ec4bc08e01b6")
NOT_WANTED = numbers.CAPACITY_NOT_WANTED


@dataclass
class Session:
    cancellation: Cancellation = field(default_factory=Cancellation)


class Ta:
    uuid = UUID_TA
    identity = Identity(numbers.LOGIN_PUBLIC, UUID_CLIENT)

    def __init__(self) -> None:
        self.handles = HandleTable()
        self.session = Session()
        self.now = 100.25
        self.lines: list[str] = []
        self.services = Services(
            self.lines.append, Clocks(lambda: self.now, lambda: 1_700_000_000.5), UUID_DEVICE
        )

    def log(self, text: str) -> None:
        self.lines.append(text)

    def give_state(self, *_state: object) -> None:
        """Leave a state to the core, whatever its key."""

    def take_key(self, handle: int) -> None:
        """Have nothing to take."""

    def panic(self, code: int) -> NoReturn:
        raise TaPanic(code)


@pytest.fixture
def ta() -> Ta:
    return Ta()


def call(ta: Ta, number: int, *words: int, data: bytes | None = None) -> tuple[int, bytes]:
    """Make a call whose arguments are words and, at the end, bytes; return result and outputs."""
    body = b"".join(struct.pack("<Q", value) for value in words)
    if data is not None:
        body += struct.pack("<Q", len(data)) + data
    count = len(numbers.CALLS[number][1])
    answer = Dispatcher()(cast("TaContext", ta), number, count, body)
    return struct.unpack_from("<I", answer)[0], answer[8:]


def one(ta: Ta, number: int, *words: int) -> int:
    code, output = call(ta, number, *words)
    assert code == numbers.SUCCESS
    size, value = struct.unpack("<QI", output)
    assert size == 4
    return int(value)


def property_of(ta: Ta, propset: int, name: str) -> tuple[str, int, bytes]:
    """Look a property up as libutee does: its index, then all of it."""
    body = struct.pack("<QQ", propset, len(name) + 1) + name.encode() + b"\0"
    answer = Dispatcher()(cast("TaContext", ta), numbers.CALL_GET_PROPERTY_NAME_TO_INDEX, 3, body)
    code, count, size, index = struct.unpack("<IIQI", answer)
    assert (code, count, size) == (0, 1, 4)
    code, output = call(ta, numbers.CALL_GET_PROPERTY, propset, index, 100, 100, 1)
    assert code == numbers.SUCCESS
    values = []
    at = 0
    for _ in range(3):
        (size,) = struct.unpack_from("<Q", output, at)
        values.append(output[at + 8 : at + 8 + size])
        at += 8 + size
    return values[0].rstrip(b"\0").decode(), int.from_bytes(values[2], "little"), values[1]


def test_log_lines_are_written_and_cannot_pretend_to_be_others(ta: Ta) -> None:
    call(ta, numbers.CALL_LOG, data=b"D/TA: one\nI/TA: two\x1b[2J\r\xff\n\0")
    assert ta.lines == ["D/TA: one", "I/TA: two\\x1b[2J\\r\\xff"]


def test_log_is_cut_where_it_gets_too_long(ta: Ta) -> None:
    call(ta, numbers.CALL_LOG, data=b"a" * 5000)
    assert ta.lines == ["a" * 4096, "(904 bytes more)"]


def test_a_call_writes_few_lines_and_none_that_are_empty(ta: Ta) -> None:
    call(ta, numbers.CALL_LOG, data=b"\r\n\n" * 1000)
    assert ta.lines == []
    call(ta, numbers.CALL_LOG, data=b"a\n\n" * 100)
    assert ta.lines == [*["a"] * 64, "(36 lines more)"]


def test_panic_ends_the_ta(ta: Ta) -> None:
    with pytest.raises(TaPanic) as caught:
        call(ta, numbers.CALL_PANIC, 0xDEAD, 0x1000)
    assert caught.value.code == 0xDEAD


@pytest.mark.parametrize(
    ("propset", "name", "kind", "value"),
    [
        (numbers.PROPSET_CURRENT_TA, "gpd.ta.appID", 2, UUID_TA.bytes_le),
        (numbers.PROPSET_CURRENT_CLIENT, "gpd.client.identity", 3, bytes(4) + UUID_CLIENT.bytes_le),
        (numbers.PROPSET_CURRENT_CLIENT, "gpd.client.endian", 1, bytes(4)),
        (numbers.PROPSET_TEE_IMPLEMENTATION, "gpd.tee.apiversion", 4, b"GPD-1.1-dev\0"),
        (numbers.PROPSET_TEE_IMPLEMENTATION, "gpd.tee.deviceID", 2, UUID_DEVICE.bytes_le),
        (numbers.PROPSET_TEE_IMPLEMENTATION, "gpd.tee.cryptography.ecc", 0, b"\1"),
        (
            numbers.PROPSET_TEE_IMPLEMENTATION,
            "gpd.tee.trustedStorage.antiRollback.protectionLevel",
            1,
            bytes(4),
        ),
    ],
)
def test_properties_have_the_types_that_libutee_expects(
    ta: Ta, propset: int, name: str, kind: int, value: bytes
) -> None:
    assert property_of(ta, propset, name) == (name, kind, value)


def test_all_properties_of_the_tee_can_be_enumerated(ta: Ta) -> None:
    names = []
    for index in range(100):
        code, output = call(
            ta, numbers.CALL_GET_PROPERTY, numbers.PROPSET_TEE_IMPLEMENTATION, index, 100,
            NOT_WANTED, 0,
        )  # fmt: skip
        if code == numbers.ERROR_ITEM_NOT_FOUND:
            break
        (size,) = struct.unpack_from("<Q", output)
        names.append(output[8 : 8 + size].decode())
        assert output[8 + size :] == bytes(16)
    assert len(names) == len(set(names)) == 13
    assert all(name.startswith("gpd.tee.") and name.endswith("\0") for name in names)


def test_a_property_in_a_short_buffer_tells_its_length(ta: Ta) -> None:
    code, output = call(
        ta, numbers.CALL_GET_PROPERTY, numbers.PROPSET_CURRENT_TA, 0, NOT_WANTED, 15, 1
    )
    assert code == numbers.ERROR_SHORT_BUFFER
    assert struct.unpack("<QQQI", output) == (0, 16, 4, numbers.PROPERTY_TYPE_UUID), "and its type"


def test_a_property_whose_name_alone_does_not_fit_tells_its_value(ta: Ta) -> None:
    code, output = call(ta, numbers.CALL_GET_PROPERTY, numbers.PROPSET_CURRENT_TA, 0, 3, 16, 1)
    assert code == numbers.ERROR_SHORT_BUFFER
    length, size = struct.unpack_from("<QQ", output)
    assert (length, size) == (len("gpd.ta.appID") + 1, 16)
    assert output[16:32] == UUID_TA.bytes_le
    assert struct.unpack("<QI", output[32:]) == (4, numbers.PROPERTY_TYPE_UUID)


def test_a_wait_that_is_given_up_is_no_failure_of_the_core(ta: Ta) -> None:
    ta.session.cancellation.stop()
    with pytest.raises(RunnerError, match="ended while it waited"):
        call(ta, numbers.CALL_WAIT, 1000)


def test_the_property_that_every_ta_asks_for_is_not_there(ta: Ta) -> None:
    name = b"org.trustedfirmware.optee.cpu.feat_memtag_implemented\0"
    code, output = call(
        ta, numbers.CALL_GET_PROPERTY_NAME_TO_INDEX, numbers.PROPSET_TEE_IMPLEMENTATION, data=name
    )
    assert (code, output) == (numbers.ERROR_ITEM_NOT_FOUND, b"")


@pytest.mark.parametrize(
    ("propset", "name", "code"),
    [
        (0, b"gpd.ta.appID\0", numbers.ERROR_ITEM_NOT_FOUND),
        (numbers.PROPSET_CURRENT_TA, b"", numbers.ERROR_BAD_PARAMETERS),
        (numbers.PROPSET_CURRENT_TA, b"\0", numbers.ERROR_ITEM_NOT_FOUND),
    ],
)
def test_properties_that_cannot_be_are_refused(
    ta: Ta, propset: int, name: bytes, code: int
) -> None:
    answer = call(ta, numbers.CALL_GET_PROPERTY_NAME_TO_INDEX, propset, data=name)
    assert answer == (code, b"")


def time_of(ta: Ta, category: int) -> tuple[int, tuple[int, int]]:
    code, output = call(ta, numbers.CALL_GET_TIME, category)
    _, seconds, millis = struct.unpack("<QII", output) if output else (0, 0, 0)
    return code, (seconds, millis)


def test_system_and_ree_time_are_their_clocks(ta: Ta) -> None:
    assert time_of(ta, numbers.TIME_SYSTEM) == (0, (100, 250))
    assert time_of(ta, numbers.TIME_REE) == (0, (1_700_000_000, 500))
    assert time_of(ta, 3)[0] == numbers.ERROR_BAD_PARAMETERS


def test_a_tas_time_runs_on_from_where_it_was_set(ta: Ta) -> None:
    assert time_of(ta, numbers.TIME_TA_PERSISTENT)[0] == numbers.ERROR_TIME_NOT_SET
    assert call(ta, numbers.CALL_SET_TA_TIME, data=struct.pack("<II", 50, 0)) == (0, b"")
    ta.now += 10
    assert time_of(ta, numbers.TIME_TA_PERSISTENT) == (0, (60, 0))
    with pytest.raises(Exception, match="TIME_NOT_SET"):
        ta.services.clocks.persistent(UUID_CLIENT)


def test_a_tas_time_that_overflows_comes_with_its_lower_bits(ta: Ta) -> None:
    call(ta, numbers.CALL_SET_TA_TIME, data=struct.pack("<II", 0xFFFF_FFFF, 0))
    ta.now += 3
    assert time_of(ta, numbers.TIME_TA_PERSISTENT) == (numbers.ERROR_OVERFLOW, (2, 0))


def test_a_time_with_too_many_milliseconds_is_refused(ta: Ta) -> None:
    answer = call(ta, numbers.CALL_SET_TA_TIME, data=struct.pack("<II", 1, 1000))
    assert answer == (numbers.ERROR_BAD_PARAMETERS, b"")


def test_cancellation_is_masked_until_the_ta_unmasks_it(ta: Ta) -> None:
    ta.session.cancellation.cancel()
    assert one(ta, numbers.CALL_GET_CANCELLATION_FLAG) == 0
    assert one(ta, numbers.CALL_UNMASK_CANCELLATION) == 1
    assert one(ta, numbers.CALL_UNMASK_CANCELLATION) == 0
    assert one(ta, numbers.CALL_GET_CANCELLATION_FLAG) == 1
    assert one(ta, numbers.CALL_MASK_CANCELLATION) == 0
    assert one(ta, numbers.CALL_GET_CANCELLATION_FLAG) == 0


def test_waiting_takes_its_time(ta: Ta) -> None:
    before = time.monotonic()
    assert call(ta, numbers.CALL_WAIT, 20) == (0, b"")
    assert time.monotonic() - before >= 0.02


def test_waiting_ends_when_it_is_cancelled(ta: Ta) -> None:
    one(ta, numbers.CALL_UNMASK_CANCELLATION)
    timer = threading.Timer(0.02, ta.session.cancellation.cancel)
    timer.start()
    assert call(ta, numbers.CALL_WAIT, 60_000) == (numbers.ERROR_CANCEL, b"")
    timer.join()


def test_cache_operations_are_not_supported(ta: Ta) -> None:
    assert call(ta, numbers.CALL_CACHE_OPERATION, 0x1000, 64, 0) == (
        numbers.ERROR_NOT_SUPPORTED,
        b"",
    )
