# SPDX-License-Identifier: BSD-3-Clause
"""What a realm is made of: its configuration, its population plan, and the RIM that follows."""

from realmos.realm._build import DEFAULT_MEMORY, HASHES, Realm, RealmConfig, build_realm
from realmos.realm._plan import Activate, Data, InitRipas, Plan, RealmParams, Rec, RttCreate
from realmos.realm._rim import initial_measurement

__all__ = [
    "DEFAULT_MEMORY",
    "HASHES",
    "Activate",
    "Data",
    "InitRipas",
    "Plan",
    "Realm",
    "RealmConfig",
    "RealmParams",
    "Rec",
    "RttCreate",
    "build_realm",
    "initial_measurement",
]
