# SPDX-License-Identifier: BSD-3-Clause
"""What a TA is told when it gets no memory, and what its log says helps."""

import pytest
from realmos_agent.tee import numbers
from realmos_agent.tee.addresses import BYTES_MAX, PAGE, AddressSpace
from realmos_agent.tee.budget import Budget
from realmos_agent.tee.errors import TeeError
from realmos_agent.tee.runner_numbers import RANGES_MAX


def refusal(space: AddressSpace, size: int) -> str:
    with pytest.raises(TeeError) as caught:
        space.reserve(size)
    assert caught.value.code == numbers.ERROR_OUT_OF_MEMORY
    return str(caught.value)


@pytest.mark.parametrize("size", [PAGE + 1, 3 * PAGE])
def test_more_than_a_ta_may_have_needs_a_larger_realm(size: int) -> None:
    space = AddressSpace(Budget(8 * PAGE), 2 * PAGE)
    space.reserve(PAGE)
    said = refusal(space, size)
    assert "a TA may have 8 KiB here" in said
    assert "--memory" in said


def test_more_than_any_ta_may_have_does_not() -> None:
    said = refusal(AddressSpace(), BYTES_MAX + 1)
    assert f"a TA may have {BYTES_MAX >> 10} KiB" in said
    assert "--memory" not in said
    assert "TA_DATA_SIZE" in said


def test_more_than_others_leave_needs_a_larger_realm_or_fewer_tas() -> None:
    budget = Budget(3 * PAGE)
    AddressSpace(budget, 2 * PAGE).reserve(2 * PAGE)
    said = refusal(AddressSpace(budget, 2 * PAGE), 2 * PAGE)
    assert "all TAs together may have 12 KiB here" in said
    assert "--memory" in said


def test_no_memory_helps_against_too_many_ranges() -> None:
    space = AddressSpace()
    for _ in range(RANGES_MAX):
        space.reserve(PAGE)
    assert "--memory" not in refusal(space, PAGE)
