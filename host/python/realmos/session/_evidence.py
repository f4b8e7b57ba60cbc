# SPDX-License-Identifier: BSD-3-Clause
"""What is known about a realm: what its RMM printed, and what was predicted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from realmos.errors import AttestationError
from realmos.firmware import Flash
from realmos.machine import Machine
from realmos.realm import Realm

_READY = re.compile(r"^RMM: ready: RMI (\S+) RSI (\S+)")
_ACTIVE = re.compile(r"^RMM: realm (\d+) active: rim (\S+) ([0-9a-f]+)")


@dataclass(frozen=True)
class Evidence:
    """What is known about the first realm and what it runs on.

    `restored`: the machine came from a snapshot; the RMM printed its RIM when what was saved had
    booted. `rim` and the versions are empty when the RMM prints none (one that was brought in).
    """

    rmm_sha256: str
    rmm_origin: str
    rmi_version: str
    rsi_version: str
    hash_algorithm: str
    rim: str
    predicted_rim: str
    seconds_to_answer: float
    restored: bool

    @property
    def rim_matches(self) -> bool | None:
        """Whether the RMM's RIM is the predicted one; None when it did not say."""
        return self.rim == self.predicted_rim if self.rim else None


def check(machine: Machine, flash: Flash, realms: Sequence[Realm]) -> None:
    """Compare the RIM that the RMM printed for each realm with the predicted one.

    An RMM that was brought in may print none; ours prints one for each realm, in order.

    Raises:
        AttestationError: they differ, or ours printed none.
    """
    machine.poll_consoles()
    found = (_ACTIVE.match(line) for line in machine.watch.lines)
    measured = [match[3] for match in found if match]
    if not measured and flash.rmm.brought:
        return
    for number, realm in enumerate(realms):
        rim = measured[number] if number < len(measured) else "none printed"
        if rim != realm.rim.hex():
            raise AttestationError(
                f"the initial measurement of realm {number} is not the predicted one\n"
                f"  measured  {rim}\n  predicted {realm.rim.hex()}",
                hint="the monitor or the image was changed on its way: do not trust this realm",
            )


def gather(
    machine: Machine, flash: Flash, realm: Realm, *, seconds: float, restored: bool
) -> Evidence:
    """Return what the consoles and the predictor say about a machine's first realm.

    Args:
        machine: it runs.
        flash: its firmware.
        realm: its first realm.
        seconds: from QEMU's start to the first answer.
        restored: whether it came from a snapshot.
    """
    ready = _first(_READY, machine)
    active = _first(_ACTIVE, machine)
    return Evidence(
        rmm_sha256=flash.rmm.sha256,
        rmm_origin=flash.rmm.origin,
        rmi_version=ready[1] if ready else "",
        rsi_version=ready[2] if ready else "",
        hash_algorithm=realm.config.hash_algorithm,
        rim=active[3] if active else "",
        predicted_rim=realm.rim.hex(),
        seconds_to_answer=seconds,
        restored=restored,
    )


def _first(pattern: re.Pattern[str], machine: Machine) -> re.Match[str] | None:
    """Return the first match: what a realm prints comes later, and behind the monitor's prefix."""
    machine.poll_consoles()
    return next((found for line in machine.watch.lines if (found := pattern.match(line))), None)
