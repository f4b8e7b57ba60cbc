# SPDX-License-Identifier: BSD-3-Clause
"""The RIM predictor: replays a population plan as the RMM measures it (DEN0137 1.0-rel0, A7.1)."""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import realmos_abi

from realmos.realm._plan import (
    BLOCK,
    GRANULE,
    Activate,
    Data,
    InitRipas,
    Operation,
    Plan,
    RealmParams,
    Rec,
    RttCreate,
)

_RMI = realmos_abi.load("rmi")
_SLOT = _RMI["RMM_MEASUREMENT_SIZE"]
_HASHES = {_RMI["RMI_HASH_SHA_256"]: hashlib.sha256, _RMI["RMI_HASH_SHA_512"]: hashlib.sha512}


class Blob(Protocol):
    """Random access to a blob's bytes (a `bytes`, an `mmap` …)."""

    def __getitem__(self, key: slice, /) -> bytes:
        """Return a slice of its bytes, cut at its end."""


@dataclass
class _State:
    algorithm: Callable[[bytes | bytearray], "hashlib._Hash"]
    rim: bytes
    tables: set[int] = field(default_factory=set)

    def hash(self, data: bytes | bytearray) -> bytes:
        return self.algorithm(data).digest()

    def slot(self, digest: bytes) -> bytes:
        return digest.ljust(_SLOT, b"\0")


class Step(NamedTuple):
    """One command of the RMM: a granule of a Data, an RTT entry of an InitRipas, or all of another.

    `content` is the hash of the memory that was measured, if any; `rim` the value after it.
    """

    operation: Operation | RealmParams
    ipa: int
    size: int
    content: bytes
    rim: bytes


def steps(plan: Plan, blobs: Sequence[Blob]) -> Iterator[Step]:
    """Yield the realm's creation and each command of the plan with the RIM after it.

    Args:
        plan: what the monitor executes.
        blobs: the blobs by number.
    """
    state = _State(_HASHES[plan.params.hash_algo], b"")
    state.rim = state.hash(_realm_params(plan.params))
    yield Step(plan.params, 0, 0, b"", state.rim)
    for operation in plan.operations:
        match operation:
            case RttCreate(ipa):
                state.tables.add(ipa - ipa % BLOCK)
                yield Step(operation, ipa, 0, b"", state.rim)
            case InitRipas():
                yield from _init_ripas(state, operation)
            case Data():
                yield from _data(state, operation, blobs[operation.blob])
            case Rec():
                _rec(state, operation)
                yield Step(operation, 0, 0, b"", state.rim)
            case Activate():
                yield Step(operation, 0, 0, b"", state.rim)


def initial_measurement(plan: Plan, blobs: Sequence[Blob]) -> bytes:
    """Return the RIM that the RMM reports for a realm built by `plan`: 32 or 64 bytes."""
    rim = b""
    for step in steps(plan, blobs):
        rim = step.rim
    return rim


def _realm_params(params: RealmParams) -> bytes:
    return _RMI.structs["RmiRealmParams"].pack(
        flags=params.flags,
        s2sz=params.s2sz,
        sve_vl=params.sve_vl,
        num_bps=params.num_bps,
        num_wps=params.num_wps,
        pmu_num_ctrs=params.pmu_num_ctrs,
        hash_algo=params.hash_algo,
    )


def _extend(state: _State, layout: str, values: Mapping[str, int | bytes]) -> None:
    struct = _RMI.structs[layout]
    descriptor = struct.pack(len=struct.size, rim=state.slot(state.rim), **values)
    state.rim = state.hash(descriptor)


def _init_ripas(state: _State, operation: InitRipas) -> Iterator[Step]:
    base, top = operation.ipa, operation.ipa + operation.size
    while base < top:
        entry = GRANULE if base - base % BLOCK in state.tables else BLOCK
        values = {"type": _RMI["RMM_MEASURE_RIPAS"], "base": base, "top": base + entry}
        _extend(state, "RmmMeasurementRipas", values)
        yield Step(operation, base, entry, b"", state.rim)
        base += entry


def _data(state: _State, data: Data, blob: Blob) -> Iterator[Step]:
    """Extend the RIM by each page.

    A realm has thousands: one descriptor is filled in again and again, which halves the time of a
    prediction.
    """
    layout = _RMI.structs["RmmMeasurementData"]
    flags = _RMI["RMI_DATA_MEASURE"] if data.measure else _RMI["RMI_DATA_NO_MEASURE"]
    kind = _RMI["RMM_MEASURE_DATA"]
    descriptor = bytearray(layout.pack(type=kind, len=layout.size, flags=flags))
    ipa, rim, content = (layout.members[name] for name in ("ipa", "rim", "content"))
    set_ipa = struct.Struct(ipa.format).pack_into
    end = len(state.rim)
    digest = b""
    for at in range(0, data.size, GRANULE):
        set_ipa(descriptor, ipa.offset, data.ipa + at)
        if data.measure:
            size = min(GRANULE, data.size - at)
            page = blob[data.offset + at : data.offset + at + size].ljust(GRANULE, b"\0")
            digest = state.hash(page)
            descriptor[content.offset : content.offset + end] = digest
        descriptor[rim.offset : rim.offset + end] = state.rim
        state.rim = state.hash(descriptor)
        yield Step(data, data.ipa + at, GRANULE, digest, state.rim)


def _rec(state: _State, rec: Rec) -> None:
    if not rec.runnable:
        return
    flags = _RMI.fields["RMI_REC_CREATE_RUNNABLE"].mask
    params = _RMI.structs["RmiRecParams"].pack(flags=flags, pc=rec.pc, gprs=rec.gprs)
    values: dict[str, int | bytes] = {
        "type": _RMI["RMM_MEASURE_REC"],
        "content": state.slot(state.hash(params)),
    }
    _extend(state, "RmmMeasurementRec", values)
