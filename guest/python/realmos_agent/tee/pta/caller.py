# SPDX-License-Identifier: BSD-3-Clause
"""Who calls a pseudo TA."""

from realmos_agent.tee import numbers
from realmos_agent.tee.chain import Chain
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.instance import Instance


def calling_ta(chain: Chain) -> Instance:
    """Return the instance of the TA that calls.

    Raises:
        TeeError: a client does.
    """
    if chain.caller is None:
        raise TeeError(numbers.ERROR_ACCESS_DENIED)
    return chain.caller
