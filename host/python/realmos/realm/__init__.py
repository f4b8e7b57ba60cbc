# SPDX-License-Identifier: BSD-3-Clause
"""What a realm is made of: its configuration, its population plan, and the RIM that follows."""

from realmos.realm._account import Account, Line, SourceFile, account, read_account, summary
from realmos.realm._build import DEFAULT_MEMORY, HASHES, Realm, RealmConfig, build_realm
from realmos.realm._compare import Comparison, FileDifference, compare
from realmos.realm._plan import Activate, Data, InitRipas, Plan, RealmParams, Rec, RttCreate
from realmos.realm._rim import initial_measurement
from realmos.realm._workload import (
    Workload,
    encoded_events,
    extended_measurement,
    show_event,
    workload_events,
)

__all__ = [
    "DEFAULT_MEMORY",
    "HASHES",
    "Account",
    "Activate",
    "Comparison",
    "Data",
    "FileDifference",
    "InitRipas",
    "Line",
    "Plan",
    "Realm",
    "RealmConfig",
    "RealmParams",
    "Rec",
    "RttCreate",
    "SourceFile",
    "Workload",
    "account",
    "build_realm",
    "compare",
    "encoded_events",
    "extended_measurement",
    "initial_measurement",
    "read_account",
    "show_event",
    "summary",
    "workload_events",
]
