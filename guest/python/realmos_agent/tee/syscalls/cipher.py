# SPDX-License-Identifier: BSD-3-Clause
"""Calls 21 to 23: ciphers."""

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto.operation import State
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.syscalls.states import begun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext
    from realmos_agent.tee.crypto.cipher import CipherState


def _state(ta: "TaContext", handle: int) -> "CipherState":
    from realmos_agent.tee.crypto.cipher import CipherState

    state = ta.handles.get(handle, State)
    if not isinstance(state, CipherState):
        raise TeeError(numbers.ERROR_BAD_STATE)
    return state


def cipher_init(ta: "TaContext", state: int, iv: bytes) -> None:
    """Begin a stream."""
    held = _state(ta, state)
    held.init(iv)
    begun(ta, state, held)


def cipher_update(ta: "TaContext", state: int, data: bytes, capacity: int) -> bytes:
    """Take some more of a stream."""
    return _state(ta, state).update(data, capacity)


def cipher_final(ta: "TaContext", state: int, data: bytes, capacity: int) -> bytes:
    """Take the last of a stream."""
    return _state(ta, state).update(data, capacity, last=True)


HANDLERS = {
    numbers.CALL_CIPHER_INIT: cipher_init,
    numbers.CALL_CIPHER_UPDATE: cipher_update,
    numbers.CALL_CIPHER_FINAL: cipher_final,
}
