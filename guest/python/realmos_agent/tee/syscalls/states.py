# SPDX-License-Identifier: BSD-3-Clause
"""Calls 15 to 17: states of cryptographic operations, made, copied and freed."""

from functools import partial

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto import given, operation
from realmos_agent.tee.crypto.objects import TransientObject
from realmos_agent.tee.crypto.operation import State
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext


def cryp_state_alloc(ta: "TaContext", algorithm: int, mode: int, key1: int, key2: int) -> int:
    """Make a state. It owns its key objects: they are in use, and end with it."""
    keys = [
        ta.handles.get(handle, TransientObject, numbers.ERROR_BAD_STATE) if handle else None
        for handle in (key1, key2)
    ]
    if key1 and key1 == key2:
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    state = operation.create(algorithm, mode, *keys)
    state.key_handles = tuple(handle for handle in (key1, key2) if handle)
    made = ta.handles.add(state)
    for key in keys:
        if key is not None:
            key.busy = True
    return made


def cryp_state_copy(ta: "TaContext", target: int, source: int) -> None:
    """Have a state go on where another one of the same algorithm and mode stands."""
    to = ta.handles.get(target, State)
    of = ta.handles.get(source, State)
    if (to.algorithm, to.mode) != (of.algorithm, of.mode):
        raise TeeError(numbers.ERROR_BAD_PARAMETERS)
    if to is not of:
        to.copy_from(of)


def cryp_state_free(ta: "TaContext", handle: int) -> None:
    """Forget a state and its keys."""
    state = ta.handles.drop(handle, State)
    for key in state.key_handles:
        ta.handles.drop(key, TransientObject).close()


def begun(ta: "TaContext", handle: int, state: State) -> None:
    """Have the TA's runner go on with a state that begins, if the TA may read its key.

    The runner may have no place for it: then calls for it go on coming here.
    """
    key = given.key_for_runner(state)
    if key is None:
        return
    ta.give_state(handle, state.algorithm, state.mode, key)
    if state.key1 is not None:
        state.key1.on_change = partial(ta.take_key, handle)


HANDLERS = {
    numbers.CALL_CRYP_STATE_ALLOC: cryp_state_alloc,
    numbers.CALL_CRYP_STATE_COPY: cryp_state_copy,
    numbers.CALL_CRYP_STATE_FREE: cryp_state_free,
}
