/* SPDX-License-Identifier: BSD-3-Clause */
/* RECs, entered on one PE while another does something to them or to their realm. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/string.h>

#include "duel.h"
#include "granules.h"
#include "pair.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

#define ROUNDS	      DUEL_ROUNDS
#define RECS_EACH     16U
#define REALMS	      4U
#define PATIENCE      20U
#define ENTRIES_EACH  16U
#define SPIN_TICKS    100000U
#define EXTEND_ROUNDS 100U

static struct pair pair;
static struct rig_rec *rec;
static unsigned int entered;
static unsigned int refused;
static unsigned int found_running;
static unsigned int wrong;

static void begin(void)
{
	entered = 0;
	refused = 0;
	found_running = 0;
	wrong = 0;
}

/* Enters until the REC is gone, or often enough; returns how often that worked. */
static uint64_t enter_some(void)
{
	uint64_t count = 0;

	while (count < ENTRIES_EACH && rec_enter(rec) == RMI_SUCCESS) {
		count++;
	}
	return count;
}

static uint64_t destroy(void)
{
	uint64_t status = rmi_status(RMI_REC_DESTROY, rec->pa);

	while (status == RMI_ERROR_REC) {
		found_running++;
		status = rmi_status(RMI_REC_DESTROY, rec->pa);
	}
	return status;
}

static void after_destroy(uint64_t mine, uint64_t theirs)
{
	EXPECT_EQ(mine, RMI_SUCCESS);
	if (theirs < ENTRIES_EACH) {
		refused++;
	}
	if (theirs != 0U) {
		entered++;
	}
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_INPUT);
	rec++;
}

/* One realm after the other whose RECs are destroyed; returns in how many rounds both were at it.
 */
static unsigned int destroy_realms_of_recs(void)
{
	static const struct duel duel = {
		.mine = destroy, .theirs = enter_some, .after = after_destroy, .bounded = true
	};
	unsigned int at_once = 0;

	for (unsigned int n = 0; n < REALMS && !tap_failed(); n++) {
		struct rig_realm *realm = realm_make();

		/* Each entry exits at once: there is RAM but no page. */
		EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, false), RMI_SUCCESS);
		for (unsigned int each = 0; each < RECS_EACH; each++) {
			EXPECT_EQ(rec_create(rec_prepare(realm, 0, true)), RMI_SUCCESS);
		}
		EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
		rec = realm->recs;
		at_once += duel_fight(&duel, RECS_EACH);
	}
	realms_reset();
	return at_once;
}

CASE(a_rec_is_destroyed_between_its_runs, "RACE.rec_destroy")
{
	unsigned int at_once = 0;

	begin();
	/* On a machine that has no two processors to spare the sides may miss each other for long.
	 */
	for (unsigned int n = 0; n < PATIENCE && !tap_failed(); n++) {
		at_once += destroy_realms_of_recs();
		if (at_once != 0U && entered != 0U && refused != 0U && found_running != 0U) {
			return;
		}
	}
	EXPECT(at_once != 0U);
	EXPECT(entered != 0U);
	EXPECT(refused != 0U);
	EXPECT(found_running != 0U);
}

static uint64_t enter_first(void)
{
	return rec_enter(pair.first);
}

static struct {
	struct rmi_rec_enter enter;
	struct rmi_rec_exit exit;
} * other_run;

/* The same REC, with a run page of this PE's own. */
static uint64_t enter_first_too(void)
{
	return rmi_status(RMI_REC_ENTER, pair.first->pa, (uintptr_t)other_run);
}

static void after_enter(uint64_t mine, uint64_t theirs)
{
	if (mine == RMI_SUCCESS && theirs == RMI_SUCCESS) {
		entered++;
	} else if ((mine == RMI_SUCCESS && theirs == RMI_ERROR_REC) ||
		   (theirs == RMI_SUCCESS && mine == RMI_ERROR_REC)) {
		refused++;
	} else {
		wrong++;
	}
}

static void order_spin(void)
{
	pair.first->run->enter.gprs[0] = HAND_SPIN;
	pair.first->run->enter.gprs[1] = SPIN_TICKS;
	memcpy(other_run->enter.gprs, pair.first->run->enter.gprs, sizeof(other_run->enter.gprs));
}

CASE(a_rec_runs_on_one_pe_at_a_time, "RACE.rec_enter")
{
	static const struct duel duel = { .before = order_spin,
					  .mine = enter_first,
					  .theirs = enter_first_too,
					  .after = after_enter };

	begin();
	pair = pair_make();
	other_run = (void *)(uintptr_t)granule_take();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	EXPECT_EQ(wrong, 0);
	EXPECT(refused != 0U);
	EXPECT_EQ(hand_smc(pair.first, RSI_VERSION, RSI_ABI_VERSION_1_0).x[0], RSI_SUCCESS);
}

