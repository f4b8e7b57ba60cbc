/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_RTT_FOLD: what it refuses, and tables that map nothing; blocks.c has those that do. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define SHARED_48 bit64(47)

static struct rig_realm *realm;

static struct call fold(uint64_t ipa, int64_t level)
{
	return rmi(RMI_RTT_FOLD, realm->rd, ipa, (uint64_t)level);
}

static uint64_t fold_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_FOLD, rd, 0, PAGE_LEVEL);
}

static uint64_t fold_at(uint64_t ipa)
{
	return fold(ipa, PAGE_LEVEL).x[0];
}

static void expect_error(uint64_t ipa, int level, int index)
{
	struct call result = fold(ipa, level);

	EXPECT_EQ(result.x[0], rmi_rtt_error(index));
	EXPECT_EQ(result.x[1], 0);
}

static uint64_t make_table(uint64_t ipa, int level)
{
	EXPECT_EQ(realm_tables(realm, ipa, level), RMI_SUCCESS);
	return realm_entry(realm, align_down(ipa, level_size(level - 1)), level - 1).desc;
}

static uint64_t map(uint64_t ipa, int level, uint64_t desc)
{
	return rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, ipa, (uint64_t)level, desc);
}

/* A level 3 table of unprotected entries that map memory from `pa` on, all but those from `count`.
 */
static void share_pages(uint64_t pa, uint64_t count)
{
	(void)make_table(RIG_UNPROTECTED, PAGE_LEVEL);
	for (uint64_t at = 0; at < count * GRANULE_SIZE; at += GRANULE_SIZE) {
		EXPECT_EQ(map(RIG_UNPROTECTED + at, PAGE_LEVEL, (pa + at) | UNPROTECTED_RW),
			  RMI_SUCCESS);
	}
}

CASE(rtt_fold_refuses_an_unaligned_rd, "RTT_FOLD.rd_align")
{
	refuses_unaligned(fold_in, realm_make()->rd);
}

CASE(rtt_fold_refuses_an_untracked_rd, "RTT_FOLD.rd_bound")
{
	refuses_untracked(fold_in);
}

CASE(rtt_fold_refuses_what_is_no_rd, "RTT_FOLD.rd_state")
{
	refuses_other_states(fold_in, ZOO_RD);
}

CASE(rtt_fold_refuses_levels_that_have_no_tables_to_fold, "RTT_FOLD.level")
{
	static const int64_t levels[] = {
		INT64_MIN, -1, 0, 1, 2, 4, INT64_C(0x100000003), INT64_MAX
	};

	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(fold(0, levels[n]).x[0], RMI_ERROR_INPUT);
	}
}

CASE(rtt_fold_refuses_an_ipa_that_no_table_begins_at, "RTT_FOLD.ipa_align")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	refuses_unaligned(fold_at, 0);
	for (uint64_t ipa = GRANULE_SIZE; ipa < BLOCK_SIZE; ipa *= 2U) {
		EXPECT_EQ(fold_at(ipa), RMI_ERROR_INPUT);
	}
}

CASE(rtt_fold_refuses_an_ipa_behind_the_space, "RTT_FOLD.ipa_bound")
{
	realm = realm_make();
	EXPECT_EQ(fold_at(2U * RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(fold_at(bit64(63)), RMI_ERROR_INPUT);
}

CASE(rtt_fold_looks_at_its_inputs_before_the_tables, "RTT_FOLD.order")
{
	realm = realm_of_shape(48, 0, 1);
	EXPECT_EQ(fold_at(GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(fold_at(bit64(48)), RMI_ERROR_INPUT);
	EXPECT_EQ(fold(0, 4).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(fold(0, 0).x[0], RMI_ERROR_INPUT);
}

CASE(rtt_fold_tells_where_a_table_is_missing, "RTT_FOLD.walk")
{
	realm = realm_of_shape(48, 0, 1);
	expect_error(0, 3, 0);
	expect_error(0, 2, 0);
	(void)make_table(0, 1);
	expect_error(BLOCK_SIZE, 3, 1);
}

CASE(rtt_fold_refuses_an_entry_that_is_no_table, "RTT_FOLD.parent")
{
	realm = realm_of_shape(48, 0, 1);
	expect_error(0, 1, 0);
	(void)make_table(0, 2);
	expect_error(BLOCK_SIZE, 3, 2);
}

CASE(rtt_fold_refuses_what_is_a_block_already, "RTT_FOLD.parent")
{
	realm = realm_make();
	(void)realm_make_block(realm, BLOCK_SIZE);
	expect_error(BLOCK_SIZE, 3, 2);
}

CASE(rtt_fold_refuses_mixed_ripas, "RTT_FOLD.homogeneous")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, 0, GRANULE_SIZE), RMI_SUCCESS);
	expect_error(0, 3, 3);
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, 0, BLOCK_SIZE - GRANULE_SIZE),
		  RMI_SUCCESS);
	expect_error(0, 3, 3);
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, 0, BLOCK_SIZE), RMI_SUCCESS);
	EXPECT_EQ(fold_at(0), RMI_SUCCESS);
}

