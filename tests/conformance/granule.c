/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_GRANULE_DELEGATE and RMI_GRANULE_UNDELEGATE. */
#include <abi/rmi.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "realm.h"
#include "tap.h"

/* The manifest's bank reaches to 4 GiB, the machine's memory to here. */
#define ABSENT_RAM UINT64_C(0xC0000000)

static uint64_t delegate(uint64_t pa)
{
	return rmi_status(RMI_GRANULE_DELEGATE, pa);
}

static uint64_t undelegate(uint64_t pa)
{
	return rmi_status(RMI_GRANULE_UNDELEGATE, pa);
}

CASE(a_delegated_granule_is_out_of_reach, "GRANULE_DELEGATE.success GRANULE_UNDELEGATE.success")
{
	uint64_t granule = granule_take();
	uint64_t value;

	LEAVE_UNLESS(EXPECT(ns_write(granule, 0x5EC2E7)));
	LEAVE_UNLESS(EXPECT_EQ(delegate(granule), RMI_SUCCESS));
	EXPECT(!ns_read(granule, &value));
	EXPECT(!ns_write(granule, 1));
	EXPECT_EQ(undelegate(granule), RMI_SUCCESS);
	EXPECT(ns_read(granule, &value));
	EXPECT_EQ(value, 0);
}

CASE(delegating_wipes_the_whole_granule, "GRANULE_DELEGATE.success")
{
	uint64_t granule = granule_take();

	for (uint64_t at = 0; at < GRANULE_SIZE; at += sizeof(uint64_t)) {
		EXPECT(ns_write(granule + at, ~at));
	}
	EXPECT_EQ(delegate(granule), RMI_SUCCESS);
	EXPECT(granule_comes_back_wiped(granule));
}

CASE(delegating_leaves_the_neighbours_alone, "GRANULE_DELEGATE.success GRANULE_UNDELEGATE.success")
{
	uint64_t pa = granules_take(3, GRANULE_SIZE);
	uint64_t value;

	EXPECT(ns_write(pa + GRANULE_SIZE - sizeof(value), 1));
	EXPECT(ns_write(pa + 2U * GRANULE_SIZE, 2));
	EXPECT_EQ(delegate(pa + GRANULE_SIZE), RMI_SUCCESS);
	EXPECT(ns_read(pa + GRANULE_SIZE - sizeof(value), &value));
	EXPECT_EQ(value, 1);
	EXPECT(ns_read(pa + 2U * GRANULE_SIZE, &value));
	EXPECT_EQ(value, 2);
	EXPECT_EQ(undelegate(pa + GRANULE_SIZE), RMI_SUCCESS);
	EXPECT(ns_read(pa + GRANULE_SIZE, &value));
}

CASE(granule_delegate_refuses_an_unaligned_address, "GRANULE_DELEGATE.align")
{
	EXPECT_EQ(delegate(GRANULE_ODD), RMI_ERROR_INPUT);
	refuses_unaligned(delegate, granule_take());
}

CASE(granule_delegate_refuses_what_is_no_memory_of_the_hosts, "GRANULE_DELEGATE.bound")
{
	refuses_untracked(delegate);
}

CASE(granule_delegate_refuses_a_granule_in_any_other_state, "GRANULE_DELEGATE.state")
{
	refuses_other_states(delegate, ZOO_UNDELEGATED);
}

/* EL3 would delegate it; the RMM may refuse it or hold it, but must live. */
CASE(delegating_absent_memory_does_no_harm, "GRANULE_DELEGATE.absent")
{
	uint64_t status = delegate(ABSENT_RAM);
	uint64_t granule = granule_take();

	if (status == RMI_SUCCESS) {
		EXPECT_EQ(undelegate(ABSENT_RAM), RMI_SUCCESS);
	} else {
		EXPECT_EQ(status, RMI_ERROR_INPUT);
		EXPECT_EQ(undelegate(ABSENT_RAM), RMI_ERROR_INPUT);
	}
	EXPECT_EQ(delegate(granule), RMI_SUCCESS);
	EXPECT_EQ(undelegate(granule), RMI_SUCCESS);
}

CASE(granule_undelegate_refuses_an_unaligned_address, "GRANULE_UNDELEGATE.align")
{
	refuses_unaligned(undelegate, granule_take_delegated());
}

CASE(granule_undelegate_refuses_what_is_no_memory_of_the_hosts, "GRANULE_UNDELEGATE.bound")
{
	refuses_untracked(undelegate);
}

CASE(granule_undelegate_refuses_a_granule_in_any_other_state, "GRANULE_UNDELEGATE.state")
{
	refuses_other_states(undelegate, ZOO_DELEGATED);
}
