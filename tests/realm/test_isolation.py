# SPDX-License-Identifier: BSD-3-Clause
"""Realms that do what they should not: to their own addresses, to the RMM, to their neighbours.

One machine runs all of them at once; its payloads (tests/payloads) only report, and what they must
have met is asserted here.
"""

import hashlib
from typing import TYPE_CHECKING

import pytest
import realmos_abi

if TYPE_CHECKING:
    from tests.realm.conftest import Outcome, PayloadMachine

pytestmark = pytest.mark.qemu

PLATFORM = realmos_abi.load("platform")
RSI = realmos_abi.load("rsi")
SMCCC = realmos_abi.load("smccc")
MONITOR = realmos_abi.load("monitor")
VIRTIO = realmos_abi.load("virtio")

FAULTS, MISBEHAVE, MEASURE, MEASURE_512, HOSTILE, VICTIM, PROWLER = range(7)
ALGORITHMS = {MEASURE: "sha256", MEASURE_512: "sha512"}

EC_FETCH, EC_DATA = 0x21, 0x25
FSC_ADDRESS_SIZE, FSC_EXTERNAL = 0x00, 0x10
WORDS_IN_2_MIB = (2 << 20) // 8


def unsigned(value: int) -> int:
    return value & 0xFFFF_FFFF_FFFF_FFFF


@pytest.fixture(scope="module")
def outcome(payload_machine: "PayloadMachine") -> "Outcome":
    """Run them all; the attackers begin when their victim has marked its memory."""
    payloads = (
        "faults", "misbehave", "measure", ("measure", "sha-512"), "hostile", "victim", "prowler",
    )  # fmt: skip
    with payload_machine(*payloads) as run:
        run.wait_told(VICTIM, "ready")
        for attacker in (HOSTILE, PROWLER):
            run.send(attacker, bytes(64))  # one byte to begin, the others for stolen buffers
        for attacker in (HOSTILE, PROWLER):
            run.wait_told(attacker, "done")
        run.send(VICTIM)
        return run.finish()


def test_every_realm_powers_off_by_itself(outcome: "Outcome") -> None:
    assert outcome.status == 0
    for number, realm in enumerate(outcome.realms):
        assert f"MON: realm {number} {realm.config.name}: off" in outcome.lines
    assert not [line for line in outcome.lines if "panic" in line or "killed" in line]


@pytest.mark.parametrize(
    ("name", "exception", "status"),
    [
        ("read of an empty hole", EC_DATA, FSC_EXTERNAL),
        ("write to an empty hole", EC_DATA, FSC_EXTERNAL),
        ("fetch from an empty hole", EC_FETCH, FSC_EXTERNAL),
        ("read beyond RAM", EC_DATA, FSC_EXTERNAL),
        ("write beyond RAM", EC_DATA, FSC_EXTERNAL),
        ("shared read beyond RAM", EC_DATA, FSC_EXTERNAL),
        ("paired read of a device", EC_DATA, FSC_EXTERNAL),
        ("fetch from shared memory", EC_FETCH, FSC_EXTERNAL),
        ("read above the IPA width", EC_DATA, FSC_ADDRESS_SIZE),
        ("write above the IPA width", EC_DATA, FSC_ADDRESS_SIZE),
        ("fetch above the IPA width", EC_FETCH, FSC_ADDRESS_SIZE),
    ],
)
def test_an_address_that_is_not_there_is_an_abort(
    outcome: "Outcome", name: str, exception: int, status: int
) -> None:
    syndrome = outcome.value(FAULTS, name)
    assert (syndrome >> 26, syndrome & 0x3F) == (exception, status)


