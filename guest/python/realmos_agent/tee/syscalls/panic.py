# SPDX-License-Identifier: BSD-3-Clause
"""TEE_Panic."""

from typing import NoReturn

from realmos_agent.tee import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext


def panic(ta: "TaContext", code: int, stack: int) -> NoReturn:
    """End the TA."""
    ta.panic(code)


HANDLERS = {numbers.CALL_PANIC: panic}
