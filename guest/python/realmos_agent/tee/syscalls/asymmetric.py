# SPDX-License-Identifier: BSD-3-Clause
"""System calls with asymmetric keys and of derivation: 32, 39 and 40."""

from collections.abc import Callable

from realmos_agent.tee import numbers as n
from realmos_agent.tee.context import TaContext
from realmos_agent.tee.crypto.asymmetric import AsymmetricState
from realmos_agent.tee.crypto.derive import DeriveState
from realmos_agent.tee.crypto.objects import Attributes, TransientObject
from realmos_agent.tee.crypto.operation import State
from realmos_agent.tee.errors import ShortBuffer, TeeError

__all__ = ["HANDLERS"]


def _asymmetric(ta: TaContext, handle: int) -> AsymmetricState:
    state = ta.handles.get(handle, State)
    if not isinstance(state, AsymmetricState):
        raise TeeError(n.ERROR_BAD_PARAMETERS)
    return state


def derive_key(ta: TaContext, handle: int, params: Attributes, derived: int) -> list[bytes]:
    """Derive a key into an object."""
    state = ta.handles.get(handle, State)
    target = ta.handles.get(derived, TransientObject, n.ERROR_BAD_STATE)
    if not isinstance(state, DeriveState):
        raise TeeError(n.ERROR_NOT_SUPPORTED)
    return state.derive(params, target)


def operate(ta: TaContext, handle: int, params: Attributes, source: bytes, capacity: int) -> bytes:
    """Encrypt, decrypt or sign."""
    state = _asymmetric(ta, handle)
    if state.result_size() > capacity:
        raise ShortBuffer(state.result_size())
    result = state.operate(params, source)
    if len(result) > capacity:
        raise ShortBuffer(len(result))
    return result


def verify(ta: TaContext, handle: int, params: Attributes, data: bytes, signature: bytes) -> None:
    """Check a signature."""
    _asymmetric(ta, handle).verify(params, data, signature)


HANDLERS: dict[int, Callable[..., object]] = {
    n.CALL_CRYP_DERIVE_KEY: derive_key,
    n.CALL_ASYMM_OPERATE: operate,
    n.CALL_ASYMM_VERIFY: verify,
}
