/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_REC_CREATE: its arguments. What it makes: rec_made.c. */
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

static struct rig_rec *good;

/* A REC that could be made now, for arguments that are tried in place of its own. */
static void prepare(void)
{
	good = rec_prepare(realm_make(), 0, true);
}

static uint64_t with_rd(uint64_t rd)
{
	return rmi_status(RMI_REC_CREATE, rd, good->pa, (uintptr_t)good->params);
}

static uint64_t with_rec(uint64_t rec)
{
	return rmi_status(RMI_REC_CREATE, good->realm->rd, rec, (uintptr_t)good->params);
}

static uint64_t with_params(uint64_t params)
{
	return rmi_status(RMI_REC_CREATE, good->realm->rd, good->pa, params);
}

static uint64_t with_aux(uint64_t aux)
{
	uint64_t own = good->params->aux[0];
	uint64_t status;

	good->params->aux[0] = aux;
	status = rec_create(good);
	good->params->aux[0] = own;
	return status;
}

/* After attempts that failed the REC can be made: nothing of them is left. */
static void still_works(void)
{
	EXPECT(granule_is_delegated(good->pa));
	EXPECT_EQ(rec_create(good), RMI_SUCCESS);
}

CASE(rec_create_refuses_unaligned_parameters, "REC_CREATE.params_align")
{
	prepare();
	refuses_unaligned(with_params, (uintptr_t)good->params);
	still_works();
}

CASE(rec_create_refuses_parameters_that_are_no_memory, "REC_CREATE.params_bound")
{
	prepare();
	refuses_untracked(with_params);
	still_works();
}

CASE(rec_create_refuses_parameters_in_granules_of_realms, "REC_CREATE.params_pas")
{
	prepare();
	refuses_other_states(with_params, ZOO_UNDELEGATED);
	still_works();
}

CASE(rec_create_refuses_an_unaligned_rec, "REC_CREATE.rec_align")
{
	prepare();
	refuses_unaligned(with_rec, good->pa);
	still_works();
}

CASE(rec_create_refuses_an_untracked_rec, "REC_CREATE.rec_bound")
{
	prepare();
	refuses_untracked(with_rec);
	still_works();
}

CASE(rec_create_refuses_a_rec_that_is_not_delegated, "REC_CREATE.rec_state")
{
	prepare();
	refuses_other_states(with_rec, ZOO_DELEGATED);
	EXPECT_EQ(with_rec(good->realm->rd), RMI_ERROR_INPUT);
	still_works();
}

CASE(rec_create_refuses_an_unaligned_rd, "REC_CREATE.rd_align")
{
	prepare();
	refuses_unaligned(with_rd, good->realm->rd);
	still_works();
}

CASE(rec_create_refuses_an_untracked_rd, "REC_CREATE.rd_bound")
{
	prepare();
	refuses_untracked(with_rd);
	still_works();
}

CASE(rec_create_refuses_what_is_no_rd, "REC_CREATE.rd_state")
{
	prepare();
	refuses_other_states(with_rd, ZOO_RD);
	EXPECT_EQ(with_rd(good->pa), RMI_ERROR_INPUT);
	still_works();
}

CASE(rec_create_refuses_an_active_realm, "REC_CREATE.realm_state")
{
	prepare();
	EXPECT_EQ(realm_activate(good->realm), RMI_SUCCESS);
	EXPECT_EQ(rec_create(good), RMI_ERROR_REALM);
	EXPECT(granule_is_delegated(good->pa));
}

CASE(rec_create_refuses_a_realm_that_is_off, "REC_CREATE.realm_state")
{
	struct rig_realm *realm = hand_realm(1);

	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	(void)hand_order(&realm->recs[0], HAND_SMC, PSCI_SYSTEM_OFF);
	EXPECT_EQ(rec_create(rec_prepare(realm, 0, true)), RMI_ERROR_REALM);
}

