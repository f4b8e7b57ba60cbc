/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_REALM_ACTIVATE, RMI_REALM_DESTROY and RMI_REC_AUX_COUNT. */
#include <abi/rmi.h>
#include <abi/smccc.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

static uint64_t activate(uint64_t rd)
{
	return rmi_status(RMI_REALM_ACTIVATE, rd);
}

static uint64_t destroy(uint64_t rd)
{
	return rmi_status(RMI_REALM_DESTROY, rd);
}

static uint64_t aux_count(uint64_t rd)
{
	return rmi_status(RMI_REC_AUX_COUNT, rd);
}

/* A realm that has called PSCI_SYSTEM_OFF. */
static struct rig_realm *realm_switched_off(void)
{
	struct rig_realm *realm = hand_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	if (hand_begin(rec)) {
		(void)hand_order(rec, HAND_SMC, PSCI_SYSTEM_OFF);
		EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_PSCI);
	}
	return realm;
}

CASE(realm_activate_ends_the_making_of_a_realm, "REALM_ACTIVATE.success")
{
	struct rig_realm *realm = realm_make();

	EXPECT_EQ(activate(realm->rd), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, 0, BLOCK_SIZE), RMI_ERROR_REALM);
}

CASE(realm_activate_refuses_an_unaligned_rd, "REALM_ACTIVATE.rd_align")
{
	refuses_unaligned(activate, realm_make()->rd);
}

CASE(realm_activate_refuses_an_untracked_rd, "REALM_ACTIVATE.rd_bound")
{
	refuses_untracked(activate);
}

CASE(realm_activate_refuses_what_is_no_rd, "REALM_ACTIVATE.rd_state")
{
	refuses_other_states(activate, ZOO_RD);
}

CASE(realm_activate_refuses_an_active_realm, "REALM_ACTIVATE.state")
{
	struct rig_realm *realm = realm_make();

	EXPECT_EQ(activate(realm->rd), RMI_SUCCESS);
	EXPECT_EQ(activate(realm->rd), RMI_ERROR_REALM);
}

CASE(realm_activate_refuses_a_realm_that_is_off, "REALM_ACTIVATE.state")
{
	struct rig_realm *realm = realm_switched_off();

	EXPECT_EQ(activate(realm->rd), RMI_ERROR_REALM);
	EXPECT_EQ(rec_enter(&realm->recs[0]), RMI_ERROR_REALM | 1U << RMI_RESULT_INDEX_SHIFT);
}

CASE(realm_destroy_gives_its_granules_back_wiped, "REALM_DESTROY.success REALM_DESTROY.wipe")
{
	struct rig_realm *realm = realm_prepare();

	for (unsigned int n = 0; n < RMM_RPV_SIZE; n++) {
		realm->params->rpv[n] = 0xA5;
	}
	LEAVE_UNLESS(EXPECT_EQ(realm_create(realm), RMI_SUCCESS));
	EXPECT_EQ(realm_ram(realm, 0, RIG_UNPROTECTED, false), RMI_SUCCESS);
	EXPECT_EQ(destroy(realm->rd), RMI_SUCCESS);
	EXPECT(granule_comes_back_wiped(realm->rd));
	for (uint64_t n = 0; n < realm->params->rtt_num_start; n++) {
		EXPECT(granule_comes_back_wiped(realm->params->rtt_base + n * GRANULE_SIZE));
	}
}

CASE(realm_destroy_takes_a_realm_in_any_state, "REALM_DESTROY.any_state")
{
	struct rig_realm *fresh = realm_make();
	struct rig_realm *active = realm_make();
	struct rig_realm *off = realm_switched_off();

	EXPECT_EQ(destroy(fresh->rd), RMI_SUCCESS);
	EXPECT_EQ(activate(active->rd), RMI_SUCCESS);
	EXPECT_EQ(destroy(active->rd), RMI_SUCCESS);
	/* The one that is off goes behind the case, as every realm does. */
	EXPECT_EQ(rmi_status(RMI_REC_DESTROY, off->recs[0].pa), RMI_SUCCESS);
}

CASE(realm_destroy_refuses_an_unaligned_rd, "REALM_DESTROY.rd_align")
{
	refuses_unaligned(destroy, realm_make()->rd);
}

CASE(realm_destroy_refuses_an_untracked_rd, "REALM_DESTROY.rd_bound")
{
	refuses_untracked(destroy);
}