CASE(rtt_fold_refuses_destroyed_among_the_others, "RTT_FOLD.homogeneous")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, BLOCK_SIZE - GRANULE_SIZE), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, BLOCK_SIZE - GRANULE_SIZE), RMI_SUCCESS);
	expect_error(0, 3, 3);
}

CASE(rtt_fold_refuses_a_hole_in_the_data, "RTT_FOLD.homogeneous")
{
	static const uint64_t holes[] = { 0, 1, 511 };

	realm = realm_make();
	(void)realm_fill_block(realm, 0);
	for (size_t n = 0; n < ARRAY_COUNT(holes); n++) {
		uint64_t ipa = holes[n] * GRANULE_SIZE;
		struct call data = rmi(RMI_DATA_DESTROY, realm->rd, ipa);

		EXPECT_EQ(data.x[0], RMI_SUCCESS);
		expect_error(0, 3, 3);
		EXPECT_EQ(rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, data.x[1], ipa),
			  RMI_SUCCESS);
	}
	EXPECT_EQ(fold_at(0), RMI_SUCCESS);
}

CASE(rtt_fold_refuses_data_that_is_not_contiguous, "RTT_FOLD.contiguous")
{
	uint64_t other = granule_take_delegated();

	realm = realm_make();
	(void)realm_fill_block(realm, 0);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, 9U * GRANULE_SIZE), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, other, 9U * GRANULE_SIZE),
		  RMI_SUCCESS);
	expect_error(0, 3, 3);
}

CASE(rtt_fold_refuses_data_that_is_not_aligned, "RTT_FOLD.contiguous")
{
	uint64_t pa = granules_take_delegated(TABLE_ENTRIES + 1U, BLOCK_SIZE) + GRANULE_SIZE;

	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	for (uint64_t at = 0; at < BLOCK_SIZE; at += GRANULE_SIZE) {
		EXPECT_EQ(rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, pa + at, at), RMI_SUCCESS);
	}
	expect_error(0, 3, 3);
}

CASE(rtt_fold_refuses_data_of_mixed_ripas, "RTT_FOLD.homogeneous")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE - GRANULE_SIZE, true), RMI_SUCCESS);
	(void)realm_fill_block(realm, 0);
	expect_error(0, 3, 3);
}

CASE(rtt_fold_refuses_a_table_of_tables, "RTT_FOLD.homogeneous")
{
	realm = realm_of_shape(39, 1, 1);
	for (uint64_t ipa = 0; ipa < 2U * BLOCK_SIZE; ipa += BLOCK_SIZE) {
		(void)make_table(ipa, PAGE_LEVEL);
		expect_error(0, 2, 2);
	}
	EXPECT_EQ(fold_at(0), RMI_SUCCESS);
	expect_error(0, 2, 2);
	EXPECT_EQ(fold_at(BLOCK_SIZE), RMI_SUCCESS);
	EXPECT_EQ(fold(0, 2).x[0], RMI_SUCCESS);
}

CASE(rtt_fold_refuses_a_hole_in_unprotected_memory, "RTT_FOLD.unprotected_homogeneous")
{
	realm = realm_make();
	share_pages(2U * GIGABYTE, TABLE_ENTRIES - 1U);
	expect_error(RIG_UNPROTECTED, 3, 3);
	EXPECT_EQ(map(RIG_UNPROTECTED + BLOCK_SIZE - GRANULE_SIZE, PAGE_LEVEL,
		      (2U * GIGABYTE + BLOCK_SIZE - GRANULE_SIZE) | UNPROTECTED_RW),
		  RMI_SUCCESS);
	EXPECT_EQ(fold_at(RIG_UNPROTECTED), RMI_SUCCESS);
}

CASE(rtt_fold_refuses_unprotected_memory_that_is_not_aligned, "RTT_FOLD.unprotected_homogeneous")
{
	realm = realm_make();
	share_pages(2U * GIGABYTE + GRANULE_SIZE, TABLE_ENTRIES);
	expect_error(RIG_UNPROTECTED, 3, 3);
}

