/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_REC_DESTROY. */
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "pair.h"
#include "pe.h"
#include "probe.h"
#include "stop.h"
#include "tap.h"

#define SPIN_PE	   1U
#define SPIN_TICKS UINT64_C(200000000)

static uint64_t destroy(uint64_t rec)
{
	return rmi_status(RMI_REC_DESTROY, rec);
}

static struct rig_rec *made(void)
{
	struct rig_rec *rec = rec_prepare(realm_make(), 0, true);

	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
	return rec;
}

CASE(rec_destroy_gives_rec_and_auxiliary_granules_back_wiped,
     "REC_DESTROY.success REC_DESTROY.wipe REC_DESTROY.any_state")
{
	struct rig_rec *rec = stop_rec(1);

	(void)hand_do(rec, HAND_FILL, UINT64_C(0x5EC2E75EC2E75EC2));
	EXPECT_EQ(destroy(rec->pa), RMI_SUCCESS);
	EXPECT(granule_comes_back_wiped(rec->pa));
	for (uint64_t n = 0; n < rec->params->num_aux; n++) {
		EXPECT(granule_comes_back_wiped(rec->params->aux[n]));
	}
}

CASE(rec_destroy_refuses_an_unaligned_rec, "REC_DESTROY.rec_align")
{
	struct rig_rec *rec = made();

	refuses_unaligned(destroy, rec->pa);
	EXPECT_EQ(destroy(rec->pa), RMI_SUCCESS);
}

CASE(rec_destroy_refuses_an_untracked_rec, "REC_DESTROY.rec_bound")
{
	refuses_untracked(destroy);
}

CASE(rec_destroy_refuses_what_is_no_rec, "REC_DESTROY.rec_state")
{
	struct rig_rec *rec = made();

	refuses_other_states(destroy, ZOO_REC);
	EXPECT_EQ(destroy(rec->pa), RMI_SUCCESS);
	EXPECT_EQ(destroy(rec->pa), RMI_ERROR_INPUT);
}

CASE(rec_destroy_refuses_a_rec_that_runs, "REC_DESTROY.running REC_DESTROY.no_effect")
{
	struct pair pair = pair_make();

	rec_spin_elsewhere(pair.first, SPIN_PE, SPIN_TICKS);
	EXPECT_EQ(destroy(pair.first->pa), RMI_ERROR_REC);
	EXPECT(rec_runs(pair.first));
	pe_join(SPIN_PE);
	EXPECT_EQ(hand_do(pair.first, HAND_GET, HAND_REG_CURRENTEL).gprs[1], 4);
	EXPECT_EQ(destroy(pair.first->pa), RMI_SUCCESS);
}

CASE(rec_destroy_takes_recs_of_a_new_realm_and_of_one_that_is_off, "REC_DESTROY.any_state")
{
	struct rig_rec *rec = made();
	struct rig_rec *off = stop_rec(1);

	EXPECT_EQ(destroy(rec->pa), RMI_SUCCESS);
	(void)hand_order(off, HAND_SMC, PSCI_SYSTEM_OFF);
	EXPECT_EQ(destroy(off->pa), RMI_SUCCESS);
}

CASE(rec_destroy_takes_a_rec_with_anything_pending, "REC_DESTROY.any_state")
{
	struct pair asking = pair_make();
	struct rig_rec *accessing = stop_rec(1);

	EXPECT(pair_ask_on(&asking, HAND_BASE, 1));
	EXPECT_EQ(destroy(asking.first->pa), RMI_SUCCESS);
	EXPECT_EQ(psci_complete(asking.first, asking.second, PSCI_SUCCESS), RMI_ERROR_INPUT);
	EXPECT(!hand_order(accessing, HAND_READ, STOP_UNPROTECTED, 4).done);
	EXPECT_EQ(destroy(accessing->pa), RMI_SUCCESS);
}

CASE(a_destroyed_recs_index_is_not_given_again, "REC_DESTROY.index")
{
	struct rig_rec *rec = made();

	EXPECT_EQ(destroy(rec->pa), RMI_SUCCESS);
	EXPECT_EQ(rec_create(rec), RMI_ERROR_INPUT);
	rec->params->mpidr = 1;
	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
}

CASE(a_realm_without_recs_can_be_destroyed, "REC_DESTROY.success")
{
	struct rig_rec *rec = made();

	EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, rec->realm->rd), RMI_ERROR_REALM);
	EXPECT_EQ(destroy(rec->pa), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, rec->realm->rd), RMI_SUCCESS);
}
