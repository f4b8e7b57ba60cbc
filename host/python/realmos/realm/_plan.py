# SPDX-License-Identifier: BSD-3-Clause
"""The population plan: every operation that builds a realm, in the order the monitor executes it.

The RIM depends on that order and on the shape of the RTT, so the plan is the only source of both:
the monitor executes its encoded form (ABI table `plan`), the predictor replays its objects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import realmos_abi

from realmos.errors import ConfigError
from realmos.image import mpidr

_PLAN = realmos_abi.load("plan")
_PLATFORM = realmos_abi.load("platform")
_RMI = realmos_abi.load("rmi")

GRANULE = _RMI["GRANULE_SIZE"]
RAM_BASE = _PLATFORM["REALM_RAM_BASE"]
BLOCK = 512 * GRANULE


@dataclass(frozen=True)
class RealmParams:
    """The measured part of RmiRealmParams, and where its RTT starts (DEN0137 B4.4).

    `hash_algo` is a value of RmiHashAlgorithm; `num_bps` and `num_wps` are encoded minus one.
    """

    flags: int = 0
    s2sz: int = _PLATFORM["REALM_IPA_WIDTH"]
    sve_vl: int = 0
    num_bps: int = 1
    num_wps: int = 1
    pmu_num_ctrs: int = 0
    hash_algo: int = _RMI["RMI_HASH_SHA_256"]
    rtt_level_start: int = _PLATFORM["REALM_RTT_LEVEL_START"]
    rtt_num_start: int = _PLATFORM["REALM_RTT_NUM_START"]


@dataclass(frozen=True)
class RttCreate:
    """RMI_RTT_CREATE of the table at `level` that translates `ipa`."""

    ipa: int
    level: int


@dataclass(frozen=True)
class InitRipas:
    """RMI_RTT_INIT_RIPAS over [ipa, ipa + size), sizes in bytes."""

    ipa: int
    size: int


@dataclass(frozen=True)
class Data:
    """RMI_DATA_CREATE of every granule of [ipa, ipa + size) from a blob at `offset` bytes."""

    ipa: int
    size: int
    blob: int
    offset: int = 0
    measure: bool = True


@dataclass(frozen=True)
class Rec:
    """RMI_REC_CREATE; `mpidr` has RmiRecMpidr's layout."""

    mpidr: int
    runnable: bool
    pc: int = 0
    gprs: tuple[int, ...] = (0,) * 8


@dataclass(frozen=True)
class Activate:
    """RMI_REALM_ACTIVATE."""


Operation = RttCreate | InitRipas | Data | Rec | Activate


@dataclass(frozen=True)
class Load:
    """A blob to be loaded: its number, size in bytes, and IPA (granule-aligned)."""

    blob: int
    size: int
    ipa: int


@dataclass(frozen=True)
class Plan:
    """A whole population plan."""

    params: RealmParams
    operations: tuple[Operation, ...]

    def encode(self) -> bytes:
        """Return the plan as the monitor reads it: one PlanHeader, then PlanOps."""
        header = _PLAN.structs["PlanHeader"].pack(
            magic=_PLAN["PLAN_MAGIC"],
            op_count=len(self.operations),
            flags=self.params.flags,
            s2sz=self.params.s2sz,
            sve_vl=self.params.sve_vl,
            num_bps=self.params.num_bps,
            num_wps=self.params.num_wps,
            pmu_num_ctrs=self.params.pmu_num_ctrs,
            hash_algo=self.params.hash_algo,
            rtt_level_start=self.params.rtt_level_start,
            rtt_num_start=self.params.rtt_num_start,
        )
        return header + b"".join(_encode(operation) for operation in self.operations)


def build_plan(
    params: RealmParams,
    *,
    memory: int,
    loads: Sequence[Load],
    vcpus: int,
    entry: int,
    gprs: Sequence[int],
) -> Plan:
    """Return the plan of a realm with `memory` bytes of RAM from REALM_RAM_BASE.

    All RAM becomes RIPAS RAM in 2 MiB entries; then each load is measured in ascending order; then
    the RECs, of which only the first is runnable, starting at `entry` with X0.. = `gprs`.

    Raises:
        ConfigError: memory is not a multiple of 2 MiB, or a load lies outside it or on another.
    """
    if memory <= 0 or memory % BLOCK:
        raise ConfigError(
            f"realm memory of {memory} bytes is not a multiple of 2 MiB",
            hint="give a size such as 512M or 1G",
        )
    ordered = sorted(loads, key=lambda load: load.ipa)
    _check_loads(ordered, memory)
    operations: list[Operation] = [InitRipas(RAM_BASE, memory)]
    operations += [RttCreate(ipa, 3) for ipa in _blocks(ordered)]
    operations += [Data(load.ipa, load.size, load.blob) for load in ordered]
    operations.append(Rec(mpidr(0), runnable=True, pc=entry, gprs=_padded(gprs)))
    operations += [Rec(mpidr(index), runnable=False) for index in range(1, vcpus)]
    operations.append(Activate())
    return Plan(params, tuple(operations))


def _check_loads(loads: Sequence[Load], memory: int) -> None:
    end = RAM_BASE
    for load in loads:
        if load.ipa % GRANULE or load.ipa < end or load.ipa + load.size > RAM_BASE + memory:
            raise ConfigError(
                f"blob {load.blob} ({load.size} bytes at IPA {load.ipa:#x}) does not fit the realm",
                hint="give the realm more memory (--memory)",
            )
        end = load.ipa + load.size


def _blocks(loads: Sequence[Load]) -> Iterator[int]:
    """Yield the base of every 2 MiB block that a load touches, each once, ascending."""
    last = -1
    for load in loads:
        for base in range(load.ipa - load.ipa % BLOCK, load.ipa + load.size, BLOCK):
            if base > last:
                yield base
                last = base


def _padded(gprs: Sequence[int]) -> tuple[int, ...]:
    count = _RMI["RMI_REC_CREATE_GPRS"]
    return tuple(gprs) + (0,) * (count - len(gprs))


def _encode(operation: Operation) -> bytes:
    layout = _PLAN.structs["PlanOp"]
    match operation:
        case RttCreate(ipa, level):
            return layout.pack(op=_PLAN["PLAN_RTT_CREATE"], ipa=ipa, level=level)
        case InitRipas(ipa, size):
            return layout.pack(op=_PLAN["PLAN_INIT_RIPAS"], ipa=ipa, size=size)
        case Data(ipa, size, blob, offset, measure):
            return layout.pack(
                op=_PLAN["PLAN_DATA"],
                ipa=ipa,
                size=size,
                flags=_RMI["RMI_DATA_MEASURE"] if measure else _RMI["RMI_DATA_NO_MEASURE"],
                blob=blob,
                blob_offset=offset,
            )
        case Rec(mpidr, runnable, pc, gprs):
            flags = _RMI.fields["RMI_REC_CREATE_RUNNABLE"].mask if runnable else 0
            return layout.pack(op=_PLAN["PLAN_REC"], ipa=mpidr, flags=flags, pc=pc, gprs=gprs)
        case Activate():
            return layout.pack(op=_PLAN["PLAN_ACTIVATE"])
