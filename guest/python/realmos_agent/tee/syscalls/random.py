# SPDX-License-Identifier: BSD-3-Clause
"""Random bytes. An intact runner serves them itself; the core does for one that does not."""

import os

from realmos_agent.tee import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext


def random_number_generate(ta: "TaContext", size: int) -> bytes:
    """Return `size` bytes of the kernel's generator."""
    return os.urandom(size)


HANDLERS = {numbers.CALL_CRYP_RANDOM_NUMBER_GENERATE: random_number_generate}
