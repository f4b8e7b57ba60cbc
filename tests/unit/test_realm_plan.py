# SPDX-License-Identifier: BSD-3-Clause
"""The population plan: what is refused, what order it has, and how it is encoded."""

import pytest
import realmos_abi
from realmos.errors import ConfigError
from realmos.image import mpidr
from realmos.realm import Activate, Data, InitRipas, Plan, RealmConfig, RealmParams, Rec, RttCreate
from realmos.realm._plan import Load, build_plan

MIB = 1 << 20
RAM = 0x40000000


def plan(loads: list[Load], memory: int = 8 * MIB, vcpus: int = 1) -> Plan:
    return build_plan(
        RealmParams(), memory=memory, loads=loads, vcpus=vcpus, entry=RAM, gprs=(0x1234,)
    )


@pytest.mark.parametrize("memory", [0, -2 * MIB, MIB, 8 * MIB + 4096])
def test_memory_that_is_not_whole_blocks_is_refused(memory: int) -> None:
    with pytest.raises(ConfigError, match="multiple of 2 MiB"):
        plan([], memory=memory)


@pytest.mark.parametrize(
    "loads",
    [
        [Load(0, 4096, RAM + 1)],
        [Load(0, 4096, RAM - 4096)],
        [Load(0, 9 * MIB, RAM)],
        [Load(0, 8192, RAM), Load(1, 4096, RAM + 4096)],
    ],
    ids=["unaligned", "below RAM", "larger than RAM", "overlapping"],
)
def test_a_load_that_does_not_fit_is_refused(loads: list[Load]) -> None:
    with pytest.raises(ConfigError, match="does not fit"):
        plan(loads)


def test_ripas_come_first_then_tables_then_data_ascending_then_recs_then_activation() -> None:
    made = plan([Load(1, 4096, RAM + 4 * MIB), Load(0, 2 * MIB + 1, RAM)], vcpus=2)
    assert made.operations == (
        InitRipas(RAM, 8 * MIB),
        RttCreate(RAM, 3),
        RttCreate(RAM + 2 * MIB, 3),
        RttCreate(RAM + 4 * MIB, 3),
        Data(RAM, 2 * MIB + 1, 0),
        Data(RAM + 4 * MIB, 4096, 1),
        Rec(0, runnable=True, pc=RAM, gprs=(0x1234, 0, 0, 0, 0, 0, 0, 0)),
        Rec(1, runnable=False),
        Activate(),
    )


def test_two_loads_in_one_block_share_its_table() -> None:
    made = plan([Load(0, 4096, RAM), Load(1, 4096, RAM + 8192)])
    assert [op for op in made.operations if isinstance(op, RttCreate)] == [RttCreate(RAM, 3)]


def test_the_encoding_is_one_header_and_one_record_an_operation() -> None:
    abi = realmos_abi.load("plan")
    made = plan([Load(0, 4096, RAM)])
    data = made.encode()
    header = abi.structs["PlanHeader"].unpack(data)
    size = abi.structs["PlanOp"].size
    assert header["magic"] == abi["PLAN_MAGIC"]
    assert header["op_count"] == len(made.operations)
    assert len(data) == abi.structs["PlanHeader"].size + size * len(made.operations)
    rec = abi.structs["PlanOp"].unpack(data[-2 * size :])
    assert (rec["op"], rec["pc"], rec["flags"]) == (abi["PLAN_REC"], RAM, 1)


def test_rec_indices_follow_the_mpidr_layout() -> None:
    assert [mpidr(n) for n in (0, 15, 16, 17)] == [0, 15, 0x100, 0x101]


@pytest.mark.parametrize(
    "bad",
    [
        {"vcpus": 0},
        {"vcpus": 9},
        {"hash_algorithm": "md5"},
        {"rpv": bytes(65)},
        {"memory": 0},
        {"memory": (512 << 20) + 4096},
        {"memory": (3 << 30) + (2 << 20)},
    ],
)
def test_a_realm_configuration_out_of_range_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        RealmConfig(**bad)  # type: ignore[arg-type] # wrong on purpose
