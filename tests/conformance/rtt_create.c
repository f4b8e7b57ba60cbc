/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_RTT_CREATE on entries that map nothing; blocks.c has those that do. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

static struct rig_realm *realm;
static uint64_t table;

static uint64_t create(uint64_t rtt, uint64_t ipa, int64_t level)
{
	return rmi_status(RMI_RTT_CREATE, realm->rd, rtt, ipa, (uint64_t)level);
}

static uint64_t create_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_CREATE, rd, table, BLOCK_SIZE, PAGE_LEVEL);
}

static uint64_t create_as(uint64_t rtt)
{
	return create(rtt, BLOCK_SIZE, PAGE_LEVEL);
}

static uint64_t create_for(uint64_t ipa)
{
	return create(table, ipa, PAGE_LEVEL);
}

static void prepare(void)
{
	realm = realm_make();
	table = granule_take_delegated();
}

CASE(rtt_create_refuses_an_unaligned_rd, "RTT_CREATE.rd_align")
{
	prepare();
	refuses_unaligned(create_in, realm->rd);
}

CASE(rtt_create_refuses_an_untracked_rd, "RTT_CREATE.rd_bound")
{
	prepare();
	refuses_untracked(create_in);
}

CASE(rtt_create_refuses_what_is_no_rd, "RTT_CREATE.rd_state")
{
	prepare();
	refuses_other_states(create_in, ZOO_RD);
	EXPECT(granule_is_delegated(table));
}

CASE(rtt_create_refuses_the_start_level_and_above, "RTT_CREATE.level")
{
	static const int64_t levels[] = { INT64_MIN, -1, 0, 1, 2 };

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(create(table, 0, levels[n]), RMI_ERROR_INPUT);
	}
	EXPECT_EQ(create(table, 0, PAGE_LEVEL), RMI_SUCCESS);
}

CASE(rtt_create_refuses_levels_behind_the_last, "RTT_CREATE.level")
{
	static const int64_t levels[] = { 4, 0x100, INT64_C(0x100000003), INT64_MAX };

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(create(table, 0, levels[n]), RMI_ERROR_INPUT);
	}
	EXPECT(granule_is_delegated(table));
}

CASE(rtt_create_refuses_an_ipa_that_no_table_begins_at, "RTT_CREATE.ipa_align")
{
	prepare();
	refuses_unaligned(create_for, BLOCK_SIZE);
	for (uint64_t offset = GRANULE_SIZE; offset < BLOCK_SIZE; offset *= 2U) {
		EXPECT_EQ(create_for(BLOCK_SIZE + offset), RMI_ERROR_INPUT);
	}
}

