# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of calls on the tee wire, and what became of them: packed, unpacked and checked."""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from realmos_agent.tee import client_numbers, numbers
from realmos_agent.tee.params import OUTPUTS, VALUES

_PARAMS = struct.Struct(client_numbers.PARAMS_FORMAT)
_REGION = struct.Struct(client_numbers.REGION_FORMAT)
_PARAM = struct.Struct(client_numbers.PARAM_FORMAT)
_RESULT = struct.Struct(client_numbers.RESULT_FORMAT)

_DIRECTIONS = {
    numbers.PARAM_TYPE_MEMREF_INPUT: client_numbers.REGION_IN,
    numbers.PARAM_TYPE_MEMREF_OUTPUT: client_numbers.REGION_OUT,
    numbers.PARAM_TYPE_MEMREF_INOUT: client_numbers.REGION_IN | client_numbers.REGION_OUT,
}
_MEMORY_OUTPUTS = OUTPUTS & _DIRECTIONS.keys()
_TYPES = {numbers.PARAM_TYPE_NONE} | VALUES | _DIRECTIONS.keys()
_TYPE_BITS = 4
_TYPE_MASK = 15


class WireError(Exception):
    """The peer sent what the wire does not allow, or was about to be sent that."""


class Region(NamedTuple):
    """Memory that a call's parameters use; `data` is there if the TA is to read it."""

    size: int
    flags: int
    shift: int = 0
    data: bytes = b""


class Param(NamedTuple):
    """A parameter. Value: `a` and `b`. Memory: offset `a`, size `b`, and the region or None."""

    type: int = numbers.PARAM_TYPE_NONE
    a: int = 0
    b: int = 0
    region: int | None = None

    @property
    def is_memory(self) -> bool:
        """Whether it is a memory reference."""
        return self.type in _DIRECTIONS

    @property
    def is_output(self) -> bool:
        """Whether an answer carries something for it."""
        return self.type in OUTPUTS

    @property
    def answer_max(self) -> int:
        """How many bytes of memory an answer may carry for it."""
        return self.b if self.type in _MEMORY_OUTPUTS else 0


_NO_PARAM = Param()
_NO_PARAMS = (_NO_PARAM,) * client_numbers.PARAMS


class Params(NamedTuple):
    """The parameters of a call, and the memory that they use."""

    params: tuple[Param, ...] = _NO_PARAMS
    regions: tuple[Region, ...] = ()

    @property
    def types(self) -> int:
        """All types in one word."""
        return join(self.params)

    @property
    def answer_max(self) -> int:
        """How many bytes of memory an answer may carry: what two views share, it carries twice."""
        return sum(param.answer_max for param in self.params)


# Most calls have few parameters or none: those that are nothing are known at a glance.
NO_PARAMS = Params()
_NOTHING = (
    _PARAMS.pack(0, 0) + _PARAM.pack(0, 0, client_numbers.NO_REGION) * client_numbers.PARAMS
)  # fmt: skip


class Outcome(NamedTuple):
    """What became of a parameter: a value, or a memory reference's new size `b` and its bytes.

    `data` may be shorter than the memory: what lies behind it did not change.
    """

    type: int = numbers.PARAM_TYPE_NONE
    a: int = 0
    b: int = 0
    data: bytes | memoryview = b""


_NO_OUTCOME = Outcome()
NO_OUTCOMES = (_NO_OUTCOME,) * client_numbers.PARAMS
_NO_ANSWER = _PARAMS.pack(0, 0) + _PARAM.pack(0, 0, 0) * client_numbers.PARAMS


def join(given: Iterable[Param] | Iterable[Outcome]) -> int:
    """Return the types of parameters in one word."""
    types = shift = 0
    for each in given:
        types |= each.type << shift
        shift += _TYPE_BITS
    return types


@lru_cache(maxsize=256)
def _split(types: int) -> tuple[int, ...]:
    found = tuple(
        types >> _TYPE_BITS * index & _TYPE_MASK for index in range(client_numbers.PARAMS)
    )
    if types >> _TYPE_BITS * client_numbers.PARAMS or not _TYPES.issuperset(found):
        raise WireError(f"parameter types {types:#x}")
    return found


def pack_params(params: Params) -> list[bytes]:
    """Return parameters and regions as they follow a request, in pieces."""
    if params is NO_PARAMS:
        return [_NOTHING]
    _check_params(params)
    out = [_PARAMS.pack(params.types, len(params.regions))]
    out += [_REGION.pack(region.size, region.flags, region.shift) for region in params.regions]
    for param in params.params:
        region = client_numbers.NO_REGION if param.region is None else param.region
        out.append(_PARAM.pack(param.a, param.b, region))
    out += [region.data for region in params.regions]
    return out


def unpack_params(body: bytes, at: int) -> Params:
    """Return the parameters that begin at `at` and fill the rest of a frame."""
    if len(body) - at == len(_NOTHING) and body[at:] == _NOTHING:
        return NO_PARAMS
    types, count = _PARAMS.unpack_from(body, at)
    if count > client_numbers.REGIONS_MAX:
        raise WireError(f"{count} regions; {client_numbers.REGIONS_MAX} at most")
    at += _PARAMS.size
    shapes = [_REGION.unpack_from(body, at + _REGION.size * index) for index in range(count)]
    at += _REGION.size * count
    params = []
    for index, kind in enumerate(_split(types)):
        a, b, region = _PARAM.unpack_from(body, at + _PARAM.size * index)
        params.append(Param(kind, a, b, None if region == client_numbers.NO_REGION else region))
    at += _PARAM.size * client_numbers.PARAMS
    regions = []
    for size, flags, shift in shapes:
        end = at + size if flags & client_numbers.REGION_IN else at
        regions.append(Region(size, flags, shift, body[at:end]))
        at = end
    if at != len(body):
        raise WireError(f"regions that end at {at} in a frame of {len(body)} bytes")
    found = Params(tuple(params), tuple(regions))
    _check_params(found)
    return found


