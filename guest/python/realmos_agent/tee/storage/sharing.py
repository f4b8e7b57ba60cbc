# SPDX-License-Identifier: BSD-3-Clause
"""Who has an object open: GlobalPlatform's rules of sharing, as OP-TEE reads them."""

from realmos_agent.tee import numbers as n
from realmos_agent.tee.errors import TeeError

_SHARES = n.DATA_FLAG_SHARE_READ | n.DATA_FLAG_SHARE_WRITE
_ACCESSES = (
    (n.DATA_FLAG_ACCESS_READ, n.DATA_FLAG_SHARE_READ),
    (n.DATA_FLAG_ACCESS_WRITE, n.DATA_FLAG_SHARE_WRITE),
)


def check(held: int, wanted: int) -> None:
    """Refuse to open an object with some flags that is open with others.

    Raises:
        TeeError: ACCESS_CONFLICT.
    """
    if (held | wanted) & n.DATA_FLAG_ACCESS_WRITE_META or (held ^ wanted) & _SHARES:
        raise TeeError(n.ERROR_ACCESS_CONFLICT)
    for access, share in _ACCESSES:
        if (held | wanted) & access and not held & wanted & share:
            raise TeeError(n.ERROR_ACCESS_CONFLICT)
