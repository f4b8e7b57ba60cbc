# SPDX-License-Identifier: BSD-3-Clause
"""The first program in a realm: says hello, and where it runs."""

import platform
import sys
from pathlib import Path

# The kernel makes this device when it has spoken RSI with the RMM, which only a realm can.
REALM_DEVICE = Path("/sys/devices/platform/arm-cca-dev")


def main() -> int:
    where = "a realm" if REALM_DEVICE.exists() else "no realm"
    print(f"Hello from {where}!")
    print(f"  kernel:    {platform.system()} {platform.release()} on {platform.machine()}")
    print(f"  Python:    {platform.python_version()}")
    print(f"  arguments: {' '.join(sys.argv[1:]) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
