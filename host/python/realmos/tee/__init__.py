# SPDX-License-Identifier: BSD-3-Clause
"""OP-TEE Trusted Applications, seen from the build machine: building, looking at, calling them."""

from realmos.tee.build import BuiltTa, TaSource, build_ta, find_source
from realmos.tee.devkit import DevKit, find_client_headers, find_dev_kit, open_dev_kit
from realmos.tee.inspect import Inspection, Program, Signer, inspect_ta, read_keys
from realmos.tee.testset import OpteeTests, find_optee_tests

__all__ = [
    "BuiltTa",
    "DevKit",
    "Inspection",
    "OpteeTests",
    "Program",
    "Signer",
    "TaSource",
    "build_ta",
    "find_client_headers",
    "find_dev_kit",
    "find_optee_tests",
    "find_source",
    "inspect_ta",
    "open_dev_kit",
    "read_keys",
]
