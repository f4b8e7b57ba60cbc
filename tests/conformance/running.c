/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes to the memory of a realm while another PE runs one of its RECs, which reads that memory
 * all the time: whatever its PE has cached must go before the command returns.
 */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <arch/sysreg.h>

#include "call.h"
#include "granules.h"
#include "pe.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define BLOCK  UINT64_C(0x400000)
#define VALUE  UINT64_C(0xA11CE)
#define NEVER  UINT64_C(0x4E65766572) /* no memory here holds it */
#define POLL   UINT64_C(60000000000)  /* nanoseconds on QEMU: only a failure takes so long */
#define SETTLE UINT64_C(10000000)

static struct rig_realm *realm;

/* What PE 1 does. */
static struct {
	struct rig_rec *rec;
	uint64_t ipa;
	uint64_t value; /* until it reads that */
	bool goes_on;	/* over aborts, which a change of tables may cause */
	struct outcome outcome;
} reader;

static void read_on(void *unused)
{
	struct rig_rec *rec = reader.rec;

	(void)unused;
	reader.outcome = hand_order(rec, HAND_POLL, reader.ipa, POLL, reader.value);
	while (!reader.outcome.done && !tap_failed() &&
	       (rec->run->exit.exit_reason == RMI_EXIT_IRQ ||
		(reader.goes_on && rec->run->exit.exit_reason == RMI_EXIT_SYNC))) {
		reader.outcome = hand_resume(rec);
	}
}

static void wait(uint64_t ticks)
{
	uint64_t end = read_sysreg(CNTVCT_EL0) + ticks;

	while (read_sysreg(CNTVCT_EL0) < end) {
	}
}

/* Returns when the REC is RUNNING, which only RMI_RTT_SET_RIPAS tells without changing anything. */
static void start_reading(struct rig_rec *rec, uint64_t ipa, uint64_t value, bool goes_on)
{
	reader.rec = rec;
	reader.ipa = ipa;
	reader.value = value;
	reader.goes_on = goes_on;
	pe_send(1, read_on, NULL);
	while (pe_busy(1) && rmi_status(RMI_RTT_SET_RIPAS, realm->rd, rec->pa, 0, GRANULE_SIZE) ==
				     RMI_ERROR_INPUT) {
	}
	wait(SETTLE);
	EXPECT(pe_busy(1));
}

/* The REC stopped because its access failed. */
static void expect_abort(uint64_t ipa)
{
	pe_join(1);
	EXPECT(!reader.outcome.done);
	EXPECT_EQ(reader.rec->run->exit.exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(reader.rec->run->exit.hpfar, ipa >> 8U);
}

/* The REC read on, over whatever happened, until VALUE was there. */
static void expect_value(void)
{
	pe_join(1);
	EXPECT(reader.outcome.done);
	EXPECT_EQ(reader.outcome.gprs[HAND_FAULTS], 0);
	EXPECT_EQ(reader.outcome.gprs[3], VALUE);
}

/* Both RECs take orders. */
static bool begin_two(void)
{
	struct rig_rec *rec = &realm->recs[0];

	if (!hand_begin(rec)) {
		return false;
	}
	(void)hand_order(rec, HAND_SMC, PSCI_CPU_ON_64, rec_mpidr(1), HAND_BASE, 1);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_PSCI);
	EXPECT_EQ(rmi_status(RMI_PSCI_COMPLETE, rec->pa, realm->recs[1].pa, PSCI_SUCCESS),
		  RMI_SUCCESS);
	return EXPECT(hand_resume(rec).done) && hand_begin(&realm->recs[1]);
}

/* A realm with the hand and a block, whose first page holds 0. */
static bool prepare_block(void)
{
	realm = realm_make();
	hand_load(realm);
	(void)hand_rec(realm);
	(void)hand_rec(realm);
	EXPECT_EQ(realm_ram(realm, BLOCK, BLOCK + BLOCK_SIZE, true), RMI_SUCCESS);
	(void)realm_fill_block(realm, BLOCK);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	if (!begin_two()) {
		return false;
	}
	hand_write(&realm->recs[0], BLOCK, 0);
	return true;
}

/* The hand's realm with a shared page, which holds 0. */
static bool prepare_shared(void)
{
	uint64_t page = granule_take();

	realm = hand_realm(2);
	EXPECT(ns_write(page, 0));
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, page, PAGE_LEVEL), RMI_SUCCESS);
	return begin_two();
}

CASE(a_rec_that_runs_loses_destroyed_data_at_once, "DATA_DESTROY.running")
{
	LEAVE_UNLESS(prepare_block());
	start_reading(&realm->recs[0], BLOCK, NEVER, false);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, BLOCK), RMI_SUCCESS);
	expect_abort(BLOCK);
}

