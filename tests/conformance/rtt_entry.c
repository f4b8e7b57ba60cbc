/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_RTT_READ_ENTRY. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

static struct rig_realm *realm;

static uint64_t read(uint64_t ipa, int64_t level)
{
	return rmi_status(RMI_RTT_READ_ENTRY, realm->rd, ipa, (uint64_t)level);
}

static uint64_t read_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_READ_ENTRY, rd, 0, BLOCK_LEVEL);
}

static uint64_t read_page_at(uint64_t ipa)
{
	return read(ipa, PAGE_LEVEL);
}

CASE(rtt_read_entry_refuses_an_unaligned_rd, "RTT_READ_ENTRY.rd_align")
{
	refuses_unaligned(read_in, realm_make()->rd);
}

CASE(rtt_read_entry_refuses_an_untracked_rd, "RTT_READ_ENTRY.rd_bound")
{
	refuses_untracked(read_in);
}

CASE(rtt_read_entry_refuses_what_is_no_rd, "RTT_READ_ENTRY.rd_state")
{
	refuses_other_states(read_in, ZOO_RD);
}

CASE(rtt_read_entry_refuses_levels_that_the_realm_has_not, "RTT_READ_ENTRY.level")
{
	static const int64_t levels[] = { INT64_MIN, -1, 0, 1, 4, 0x102, INT64_C(0x100000002),
					  INT64_MAX };

	realm = realm_make();
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(read(0, levels[n]), RMI_ERROR_INPUT);
	}
}

CASE(rtt_read_entry_wants_the_alignment_of_its_level, "RTT_READ_ENTRY.ipa_align")
{
	realm = realm_of_shape(48, 0, 1);
	refuses_unaligned(read_page_at, GRANULE_SIZE);
	for (int level = 0; level <= PAGE_LEVEL; level++) {
		EXPECT_EQ(read(level_size(level), level), RMI_SUCCESS);
		EXPECT_EQ(read(level_size(level) / 2U, level), RMI_ERROR_INPUT);
		EXPECT_EQ(read(level_size(level) + 1U, level), RMI_ERROR_INPUT);
	}
}

CASE(rtt_read_entry_refuses_an_ipa_behind_the_space, "RTT_READ_ENTRY.ipa_bound")
{
	realm = realm_make();
	EXPECT_EQ(read(2U * RIG_UNPROTECTED, BLOCK_LEVEL), RMI_ERROR_INPUT);
	EXPECT_EQ(read(bit64(63), BLOCK_LEVEL), RMI_ERROR_INPUT);
	EXPECT_EQ(read(2U * RIG_UNPROTECTED - BLOCK_SIZE, BLOCK_LEVEL), RMI_SUCCESS);
}

CASE(rtt_read_entry_tells_of_unassigned_entries, "RTT_READ_ENTRY.unassigned")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, BLOCK_SIZE, 2U * BLOCK_SIZE, false), RMI_SUCCESS);
	EXPECT_EQ(realm_tables(realm, 2U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, 2U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_ENTRY(realm, 0, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_EMPTY);
	EXPECT_ENTRY(realm, BLOCK_SIZE, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_RAM);
	EXPECT_ENTRY(realm, 2U * BLOCK_SIZE, BLOCK_LEVEL, .level = BLOCK_LEVEL,
		     .state = RMI_UNASSIGNED, .ripas = RMI_RIPAS_DESTROYED);
}

/* One page of each RIPAS: a destroyed table leaves DESTROYED behind. */
CASE(rtt_read_entry_tells_of_assigned_entries, "RTT_READ_ENTRY.assigned")
{
	static const uint64_t ripas[] = { RMI_RIPAS_EMPTY, RMI_RIPAS_RAM, RMI_RIPAS_DESTROYED };

	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, BLOCK_SIZE, 2U * BLOCK_SIZE, false), RMI_SUCCESS);
	EXPECT_EQ(realm_tables(realm, 2U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, 2U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	for (uint64_t n = 0; n < ARRAY_COUNT(ripas); n++) {
		uint64_t data = granule_take_delegated();
		uint64_t ipa = n * BLOCK_SIZE + 5U * GRANULE_SIZE;

		EXPECT_EQ(realm_tables(realm, ipa, PAGE_LEVEL), RMI_SUCCESS);
		EXPECT_EQ(rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, data, ipa), RMI_SUCCESS);
		EXPECT_ENTRY(realm, ipa, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
			     .desc = data, .ripas = ripas[n]);
	}
}

CASE(rtt_read_entry_tells_of_unprotected_entries, "RTT_READ_ENTRY.unprotected")
{
	uint64_t desc = granule_take() | UNPROTECTED_RW;

	realm = realm_make();
	EXPECT_EQ(realm_tables(realm, RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, RIG_UNPROTECTED, PAGE_LEVEL, desc),
		  RMI_SUCCESS);
	EXPECT_ENTRY(realm, RIG_UNPROTECTED, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
		     .desc = desc);
	EXPECT_ENTRY(realm, RIG_UNPROTECTED + GRANULE_SIZE, PAGE_LEVEL, .level = PAGE_LEVEL,
		     .state = RMI_UNASSIGNED);
}

CASE(rtt_read_entry_tells_of_blocks, "RTT_READ_ENTRY.block")
{
	uint64_t pa;

	realm = realm_make();
	pa = realm_make_block(realm, 0);
	EXPECT_ENTRY(realm, 0, BLOCK_LEVEL, .level = BLOCK_LEVEL, .state = RMI_ASSIGNED, .desc = pa,
		     .ripas = RMI_RIPAS_EMPTY);
	EXPECT_ENTRY(realm, 7U * GRANULE_SIZE, PAGE_LEVEL, .level = BLOCK_LEVEL,
		     .state = RMI_ASSIGNED, .desc = pa, .ripas = RMI_RIPAS_EMPTY);
}

CASE(rtt_read_entry_tells_of_tables, "RTT_READ_ENTRY.table")
{
	uint64_t tables[2] = { granule_take_delegated(), granule_take_delegated() };

	realm = realm_of_shape(39, 1, 1);
	for (int level = 2; level <= PAGE_LEVEL; level++) {
		EXPECT_EQ(rmi_status(RMI_RTT_CREATE, realm->rd, tables[level - 2], GIGABYTE,
				     (uint64_t)level),
			  RMI_SUCCESS);
		EXPECT_ENTRY(realm, GIGABYTE, level - 1, .level = (uint64_t)level - 1U,
			     .state = RMI_TABLE, .desc = tables[level - 2]);
	}
	EXPECT_ENTRY(realm, GIGABYTE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED);
}

CASE(rtt_read_entry_stops_where_the_tables_end, "RTT_READ_ENTRY.walk_level")
{
	realm = realm_of_shape(48, 0, 1);
	for (int level = 0; level <= PAGE_LEVEL; level++) {
		EXPECT_EQ(realm_tables(realm, 0, level), RMI_SUCCESS);
		EXPECT_ENTRY(realm, 0, PAGE_LEVEL, .level = (uint64_t)level,
			     .state = RMI_UNASSIGNED);
	}
}

CASE(rtt_read_entry_needs_no_state_of_the_realm, "RTT_READ_ENTRY.any_state")
{
	realm = realm_make();
	EXPECT_EQ(read(0, BLOCK_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(read(0, BLOCK_LEVEL), RMI_SUCCESS);
}
