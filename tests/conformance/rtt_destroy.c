/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_RTT_DESTROY. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

static struct rig_realm *realm;

static struct call destroy(uint64_t ipa, int64_t level)
{
	return rmi(RMI_RTT_DESTROY, realm->rd, ipa, (uint64_t)level);
}

static uint64_t destroy_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_DESTROY, rd, 0, PAGE_LEVEL);
}

static uint64_t destroy_at(uint64_t ipa)
{
	return destroy(ipa, PAGE_LEVEL).x[0];
}

static uint64_t make_table(uint64_t ipa, int level)
{
	EXPECT_EQ(realm_tables(realm, ipa, level), RMI_SUCCESS);
	return realm_entry(realm, align_down(ipa, level_size(level - 1)), level - 1).desc;
}

static void expect_error(uint64_t ipa, int level, int index, uint64_t top)
{
	struct call result = destroy(ipa, level);

	EXPECT_EQ(result.x[0], rmi_rtt_error(index));
	EXPECT_EQ(result.x[1], 0);
	EXPECT_EQ(result.x[2], top);
}

static void expect_success(uint64_t ipa, int level, uint64_t table, uint64_t top)
{
	struct call result = destroy(ipa, level);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], table);
	EXPECT_EQ(result.x[2], top);
}

CASE(rtt_destroy_refuses_an_unaligned_rd, "RTT_DESTROY.rd_align")
{
	refuses_unaligned(destroy_in, realm_make()->rd);
}

CASE(rtt_destroy_refuses_an_untracked_rd, "RTT_DESTROY.rd_bound")
{
	refuses_untracked(destroy_in);
}

CASE(rtt_destroy_refuses_what_is_no_rd, "RTT_DESTROY.rd_state")
{
	refuses_other_states(destroy_in, ZOO_RD);
}

CASE(rtt_destroy_refuses_levels_that_have_no_tables_to_destroy, "RTT_DESTROY.level")
{
	static const int64_t levels[] = {
		INT64_MIN, -1, 0, 1, 2, 4, INT64_C(0x100000003), INT64_MAX
	};

	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(destroy(0, levels[n]).x[0], RMI_ERROR_INPUT);
	}
}

CASE(rtt_destroy_refuses_an_ipa_that_no_table_begins_at, "RTT_DESTROY.ipa_align")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	refuses_unaligned(destroy_at, 0);
	for (uint64_t ipa = GRANULE_SIZE; ipa < BLOCK_SIZE; ipa *= 2U) {
		EXPECT_EQ(destroy_at(ipa), RMI_ERROR_INPUT);
	}
}

