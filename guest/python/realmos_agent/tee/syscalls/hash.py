# SPDX-License-Identifier: BSD-3-Clause
"""Calls 18 to 20: digests and MACs."""

from realmos_agent.tee import numbers
from realmos_agent.tee.crypto.operation import HashingState
from realmos_agent.tee.syscalls.states import begun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext


def hash_init(ta: "TaContext", state: int, iv: bytes) -> None:
    """Begin a message."""
    held = ta.handles.get(state, HashingState)
    held.init()
    begun(ta, state, held)


def hash_update(ta: "TaContext", state: int, chunk: bytes) -> None:
    """Take more of a message; nothing at all is right whatever the state."""
    if chunk:
        ta.handles.get(state, HashingState).update(chunk)


def hash_final(ta: "TaContext", state: int, chunk: bytes, capacity: int) -> bytes:
    """Take the rest of a message; return its digest or MAC."""
    return ta.handles.get(state, HashingState).final(chunk, capacity)


HANDLERS = {
    numbers.CALL_HASH_INIT: hash_init,
    numbers.CALL_HASH_UPDATE: hash_update,
    numbers.CALL_HASH_FINAL: hash_final,
}