CASE(rec_create_looks_at_its_objects_before_the_realms_state, "REC_CREATE.objects_before_realm")
{
	prepare();
	EXPECT_EQ(realm_activate(good->realm), RMI_SUCCESS);
	refuses_untracked(with_params);
	refuses_unaligned(with_params, (uintptr_t)good->params);
	refuses_untracked(with_rec);
	refuses_unaligned(with_rec, good->pa);
	refuses_untracked(with_rd);
	refuses_unaligned(with_rd, good->realm->rd);
}

CASE(rec_create_refuses_bits_of_no_affinity, "REC_CREATE.mpidr_bits")
{
	prepare();
	for (unsigned int n = 0; n < 64U; n++) {
		bool affinity = n < 4U || (n >= 8U && n < 32U);

		good->params->mpidr = bit64(n);
		if (!affinity && !EXPECT_EQ(rec_create(good), RMI_ERROR_INPUT)) {
			tap_note("bit %u", n);
		}
	}
	good->params->mpidr = 0;
	still_works();
}

CASE(rec_create_refuses_an_mpidr_out_of_its_turn, "REC_CREATE.mpidr_order")
{
	static const uint64_t early[] = { 1, 2, 0xF, 0x100, 0x10000, 0x1000000 };
	struct rig_rec *next;

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(early); n++) {
		good->params->mpidr = early[n];
		EXPECT_EQ(rec_create(good), RMI_ERROR_INPUT);
	}
	good->params->mpidr = 0;
	still_works();
	next = rec_prepare(good->realm, 0, true);
	next->params->mpidr = 0;
	EXPECT_EQ(rec_create(next), RMI_ERROR_INPUT);
	next->params->mpidr = 2;
	EXPECT_EQ(rec_create(next), RMI_ERROR_INPUT);
	next->params->mpidr = 1;
	EXPECT_EQ(rec_create(next), RMI_SUCCESS);
}

CASE(rec_create_refuses_another_number_of_auxiliary_granules, "REC_CREATE.num_aux")
{
	uint64_t right;

	prepare();
	right = good->params->num_aux;
	for (uint64_t number = 0; number <= RMI_MAX_REC_AUX + 1U; number++) {
		if (number != right) {
			for (uint64_t n = right; n < number && n < RMI_MAX_REC_AUX; n++) {
				good->params->aux[n] = granule_take_delegated();
			}
			good->params->num_aux = number;
			EXPECT_EQ(rec_create(good), RMI_ERROR_INPUT);
		}
	}
	good->params->num_aux = UINT64_MAX;
	EXPECT_EQ(rec_create(good), RMI_ERROR_INPUT);
	good->params->num_aux = right;
	still_works();
}

static bool has_aux(void)
{
	prepare();
	if (good->params->num_aux == 0U) {
		tap_note("this RMM wants no auxiliary granules");
	}
	return good->params->num_aux != 0U;
}

CASE(rec_create_refuses_unaligned_auxiliary_granules, "REC_CREATE.aux_align")
{
	LEAVE_UNLESS(has_aux());
	refuses_unaligned(with_aux, good->params->aux[0]);
	still_works();
}

CASE(rec_create_refuses_untracked_auxiliary_granules, "REC_CREATE.aux_bound")
{
	LEAVE_UNLESS(has_aux());
	refuses_untracked(with_aux);
	still_works();
}

CASE(rec_create_refuses_auxiliary_granules_that_are_not_delegated, "REC_CREATE.aux_state")
{
	LEAVE_UNLESS(has_aux());
	refuses_other_states(with_aux, ZOO_DELEGATED);
	still_works();
}

CASE(rec_create_refuses_a_granule_twice, "REC_CREATE.aux_alias")
{
	LEAVE_UNLESS(has_aux());
	EXPECT_EQ(with_aux(good->pa), RMI_ERROR_INPUT);
	EXPECT_EQ(with_aux(good->realm->rd), RMI_ERROR_INPUT);
	EXPECT_EQ(with_rec(good->params->aux[0]), RMI_ERROR_INPUT);
	for (uint64_t n = 1; n < good->params->num_aux; n++) {
		uint64_t own = good->params->aux[n];

		good->params->aux[n] = good->params->aux[n - 1U];
		EXPECT_EQ(rec_create(good), RMI_ERROR_INPUT);
		good->params->aux[n] = own;
	}
	still_works();
}
