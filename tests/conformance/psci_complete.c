/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_PSCI_COMPLETE: what it refuses; psci_cpu_on.c has what it does. */
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "granules.h"
#include "pair.h"
#include "pe.h"
#include "probe.h"
#include "tap.h"

#define OTHER_PE   1U
#define SPIN_TICKS UINT64_C(100000000)

static struct pair pair;

static uint64_t complete_of(uint64_t calling)
{
	return rmi_status(RMI_PSCI_COMPLETE, calling, pair.second->pa, PSCI_SUCCESS);
}

static uint64_t complete_for(uint64_t target)
{
	return rmi_status(RMI_PSCI_COMPLETE, pair.first->pa, target, PSCI_SUCCESS);
}

static void pend(void)
{
	pair = pair_make();
	(void)pair_ask_on(&pair, HAND_BASE, 1);
}

/* No refusal took the request away. */
static void expect_still_pending(void)
{
	EXPECT_EQ(rec_enter(pair.first), RMI_ERROR_REC);
	EXPECT_EQ(rec_enter(pair.second), RMI_ERROR_REC);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_SUCCESS);
}

CASE(psci_complete_refuses_an_unaligned_caller, "PSCI_COMPLETE.calling_align")
{
	pend();
	refuses_unaligned(complete_of, pair.first->pa);
	expect_still_pending();
}

CASE(psci_complete_refuses_an_untracked_caller, "PSCI_COMPLETE.calling_bound")
{
	pend();
	refuses_untracked(complete_of);
	expect_still_pending();
}

CASE(psci_complete_refuses_a_caller_that_is_no_rec, "PSCI_COMPLETE.calling_state")
{
	pend();
	refuses_other_states(complete_of, ZOO_REC);
	expect_still_pending();
}

CASE(psci_complete_refuses_an_unaligned_target, "PSCI_COMPLETE.target_align")
{
	pend();
	refuses_unaligned(complete_for, pair.second->pa);
	expect_still_pending();
}

CASE(psci_complete_refuses_an_untracked_target, "PSCI_COMPLETE.target_bound")
{
	pend();
	refuses_untracked(complete_for);
	expect_still_pending();
}

CASE(psci_complete_refuses_a_target_that_is_no_rec, "PSCI_COMPLETE.target_state")
{
	pend();
	refuses_other_states(complete_for, ZOO_REC);
	expect_still_pending();
}

CASE(psci_complete_refuses_a_rec_as_its_own_target, "PSCI_COMPLETE.alias")
{
	pend();
	EXPECT_EQ(complete_for(pair.first->pa), RMI_ERROR_INPUT);
	EXPECT_EQ(complete_of(pair.second->pa), RMI_ERROR_INPUT);
	expect_still_pending();
}

CASE(psci_complete_refuses_a_caller_that_asked_nothing, "PSCI_COMPLETE.pending")
{
	pair = pair_make();
	EXPECT_EQ(complete_of(pair.first->pa), RMI_ERROR_INPUT);
	pair_turn_on(&pair);
	EXPECT_EQ(complete_of(pair.first->pa), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_PSCI_COMPLETE, pair.second->pa, pair.first->pa, PSCI_SUCCESS),
		  RMI_ERROR_INPUT);
}

CASE(psci_complete_refuses_a_call_that_needs_no_answer, "PSCI_COMPLETE.pending")
{
	pair = pair_make();
	LEAVE_UNLESS(ask(pair.first, RMI_EXIT_PSCI, PSCI_CPU_SUSPEND_64));
	EXPECT_EQ(complete_of(pair.first->pa), RMI_ERROR_INPUT);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_SUCCESS);
	rec_turn_off(pair.first);
	EXPECT_EQ(complete_of(pair.first->pa), RMI_ERROR_INPUT);
}

CASE(psci_complete_refuses_a_caller_that_runs, "PSCI_COMPLETE.running")
{
	pair = pair_make();
	pair_turn_on(&pair);
	rec_spin_elsewhere(pair.second, OTHER_PE, SPIN_TICKS);
	EXPECT_EQ(rmi_status(RMI_PSCI_COMPLETE, pair.second->pa, pair.first->pa, PSCI_SUCCESS),
		  RMI_ERROR_INPUT);
	EXPECT(pe_busy(OTHER_PE));
	pe_join(OTHER_PE);
}

CASE(psci_complete_refuses_a_target_of_another_realm, "PSCI_COMPLETE.owner")
{
	struct pair other = pair_make();

	pend();
	EXPECT_EQ(complete_for(other.first->pa), RMI_ERROR_INPUT);
	EXPECT_EQ(complete_for(other.second->pa), RMI_ERROR_INPUT);
	expect_still_pending();
}

CASE(psci_complete_refuses_another_target_than_was_asked_for, "PSCI_COMPLETE.target")
{
	struct rig_rec *first = asker(3);

	pair = (struct pair){ .first = first, .second = &first->realm->recs[1] };
	(void)pair_ask_on(&pair, HAND_BASE, 1);
	EXPECT_EQ(complete_for(first->realm->recs[2].pa), RMI_ERROR_INPUT);
	expect_still_pending();
}

/* Neither SUCCESS nor DENIED, the latter in 32 bits among them. */
static const uint64_t strange[] = { 1,
				    (uint64_t)PSCI_NOT_SUPPORTED,
				    (uint64_t)PSCI_INVALID_PARAMETERS,
				    (uint64_t)PSCI_ALREADY_ON,
				    (uint64_t)PSCI_INTERNAL_FAILURE,
				    0xFFFFFFFD,
				    0x100000000,
				    UINT64_C(1) << 63 };

static void expect_strange_status_refused(void)
{
	for (size_t n = 0; n < ARRAY_COUNT(strange); n++) {
		EXPECT_EQ(
			rmi_status(RMI_PSCI_COMPLETE, pair.first->pa, pair.second->pa, strange[n]),
			RMI_ERROR_INPUT);
	}
}

CASE(psci_complete_refuses_another_status_of_cpu_on, "PSCI_COMPLETE.status")
{
	pend();
	expect_strange_status_refused();
	expect_still_pending();
}

CASE(psci_complete_refuses_another_status_of_affinity_info, "PSCI_COMPLETE.status")
{
	pair = pair_make();
	LEAVE_UNLESS(ask(pair.first, RMI_EXIT_PSCI, PSCI_AFFINITY_INFO_64, 1, 0));
	expect_strange_status_refused();
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_DENIED), RMI_ERROR_INPUT);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_AFFINITY_OFF);
}

CASE(psci_complete_cannot_deny_a_rec_that_is_on, "PSCI_COMPLETE.denied_on")
{
	pair = pair_make();
	pair_turn_on(&pair);
	LEAVE_UNLESS(pair_ask_on(&pair, HAND_BASE, 1));
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_DENIED), RMI_ERROR_INPUT);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], (uint64_t)PSCI_ALREADY_ON);
}

CASE(psci_complete_answers_once, "PSCI_COMPLETE.pending")
{
	pend();
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_ERROR_INPUT);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_SUCCESS);
}