/* Device instead of Normal memory, or without the permission to write. */
CASE(rtt_fold_refuses_unprotected_memory_of_mixed_attributes, "RTT_FOLD.unprotected_homogeneous")
{
	static const uint64_t others[] = { 0xC0, 0x58 };
	uint64_t last = BLOCK_SIZE - GRANULE_SIZE;

	realm = realm_make();
	share_pages(2U * GIGABYTE, TABLE_ENTRIES);
	for (size_t n = 0; n < ARRAY_COUNT(others); n++) {
		EXPECT_EQ(rmi_status(RMI_RTT_UNMAP_UNPROTECTED, realm->rd, RIG_UNPROTECTED + last,
				     PAGE_LEVEL),
			  RMI_SUCCESS);
		EXPECT_EQ(
			map(RIG_UNPROTECTED + last, PAGE_LEVEL, (2U * GIGABYTE + last) | others[n]),
			RMI_SUCCESS);
		expect_error(RIG_UNPROTECTED, 3, 3);
	}
}

CASE(rtt_fold_refuses_a_block_of_level_0, "RTT_FOLD.level_0_block")
{
	uint64_t pa = level_size(0);

	realm = realm_of_shape(48, 0, 1);
	(void)make_table(SHARED_48, 1);
	for (uint64_t at = 0; at < level_size(0); at += GIGABYTE) {
		EXPECT_EQ(map(SHARED_48 + at, 1, (pa + at) | UNPROTECTED_RW), RMI_SUCCESS);
	}
	expect_error(SHARED_48, 1, 0);
	EXPECT_ENTRY(realm, SHARED_48 + GIGABYTE, 1, .level = 1, .state = RMI_ASSIGNED,
		     .desc = (pa + GIGABYTE) | UNPROTECTED_RW);
}

CASE(rtt_fold_gives_the_table_back_wiped, "RTT_FOLD.success")
{
	struct call result;
	uint64_t table;

	realm = realm_make();
	table = make_table(0, PAGE_LEVEL);
	result = fold(0, 3);
	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], table);
	EXPECT(granule_comes_back_wiped(table));
}

CASE(rtt_fold_keeps_empty, "RTT_FOLD.unassigned")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	EXPECT_EQ(fold_at(0), RMI_SUCCESS);
	EXPECT_ENTRY(realm, 0, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_EMPTY);
}

CASE(rtt_fold_keeps_ram, "RTT_FOLD.unassigned")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
	EXPECT_EQ(fold_at(0), RMI_SUCCESS);
	EXPECT_ENTRY(realm, 0, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_RAM);
}

CASE(rtt_fold_keeps_destroyed, "RTT_FOLD.unassigned")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, 0, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_CREATE, realm->rd, granule_take_delegated(), 0, PAGE_LEVEL),
		  RMI_SUCCESS);
	EXPECT_EQ(fold_at(0), RMI_SUCCESS);
	EXPECT_ENTRY(realm, 0, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_DESTROYED);
}

CASE(rtt_fold_keeps_unprotected, "RTT_FOLD.unprotected_unassigned")
{
	realm = realm_make();
	(void)make_table(RIG_UNPROTECTED, PAGE_LEVEL);
	EXPECT_EQ(fold_at(RIG_UNPROTECTED), RMI_SUCCESS);
	EXPECT_ENTRY(realm, RIG_UNPROTECTED, BLOCK_LEVEL, .level = BLOCK_LEVEL,
		     .state = RMI_UNASSIGNED);
	EXPECT_EQ(map(RIG_UNPROTECTED, BLOCK_LEVEL, 2U * GIGABYTE | UNPROTECTED_RW), RMI_SUCCESS);
}

CASE(rtt_fold_works_at_every_level, "RTT_FOLD.unassigned")
{
	realm = realm_of_shape(48, 0, 1);
	(void)make_table(0, PAGE_LEVEL);
	for (int level = PAGE_LEVEL; level >= 1; level--) {
		EXPECT_EQ(fold(0, level).x[0], RMI_SUCCESS);
		EXPECT_ENTRY(realm, 0, level - 1, .level = (uint64_t)level - 1U,
			     .state = RMI_UNASSIGNED, .ripas = RMI_RIPAS_EMPTY);
	}
}

CASE(rtt_fold_that_fails_changes_nothing, "RTT_FOLD.no_effect")
{
	realm = hand_realm(1);
	EXPECT_EQ(fold_at(0), rmi_rtt_error(3));
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	hand_write(&realm->recs[0], HAND_CALLS + 0x800, 7);
	EXPECT_EQ(hand_read(&realm->recs[0], HAND_CALLS + 0x800), 7);
}

CASE(rtt_fold_works_while_the_realm_is_active, "RTT_FOLD.any_state")
{
	realm = realm_make();
	(void)make_table(0, PAGE_LEVEL);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(fold_at(0), RMI_SUCCESS);
}
