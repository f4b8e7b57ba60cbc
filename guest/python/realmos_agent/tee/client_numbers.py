# SPDX-License-Identifier: BSD-3-Clause
"""Tee wire: between a client's libteec, the hub of the build machine and the TEE core.

Generated from the ABI table tee_client: do not edit.
"""

# wire
MAGIC = 0x57454554
LENGTH_MAX = 0x4001000
DATA_MAX = 0x4000000
PARAMS = 4
REGIONS_MAX = 4
NO_REGION = 0xFFFFFFFFFFFFFFFF
PAGE = 0x1000

# kind
KIND_OPEN = 1
KIND_INVOKE = 2
KIND_CANCEL = 3
KIND_CLOSE = 4
KIND_GONE = 5
KIND_OPENED = 0x11
KIND_INVOKED = 0x12
KIND_CLOSED = 0x13

# region
REGION_IN = 1
REGION_OUT = 2

# Header
HEADER_FORMAT = "<IIHHIQ"
HEADER_SIZE = 0x18

# Open
OPEN_FORMAT = "<16s16sII"
OPEN_SIZE = 0x28

# Invoke
INVOKE_FORMAT = "<II"
INVOKE_SIZE = 8

# Cancel
CANCEL_FORMAT = "<Q"
CANCEL_SIZE = 8

# Close
CLOSE_FORMAT = "<II"
CLOSE_SIZE = 8

# Opened
RESULT_FORMAT = "<IIII"
RESULT_SIZE = 0x10

# Params
PARAMS_FORMAT = "<II"
PARAMS_SIZE = 8

# Region
REGION_FORMAT = "<QII"
REGION_SIZE = 0x10

# Param
PARAM_FORMAT = "<QQQ"
PARAM_SIZE = 0x18
