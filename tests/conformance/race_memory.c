/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of a realm, changed by the host while a REC on another PE touches it. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "duel.h"
#include "granules.h"
#include "pair.h"
#include "probe.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

#define ROUNDS	     40U
#define STEPS_BESIDE 3U
#define SCRIBBLE     UINT64_C(0x5363726962626C65)
#define REALMS_OWN   UINT64_C(0x4F776E4F776E4F77)
#define DFSC_MASK    UINT64_C(0x3F)
#define DFSC_LEVEL_0 4U

static struct pair pair;
static uint64_t at; /* what the second REC touches */
static unsigned int values;
static unsigned int scribbles;
static unsigned int faults;
static unsigned int missing[4]; /* exits, by level */
static unsigned int others;
static bool amid; /* an order, after an exit */

static void take(const struct outcome *outcome)
{
	if (outcome->gprs[HAND_FAULTS] != 0U) {
		faults++;
	} else if (outcome->gprs[1] == SCRIBBLE) {
		scribbles++;
	} else {
		values++;
	}
}

static void take_exit(const struct rig_rec *rec)
{
	uint64_t level = (rec->run->exit.esr & DFSC_MASK) - DFSC_LEVEL_0;

	if (rec->run->exit.exit_reason == RMI_EXIT_SYNC && level <= PAGE_LEVEL &&
	    rec->run->exit.hpfar == at >> 8) {
		missing[level]++;
	} else if (rec->run->exit.exit_reason != RMI_EXIT_IRQ) {
		others++;
	}
}

/* Orders the read, or, after an exit amid it, goes on with it. */
static void touch(void)
{
	struct rig_rec *rec = pair.second;
	struct outcome outcome = amid ? hand_resume(rec) : hand_order(rec, HAND_READ, at, 8);

	amid = !outcome.done;
	if (outcome.done) {
		take(&outcome);
	} else {
		take_exit(rec);
	}
}

static void begin(uint64_t ipa)
{
	pair = pair_make();
	pair_turn_on(&pair);
	at = ipa;
	values = 0;
	scribbles = 0;
	faults = 0;
	others = 0;
	amid = false;
	for (unsigned int level = 0; level <= PAGE_LEVEL; level++) {
		missing[level] = 0;
	}
}

/* Lets the other PE go on for a while, so that it sees things as they are now. */
static void wait_beside(void)
{
	uint64_t until = duel_steps() + STEPS_BESIDE;

	while (duel_steps() < until) {
	}
}

static unsigned int missing_at_all(void)
{
	return missing[0] + missing[1] + missing[2] + missing[3];
}

/* What the host wrote into a granule that it had back must not be seen once it is DATA again. */
static void steal_page(uint64_t data)
{
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, pair.first->realm->rd, at), RMI_SUCCESS);
	EXPECT(rmi_status(RMI_GRANULE_UNDELEGATE, data) == RMI_SUCCESS && ns_write(data, SCRIBBLE));
	wait_beside();
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, data), RMI_SUCCESS);
	EXPECT(ripas_force(pair.first, at, at + GRANULE_SIZE, RMI_RIPAS_RAM));
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE_UNKNOWN, pair.first->realm->rd, data, at),
		  RMI_SUCCESS);
	wait_beside();
}

CASE(a_page_is_destroyed_under_a_running_rec, "RACE.data_destroy")
{
	uint64_t data;

	begin(ASK_RAM);
	EXPECT_EQ(realm_data_unknown(pair.first->realm, at), RMI_SUCCESS);
	data = realm_entry(pair.first->realm, at, PAGE_LEVEL).desc;
	duel_rage(touch);
	for (unsigned int round = 0; round < ROUNDS && !tap_failed(); round++) {
		steal_page(data);
	}
	(void)duel_calm();
	EXPECT_EQ(scribbles, 0);
	EXPECT_EQ(faults, 0);
	EXPECT_EQ(others, 0);
	EXPECT(values != 0U);
	EXPECT(missing[PAGE_LEVEL] != 0U);
	EXPECT_EQ(missing_at_all(), missing[PAGE_LEVEL]);
}

