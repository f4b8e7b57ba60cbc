# SPDX-License-Identifier: BSD-3-Clause
"""The agent's description of its realm."""

import os
import sys
import time

from realmos_agent import __version__
from realmos_agent.kernel_log import rsi_version
from realmos_agent.protocol import Reported


def make_report(operation: int) -> Reported:
    """Return the answer to a Report."""
    uname = os.uname()
    memory = _meminfo()
    return Reported(
        id=operation,
        kernel=uname.release,
        machine=uname.machine,
        rsi=rsi_version(),
        python=sys.version.partition(" ")[0],
        agent=__version__,
        cpus=os.cpu_count() or 1,
        memory_total=memory.get("MemTotal", 0),
        memory_available=memory.get("MemAvailable", 0),
        uptime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
    )


def _meminfo() -> dict[str, int]:
    """Return the sizes in /proc/meminfo, in bytes."""
    sizes = {}
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, value = line.partition(":")
            number, _, unit = value.strip().partition(" ")
            if unit == "kB":
                sizes[name] = int(number) << 10
    return sizes
