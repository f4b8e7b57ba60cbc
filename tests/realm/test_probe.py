# SPDX-License-Identifier: BSD-3-Clause
"""The Normal world against a realm: the monitor attacks realm 0 on purpose and destroys pages."""

import re
from typing import TYPE_CHECKING

import pytest
import realmos_abi

if TYPE_CHECKING:
    from tests.realm.conftest import Outcome, PayloadMachine

pytestmark = pytest.mark.qemu

MONITOR = realmos_abi.load("monitor")
PLATFORM = realmos_abi.load("platform")
RMI = realmos_abi.load("rmi")
RSI = realmos_abi.load("rsi")

SPARE, RELEASED, SURVIVOR = range(3)

EC_DATA = 0x25
FSC_GRANULE_PROTECTION = 0x28
SPARE_IPA = 2 * PLATFORM["REALM_SHARED_BIT"] - RMI["GRANULE_SIZE"]
UNTOUCHED = 0x4E4F4E4554484552  # what payload.h leaves where nothing was read


@pytest.fixture(scope="module")
def outcome(payload_machine: "PayloadMachine") -> "Outcome":
    """Run three realms; the last goes on when the one beside it has been killed."""
    with payload_machine("spare", "released", "survivor", probe_isolation=True) as run:
        run.wait_told(SURVIVOR, "ready")
        run.wait_for("MON: realm 1 released: killed")
        run.send(SURVIVOR)
        return run.finish()


def test_the_normal_world_cannot_touch_a_realm(outcome: "Outcome") -> None:
    probe = [line.removeprefix("MON: probe: ") for line in outcome.lines if ": probe: " in line]
    *attacks, returned = probe
    assert attacks == [
        "read of realm page faulted",
        "write of realm page faulted",
        "RMI with garbage arguments refused",
        "RMI with garbage arguments changed nothing",
        # The RMM does not look at what is mapped as unprotected: it is of no use to anybody.
        f"RTT_MAP_UNPROTECTED of realm page at ipa {SPARE_IPA:#x}: RMI_SUCCESS",
        "read of realm page after mapping it unprotected faulted",
    ]
    found = re.fullmatch(r"destroyed realm's memory reads zero \((\d+) pages\)", returned)
    assert found, returned
    assert int(found[1]) > len(outcome.realms)


def test_a_realms_page_mapped_as_shared_serves_nobody(outcome: "Outcome") -> None:
    for access in ("read", "write"):
        assert outcome.value(SPARE, f"{access} came through") == 0
        syndrome = outcome.value(SPARE, access)
        assert (syndrome >> 26, syndrome & 0x3F) == (EC_DATA, FSC_GRANULE_PROTECTION)
    assert outcome.value(SPARE, "read value") == UNTOUCHED
    assert outcome.value(SPARE, "faults") == 2


def test_a_realm_that_was_attacked_runs_on(outcome: "Outcome") -> None:
    assert "MON: realm 0 spare: off" in outcome.lines
    active = [line.split()[-1] for line in outcome.lines if " active: rim " in line]
    assert active == [realm.rim.hex() for realm in outcome.realms]


def test_a_destroyed_page_is_destroyed_to_its_realm(outcome: "Outcome") -> None:
    assert outcome.values(RELEASED)["release"] == [MONITOR["MONITOR_CALL_OK"]] * 2
    assert outcome.value(RELEASED, "state") == RMI["RMI_RIPAS_DESTROYED"]


def test_destroyed_memory_comes_back_with_the_realms_consent_alone_and_empty(
    outcome: "Outcome",
) -> None:
    values = outcome.values(RELEASED)
    assert values["change without consent"] == [RSI["RSI_SUCCESS"]]
    assert values["change with consent"] == [RSI["RSI_SUCCESS"]]
    assert values["bytes changed"] == [0, RMI["GRANULE_SIZE"]]
    assert values["response"] == [RSI["RSI_REJECT"], RSI["RSI_ACCEPT"]]
    assert values["read after consent"] == [1]
    assert values["value"] == [0]


def test_a_realm_that_touches_destroyed_memory_ends_before_it_sees_data(
    outcome: "Outcome",
) -> None:
    ipa = outcome.value(RELEASED, "touching")
    reason = f"touched ipa {ipa:#x}, whose content was destroyed"
    assert f"MON: realm 1 released: killed: vCPU 0 {reason}" in outcome.lines
    assert outcome.told(RELEASED)[-1] == f"touching {ipa:#x}"


def test_pages_that_are_not_the_realms_cannot_be_released(outcome: "Outcome") -> None:
    for name in ("release of no page", "release unaligned"):
        assert outcome.value(RELEASED, name) == MONITOR["MONITOR_CALL_INVALID"] % (1 << 64)


def test_the_realm_beside_a_killed_one_goes_on(outcome: "Outcome") -> None:
    killed = next(n for n, line in enumerate(outcome.lines) if "released: killed" in line)
    assert outcome.lines.index("MON: realm 2 uart: alive") > killed
    assert outcome.received[SURVIVOR] == b"!"
    assert "MON: realm 2 survivor: off" in outcome.lines


def test_the_machines_status_says_that_a_realm_failed(outcome: "Outcome") -> None:
    assert outcome.status == MONITOR["MONITOR_STATUS_FAILED"]
