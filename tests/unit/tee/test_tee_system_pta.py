# SPDX-License-Identifier: BSD-3-Clause
"""The system pseudo TA, called by TAs that are Python generators."""

import pytest
from fake_ta import CLIENT, FakeRunner, World
from pta_rig import A, B, PtaUsers, Use, command, memory
from realmos_agent.tee import numbers
from realmos_agent.tee.instance import Instance
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.params import Memref, Params, Value, param_types
from realmos_agent.tee.pta import SystemPta

LIBRARY_FLAGS = 0x1102
NONE = numbers.PARAM_TYPE_NONE
VALUE_IN, VALUE_OUT = numbers.PARAM_TYPE_VALUE_INPUT, numbers.PARAM_TYPE_VALUE_OUTPUT
VALUE_INOUT = numbers.PARAM_TYPE_VALUE_INOUT
MEMREF_IN, MEMREF_OUT = numbers.PARAM_TYPE_MEMREF_INPUT, numbers.PARAM_TYPE_MEMREF_OUTPUT
MAP_TYPES = param_types(VALUE_IN, VALUE_INOUT, VALUE_IN)
KEY_TYPES = param_types(MEMREF_IN, MEMREF_OUT)


class Setup(PtaUsers):
    """A TA that uses the pseudo TA as it is told."""

    def __init__(self) -> None:
        self.entropy: list[bytes] = []
        super().__init__(SystemPta(b"k" * 32, self.entropy.append))

    @property
    def runner(self) -> FakeRunner:
        return self.world.runners[-1]


def key(extra: bytes, size: int = 32, *, secure: bool = True) -> tuple[Memref, Use]:
    out = memory(bytes(size), secure=secure)
    params = Params(KEY_TYPES, (memory(extra), out, None, None))
    return out, command(numbers.SYSTEM_PTA_DERIVE_TA_UNIQUE_KEY, params)


def test_it_is_for_tas_only() -> None:
    world = World({}, (SystemPta(b"", lambda _: None),))
    outcome = world.open(SystemPta.uuid, identity=CLIENT)
    assert outcome == Outcome(numbers.ERROR_ACCESS_DENIED, numbers.ORIGIN_TRUSTED_APP)


def test_unknown_commands_and_other_parameters_are_refused() -> None:
    codes = [(99, numbers.ERROR_NOT_IMPLEMENTED), (12, numbers.ERROR_NOT_SUPPORTED)]
    codes += [(number, numbers.ERROR_BAD_PARAMETERS) for number in (0, 1, 2, 3, 10, 11, 13)]
    uses = [command(number, Params()) for number, _ in codes]
    assert Setup().run(*uses) == [code for _, code in codes]


def test_entropy_is_passed_on() -> None:
    setup = Setup()
    types = param_types(MEMREF_IN)
    some = Params(types, (memory(b"dice"), None, None, None))
    none = Params(types, (memory(b""), None, None, None))
    uses = [command(numbers.SYSTEM_PTA_ADD_RNG_ENTROPY, params) for params in (some, none)]
    assert setup.run(*uses) == [numbers.SUCCESS, numbers.ERROR_BAD_PARAMETERS]
    assert setup.entropy == [b"dice"]


def test_each_ta_has_its_own_keys() -> None:
    setup = Setup()
    keys = [key(b""), key(b""), key(b"more"), key(b"", 16)]
    assert setup.run(*(use for _, use in keys)) == [numbers.SUCCESS] * 4
    other = key(b"")
    assert setup.run(other[1], uuid=B) == [numbers.SUCCESS]
    first, again, more, short = [memref.written for memref, _ in keys]
    assert first == again
    assert len({first, more, other[0].written}) == 3
    assert len(first) == 32
    assert len(short) == 16


def test_a_key_never_goes_where_a_client_could_read_it() -> None:
    out, use = key(b"", secure=False)
    assert Setup().run(use) == [numbers.ERROR_SECURITY]
    assert out.written == bytes(32)


