# SPDX-License-Identifier: BSD-3-Clause
"""The device /dev/realm-rsi: what programs in a realm ask of the RMM through the kernel.

Generated from the ABI table rsi_device: do not edit.
"""

# command
MEASUREMENT_READ = 0xC048CC01
MEASUREMENT_EXTEND = 0x4048CC02
CLAIM = 0xCC03
CONFIG = 0x8050CC04

# limits
RIM = 0
REM_FIRST = 1
REM_LAST = 4
VALUE_MAX = 0x40

# hash
SHA_256 = 0
SHA_512 = 1

# Measurement
MEASUREMENT_FORMAT = "<II64s"
MEASUREMENT_SIZE = 0x48

# Config
CONFIG_FORMAT = "<QQ64s"
CONFIG_SIZE = 0x50