static void ask_on(void)
{
	if (!pair_ask_on(&pair, HAND_BASE, 1)) {
		rig_give_up("CPU_ON does not come to the host");
	}
}

static uint64_t complete(void)
{
	return psci_complete(pair.first, pair.second, PSCI_SUCCESS);
}

/* Tries until the REC, which is off, has been turned on; returns how often it was too early. */
static uint64_t enter_second(void)
{
	uint64_t early = 0;
	uint64_t status = rec_enter(pair.second);

	while (status == RMI_ERROR_REC) {
		early++;
		status = rec_enter(pair.second);
	}
	return status == RMI_SUCCESS ? early : UINT64_MAX;
}

static void after_on(uint64_t mine, uint64_t theirs)
{
	EXPECT_EQ(mine, RMI_SUCCESS);
	EXPECT(theirs != UINT64_MAX);
	refused += theirs != 0U ? 1U : 0U;
	entered += theirs == 0U ? 1U : 0U;
	EXPECT_EQ(pair.second->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	EXPECT_EQ(pair.second->run->exit.imm, HAND_IMM);
	EXPECT_EQ(ask_again(pair.first).x[0], PSCI_SUCCESS);
	rec_turn_off(pair.second);
}

CASE(a_rec_is_entered_as_soon_as_it_was_turned_on, "RACE.psci_complete")
{
	static const struct duel duel = {
		.before = ask_on, .mine = complete, .theirs = enter_second, .after = after_on
	};

	begin();
	pair = pair_make();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	EXPECT(refused != 0U);
	EXPECT(entered != 0U);
}

static uint64_t enter_caller(void)
{
	uint64_t early = 0;

	while (rec_enter(pair.first) == RMI_ERROR_REC) {
		early++;
	}
	return early;
}

static void after_caller(uint64_t mine, uint64_t theirs)
{
	EXPECT_EQ(mine, RMI_SUCCESS);
	refused += theirs != 0U ? 1U : 0U;
	EXPECT_EQ(pair.first->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	EXPECT_EQ(pair.first->run->exit.gprs[1], PSCI_AFFINITY_OFF);
}

static void ask_affinity(void)
{
	if (!ask(pair.first, RMI_EXIT_PSCI, PSCI_AFFINITY_INFO_64, 1, 0)) {
		rig_give_up("AFFINITY_INFO does not come to the host");
	}
}

CASE(a_caller_goes_on_as_soon_as_it_has_its_answer, "RACE.psci_complete")
{
	static const struct duel duel = { .before = ask_affinity,
					  .mine = complete,
					  .theirs = enter_caller,
					  .after = after_caller };

	begin();
	pair = pair_make();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	EXPECT(refused != 0U);
}

static uint64_t complete_back(void)
{
	return psci_complete(pair.second, pair.first, PSCI_SUCCESS);
}

static void ask_each_other(void)
{
	ask_affinity();
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
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
}

static uint64_t extend(struct rig_rec *each)
{
	return hand_smc(each, RSI_MEASUREMENT_EXTEND, 1, 8, 0x1234).x[0];
}

static uint64_t extend_first(void)
{
	uint64_t status = extend(pair.first);

	found_running += rec_runs(pair.second) ? 1U : 0U;
	return status;
}

static uint64_t extend_second(void)
{
	return extend(pair.second);
}

static void after_extend(uint64_t mine, uint64_t theirs)
{
	entered += 2U;
	wrong += mine != RSI_SUCCESS || theirs != RSI_SUCCESS ? 1U : 0U;
}

/* Equal values in any order: the REM is that of as many extensions one after the other. */
CASE(two_recs_run_at_once_and_extend_one_measurement, "RACE.recs")
{
	static const struct duel duel = { .mine = extend_first,
					  .theirs = extend_second,
					  .after = after_extend };
	struct call found;
	struct call wanted;
	struct rig_rec *alone;

	begin();
	pair = pair_make();
	pair_turn_on(&pair);
	EXPECT(duel_fight(&duel, EXTEND_ROUNDS) != 0U);
	EXPECT_EQ(wrong, 0);
	EXPECT(found_running != 0U);
	alone = asker(1);
	for (unsigned int n = 0; n < entered; n++) {
		EXPECT_EQ(extend(alone), RSI_SUCCESS);
	}
	found = hand_smc(pair.first, RSI_MEASUREMENT_READ, 1);
	wanted = hand_smc(alone, RSI_MEASUREMENT_READ, 1);
	EXPECT_EQ(memcmp(found.x, wanted.x, sizeof(found.x)), 0);
}
