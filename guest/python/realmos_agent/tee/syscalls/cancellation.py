# SPDX-License-Identifier: BSD-3-Clause
"""Cancellation: whether the TA's caller wants it to give up, and whether the TA cares."""

from realmos_agent.tee import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext


def get_cancellation_flag(ta: "TaContext") -> int:
    """Tell whether to give up; never while that is masked."""
    return int(ta.session.cancellation.effective)


def unmask_cancellation(ta: "TaContext") -> int:
    """Begin to care; return whether it was masked."""
    return int(ta.session.cancellation.mask(masked=False))


def mask_cancellation(ta: "TaContext") -> int:
    """Cease to care; return whether it was masked."""
    return int(ta.session.cancellation.mask(masked=True))


HANDLERS = {
    numbers.CALL_GET_CANCELLATION_FLAG: get_cancellation_flag,
    numbers.CALL_UNMASK_CANCELLATION: unmask_cancellation,
    numbers.CALL_MASK_CANCELLATION: mask_cancellation,
}
