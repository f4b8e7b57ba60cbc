# SPDX-License-Identifier: BSD-3-Clause
"""OP-TEE Trusted Applications, seen from the build machine: building, looking at, calling them."""

from realmos.tee.attested import realm_tee
from realmos.tee.build import BuiltTa, TaSource, build_ta, find_source
from realmos.tee.build_client import ClientSource, build_client, find_client_source
from realmos.tee.client import Call, Context, Session
from realmos.tee.devkit import DevKit, find_client_headers, find_dev_kit, open_dev_kit
from realmos.tee.hub import Hub
from realmos.tee.inside import with_client
from realmos.tee.inspect import Inspection, Program, Signer, inspect_ta, read_keys
from realmos.tee.libteec import SOCKET_VARIABLE, Libteec, build_libteec
from realmos.tee.local import find_applications, local_tee
from realmos.tee.parameters import (
    INOUT,
    INPUT,
    OUTPUT,
    Direction,
    Memory,
    Null,
    SharedMemory,
    Value,
    buffer,
)
from realmos.tee.realm import RealmCore, tee_workload
from realmos.tee.storage import Keeping
from realmos.tee.testset import OpteeTests, find_optee_tests

__all__ = [
    "INOUT",
    "INPUT",
    "OUTPUT",
    "SOCKET_VARIABLE",
    "BuiltTa",
    "Call",
    "ClientSource",
    "Context",
    "DevKit",
    "Direction",
    "Hub",
    "Inspection",
    "Keeping",
    "Libteec",
    "Memory",
    "Null",
    "OpteeTests",
    "Program",
    "RealmCore",
    "Session",
    "SharedMemory",
    "Signer",
    "TaSource",
    "Value",
    "buffer",
    "build_client",
    "build_libteec",
    "build_ta",
    "find_applications",
    "find_client_headers",
    "find_client_source",
    "find_dev_kit",
    "find_optee_tests",
    "find_source",
    "inspect_ta",
    "local_tee",
    "open_dev_kit",
    "read_keys",
    "realm_tee",
    "tee_workload",
    "with_client",
]
