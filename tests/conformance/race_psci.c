/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's answers to PSCI calls, against entries of the RECs that wait for them. */
#include <abi/rmi.h>
#include <abi/smccc.h>

#include "duel.h"
#include "pair.h"
#include "rig.h"
#include "tap.h"

static struct pair pair;
static unsigned int refused;
static unsigned int entered;

/* What comes first in a round, so that a machine with one processor shows all. */
static enum {
	AS_IT_COMES,
	ATTEMPT_FIRST,
	ANSWER_FIRST,
	ORDERS
} order;
static uint64_t attempted;
static uint64_t too_early; /* attempts of this round that were refused */
static uint64_t answered;

static void begin_attempts(void)
{
	order = (order + 1U) % ORDERS;
	too_early = 0;
	__atomic_store_n(&attempted, 0U, __ATOMIC_RELEASE);
	__atomic_store_n(&answered, 0U, __ATOMIC_RELEASE);
}

/* Enters until that is no longer too early. */
static uint64_t enter(struct rig_rec *rec)
{
	uint64_t status;

	while (order == ANSWER_FIRST && __atomic_load_n(&answered, __ATOMIC_ACQUIRE) == 0U) {
	}
	status = rec_enter(rec);
	__atomic_store_n(&attempted, 1U, __ATOMIC_RELEASE);
	while (status == RMI_ERROR_REC) {
		too_early++;
		status = rec_enter(rec);
	}
	return status;
}

static void ask_on(void)
{
	begin_attempts();
	if (!pair_ask_on(&pair, HAND_BASE, 1)) {
		rig_give_up("CPU_ON does not come to the host");
	}
}

static uint64_t complete(void)
{
	uint64_t status;

	while (order == ATTEMPT_FIRST && __atomic_load_n(&attempted, __ATOMIC_ACQUIRE) == 0U) {
	}
	status = psci_complete(pair.first, pair.second, PSCI_SUCCESS);
	__atomic_store_n(&answered, 1U, __ATOMIC_RELEASE);
	return status;
}

static uint64_t enter_second(void)
{
	return enter(pair.second);
}

static void after_on(uint64_t mine, uint64_t theirs)
{
	EXPECT_EQ(mine, RMI_SUCCESS);
	EXPECT_EQ(theirs, RMI_SUCCESS);
	refused += too_early != 0U ? 1U : 0U;
	entered += too_early == 0U ? 1U : 0U;
	EXPECT_EQ(pair.second->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	EXPECT_EQ(pair.second->run->exit.imm, HAND_IMM);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_SUCCESS);
	rec_turn_off(pair.second);
}

static bool was_refused_and_entered(void)
{
	return refused != 0U && entered != 0U;
}

CASE(a_rec_is_entered_as_soon_as_it_was_turned_on, "RACE.psci_complete")
{
	static const struct duel duel = { .before = ask_on,
					  .mine = complete,
					  .theirs = enter_second,
					  .after = after_on,
					  .seen = was_refused_and_entered };

	refused = 0;
	entered = 0;
	pair = pair_make();
	EXPECT(duel_fight(&duel, DUEL_ROUNDS) != 0U);
	EXPECT(refused != 0U);
	EXPECT(entered != 0U);
}

static uint64_t enter_caller(void)
{
	return enter(pair.first);
}

static void after_caller(uint64_t mine, uint64_t theirs)
{
	EXPECT_EQ(mine, RMI_SUCCESS);
	EXPECT_EQ(theirs, RMI_SUCCESS);
	refused += too_early != 0U ? 1U : 0U;
	entered += too_early == 0U ? 1U : 0U;
	EXPECT_EQ(pair.first->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	EXPECT_EQ(pair.first->run->exit.gprs[1], PSCI_AFFINITY_OFF);
}

static void ask_affinity(void)
{
	begin_attempts();
	if (!ask(pair.first, RMI_EXIT_PSCI, PSCI_AFFINITY_INFO_64, 1, 0)) {
		rig_give_up("AFFINITY_INFO does not come to the host");
	}
}

CASE(a_caller_goes_on_as_soon_as_it_has_its_answer, "RACE.psci_complete")
{
	static const struct duel duel = { .before = ask_affinity,
					  .mine = complete,
					  .theirs = enter_caller,
					  .after = after_caller,
					  .seen = was_refused_and_entered };

	refused = 0;
	entered = 0;
	pair = pair_make();
	EXPECT(duel_fight(&duel, DUEL_ROUNDS) != 0U);
	EXPECT(refused != 0U);
	EXPECT(entered != 0U);
}

static uint64_t complete_back(void)
{
	return psci_complete(pair.second, pair.first, PSCI_SUCCESS);
}

static void ask_each_other(void)
{
	ask_affinity();
	order = AS_IT_COMES;
	if (!ask(pair.second, RMI_EXIT_PSCI, PSCI_AFFINITY_INFO_64, 0, 0)) {
		rig_give_up("AFFINITY_INFO does not come to the host");
	}
}

static void after_each_other(uint64_t mine, uint64_t theirs)
{
	EXPECT_EQ(mine, RMI_SUCCESS);
	EXPECT_EQ(theirs, RMI_SUCCESS);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_AFFINITY_ON);
	EXPECT_EQ(ask_again(pair.second).x[0], PSCI_AFFINITY_ON);
}

CASE(two_recs_that_ask_for_each_other_are_both_answered, "RACE.psci_complete")
{
	static const struct duel duel = { .before = ask_each_other,
					  .mine = complete,
					  .theirs = complete_back,
					  .after = after_each_other };

	pair = pair_make();
	pair_turn_on(&pair);
	EXPECT(duel_fight(&duel, DUEL_ROUNDS) != 0U);
}
