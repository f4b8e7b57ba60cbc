# SPDX-License-Identifier: BSD-3-Clause
"""Everything that a user can choose about a machine."""

from dataclasses import dataclass
from pathlib import Path

from realmos.anchor import AnchorChoice
from realmos.attest import Policy
from realmos.realm import RealmConfig

BOOT_TIMEOUT = 300.0
"""Seconds after which a boot is given up: a safety net, some fifty times what it takes."""


@dataclass(frozen=True)
class Options:
    """Everything that shapes a machine.

    Args:
        image: name of an image recipe.
        realms: one configuration per realm.
        rmm: an RMM image to use instead of ours.
        bl33: a normal-world image to use instead of the monitor.
        anchor: what the machine's platform tokens are signed with.
        gdb: TCP port for QEMU's gdb stub; the machine then starts halted.
        boot_timeout: seconds to wait for the first answer.
        counting: have the machine's clock count instructions, each a nanosecond; such a machine is
            booted, and one of its PEs runs at a time.
        cold: boot even when there is a snapshot, and leave none.
        probe_isolation: have the monitor attack realm 0.
        plain: talk to agents outside TLS, which whoever is in between can read and change.
        policy: what realms must show to be, in place of what was built here. Its REMs count once
            there is something that they have measured, not before.
        verify: refuse a realm that its token does not show to be so.
    """

    image: str = "linux"
    realms: tuple[RealmConfig, ...] = (RealmConfig(),)
    rmm: Path | None = None
    bl33: Path | None = None
    anchor: AnchorChoice = "development"
    gdb: int | None = None
    boot_timeout: float = BOOT_TIMEOUT
    counting: bool = False
    cold: bool = False
    probe_isolation: bool = False
    plain: bool = False
    policy: Policy | None = None
    verify: bool = True