CASE(rtt_create_wants_the_alignment_of_its_level, "RTT_CREATE.ipa_align")
{
	realm = realm_of_shape(48, 0, 1);
	table = granule_take_delegated();
	EXPECT_EQ(create(table, level_size(1), 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(table, level_size(0), 1), RMI_SUCCESS);
	table = granule_take_delegated();
	EXPECT_EQ(create(table, level_size(0) + level_size(2), 2), RMI_ERROR_INPUT);
	EXPECT_EQ(create(table, level_size(0) + level_size(1), 2), RMI_SUCCESS);
}

CASE(rtt_create_refuses_an_ipa_behind_the_space, "RTT_CREATE.ipa_bound")
{
	prepare();
	EXPECT_EQ(create_for(2U * RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(create_for(bit64(48)), RMI_ERROR_INPUT);
	EXPECT_EQ(create_for(bit64(63)), RMI_ERROR_INPUT);
	EXPECT_EQ(create_for(UINT64_MAX - BLOCK_SIZE + 1U), RMI_ERROR_INPUT);
	EXPECT_EQ(create_for(2U * RIG_UNPROTECTED - BLOCK_SIZE), RMI_SUCCESS);
}

CASE(rtt_create_refuses_an_unaligned_table, "RTT_CREATE.rtt_align")
{
	prepare();
	refuses_unaligned(create_as, table);
}

CASE(rtt_create_refuses_an_untracked_table, "RTT_CREATE.rtt_bound")
{
	prepare();
	refuses_untracked(create_as);
}

CASE(rtt_create_refuses_a_table_that_is_not_delegated, "RTT_CREATE.rtt_state")
{
	prepare();
	refuses_other_states(create_as, ZOO_DELEGATED);
	EXPECT_EQ(create_as(realm->rd), RMI_ERROR_INPUT);
	EXPECT_EQ(create_as(realm->params->rtt_base), RMI_ERROR_INPUT);
	EXPECT_ENTRY(realm, BLOCK_SIZE, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_UNASSIGNED);
}

CASE(rtt_create_tells_where_a_table_is_missing, "RTT_CREATE.walk")
{
	realm = realm_of_shape(48, 0, 1);
	table = granule_take_delegated();
	EXPECT_EQ(create(table, 0, 2), rmi_rtt_error(0));
	EXPECT_EQ(create(table, BLOCK_SIZE, 3), rmi_rtt_error(0));
	EXPECT_EQ(realm_tables(realm, 0, 1), RMI_SUCCESS);
	EXPECT_EQ(create(table, BLOCK_SIZE, 3), rmi_rtt_error(1));
	EXPECT_EQ(create(table, level_size(0), 2), rmi_rtt_error(0));
	EXPECT(granule_is_delegated(table));
}

CASE(rtt_create_refuses_a_table_that_is_there, "RTT_CREATE.parent_table")
{
	realm = realm_of_shape(48, 0, 1);
	EXPECT_EQ(realm_tables(realm, 0, 3), RMI_SUCCESS);
	table = granule_take_delegated();
	for (int level = 1; level <= PAGE_LEVEL; level++) {
		uint64_t before = realm_entry(realm, 0, level - 1).desc;

		EXPECT_EQ(create(table, 0, level), rmi_rtt_error(level - 1));
		EXPECT_EQ(realm_entry(realm, 0, level - 1).desc, before);
	}
	EXPECT(granule_is_delegated(table));
}

CASE(rtt_create_looks_at_its_inputs_before_the_tables, "RTT_CREATE.order")
{
	realm = realm_of_shape(48, 0, 1);
	table = granule_take_delegated();
	/* Missing tables, and an unaligned IPA, or one behind the space. */
	EXPECT_EQ(create(table, GRANULE_SIZE, 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(table, bit64(48), 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(table, 0, 4), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_RTT_CREATE, table, table, 0, 3), RMI_ERROR_INPUT);
	/* A table that is there, and the same. */
	EXPECT_EQ(realm_tables(realm, 0, 3), RMI_SUCCESS);
	EXPECT_EQ(create(table, GRANULE_SIZE, 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(table, 0, 0), RMI_ERROR_INPUT);
}

CASE(rtt_create_links_the_table, "RTT_CREATE.success")
{
	prepare();
	EXPECT_EQ(create_for(BLOCK_SIZE), RMI_SUCCESS);
	EXPECT_ENTRY(realm, BLOCK_SIZE, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_TABLE,
		     .desc = table);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, table), RMI_ERROR_INPUT);
	EXPECT_EQ(create_for(2U * BLOCK_SIZE), RMI_ERROR_INPUT);
}

static void expect_pages(uint64_t base, uint64_t state, uint64_t ripas)
{
	for (uint64_t ipa = base; ipa < base + BLOCK_SIZE; ipa += GRANULE_SIZE) {
		if (!EXPECT_ENTRY(realm, ipa, PAGE_LEVEL, .level = PAGE_LEVEL, .state = state,
				  .ripas = ripas)) {
			return;
		}
	}
}

CASE(a_table_inherits_empty, "RTT_CREATE.inherit_unassigned")
{
	prepare();
	EXPECT_EQ(create_for(0), RMI_SUCCESS);
	expect_pages(0, RMI_UNASSIGNED, RMI_RIPAS_EMPTY);
}

CASE(a_table_inherits_ram, "RTT_CREATE.inherit_unassigned")
{
	prepare();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, false), RMI_SUCCESS);
	EXPECT_EQ(create_for(0), RMI_SUCCESS);
	expect_pages(0, RMI_UNASSIGNED, RMI_RIPAS_RAM);
}

CASE(a_table_inherits_destroyed, "RTT_CREATE.inherit_unassigned")
{
	prepare();
	EXPECT_EQ(create_for(0), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, 0, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(create_for(0), RMI_SUCCESS);
	expect_pages(0, RMI_UNASSIGNED, RMI_RIPAS_DESTROYED);
}

CASE(a_table_inherits_unprotected, "RTT_CREATE.inherit_unprotected")
{
	prepare();
	EXPECT_EQ(create_for(RIG_UNPROTECTED), RMI_SUCCESS);
	expect_pages(RIG_UNPROTECTED, RMI_UNASSIGNED, 0);
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, granule_take(), PAGE_LEVEL), RMI_SUCCESS);
}

CASE(tables_can_be_made_at_every_level, "RTT_CREATE.success")
{
	uint64_t top = bit64(48);

	realm = realm_of_shape(48, 0, 1);
	EXPECT_EQ(realm_tables(realm, 0, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_tables(realm, top - GRANULE_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_ENTRY(realm, 0, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED);
	EXPECT_ENTRY(realm, top - GRANULE_SIZE, PAGE_LEVEL, .level = PAGE_LEVEL,
		     .state = RMI_UNASSIGNED);
	EXPECT_ENTRY(realm, top - level_size(0), 0, .level = 0, .state = RMI_TABLE,
		     .desc = realm_entry(realm, top - level_size(0), 0).desc);
}

CASE(tables_can_be_made_for_a_realm_that_runs, "RTT_CREATE.any_state")
{
	realm = hand_realm(1);
	table = granule_take_delegated();
	EXPECT_EQ(create_for(BLOCK_SIZE), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
}
