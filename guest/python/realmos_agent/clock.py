# SPDX-License-Identifier: BSD-3-Clause
"""The realm's wall clock, which has no chip to keep it: it tells what the peer says."""

import errno
import time

from realmos_agent.protocol import numbers

_NS_PER_S = 1_000_000_000


def set_clock(time_ns: int) -> None:
    """Set CLOCK_REALTIME to `time_ns`, nanoseconds since the epoch, UTC.

    The bounds keep out nonsense, and what the kernel or Python cannot represent. They do not make
    the time true.

    Raises:
        OSError: the time is out of bounds, or the agent may not set the clock.
    """
    if not numbers.CLOCK_MIN_S <= time_ns // _NS_PER_S < numbers.CLOCK_END_S:
        years = [time.gmtime(s).tm_year for s in (numbers.CLOCK_MIN_S, numbers.CLOCK_END_S - 1)]
        text = "The time is not in {} to {}: set the build machine's clock".format(*years)
        raise OSError(errno.EINVAL, text)
    time.clock_settime_ns(time.CLOCK_REALTIME, time_ns)
