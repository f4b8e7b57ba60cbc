# SPDX-License-Identifier: BSD-3-Clause
"""Cache maintenance (TEE_CacheClean and its like), which Debian's OP-TEE does not offer either.

The runner's process cannot name caches of other observers; no device of a realm bypasses them.
"""

from typing import NoReturn

from realmos_agent.tee import numbers
from realmos_agent.tee.errors import TeeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from realmos_agent.tee.context import TaContext


def cache_operation(ta: "TaContext", address: int, size: int, operation: int) -> NoReturn:
    """Refuse."""
    raise TeeError(numbers.ERROR_NOT_SUPPORTED)


HANDLERS = {numbers.CALL_CACHE_OPERATION: cache_operation}
