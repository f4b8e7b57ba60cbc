# SPDX-License-Identifier: BSD-3-Clause
"""A TA that makes any system call with anything, beside another with secrets.

All is real here but the processes: the calls of all families, sessions with other TAs and the
pseudo TAs, instances, storage. The core never fails, whatever the first TA does; nothing that it
gets holds the other's secrets, and the other's objects stay as they were.
"""

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest
from fake_ta import INVOKE, MULTI, OPEN, Code, FakeRunner, World, a_uuid
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from realmos_agent.tee import numbers
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.errors import TaPanic
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.parts import Entry
from realmos_agent.tee.pta import RealmPta, SystemPta
from realmos_agent.tee.storage import ephemeral
from realmos_agent.tee.syscalls.table import Dispatcher, handlers
from test_tee_hostile_calls import BYTES, HANDLES, KNOWN, NESTED, U32, a_call, sized, word

if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext

HOSTILE, VICTIM = a_uuid(1), a_uuid(2)
SYSTEM = SystemPta(bytes(32), lambda _: None)
REALM = RealmPta(lambda _: b"token", lambda _: None)
KEY, DATA = b"the key of another TA" * 3, b"data of another TA" * 3
CHECK = 7
MAPPED_MAX = 8 << 20
DISPATCHER = Dispatcher()
Attack = list[tuple[int, int, bytes]]


def ask(ta: Instance, number: int, body: bytes) -> bytes:
    """Make a system call that must succeed; return the first output."""
    answer = DISPATCHER(cast("TaContext", ta), number, len(numbers.CALLS[number][1]), body)
    code, count = struct.unpack_from("<II", answer)
    assert code == numbers.SUCCESS
    size = struct.unpack_from("<Q", answer, 8)[0] if count else 0
    return answer[16 : 16 + size]


