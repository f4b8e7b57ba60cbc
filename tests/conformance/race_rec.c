/* SPDX-License-Identifier: BSD-3-Clause */
/* RECs, entered on one PE while another does something to them or to their realm. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/string.h>

#include "duel.h"
#include "granules.h"
#include "pair.h"
#include "pe.h"
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
#define POLL_TICKS    UINT64_C(60000000000) /* only a failure takes so long */
#define ATTEMPTED     1U

static struct pair pair;
static struct rig_rec *rec;
static unsigned int entered;
static unsigned int refused;
static unsigned int found_running;
static unsigned int wrong;
static uint64_t page; /* shared with the realm */
static bool meets;    /* in this round the side that is first waits for the other's attempt */

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

static struct {
	struct rmi_rec_enter enter;
	struct rmi_rec_exit exit;
} * other_run;

/* A pair with a page that it shares with the host. */
static void pair_with_page(void)
{
	pair = pair_make();
	page = granule_take();
	meets = false;
	EXPECT_EQ(realm_share(pair.first->realm, RIG_UNPROTECTED, page, PAGE_LEVEL), RMI_SUCCESS);
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

static uint64_t enter_first(void)
{
	uint64_t status = rec_enter(pair.first);

	EXPECT(ns_write(page, ATTEMPTED));
	return status;
}

/* The same REC, with a run page of this PE's own. */
static uint64_t enter_first_too(void)
{
	uint64_t status = rmi_status(RMI_REC_ENTER, pair.first->pa, (uintptr_t)other_run);

	EXPECT(ns_write(page, ATTEMPTED));
	return status;
}

static void order_stay(void)
{
	uint64_t *gprs = pair.first->run->enter.gprs;

	meets = !meets;
	EXPECT(ns_write(page, 0));
	gprs[0] = meets ? HAND_POLL : HAND_SPIN;
	gprs[1] = meets ? RIG_UNPROTECTED : SPIN_TICKS;
	gprs[2] = POLL_TICKS;
	gprs[3] = ATTEMPTED;
	memcpy(other_run->enter.gprs, pair.first->run->enter.gprs, sizeof(other_run->enter.gprs));
}

static bool was_refused_or_worse(void)
{
	return wrong != 0U || refused != 0U;
}

CASE(a_rec_runs_on_one_pe_at_a_time, "RACE.rec_enter")
{
	static const struct duel duel = { .before = order_stay,
					  .mine = enter_first,
					  .theirs = enter_first_too,
					  .after = after_enter,
					  .seen = was_refused_or_worse };

	begin();
	pair_with_page();
	other_run = (void *)(uintptr_t)granule_take();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	EXPECT_EQ(wrong, 0);
	EXPECT(refused != 0U);
	EXPECT_EQ(hand_smc(pair.first, RSI_VERSION, RSI_ABI_VERSION_1_0).x[0], RSI_SUCCESS);
}

static uint64_t extend(struct rig_rec *each)
{
	return hand_smc(each, RSI_MEASUREMENT_EXTEND, 1, 8, 0x1234).x[0];
}

static uint64_t extend_first(void)
{
	return extend(pair.first);
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

/* The second stays in its run until the host lets it go. */
static void stay(void *unused)
{
	(void)unused;
	(void)hand_do(pair.second, HAND_POLL, RIG_UNPROTECTED, POLL_TICKS, ATTEMPTED);
}

static void extend_while_the_second_runs(void)
{
	EXPECT(ns_write(page, 0));
	pe_send(DUEL_PE, stay, NULL);
	while (!rec_runs(pair.second) && pe_busy(DUEL_PE)) {
	}
	entered++;
	EXPECT_EQ(extend(pair.first), RSI_SUCCESS);
	while (!rec_runs(pair.second) && pe_busy(DUEL_PE)) {
	}
	EXPECT(pe_busy(DUEL_PE));
	EXPECT(ns_write(page, ATTEMPTED));
	pe_join(DUEL_PE);
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
	pair_with_page();
	pair_turn_on(&pair);
	extend_while_the_second_runs();
	/* Whether the extensions themselves met is left to the machine. */
	(void)duel_fight(&duel, EXTEND_ROUNDS);
	EXPECT_EQ(wrong, 0);
	alone = asker(1);
	for (unsigned int n = 0; n < entered; n++) {
		EXPECT_EQ(extend(alone), RSI_SUCCESS);
	}
	found = hand_smc(pair.first, RSI_MEASUREMENT_READ, 1);
	wanted = hand_smc(alone, RSI_MEASUREMENT_READ, 1);
	EXPECT_EQ(memcmp(found.x, wanted.x, sizeof(found.x)), 0);
}