def _check_params(params: Params) -> None:
    given, regions = params
    if len(given) != client_numbers.PARAMS or len(regions) > client_numbers.REGIONS_MAX:
        raise WireError(f"{len(given)} parameters in {len(regions)} regions")
    flags = [0] * len(regions)
    answer = 0
    for param in given:
        if param != _NO_PARAM:
            answer += _check_param(param, regions, flags)
    if answer > client_numbers.DATA_MAX:
        raise WireError(f"more than {client_numbers.DATA_MAX} bytes of memory in the answer")
    if regions:
        _check_regions(regions, flags)


def _check_param(param: Param, regions: tuple[Region, ...], flags: list[int]) -> int:
    """Check a parameter, note how its region is used, and return what its answer may carry."""
    kind, a, b, region = param
    direction = _DIRECTIONS.get(kind)
    if direction is None:
        _check_value(param)
        return 0
    if region is None:
        if a or b:
            raise WireError(f"a NULL reference with offset {a} and size {b}")
        return 0
    if not 0 <= region < len(regions):
        raise WireError(f"a reference to region {region} of {len(regions)}")
    if min(a, b) < 0 or a + b > regions[region].size:
        raise WireError(f"a reference outside its region: offset {a}, size {b}")
    flags[region] |= direction
    return b if direction & client_numbers.REGION_OUT else 0


def _check_value(param: Param) -> None:
    if param.type not in _TYPES:
        raise WireError(f"a parameter of type {param.type}")
    nothing = (numbers.PARAM_TYPE_NONE, numbers.PARAM_TYPE_VALUE_OUTPUT)
    limit = 0 if param.type in nothing else 0xFFFFFFFF
    if param.region is not None or max(param.a, param.b) > limit or min(param.a, param.b) < 0:
        raise WireError(f"a parameter {param}")


def _check_regions(regions: tuple[Region, ...], flags: list[int]) -> None:
    total = 0
    for (size, flag, shift, data), used in zip(regions, flags, strict=True):
        if not used or flag != used:
            raise WireError(f"a region with flags {flag:#x}, used with {used:#x}")
        if not 0 <= shift < client_numbers.PAGE:
            raise WireError(f"a region with shift {shift:#x}")
        if len(data) != (size if used & client_numbers.REGION_IN else 0):
            raise WireError(f"{len(data)} bytes for a region of {size}")
        total += size
    if total > client_numbers.DATA_MAX:
        raise WireError(f"more than {client_numbers.DATA_MAX} bytes of memory in a call")


def pack_result(
    result: int, origin: int, session: int, outcomes: tuple[Outcome, ...]
) -> list[bytes | memoryview]:
    """Return the body of an answer, in pieces."""
    if outcomes is NO_OUTCOMES:
        return [_RESULT.pack(result, origin, session, 0), _NO_ANSWER]
    _check_outcomes(outcomes)
    out: list[bytes | memoryview] = [_RESULT.pack(result, origin, session, 0)]
    out.append(_PARAMS.pack(join(outcomes), 0))
    out += [_PARAM.pack(outcome.a, outcome.b, len(outcome.data)) for outcome in outcomes]
    out += [outcome.data for outcome in outcomes]
    return out


def unpack_result(body: bytes) -> tuple[int, int, int, tuple[Outcome, ...]]:
    """Return result, origin, session and outcomes of an answer."""
    result, origin, session, reserved = _RESULT.unpack_from(body)
    types, regions = _PARAMS.unpack_from(body, _RESULT.size)
    expect_zero(reserved or regions)
    if not numbers.ORIGIN_API <= origin <= numbers.ORIGIN_TRUSTED_APP:
        raise WireError(f"a result of origin {origin}")
    if body[_RESULT.size :] == _NO_ANSWER:
        return result, origin, session, NO_OUTCOMES
    at = _RESULT.size + _PARAMS.size
    data = at + _PARAM.size * client_numbers.PARAMS
    outcomes = []
    for kind in _split(types):
        a, b, size = _PARAM.unpack_from(body, at)
        at += _PARAM.size
        outcomes.append(Outcome(kind, a, b, body[data : data + size]))
        data += size
    if data != len(body):
        raise WireError(f"outcomes that end at {data} in a frame of {len(body)} bytes")
    _check_outcomes(outcomes)
    return result, origin, session, tuple(outcomes)


def _check_outcomes(outcomes: Iterable[Outcome]) -> None:
    count = 0
    for outcome in outcomes:
        count += 1
        if outcome == _NO_OUTCOME:
            continue
        memory = outcome.type in _DIRECTIONS
        output = outcome.type in OUTPUTS
        if outcome.type not in _TYPES:
            raise WireError(f"an outcome of type {outcome.type}")
        if outcome.data and not (memory and output):
            raise WireError(f"bytes for a parameter of type {outcome.type}")
        limit = 0xFFFFFFFF if output and not memory else 0
        if not 0 <= outcome.a <= limit or not ((memory and output) or 0 <= outcome.b <= limit):
            raise WireError(f"values for a parameter of type {outcome.type}")
    if count != client_numbers.PARAMS:
        raise WireError(f"{count} outcomes")


def expect_zero(value: int) -> None:
    """Check that a reserved member is zero."""
    if value:
        raise WireError(f"{value:#x} where there must be zero")