CASE(realm_destroy_refuses_what_is_no_rd, "REALM_DESTROY.rd_state")
{
	struct rig_realm *realm = realm_make();

	refuses_other_states(destroy, ZOO_RD);
	EXPECT_EQ(destroy(realm->rd), RMI_SUCCESS);
	EXPECT_EQ(destroy(realm->rd), RMI_ERROR_INPUT);
}

CASE(realm_destroy_refuses_a_realm_with_a_rec, "REALM_DESTROY.live_rec")
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *rec = rec_prepare(realm, 0, false);

	LEAVE_UNLESS(EXPECT_EQ(rec_create(rec), RMI_SUCCESS));
	EXPECT_EQ(destroy(realm->rd), RMI_ERROR_REALM);
	EXPECT_EQ(rmi_status(RMI_REC_DESTROY, rec->pa), RMI_SUCCESS);
	EXPECT_EQ(destroy(realm->rd), RMI_SUCCESS);
}

/* The last entry of the last table, as the first of the first, makes a realm live. */
CASE(realm_destroy_refuses_a_realm_with_tables, "REALM_DESTROY.live_table")
{
	static const uint64_t places[] = { 0, RIG_UNPROTECTED - BLOCK_SIZE, RIG_UNPROTECTED,
					   2U * RIG_UNPROTECTED - BLOCK_SIZE };
	struct rig_realm *realm = realm_make();
	uint64_t table = granule_take_delegated();

	for (unsigned int n = 0; n < sizeof(places) / sizeof(places[0]); n++) {
		EXPECT_EQ(rmi_status(RMI_RTT_CREATE, realm->rd, table, places[n], PAGE_LEVEL),
			  RMI_SUCCESS);
		EXPECT_EQ(destroy(realm->rd), RMI_ERROR_REALM);
		EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, places[n], PAGE_LEVEL),
			  RMI_SUCCESS);
	}
	EXPECT_EQ(destroy(realm->rd), RMI_SUCCESS);
}

CASE(realm_destroy_refuses_a_realm_with_a_block_in_a_start_level_table, "REALM_DESTROY.live_block")
{
	struct rig_realm *realm = realm_make();
	uint64_t pa = realm_make_block(realm, BLOCK_SIZE);

	EXPECT_EQ(destroy(realm->rd), RMI_ERROR_REALM);
	EXPECT_ENTRY(realm, BLOCK_SIZE, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_ASSIGNED,
		     .desc = pa, .ripas = RMI_RIPAS_EMPTY);
}

CASE(realm_destroy_does_not_mind_blocks_of_the_hosts, "REALM_DESTROY.unprotected_block")
{
	struct rig_realm *realm = realm_make();

	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, 0x80000000, BLOCK_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(destroy(realm->rd), RMI_SUCCESS);
}

CASE(realm_destroy_that_fails_changes_nothing, "REALM_DESTROY.no_effect")
{
	struct rig_realm *realm = hand_realm(1);

	EXPECT_EQ(destroy(realm->rd), RMI_ERROR_REALM);
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	hand_write(&realm->recs[0], HAND_CALLS + 0x800, 7);
	EXPECT_EQ(hand_read(&realm->recs[0], HAND_CALLS + 0x800), 7);
}

CASE(rec_aux_count_is_at_most_16, "REC_AUX_COUNT.success")
{
	struct rig_realm *realm = realm_make();
	struct call result = rmi(RMI_REC_AUX_COUNT, realm->rd);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT(result.x[1] <= RMI_MAX_REC_AUX);
	EXPECT_EQ(result.x[2] | result.x[3], 0);
	EXPECT_EQ(activate(realm->rd), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REC_AUX_COUNT, realm->rd).x[1], result.x[1]);
}

CASE(rec_aux_count_refuses_an_unaligned_rd, "REC_AUX_COUNT.rd_align")
{
	refuses_unaligned(aux_count, realm_make()->rd);
}

CASE(rec_aux_count_refuses_an_untracked_rd, "REC_AUX_COUNT.rd_bound")
{
	refuses_untracked(aux_count);
}

CASE(rec_aux_count_refuses_what_is_no_rd, "REC_AUX_COUNT.rd_state")
{
	refuses_other_states(aux_count, ZOO_RD);
}
