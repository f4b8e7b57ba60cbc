/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_GRANULE_DELEGATE and RMI_GRANULE_UNDELEGATE. */
#include <abi/rmi.h>

#include "call.h"
#include "granules.h"
#include "realm.h"
#include "tap.h"

CASE(a_delegated_granule_is_out_of_reach, "GRANULE_DELEGATE.success GRANULE_UNDELEGATE.success")
{
	uint64_t granule = granule_take();
	uint64_t value;

	LEAVE_UNLESS(EXPECT(ns_write(granule, 0x5EC2E7)));
	LEAVE_UNLESS(EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, granule), RMI_SUCCESS));
	EXPECT(!ns_read(granule, &value));
	EXPECT(!ns_write(granule, 1));
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, granule), RMI_SUCCESS);
	EXPECT(ns_read(granule, &value));
	EXPECT_EQ(value, 0);
}

CASE(granule_delegate_refuses_an_unaligned_address, "GRANULE_DELEGATE.align")
{
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, GRANULE_ODD), RMI_ERROR_INPUT);
}