class Victim:
    """A TA with a key and an object, which a command of it reads."""

    def __init__(self) -> None:
        self.key = self.stored = 0

    def __call__(self, entry: Entry, runner: FakeRunner) -> Code:
        del runner
        if entry.function == OPEN and not self.key:
            yield self._make
        if entry.function == INVOKE and entry.command == CHECK:
            yield self._check
        return numbers.SUCCESS

    def _make(self, ta: Instance) -> None:
        words = word(numbers.TYPE_GENERIC_SECRET) + word(8 * len(KEY) // 8 * 8)
        (self.key,) = struct.unpack("<I", ask(ta, numbers.CALL_CRYP_OBJ_ALLOC, words))
        attributes = word(1) + word(numbers.ATTR_SECRET_VALUE) + sized(KEY)
        ask(ta, numbers.CALL_CRYP_OBJ_POPULATE, word(self.key) + attributes)
        flags = numbers.DATA_FLAG_ACCESS_READ | numbers.DATA_FLAG_ACCESS_WRITE
        wanted = word(numbers.STORAGE_PRIVATE) + sized(b"a") + word(flags) + word(0)
        made = ask(ta, numbers.CALL_STORAGE_OBJ_CREATE, wanted + sized(DATA) + word(1))
        (self.stored,) = struct.unpack("<I", made)

    def _check(self, ta: Instance) -> None:
        wanted = word(self.key) + word(numbers.ATTR_SECRET_VALUE) + word(1 << 12)
        assert ask(ta, numbers.CALL_CRYP_OBJ_GET_ATTR, wanted) == KEY
        place = word(self.stored) + word(0) + word(numbers.DATA_SEEK_SET)
        ask(ta, numbers.CALL_STORAGE_OBJ_SEEK, place)
        assert ask(ta, numbers.CALL_STORAGE_OBJ_READ, word(self.stored) + word(1 << 12)) == DATA
        assert len(ta.handles) == 2


class Hostile:
    """A TA that makes an attack's calls when a client invokes it."""

    def __init__(self, attack: Attack) -> None:
        self.attack = attack
        self.got: list[bytes] = []

    def __call__(self, entry: Entry, runner: FakeRunner) -> Code:
        del runner
        depth = yield lambda ta: len(ta.chain.stack)
        if entry.function == INVOKE and depth == 1:
            for number, count, body in self.attack:
                yield self._call(number, count, body)
        return numbers.SUCCESS

    def _call(self, number: int, count: int, body: bytes) -> Callable[[Instance], None]:
        def call(ta: Instance) -> None:
            self.got.append(DISPATCHER(cast("TaContext", ta), number, count, body))

        return call


# What the calls are made of

REGIONS = st.integers(0, 3)


def a_slot(kind: int) -> st.SearchStrategy[bytes]:
    """The bytes of a parameter, as a runner sends them."""
    if numbers.PARAM_TYPE_VALUE_INPUT <= kind <= numbers.PARAM_TYPE_VALUE_INOUT:
        small = st.sampled_from([0, 1, 4096, 8192, 0x10, 0x1102]) | U32
        return st.tuples(small, small).map(lambda pair: word(pair[0]) + word(pair[1]))
    if numbers.PARAM_TYPE_MEMREF_INPUT <= kind <= numbers.PARAM_TYPE_MEMREF_INOUT:
        uuids = st.sampled_from([VICTIM.bytes_le, b"known\0", bytes(16)])
        return st.tuples(REGIONS, BYTES | uuids).map(
            lambda memory: word(memory[0]) + (sized(memory[1]) if memory[0] else word(0))
        )
    return st.just(b"")


def some_params(types: int) -> st.SearchStrategy[bytes]:
    slots = [a_slot(types >> 4 * place & 15) for place in range(4)]
    return st.tuples(*slots).map(lambda parts: word(types) + b"".join(parts))


PTA_TYPES = sorted(types for types, _ in SYSTEM._commands.values())  # noqa: SLF001 -- so that its commands are met
PARAMS = (
    st.sampled_from([0, *PTA_TYPES]) | st.integers(0, 0x7777) | st.integers(0, 0xFFFFF)
).flatmap(some_params)
UUIDS = st.sampled_from([VICTIM, HOSTILE, SYSTEM.uuid, REALM.uuid, a_uuid(9)])
SESSIONS = st.integers(3, 5) | st.integers(3, 5) | st.integers(0, 6) | U32
COMMANDS = st.sampled_from([*SYSTEM._commands, CHECK]) | st.integers(0, 12) | U32  # noqa: SLF001 -- the same
TIMEOUTS = st.sampled_from([0, 1, 0xFFFF_FFFF])
NESTED_CALLS = {
    numbers.CALL_OPEN_TA_SESSION: st.tuples(
        UUIDS.map(lambda uuid: sized(uuid.bytes_le)), TIMEOUTS.map(word), PARAMS,
        st.integers(0, 1).map(word),
    ),
    numbers.CALL_CLOSE_TA_SESSION: st.tuples(SESSIONS.map(word)),
    numbers.CALL_INVOKE_TA_COMMAND: st.tuples(
        SESSIONS.map(word), TIMEOUTS.map(word), COMMANDS.map(word), PARAMS,
        st.integers(0, 1).map(word),
    ),
}  # fmt: skip
OPENS = st.sampled_from([VICTIM, SYSTEM.uuid]).map(
    lambda uuid: (
        numbers.CALL_OPEN_TA_SESSION, sized(uuid.bytes_le) + word(0) + word(0) + word(1),
    )
)  # fmt: skip


def nested(number: int) -> st.SearchStrategy[tuple[int, bytes]]:
    return NESTED_CALLS[number].map(lambda parts: (number, b"".join(parts)))


def counted(call: tuple[int, bytes]) -> tuple[int, int, bytes]:
    return call[0], len(numbers.CALLS[call[0]][1]), call[1]


@st.composite
def a_forged_call(draw: st.DrawFn) -> tuple[int, int, bytes]:
    """Something that is nearly a call, or not at all."""
    number, count, body = counted(draw(CALLS))
    start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    body = body[:start] + draw(st.binary(max_size=16) | st.just(b"\xff" * 8)) + body[end:]
    return draw(st.just(number) | st.integers(0, 80)), draw(st.just(count) | U32), body


KNOWN_HERE = KNOWN | {
    "state": st.sampled_from([3, 3, 6]) | U32,
    "object": st.sampled_from([1, 2, 4, 4]) | HANDLES,
    "enumerator": st.just(5) | HANDLES,
    "source": st.sampled_from([1, 2, 3, 6]),
    "destination": st.sampled_from([1, 2, 3, 6]),
}
CALLS = st.sampled_from(sorted(set(handlers()) - NESTED - {numbers.CALL_PANIC})).flatmap(
    lambda number: a_call(number, KNOWN_HERE)
) | st.sampled_from(sorted(NESTED)).flatmap(nested)
# One object of each kind, for the calls to meet: with handles from 1 to 6.
OBJECTS = [
    (numbers.CALL_CRYP_OBJ_ALLOC, word(numbers.TYPE_GENERIC_SECRET) + word(512)),
    (
        numbers.CALL_CRYP_OBJ_POPULATE,
        word(1) + word(1) + word(numbers.ATTR_SECRET_VALUE) + sized(bytes(64)),
    ),
    (numbers.CALL_CRYP_OBJ_ALLOC, word(numbers.TYPE_AES) + word(256)),
    (
        numbers.CALL_CRYP_OBJ_POPULATE,
        word(2) + word(1) + word(numbers.ATTR_SECRET_VALUE) + sized(bytes(32)),
    ),
    (
        numbers.CALL_CRYP_STATE_ALLOC,
        word(numbers.ALG_SHA256) + word(numbers.MODE_DIGEST) + word(0) + word(0),
    ),
    (
        numbers.CALL_STORAGE_OBJ_CREATE,
        word(numbers.STORAGE_PRIVATE)
        + sized(b"b")
        + word(0x7)
        + word(0)
        + sized(b"data")
        + word(1),
    ),
    (numbers.CALL_STORAGE_ENUM_ALLOC, b""),
    (
        numbers.CALL_CRYP_STATE_ALLOC,
        word(numbers.ALG_AES_CTR) + word(numbers.MODE_ENCRYPT) + word(2) + word(0),
    ),
]
ATTACKS = st.tuples(
    st.just([counted(call) for call in OBJECTS]),
    st.lists(OPENS.map(counted), max_size=2),
    st.lists(CALLS.map(counted), min_size=4, max_size=20),
    st.lists(a_forged_call(), max_size=2),
).map(lambda parts: [call for part in parts for call in part])


def attacked(attack: Attack) -> None:
    """Check that an attack gets nowhere."""
    hostile, victim = Hostile(attack), Victim()
    world = World(
        {HOSTILE: (0, hostile), VICTIM: (MULTI, victim)},
        (SYSTEM, REALM),
        storage=ephemeral(),
        memory=Budget(MAPPED_MAX),
    )
    witness = world.opened(VICTIM)
    session = world.opened(HOSTILE)
    outcome = world.invoke(session)
    event(f"{outcome.result:#x} from {outcome.origin}")
    log = "\n".join(world.log)
    assert "the core failed" not in log
    assert "Traceback" not in log
    for secret in (KEY, DATA):
        assert not any(secret in answer for answer in hostile.got)
    assert world.invoke(witness, CHECK).ok
    world.close(session)
    world.close(witness)
    assert not world.manager.instances
    assert world.memory.take(MAPPED_MAX)


def run(many: int, *, random: bool) -> None:
    @settings(
        max_examples=many,
        deadline=None,
        derandomize=not random,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(ATTACKS)
    def check(attack: Attack) -> None:
        attacked(attack)

    check()


def test_a_hostile_ta_harms_nobody() -> None:
    run(100, random=False)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_a_hostile_ta_harms_nobody_for_long() -> None:
    run(20_000, random=True)


def test_the_victim_would_notice() -> None:
    victim = Victim()
    world = World({VICTIM: (MULTI, victim)}, storage=ephemeral())
    session = world.opened(VICTIM)
    assert world.invoke(session, CHECK).ok
    ask(world.manager.instances[0], numbers.CALL_CRYP_OBJ_CLOSE, word(victim.key))
    assert world.invoke(session, CHECK).result == numbers.ERROR_TARGET_DEAD


def test_forged_calls_end_the_ta() -> None:
    hostile = Hostile([(1000, 0, b"")])
    world = World({HOSTILE: (0, hostile)})
    assert world.invoke(world.opened(HOSTILE)).result == numbers.ERROR_TARGET_DEAD
    with pytest.raises(TaPanic):
        DISPATCHER(cast("TaContext", None), 1000, 0, b"")
