# SPDX-License-Identifier: BSD-3-Clause
"""The RIM predictor, against the cumulative chain published with the RMM 1.0 fact sheet."""

import pytest
from realmos.realm import Activate, Data, InitRipas, Plan, RealmParams, Rec, RttCreate
from realmos.realm._rim import initial_measurement, steps

PAGE = bytes((7 * i + 1) & 255 for i in range(4096))
GPRS = tuple((i * 0x1111111111111111) & (2**64 - 1) for i in range(8))
OPERATIONS = (
    InitRipas(0x40000000, 0x200000),
    RttCreate(0x40200000, 3),
    InitRipas(0x40200000, 0x1000),
    Data(0x40000000, 0x1000, blob=0),
    Data(0x40001000, 0x1000, blob=0, measure=False),
    Rec(0, runnable=True, pc=0x40000000, gprs=GPRS),
)
SHA256 = (
    "2e0491fd0d3cd625cf275615e4ab22f24407bcfc6af002fb69d0e0ad82898ccc",
    "381b8fba15bbc1c1c2c92454c867496a0556c3805b20f4218a7ab01d4770426f",
    "381b8fba15bbc1c1c2c92454c867496a0556c3805b20f4218a7ab01d4770426f",
    "59c28b814f3c0814717a7bb1778770caa1174859c4c877621c7cd95535e280a3",
    "a6d3baaddb8665ac64777cc50a1e422864f86a270e291179b57972f7976a3f00",
    "7447ee519bdec0c5a01b6cba00618ad01c98b58cab26195b54d3ea764787df86",
    "484d070113b55ba4d54267bd80a1fa33b344d277f0d4fa66fff08f12421c824f",
)
SHA512_LAST = (
    "eae4f432fdaa1f0c4dd8fc9d60f5c7217645f6d34c988bb8021edecc742477b6"
    "58c3a27718f5852cbfa7b643ace34e65846ec1ecc51fc7b747e01baadd05ef12"
)


def plan(hash_algo: int) -> Plan:
    params = RealmParams(
        flags=6, s2sz=40, sve_vl=3, num_bps=5, num_wps=3, pmu_num_ctrs=6, hash_algo=hash_algo
    )
    return Plan(params, OPERATIONS)


def test_each_step_of_the_sha256_chain_has_its_known_value() -> None:
    assert [step.rim.hex() for step in steps(plan(0), [PAGE])] == list(SHA256)


def test_the_sha512_chain_ends_in_its_known_value() -> None:
    assert initial_measurement(plan(1), [PAGE]).hex() == SHA512_LAST


def test_activation_and_a_rec_that_is_not_runnable_leave_the_rim_alone() -> None:
    before = initial_measurement(plan(0), [PAGE])
    longer = Plan(plan(0).params, (*OPERATIONS, Rec(1, runnable=False), Activate()))
    assert initial_measurement(longer, [PAGE]) == before


@pytest.mark.parametrize("byte", [0, 2048, 4095])
def test_one_changed_byte_of_a_measured_page_changes_the_rim(byte: int) -> None:
    changed = bytearray(PAGE)
    changed[byte] ^= 1
    assert initial_measurement(plan(0), [bytes(changed)]).hex() != SHA256[-1]


def test_a_short_last_page_is_measured_as_if_padded_with_zeros() -> None:
    short = Plan(plan(0).params, (InitRipas(0x40000000, 0x200000), Data(0x40000000, 100, blob=0)))
    whole = Plan(short.params, (short.operations[0], Data(0x40000000, 4096, blob=0)))
    assert initial_measurement(short, [PAGE]) == initial_measurement(
        whole, [PAGE[:100] + bytes(3996)]
    )
