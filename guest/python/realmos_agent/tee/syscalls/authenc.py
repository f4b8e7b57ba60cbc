# SPDX-License-Identifier: BSD-3-Clause
"""Calls 34 to 38: authenticated encryption."""

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto.operation import State
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.syscalls.states import begun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext
    from realmos_agent.tee.crypto.aead import AeadState


def _state(ta: "TaContext", handle: int) -> "AeadState":
    from realmos_agent.tee.crypto.aead import AeadState

    state = ta.handles.get(handle, State)
    if not isinstance(state, AeadState):
        raise TeeError(numbers.ERROR_BAD_STATE)
    return state


def authenc_init(
    ta: "TaContext", state: int, nonce: bytes, tag_size: int, aad_size: int, payload_size: int
) -> None:
    """Begin a message."""
    held = _state(ta, state)
    held.init(nonce, tag_size, aad_size, payload_size)
    begun(ta, state, held)


def authenc_update_aad(ta: "TaContext", state: int, aad: bytes) -> None:
    """Take data that is authenticated only."""
    _state(ta, state).update_aad(aad)


def authenc_update_payload(ta: "TaContext", state: int, data: bytes, capacity: int) -> bytes:
    """Take more of a message."""
    return _state(ta, state).update(data, capacity)


def authenc_enc_final(
    ta: "TaContext", state: int, data: bytes, capacity: int, tag_capacity: int
) -> tuple[bytes, bytes]:
    """Take the rest of a message; return what comes of it, and the tag."""
    return _state(ta, state).enc_final(data, capacity, tag_capacity)


def authenc_dec_final(ta: "TaContext", state: int, data: bytes, capacity: int, tag: bytes) -> bytes:
    """Take the rest of a message; check its tag."""
    return _state(ta, state).dec_final(data, capacity, tag)


HANDLERS = {
    numbers.CALL_AUTHENC_INIT: authenc_init,
    numbers.CALL_AUTHENC_UPDATE_AAD: authenc_update_aad,
    numbers.CALL_AUTHENC_UPDATE_PAYLOAD: authenc_update_payload,
    numbers.CALL_AUTHENC_ENC_FINAL: authenc_enc_final,
    numbers.CALL_AUTHENC_DEC_FINAL: authenc_dec_final,
}
