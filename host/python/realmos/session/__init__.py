# SPDX-License-Identifier: BSD-3-Clause
"""The whole way from options to realms that answer: composition for the CLI and the plugin."""

from realmos.session._boot import Session, running
from realmos.session._evidence import Evidence
from realmos.session._options import BOOT_TIMEOUT, Options
from realmos.session._prepare import Prepared, prepare
from realmos.session._trust import Attested

__all__ = [
    "BOOT_TIMEOUT",
    "Attested",
    "Evidence",
    "Options",
    "Prepared",
    "Session",
    "prepare",
    "running",
]