CASE(rtt_destroy_refuses_an_ipa_behind_the_space, "RTT_DESTROY.ipa_bound")
{
	realm = realm_make();
	EXPECT_EQ(destroy_at(2U * RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy_at(bit64(48)), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy_at(bit64(63)), RMI_ERROR_INPUT);
}

CASE(rtt_destroy_looks_at_its_inputs_before_the_tables, "RTT_DESTROY.order")
{
	realm = realm_of_shape(48, 0, 1);
	EXPECT_EQ(destroy_at(GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy_at(bit64(48)), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy(0, 4).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(destroy(0, 0).x[0], RMI_ERROR_INPUT);
}

CASE(rtt_destroy_tells_where_a_table_is_missing, "RTT_DESTROY.walk RTT_DESTROY.top_of_failure")
{
	realm = realm_of_shape(48, 0, 1);
	expect_error(0, 2, 0, bit64(48));
	expect_error(BLOCK_SIZE, 3, 0, bit64(48));
	(void)make_table(0, 1);
	expect_error(BLOCK_SIZE, 3, 1, level_size(0));
	expect_error(level_size(0) + BLOCK_SIZE, 3, 0, bit64(48));
}

CASE(rtt_destroy_names_the_next_live_entry_where_a_table_is_missing, "RTT_DESTROY.top_of_failure")
{
	realm = realm_of_shape(39, 1, 1);
	(void)make_table(5U * GIGABYTE, 2);
	expect_error(2U * GIGABYTE, 3, 1, 5U * GIGABYTE);
	expect_error(2U * GIGABYTE + BLOCK_SIZE, 3, 1, 5U * GIGABYTE);
	expect_error(6U * GIGABYTE, 3, 1, bit64(39));
}

CASE(rtt_destroy_refuses_an_entry_that_is_no_table, "RTT_DESTROY.parent RTT_DESTROY.top_of_failure")
{
	realm = realm_make();
	(void)make_table(4U * BLOCK_SIZE, PAGE_LEVEL);
	expect_error(BLOCK_SIZE, 3, 2, 4U * BLOCK_SIZE);
	expect_error(5U * BLOCK_SIZE, 3, 2, GIGABYTE);
	expect_error(GIGABYTE, 3, 2, 2U * GIGABYTE);
	expect_error(2U * RIG_UNPROTECTED - BLOCK_SIZE, 3, 2, 2U * RIG_UNPROTECTED);
}

CASE(rtt_destroy_refuses_a_block, "RTT_DESTROY.parent RTT_DESTROY.top_of_failure")
{
	realm = realm_make();
	(void)realm_make_block(realm, 3U * BLOCK_SIZE);
	expect_error(3U * BLOCK_SIZE, 3, 2, 3U * BLOCK_SIZE);
	expect_error(BLOCK_SIZE, 3, 2, 3U * BLOCK_SIZE);
}

CASE(rtt_destroy_refuses_an_unprotected_block, "RTT_DESTROY.parent RTT_DESTROY.walk")
{
	uint64_t shared = bit64(38);

	realm = realm_of_shape(39, 1, 1);
	EXPECT_EQ(realm_share(realm, shared, 2U * GIGABYTE, 1), RMI_SUCCESS);
	expect_error(shared, 2, 1, shared);
	expect_error(shared + BLOCK_SIZE, 3, 1, shared + BLOCK_SIZE);
	expect_error(shared - GIGABYTE, 2, 1, shared);
}

CASE(rtt_destroy_refuses_a_table_with_data, "RTT_DESTROY.live")
{
	static const uint64_t pages[] = { 0, 1, 255, 511 };

	realm = realm_make();
	(void)make_table(BLOCK_SIZE, PAGE_LEVEL);
	for (size_t n = 0; n < ARRAY_COUNT(pages); n++) {
		uint64_t ipa = BLOCK_SIZE + pages[n] * GRANULE_SIZE;

		EXPECT_EQ(realm_data_unknown(realm, ipa), RMI_SUCCESS);
		expect_error(BLOCK_SIZE, 3, 3, BLOCK_SIZE);
		EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, ipa), RMI_SUCCESS);
	}
	EXPECT_EQ(destroy_at(BLOCK_SIZE), RMI_SUCCESS);
}

CASE(rtt_destroy_refuses_a_table_with_tables, "RTT_DESTROY.live")
{
	realm = realm_of_shape(39, 1, 1);
	(void)make_table(GIGABYTE + 511U * BLOCK_SIZE, PAGE_LEVEL);
	expect_error(GIGABYTE, 2, 2, GIGABYTE);
	EXPECT_EQ(destroy_at(GIGABYTE + 511U * BLOCK_SIZE), RMI_SUCCESS);
	EXPECT_EQ(destroy(GIGABYTE, 2).x[0], RMI_SUCCESS);
}

CASE(rtt_destroy_refuses_a_table_with_blocks, "RTT_DESTROY.live")
{
	realm = realm_of_shape(39, 1, 1);
	(void)realm_make_block(realm, GIGABYTE + BLOCK_SIZE);
	expect_error(GIGABYTE, 2, 2, GIGABYTE);
}

CASE(rtt_destroy_gives_the_table_back_wiped, "RTT_DESTROY.success")
{
	uint64_t table;

	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
	table = make_table(0, PAGE_LEVEL);
	expect_success(0, 3, table, GIGABYTE);
	EXPECT(granule_comes_back_wiped(table));
}

CASE(rtt_destroy_leaves_destroyed_behind, "RTT_DESTROY.protected")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	EXPECT_EQ(realm_ram(realm, BLOCK_SIZE, 2U * BLOCK_SIZE, true), RMI_SUCCESS);
	for (uint64_t ipa = 0; ipa < 2U * BLOCK_SIZE; ipa += BLOCK_SIZE) {
		EXPECT_EQ(destroy_at(ipa), RMI_SUCCESS);
		EXPECT_ENTRY(realm, ipa, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_UNASSIGNED,
			     .ripas = RMI_RIPAS_DESTROYED);
	}
	EXPECT_ENTRY(realm, 2U * BLOCK_SIZE, BLOCK_LEVEL, .level = BLOCK_LEVEL,
		     .state = RMI_UNASSIGNED, .ripas = RMI_RIPAS_EMPTY);
}