def test_a_realm_lives_on_after_every_abort(outcome: "Outcome") -> None:
    assert outcome.value(FAULTS, "faults") == 11
    assert "came through:" not in outcome.values(FAULTS)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("unknown RSI", SMCCC["SMCCC_NOT_SUPPORTED"]),
        ("RMI from a realm", SMCCC["SMCCC_NOT_SUPPORTED"]),
        ("call of EL3", SMCCC["SMCCC_NOT_SUPPORTED"]),
        ("unknown vendor call", SMCCC["SMCCC_NOT_SUPPORTED"]),
        ("yielding call", SMCCC["SMCCC_NOT_SUPPORTED"]),
        ("garbage FID", SMCCC["SMCCC_NOT_SUPPORTED"]),
        ("unknown host call", MONITOR["MONITOR_CALL_NOT_SUPPORTED"]),
        ("release outside a probe", MONITOR["MONITOR_CALL_INVALID"]),
        ("host call unaligned", RSI["RSI_ERROR_INPUT"]),
        ("host call shared", RSI["RSI_ERROR_INPUT"]),
        ("host call in a hole", RSI["RSI_ERROR_INPUT"]),
        ("host call nowhere", RSI["RSI_ERROR_INPUT"]),
        ("unknown PSCI", SMCCC["PSCI_NOT_SUPPORTED"]),
        ("CPU_ON of itself", SMCCC["PSCI_ALREADY_ON"]),
        ("CPU_ON of nobody", SMCCC["PSCI_INVALID_PARAMETERS"]),
        ("CPU_ON of garbage", SMCCC["PSCI_INVALID_PARAMETERS"]),
        ("CPU_ON in shared memory", SMCCC["PSCI_INVALID_ADDRESS"]),
        ("AFFINITY_INFO level 1", SMCCC["PSCI_INVALID_PARAMETERS"]),
        ("AFFINITY_INFO of nobody", SMCCC["PSCI_INVALID_PARAMETERS"]),
        ("PSCI_FEATURES of garbage", SMCCC["PSCI_NOT_SUPPORTED"]),
        ("CPU_SUSPEND of garbage", SMCCC["PSCI_SUCCESS"]),
        ("IPA state unaligned", RSI["RSI_ERROR_INPUT"]),
        ("IPA state top unaligned", RSI["RSI_ERROR_INPUT"]),
        ("IPA state empty range", RSI["RSI_ERROR_INPUT"]),
        ("IPA state backwards", RSI["RSI_ERROR_INPUT"]),
        ("IPA state shared", RSI["RSI_ERROR_INPUT"]),
        ("IPA state across halves", RSI["RSI_ERROR_INPUT"]),
        ("IPA state destroyed", RSI["RSI_ERROR_INPUT"]),
        ("IPA state garbage", RSI["RSI_ERROR_INPUT"]),
        ("IPA state nowhere", RSI["RSI_ERROR_INPUT"]),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(outcome: "Outcome", name: str, answer: int) -> None:
    assert outcome.value(MISBEHAVE, name) == unsigned(answer)


def test_the_monitor_refuses_ram_where_a_realm_has_none(outcome: "Outcome") -> None:
    assert outcome.value(MISBEHAVE, "device to RAM") == RSI["RSI_SUCCESS"]
    assert outcome.value(MISBEHAVE, "device to RAM reached") == PLATFORM["REALM_UART_BASE"]
    assert outcome.value(MISBEHAVE, "device to RAM response") == RSI["RSI_REJECT"]


def test_hvc_is_undefined_in_a_realm(outcome: "Outcome") -> None:
    assert outcome.value(MISBEHAVE, "HVC exceptions") == 1
    assert outcome.value(MISBEHAVE, "HVC") >> 26 == 0
    assert outcome.value(MISBEHAVE, "HVC return offset") == 0


def test_a_page_may_go_and_come_any_number_of_times_and_comes_empty(outcome: "Outcome") -> None:
    assert outcome.value(MISBEHAVE, "page back and forth") == 200


def test_a_realm_that_misbehaved_is_still_served(outcome: "Outcome") -> None:
    assert outcome.value(MISBEHAVE, "version") == RSI["RSI_SUCCESS"]


@pytest.mark.parametrize("realm", [MEASURE, MEASURE_512])
def test_a_realm_reads_the_rim_that_the_rmm_prints_and_the_predictor_predicts(
    outcome: "Outcome", realm: int
) -> None:
    rim = outcome.realms[realm].rim
    printed = [line.split()[-1] for line in outcome.lines if " active: rim " in line]
    assert slot(outcome, realm, "rim") == rim.ljust(64, b"\0")
    assert printed[realm] == rim.hex()


