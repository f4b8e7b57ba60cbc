# SPDX-License-Identifier: BSD-3-Clause
"""Requests of the tee wire as the core holds them, and its answers."""

from realmos_agent.tee import numbers, wire
from realmos_agent.tee.manager import Outcome
from realmos_agent.tee.params import Memref, Params, Region, Slot, Value, is_memref, is_value

_NO_PARAMS = Params()


def cost(message: wire.Request) -> int:
    """Return how many bytes of memory a request takes here until it is answered."""
    if isinstance(message, wire.Close) or message.params is wire.NO_PARAMS:
        return 0
    regions = message.params.regions
    held = sum(region.size + len(region.data) for region in regions)
    return held + message.params.answer_max


def parameters(given: wire.Params) -> Params:
    """Return a client's parameters as the core holds them.

    Raises:
        TeeError: they make no sense.
    """
    if given is wire.NO_PARAMS:
        return _NO_PARAMS
    regions = [Region(region.data or region.size, shift=region.shift) for region in given.regions]
    slots: list[Slot] = []
    for param in given.params:
        if is_value(param.type):
            slots.append(Value(param.a, param.b))
        elif is_memref(param.type):
            region = None if param.region is None else regions[param.region]
            slots.append(Memref(region, param.a, param.b))
        else:
            slots.append(None)
    return Params(given.types, tuple(slots))


def region_order(given: wire.Params) -> list[int]:
    """Return which of a request's regions its parameters have, in the order of those."""
    return list(dict.fromkeys(each.region for each in given.params if each.region is not None))


def reply(message: wire.Request, outcome: Outcome, params: Params | None) -> wire.Message:
    """Return the answer to a request."""
    client, request = message.client, message.request
    if isinstance(message, wire.Close):
        return wire.Closed(client, request)
    # What the TEE itself refuses has changed nothing of the client's memory.
    told = params is not None and outcome.origin == numbers.ORIGIN_TRUSTED_APP
    outcomes = _outcomes(params) if params is not None and told else wire.NO_OUTCOMES
    if isinstance(message, wire.Invoke):
        return wire.Invoked(client, request, outcome.result, outcome.origin, outcomes)
    session = 0 if outcome.session is None else outcome.session.id
    return wire.Opened(client, request, outcome.result, outcome.origin, session, outcomes)


def _outcomes(params: Params) -> tuple[wire.Outcome, ...]:
    if not params.types:
        return wire.NO_OUTCOMES
    found = []
    for index, slot in enumerate(params.slots):
        kind = params.kind(index)
        if not params.is_output(index):
            found.append(wire.Outcome(kind))
        elif isinstance(slot, Value):
            found.append(wire.Outcome(kind, slot.a, slot.b))
        else:
            memref = params.memref(index)
            found.append(wire.Outcome(kind, 0, memref.size, memref.answer))
    return tuple(found)