@pytest.mark.parametrize(("extra", "size"), [(0, 15), (0, 33), (1025, 32), (0, 0)])
def test_keys_have_bounds(extra: int, size: int) -> None:
    assert Setup().run(key(bytes(extra), size)[1]) == [numbers.ERROR_BAD_PARAMETERS]


def mapped(size: int, address: int = 0, *, flags: int = 0) -> tuple[Value, Params]:
    where = Value(address >> 32, address)
    return where, Params(MAP_TYPES, (Value(size, flags), where, Value(), None))


def unmap(where: Value, size: int) -> Use:
    def use(ta: Instance, session: int) -> object:
        params = Params(param_types(VALUE_IN, VALUE_IN), (Value(size), where, None, None))
        return command(numbers.SYSTEM_PTA_UNMAP, params)(ta, session)

    return use


def test_memory_is_given_and_taken_back_once() -> None:
    setup = Setup()
    where, params = mapped(5000)
    sizes: list[object] = []

    def look(ta: Instance, session: int) -> object:
        del ta, session
        sizes.append(setup.runner.memory[where.a << 32 | where.b])
        return None

    uses = [command(numbers.SYSTEM_PTA_MAP_ZI, params), look, unmap(where, 4096)]
    uses += [unmap(where, 5000), unmap(where, 5000)]
    bad = numbers.ERROR_BAD_PARAMETERS
    assert setup.run(*uses) == [numbers.SUCCESS, None, bad, numbers.SUCCESS, bad]
    assert sizes == [bytes(8192)]


def test_memory_is_given_where_it_is_wanted_unless_something_is_there() -> None:
    wanted = 0x20_0000_0000
    first, again, odd = mapped(4096, wanted), mapped(8192, wanted - 4096), mapped(4096, wanted + 1)
    low = mapped(4096, 4096)
    uses = [command(numbers.SYSTEM_PTA_MAP_ZI, params) for _, params in (first, again, odd, low)]
    conflict = numbers.ERROR_ACCESS_CONFLICT
    assert Setup().run(*uses) == [
        numbers.SUCCESS, conflict, numbers.ERROR_BAD_PARAMETERS, conflict,
    ]  # fmt: skip


def test_memory_has_bounds() -> None:
    most = mapped(0xFFFF_FFFF)[1]
    flags = mapped(4096, flags=2)[1]
    uses = [command(numbers.SYSTEM_PTA_MAP_ZI, params) for params in (most, flags)]
    assert Setup().run(*uses) == [numbers.ERROR_OUT_OF_MEMORY, numbers.ERROR_BAD_PARAMETERS]


def test_a_library_is_opened_and_its_symbols_are_found() -> None:
    setup = Setup()
    library = memory(B.bytes_le)
    open_types = param_types(MEMREF_IN, VALUE_IN)
    find_types = param_types(MEMREF_IN, MEMREF_IN, VALUE_OUT)
    found = Value()
    names = (b"known\0", b"unknown\0", b"known", b"\0")
    uses = [
        command(numbers.SYSTEM_PTA_DLOPEN, Params(open_types, (library, Value(flags), None, None)))
        for flags in (LIBRARY_FLAGS, 2)
    ] + [
        command(numbers.SYSTEM_PTA_DLSYM, Params(find_types, (library, memory(name), found, None)))
        for name in names
    ]
    changed: list[object] = []

    def look(ta: Instance, session: int) -> object:
        del ta, session
        changed.extend(bytes(data[:16]) for data in setup.runner.memory.values())
        return None

    assert setup.run(*uses, look) == [
        numbers.SUCCESS, numbers.ERROR_NOT_SUPPORTED, numbers.SUCCESS,
        numbers.ERROR_ITEM_NOT_FOUND, numbers.ERROR_BAD_PARAMETERS, numbers.ERROR_BAD_PARAMETERS,
        None,
    ]  # fmt: skip
    assert found.a << 32 | found.b == 0x12_3456_789A
    assert B.bytes in changed
    assert b"dlpi" + A.bytes[4:] in changed
