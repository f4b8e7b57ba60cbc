/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of the address that RSI_REALM_CONFIG and RSI_HOST_CALL take, by the state of its
 * entry. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>

#include "ask.h"
#include "granules.h"
#include "space.h"
#include "tap.h"

static const uint64_t fids[] = { RSI_REALM_CONFIG, RSI_HOST_CALL };
#define EACH(fid) for (const uint64_t *fid = fids; fid < fids + ARRAY_COUNT(fids); fid++)

static struct rig_rec *rec;

static void expect_refused(uint64_t ipa)
{
	EACH(fid)
	{
		EXPECT_EQ(hand_smc(rec, *fid, ipa).x[0], RSI_ERROR_INPUT);
	}
}

/* Twice: the realm makes its call again, and nothing has changed. */
static void expect_missing(uint64_t fid, uint64_t ipa, unsigned int level)
{
	LEAVE_UNLESS(ask(rec, RMI_EXIT_SYNC, fid, ipa));
	EXPECT(exit_is_missing(rec, ipa, level));
	EXPECT(!hand_resume(rec).done);
	EXPECT(exit_is_missing(rec, ipa, level));
}

/* After expect_missing(), when the host has done its part: what either call makes of the page. */
static void expect_done(uint64_t fid)
{
	if (fid == RSI_HOST_CALL) {
		EXPECT(!hand_resume(rec).done);
		EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	}
	EXPECT_EQ(ask_again(rec).x[0], RSI_SUCCESS);
}

CASE(realm_memory_that_is_empty_is_refused, "REALM_MEMORY.empty")
{
	rec = asker(1);
	expect_refused(ASK_EMPTY);
	EXPECT_EQ(realm_tables(rec->realm, ASK_EMPTY, PAGE_LEVEL), RMI_SUCCESS);
	expect_refused(ASK_EMPTY);
}

CASE(realm_memory_that_was_made_empty_is_refused_though_assigned, "REALM_MEMORY.empty_assigned")
{
	rec = asker(1);
	EXPECT_EQ(realm_data_unknown(rec->realm, ASK_RAM), RMI_SUCCESS);
	LEAVE_UNLESS(ripas_force(rec, ASK_RAM, ASK_RAM + GRANULE_SIZE, RMI_RIPAS_EMPTY));
	expect_refused(ASK_RAM);
	EXPECT_ENTRY(rec->realm, ASK_RAM, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
		     .desc = realm_entry(rec->realm, ASK_RAM, PAGE_LEVEL).desc,
		     .ripas = RMI_RIPAS_EMPTY);
}

CASE(realm_memory_that_is_missing_is_asked_of_the_host, "REALM_MEMORY.ram_unassigned")
{
	uint64_t ipa = ASK_RAM;

	rec = asker(1);
	EACH(fid)
	{
		expect_missing(*fid, ipa, PAGE_LEVEL);
		EXPECT_EQ(realm_data_unknown(rec->realm, ipa), RMI_SUCCESS);
		expect_done(*fid);
		ipa += GRANULE_SIZE;
	}
}

CASE(realm_memory_that_misses_a_table_tells_the_level, "REALM_MEMORY.ram_unassigned")
{
	struct rig_realm *realm = realm_make();

	hand_load(realm);
	EXPECT_EQ(realm_ram(realm, ASK_EMPTY, ASK_EMPTY + BLOCK_SIZE, false), RMI_SUCCESS);
	rec = hand_rec(realm);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	expect_missing(RSI_HOST_CALL, ASK_EMPTY, BLOCK_LEVEL);
	EXPECT_EQ(realm_tables(realm, ASK_EMPTY, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT(!hand_resume(rec).done);
	EXPECT(exit_is_missing(rec, ASK_EMPTY, PAGE_LEVEL));
	EXPECT_EQ(realm_data_unknown(realm, ASK_EMPTY), RMI_SUCCESS);
	expect_done(RSI_HOST_CALL);
}

CASE(realm_memory_that_was_destroyed_stops_the_realm, "REALM_MEMORY.destroyed")
{
	EACH(fid)
	{
		rec = asker(1);
		EXPECT_EQ(realm_data_unknown(rec->realm, ASK_RAM), RMI_SUCCESS);
		EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, rec->realm->rd, ASK_RAM), RMI_SUCCESS);
		expect_missing(*fid, ASK_RAM, PAGE_LEVEL);
	}
}

CASE(new_data_does_not_mend_realm_memory_that_was_destroyed, "REALM_MEMORY.destroyed_assigned")
{
	EACH(fid)
	{
		rec = asker(1);
		EXPECT_EQ(realm_data_unknown(rec->realm, ASK_RAM), RMI_SUCCESS);
		EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, rec->realm->rd, ASK_RAM), RMI_SUCCESS);
		EXPECT_EQ(realm_data_unknown(rec->realm, ASK_RAM), RMI_SUCCESS);
		expect_missing(*fid, ASK_RAM, PAGE_LEVEL);
	}
}

CASE(realm_memory_of_a_destroyed_table_stops_the_realm, "REALM_MEMORY.destroyed")
{
	rec = asker(1);
	EXPECT_EQ(realm_tables(rec->realm, ASK_EMPTY, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, rec->realm->rd, ASK_EMPTY, PAGE_LEVEL), RMI_SUCCESS);
	expect_missing(RSI_REALM_CONFIG, ASK_EMPTY, BLOCK_LEVEL);
}

CASE(a_page_that_is_missing_is_named_without_the_offset_in_it, "REALM_MEMORY.hpfar")
{
	rec = asker(1);
	expect_missing(RSI_HOST_CALL, ASK_RAM + 0x700, PAGE_LEVEL);
}