@pytest.mark.parametrize("realm", [MEASURE, MEASURE_512])
def test_extending_a_measurement_is_hashing(outcome: "Outcome", realm: int) -> None:
    def extended(old: bytes, value: bytes) -> bytes:
        return hashlib.new(ALGORITHMS[realm], old + value).digest()

    value = bytes(range(64))
    none = bytes(hashlib.new(ALGORITHMS[realm]).digest_size)
    expected = {
        "rem1": extended(none, value[:32]),
        "rem2": extended(extended(none, value), value[:5]),
        "rem3": none,
        "rem4": extended(none, b""),
    }
    for name, digest in expected.items():
        assert slot(outcome, realm, name) == digest.ljust(64, b"\0"), name
    assert outcome.values(realm)["extend"] == [RSI["RSI_SUCCESS"]] * 4
    assert outcome.values(realm)["read"] == [RSI["RSI_SUCCESS"]] * 5


@pytest.mark.parametrize("realm", [MEASURE, MEASURE_512])
@pytest.mark.parametrize(
    "name", ["extend of the RIM", "extend of a fifth", "extend by too much", "read of a fifth"]
)
def test_measurements_that_are_not_there_are_refused(
    outcome: "Outcome", realm: int, name: str
) -> None:
    assert outcome.value(realm, name) == RSI["RSI_ERROR_INPUT"]


def slot(outcome: "Outcome", realm: int, name: str) -> bytes:
    words = outcome.values(realm)[name]
    assert len(words) == 8
    return b"".join(word.to_bytes(8, "little") for word in words)


def test_a_realm_reaches_its_own_memory_and_devices_and_nothing_else(outcome: "Outcome") -> None:
    shared = PLATFORM["REALM_SHARED_BIT"]
    own = [
        PLATFORM["REALM_RAM_BASE"],
        shared + PLATFORM["REALM_GICD_BASE"],
        shared + PLATFORM["REALM_UART_BASE"],
        shared + PLATFORM["REALM_VIRTIO_BASE"],
        shared + PLATFORM["REALM_RAM_BASE"],
    ]
    assert outcome.values(PROWLER)["answers"] == own
    blocks = (1 << PLATFORM["REALM_IPA_WIDTH"]) >> 21
    assert outcome.value(PROWLER, "refused") == blocks - len(own)


def test_no_word_of_one_realm_is_seen_by_another(outcome: "Outcome") -> None:
    own = outcome.value(PROWLER, "own words")
    assert WORDS_IN_2_MIB < own < 2 * WORDS_IN_2_MIB  # the search finds what there is
    assert outcome.value(PROWLER, "foreign words before") == 0
    assert outcome.value(PROWLER, "foreign words after") == 0


def test_no_word_of_one_realm_is_changed_by_another(outcome: "Outcome") -> None:
    assert outcome.value(VICTIM, "private words changed") == 0
    assert outcome.value(VICTIM, "window words changed") == 0


ATTACKS = [
    "read the next window",
    "read the next window unshared",
    "read across the end",
    "read before the window",
    "read by physical address",
    "read private memory",
    "read more private memory",
    "read the monitor",
    "length that wraps",
    "address that wraps",
    "no length",
    "write the next window",
    "write across the end",
    "write private memory",
    "write the monitor",
    "chain that loops",
    "chain out of the table",
    "indirect descriptor",
    "head out of the table",
    "available index jumps",
    "rings in the next window",
    "rings across the end",
]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_ring_that_points_where_it_may_not_breaks_the_device(
    outcome: "Outcome", name: str
) -> None:
    assert outcome.value(HOSTILE, name) & VIRTIO["VIRTIO_STATUS_NEEDS_RESET"]


def test_a_broken_device_sends_nothing_and_a_reset_mends_it(outcome: "Outcome") -> None:
    for name in ("fair before", "fair after"):
        assert not outcome.value(HOSTILE, name) & VIRTIO["VIRTIO_STATUS_NEEDS_RESET"]
    assert outcome.received[HOSTILE] == b"."


def test_the_neighbours_device_goes_on_working(outcome: "Outcome") -> None:
    assert outcome.value(VICTIM, "received") == ord("?")
    assert outcome.received[VICTIM] == b"!"
    assert not outcome.value(VICTIM, "device status") & VIRTIO["VIRTIO_STATUS_NEEDS_RESET"]