CASE(a_rec_that_runs_loses_unmapped_memory_at_once, "RTT_UNMAP_UNPROTECTED.running")
{
	LEAVE_UNLESS(prepare_shared());
	start_reading(&realm->recs[0], RIG_UNPROTECTED, NEVER, false);
	EXPECT_EQ(rmi_status(RMI_RTT_UNMAP_UNPROTECTED, realm->rd, RIG_UNPROTECTED, PAGE_LEVEL),
		  RMI_SUCCESS);
	expect_abort(RIG_UNPROTECTED);
}

CASE(a_rec_that_runs_loses_what_a_destroyed_table_mapped_at_once, "RTT_DESTROY.running")
{
	LEAVE_UNLESS(prepare_shared());
	start_reading(&realm->recs[0], RIG_UNPROTECTED, NEVER, false);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
	expect_abort(RIG_UNPROTECTED);
}

static void lose_to_empty(uint64_t pages)
{
	struct rig_rec *asking;
	uint64_t page = UINT64_C(0x100000);
	uint64_t top = page + pages * GRANULE_SIZE;

	LEAVE_UNLESS(prepare_shared());
	asking = &realm->recs[1];
	for (uint64_t ipa = page; ipa < top; ipa += GRANULE_SIZE) {
		EXPECT_EQ(realm_data_unknown(realm, ipa), RMI_SUCCESS);
	}
	LEAVE_UNLESS(ripas_ask(asking, page, top, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED));
	start_reading(&realm->recs[0], page, NEVER, false);
	EXPECT(ripas_grant(asking, page, top));
	pe_join(1);
	EXPECT(reader.outcome.done);
	EXPECT_EQ(reader.outcome.gprs[HAND_FAULTS], 1);
}

CASE(a_rec_that_runs_loses_a_page_that_becomes_empty_at_once, "RTT_SET_RIPAS.running")
{
	lose_to_empty(1);
}

CASE(a_rec_that_runs_loses_many_pages_that_become_empty_at_once, "RTT_SET_RIPAS.running")
{
	lose_to_empty(5);
}

CASE(a_rec_that_runs_keeps_memory_that_is_folded_and_unfolded,
     "RTT_FOLD.running RTT_CREATE.running")
{
	uint64_t table;

	LEAVE_UNLESS(prepare_block());
	start_reading(&realm->recs[0], BLOCK, VALUE, true);
	table = realm_entry(realm, BLOCK, BLOCK_LEVEL).desc;
	for (unsigned int turn = 0; turn < 20U; turn++) {
		EXPECT_EQ(rmi_status(RMI_RTT_FOLD, realm->rd, BLOCK, PAGE_LEVEL), RMI_SUCCESS);
		EXPECT_EQ(rmi_status(RMI_RTT_CREATE, realm->rd, table, BLOCK, PAGE_LEVEL),
			  RMI_SUCCESS);
	}
	EXPECT(pe_busy(1));
	hand_write(&realm->recs[1], BLOCK, VALUE);
	expect_value();
}

/* Its page of another granule shows at once. */
CASE(a_rec_that_runs_sees_the_memory_that_took_the_place_of_other, "RTT_MAP_UNPROTECTED.running")
{
	uint64_t page = granule_take();

	EXPECT(ns_write(page, VALUE));
	LEAVE_UNLESS(prepare_shared());
	start_reading(&realm->recs[0], RIG_UNPROTECTED, VALUE, true);
	EXPECT_EQ(rmi_status(RMI_RTT_UNMAP_UNPROTECTED, realm->rd, RIG_UNPROTECTED, PAGE_LEVEL),
		  RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, RIG_UNPROTECTED, PAGE_LEVEL,
			     page | UNPROTECTED_RW),
		  RMI_SUCCESS);
	expect_value();
}

CASE(set_ripas_does_not_ask_for_the_state_of_the_realm, "RTT_SET_RIPAS.any_state")
{
	uint64_t page = UINT64_C(0x100000);

	LEAVE_UNLESS(prepare_shared());
	LEAVE_UNLESS(ripas_ask(&realm->recs[1], page, page + GRANULE_SIZE, RMI_RIPAS_EMPTY,
			       RSI_NO_CHANGE_DESTROYED));
	(void)hand_order(&realm->recs[0], HAND_SMC, PSCI_SYSTEM_OFF);
	EXPECT_EQ(realm->recs[0].run->exit.exit_reason, RMI_EXIT_PSCI);
	EXPECT(ripas_grant(&realm->recs[1], page, page + GRANULE_SIZE));
	EXPECT_EQ(rec_enter(&realm->recs[1]), RMI_ERROR_REALM | 1U << RMI_RESULT_INDEX_SHIFT);
}