CASE(rtt_destroy_leaves_unprotected_entries_unassigned, "RTT_DESTROY.unprotected")
{
	uint64_t table;

	realm = realm_make();
	table = make_table(RIG_UNPROTECTED, PAGE_LEVEL);
	expect_success(RIG_UNPROTECTED, 3, table, RIG_UNPROTECTED + GIGABYTE);
	EXPECT_ENTRY(realm, RIG_UNPROTECTED, BLOCK_LEVEL, .level = BLOCK_LEVEL,
		     .state = RMI_UNASSIGNED);
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, 2U * GIGABYTE, BLOCK_LEVEL), RMI_SUCCESS);
}

CASE(rtt_destroy_works_at_every_level, "RTT_DESTROY.success")
{
	uint64_t tables[3];

	realm = realm_of_shape(48, 0, 1);
	for (int level = 1; level <= PAGE_LEVEL; level++) {
		tables[level - 1] = make_table(0, level);
	}
	for (int level = PAGE_LEVEL; level >= 1; level--) {
		uint64_t end = level == 1 ? bit64(48) : level_size(level - 2);

		expect_success(0, level, tables[level - 1], end);
		EXPECT_ENTRY(realm, 0, level - 1, .level = (uint64_t)level - 1U,
			     .state = RMI_UNASSIGNED, .ripas = RMI_RIPAS_DESTROYED);
	}
}

CASE(rtt_destroy_names_the_next_live_entry, "RTT_DESTROY.top_of_success")
{
	uint64_t first;
	uint64_t second;

	realm = realm_make();
	first = make_table(0, PAGE_LEVEL);
	second = make_table(3U * BLOCK_SIZE, PAGE_LEVEL);
	(void)realm_make_block(realm, 9U * BLOCK_SIZE);
	expect_success(0, 3, first, 3U * BLOCK_SIZE);
	expect_success(3U * BLOCK_SIZE, 3, second, 9U * BLOCK_SIZE);
}

CASE(rtt_destroy_takes_a_table_with_memory_of_the_hosts, "RTT_DESTROY.unprotected_mapped")
{
	uint64_t page = granule_take();
	uint64_t table;
	struct rig_rec *rec;

	realm = hand_realm(1);
	rec = &realm->recs[0];
	table = make_table(RIG_UNPROTECTED, PAGE_LEVEL);
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED + GRANULE_SIZE, page, PAGE_LEVEL),
		  RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	hand_write(rec, RIG_UNPROTECTED + GRANULE_SIZE, 0x1234);
	expect_success(RIG_UNPROTECTED, 3, table, RIG_UNPROTECTED + GIGABYTE);
	/* No stale translation. */
	EXPECT(!hand_order(rec, HAND_READ, RIG_UNPROTECTED + GRANULE_SIZE, 8).done);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(rec->run->exit.hpfar, (RIG_UNPROTECTED + GRANULE_SIZE) >> 8U);
}

CASE(rtt_destroy_counts_memory_of_the_hosts_as_live, "RTT_DESTROY.top_of_success")
{
	uint64_t shared = bit64(38);
	uint64_t table;

	realm = realm_of_shape(39, 1, 1);
	table = make_table(shared, 2);
	EXPECT_EQ(realm_share(realm, shared + 2U * GIGABYTE, 2U * GIGABYTE, 1), RMI_SUCCESS);
	expect_success(shared, 2, table, shared + 2U * GIGABYTE);
}

CASE(rtt_destroy_that_fails_changes_nothing, "RTT_DESTROY.no_effect")
{
	realm = hand_realm(1);
	EXPECT_EQ(destroy_at(0), rmi_rtt_error(3));
	EXPECT_EQ(destroy_at(GRANULE_SIZE), RMI_ERROR_INPUT);
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	hand_write(&realm->recs[0], HAND_CALLS + 0x800, 7);
	EXPECT_EQ(hand_read(&realm->recs[0], HAND_CALLS + 0x800), 7);
}

CASE(rtt_destroy_works_while_the_realm_is_active, "RTT_DESTROY.any_state")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(destroy_at(0), RMI_SUCCESS);
}
