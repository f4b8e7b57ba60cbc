/* SPDX-License-Identifier: BSD-3-Clause */
/* What hosts that are written against other RMMs take for granted. */
#include <abi/rmi.h>
#include <abi/smccc.h>

#include "granules.h"
#include "pair.h"
#include "tap.h"

CASE(a_caller_whose_denial_came_too_late_goes_on, "INTEROP.denied_on")
{
	struct pair pair = pair_make();

	pair_turn_on(&pair);
	LEAVE_UNLESS(pair_ask_on(&pair, HAND_BASE, 1));
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_INVALID_PARAMETERS), RMI_ERROR_INPUT);
	EXPECT_EQ(rec_enter(pair.first), RMI_ERROR_REC);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_DENIED), RMI_ERROR_INPUT);
	EXPECT_EQ(ask_again(pair.first).x[0], (uint64_t)PSCI_ALREADY_ON);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_ERROR_INPUT);
	EXPECT_EQ(hand_do(pair.second, HAND_GET, HAND_REG_MPIDR_EL1).gprs[1] & 0xFU, 1);
}

CASE(recs_have_auxiliary_granules_to_mix_up, "INTEROP.aux")
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *rec = rec_prepare(realm, 0, true);

	LEAVE_UNLESS(EXPECT(rec->params->num_aux >= 2U));
	rec->params->aux[1] = rec->params->aux[0];
	EXPECT_EQ(rec_create(rec), RMI_ERROR_INPUT);
}

CASE(a_failing_look_at_an_entry_shows_nothing, "INTEROP.read_entry")
{
	struct rig_realm *realm = realm_make();
	struct call call = rmi(RMI_RTT_READ_ENTRY, realm->rd, 0, 4);

	EXPECT_EQ(call.x[0], RMI_ERROR_INPUT);
	for (unsigned int n = 1; n <= 4U; n++) {
		EXPECT_EQ(call.x[n], 0);
	}
}
