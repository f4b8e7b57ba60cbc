/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_REC_ENTER. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "hand_order.h"
#include "tap.h"

CASE(a_realm_runs_and_answers, "REC_ENTER.success")
{
	struct rig_realm *realm = hand_realm(1);
	struct call result;

	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	result = hand_smc(&realm->recs[0], RSI_VERSION, 0x10000);
	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT_EQ(result.x[1], 0x10000);
	EXPECT_EQ(result.x[2], 0x10000);
}