CASE(a_table_is_destroyed_under_a_running_rec, "RACE.rtt_destroy")
{
	uint64_t table = granule_take_delegated();

	begin(ASK_EMPTY);
	LEAVE_UNLESS(ripas_force(pair.first, at, at + BLOCK_SIZE, RMI_RIPAS_RAM));
	duel_rage(touch);
	for (unsigned int round = 0; round < ROUNDS && !tap_failed(); round++) {
		EXPECT_EQ(rmi_status(RMI_RTT_CREATE, pair.first->realm->rd, table, at, PAGE_LEVEL),
			  RMI_SUCCESS);
		wait_beside();
		EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, pair.first->realm->rd, at, PAGE_LEVEL),
			  RMI_SUCCESS);
		EXPECT(granule_comes_back_wiped(table) &&
		       rmi_status(RMI_GRANULE_DELEGATE, table) == RMI_SUCCESS);
		wait_beside();
	}
	(void)duel_calm();
	EXPECT_EQ(others + faults + values + scribbles, 0);
	EXPECT(missing[BLOCK_LEVEL] != 0U);
	EXPECT(missing[PAGE_LEVEL] != 0U);
}

CASE(a_block_is_folded_and_unfolded_under_a_running_rec, "RACE.rtt_fold")
{
	struct call folded;

	begin(ASK_EMPTY + 5U * GRANULE_SIZE);
	(void)realm_fill_block(pair.first->realm, ASK_EMPTY);
	LEAVE_UNLESS(ripas_force(pair.first, ASK_EMPTY, ASK_EMPTY + BLOCK_SIZE, RMI_RIPAS_RAM));
	hand_write(pair.first, at, REALMS_OWN);
	duel_rage(touch);
	for (unsigned int round = 0; round < ROUNDS && !tap_failed(); round++) {
		folded = rmi(RMI_RTT_FOLD, pair.first->realm->rd, ASK_EMPTY, PAGE_LEVEL);
		EXPECT_EQ(folded.x[0], RMI_SUCCESS);
		wait_beside();
		EXPECT_EQ(rmi_status(RMI_RTT_CREATE, pair.first->realm->rd, folded.x[1], ASK_EMPTY,
				     PAGE_LEVEL),
			  RMI_SUCCESS);
		wait_beside();
	}
	(void)duel_calm();
	EXPECT_EQ(others + faults + scribbles + missing_at_all(), 0);
	EXPECT(values > ROUNDS);
	EXPECT_EQ(hand_read(pair.first, at), REALMS_OWN);
}

CASE(a_ripas_changes_under_a_running_rec, "RACE.set_ripas")
{
	begin(ASK_RAM);
	EXPECT_EQ(realm_data_unknown(pair.first->realm, at), RMI_SUCCESS);
	duel_rage(touch);
	for (unsigned int round = 0; round < ROUNDS && !tap_failed(); round++) {
		EXPECT(ripas_force(pair.first, at, at + GRANULE_SIZE, RMI_RIPAS_EMPTY));
		wait_beside();
		EXPECT(ripas_force(pair.first, at, at + GRANULE_SIZE, RMI_RIPAS_RAM));
		wait_beside();
	}
	(void)duel_calm();
	EXPECT_EQ(others + scribbles + missing_at_all(), 0);
	EXPECT(values != 0U);
	EXPECT(faults != 0U);
}

CASE(a_shared_page_comes_and_goes_under_a_running_rec, "RACE.unprotected")
{
	uint64_t page = granule_take();
	uint64_t rd;

	begin(RIG_UNPROTECTED | ASK_RAM);
	rd = pair.first->realm->rd;
	*(volatile uint64_t *)(uintptr_t)page = REALMS_OWN;
	EXPECT_EQ(realm_tables(pair.first->realm, at, PAGE_LEVEL), RMI_SUCCESS);
	duel_rage(touch);
	for (unsigned int round = 0; round < ROUNDS && !tap_failed(); round++) {
		EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, rd, at, PAGE_LEVEL,
				     page | UNPROTECTED_RW),
			  RMI_SUCCESS);
		wait_beside();
		EXPECT_EQ(rmi_status(RMI_RTT_UNMAP_UNPROTECTED, rd, at, PAGE_LEVEL), RMI_SUCCESS);
		wait_beside();
	}
	(void)duel_calm();
	EXPECT_EQ(others + faults, 0);
	EXPECT(values != 0U);
	EXPECT(missing[PAGE_LEVEL] != 0U);
}
