/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_RTT_MAP_UNPROTECTED and RMI_RTT_UNMAP_UNPROTECTED. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define HERE	 RIG_UNPROTECTED
#define DEVICE	 UINT64_C(0xC0) /* MemAttr 0, S2AP 0b11 */
#define FAR_PA	 UINT64_C(0x80000000)
#define EC_SHIFT 26U
#define EC_ABORT UINT64_C(0x24)

static struct rig_realm *realm;
static uint64_t page;

static uint64_t map(uint64_t ipa, int64_t level, uint64_t desc)
{
	return rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, ipa, (uint64_t)level, desc);
}

static struct call unmap(uint64_t ipa, int64_t level)
{
	return rmi(RMI_RTT_UNMAP_UNPROTECTED, realm->rd, ipa, (uint64_t)level);
}

static uint64_t map_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_MAP_UNPROTECTED, rd, HERE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW);
}

static uint64_t unmap_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_UNMAP_UNPROTECTED, rd, HERE, BLOCK_LEVEL);
}

static uint64_t map_page_at(uint64_t ipa)
{
	return map(ipa, PAGE_LEVEL, page | UNPROTECTED_RW);
}

static uint64_t unmap_page_at(uint64_t ipa)
{
	return unmap(ipa, PAGE_LEVEL).x[0];
}

static void prepare(void)
{
	realm = realm_make();
	page = granule_take();
	EXPECT_EQ(realm_tables(realm, HERE, PAGE_LEVEL), RMI_SUCCESS);
}

static void expect_unmap(uint64_t ipa, int level, uint64_t status, uint64_t top)
{
	struct call result = unmap(ipa, level);

	EXPECT_EQ(result.x[0], status);
	EXPECT_EQ(result.x[1], top);
}

CASE(map_unprotected_refuses_an_unaligned_rd, "RTT_MAP_UNPROTECTED.rd_align")
{
	refuses_unaligned(map_in, realm_make()->rd);
}

CASE(map_unprotected_refuses_an_untracked_rd, "RTT_MAP_UNPROTECTED.rd_bound")
{
	refuses_untracked(map_in);
}

CASE(map_unprotected_refuses_what_is_no_rd, "RTT_MAP_UNPROTECTED.rd_state")
{
	refuses_other_states(map_in, ZOO_RD);
}

CASE(map_unprotected_refuses_levels_without_blocks_or_pages, "RTT_MAP_UNPROTECTED.level")
{
	static const int64_t levels[] = { INT64_MIN, -1, 0, 4, INT64_C(0x100000003), INT64_MAX };

	realm = realm_of_shape(48, 0, 1);
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(map(bit64(47), levels[n], UNPROTECTED_RW), RMI_ERROR_INPUT);
	}
}

CASE(map_unprotected_refuses_levels_above_the_start_level, "RTT_MAP_UNPROTECTED.level")
{
	realm = realm_make();
	EXPECT_EQ(map(HERE, 1, FAR_PA | UNPROTECTED_RW), RMI_ERROR_INPUT);
	EXPECT_EQ(map(HERE, 0, UNPROTECTED_RW), RMI_ERROR_INPUT);
}

CASE(map_unprotected_wants_the_alignment_of_its_level, "RTT_MAP_UNPROTECTED.ipa_align")
{
	prepare();
	refuses_unaligned(map_page_at, HERE);
	for (uint64_t offset = GRANULE_SIZE; offset < BLOCK_SIZE; offset *= 2U) {
		EXPECT_EQ(map(HERE + BLOCK_SIZE + offset, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW),
			  RMI_ERROR_INPUT);
	}
}

CASE(map_unprotected_refuses_protected_ipas, "RTT_MAP_UNPROTECTED.ipa_protected")
{
	prepare();
	EXPECT_EQ(map(HERE - BLOCK_SIZE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_ERROR_INPUT);
	EXPECT_EQ(map(0, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_ERROR_INPUT);
	EXPECT_EQ(realm_tables(realm, 0, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(map_page_at(0), RMI_ERROR_INPUT);
}

CASE(map_unprotected_refuses_ipas_behind_the_space, "RTT_MAP_UNPROTECTED.ipa_bound")
{
	prepare();
	EXPECT_EQ(map(2U * HERE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_ERROR_INPUT);
	EXPECT_EQ(map(bit64(63), BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_ERROR_INPUT);
	EXPECT_EQ(map(2U * HERE - BLOCK_SIZE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_SUCCESS);
}

/* All that the host may not choose of a descriptor, bit by bit. */
CASE(map_unprotected_refuses_other_bits_of_the_descriptor, "RTT_MAP_UNPROTECTED.desc_bits")
{
	uint64_t allowed = mask64(47, 12) | mask64(7, 6) | mask64(4, 2);

	prepare();
	for (unsigned int bit = 0; bit < 64U; bit++) {
		if ((allowed & bit64(bit)) == 0U) {
			EXPECT_EQ(map(HERE, PAGE_LEVEL, page | UNPROTECTED_RW | bit64(bit)),
				  RMI_ERROR_INPUT);
		}
	}
	EXPECT_EQ(map_page_at(HERE), RMI_SUCCESS);
}

CASE(map_unprotected_refuses_the_reserved_memory_type, "RTT_MAP_UNPROTECTED.memattr")
{
	prepare();
	EXPECT_EQ(map(HERE, PAGE_LEVEL, page | UINT64_C(4) << 2U | UINT64_C(0xC0)),
		  RMI_ERROR_INPUT);
}

CASE(map_unprotected_takes_every_other_memory_type, "RTT_MAP_UNPROTECTED.memattr")
{
	prepare();
	for (uint64_t type = 0; type < 8U; type++) {
		uint64_t desc = page | type << 2U | UINT64_C(0xC0);

		if (type != 4U) {
			EXPECT_EQ(map(HERE, PAGE_LEVEL, desc), RMI_SUCCESS);
			EXPECT_ENTRY(realm, HERE, PAGE_LEVEL, .level = PAGE_LEVEL,
				     .state = RMI_ASSIGNED, .desc = desc);
			EXPECT_EQ(unmap(HERE, PAGE_LEVEL).x[0], RMI_SUCCESS);
		}
	}
}

CASE(map_unprotected_takes_every_permission, "RTT_MAP_UNPROTECTED.s2ap")
{
	prepare();
	for (uint64_t s2ap = 0; s2ap < 4U; s2ap++) {
		uint64_t desc = page | UINT64_C(0x18) | s2ap << 6U;

		EXPECT_EQ(map(HERE, PAGE_LEVEL, desc), RMI_SUCCESS);
		EXPECT_ENTRY(realm, HERE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
			     .desc = desc);
		EXPECT_EQ(unmap(HERE, PAGE_LEVEL).x[0], RMI_SUCCESS);
	}
}

CASE(map_unprotected_wants_an_address_aligned_to_its_level, "RTT_MAP_UNPROTECTED.desc_align")
{
	realm = realm_of_shape(39, 1, 1);
	EXPECT_EQ(map(bit64(38), 1, FAR_PA | UNPROTECTED_RW), RMI_SUCCESS);
	EXPECT_EQ(map(bit64(38) + GIGABYTE, 1, (FAR_PA + GIGABYTE / 2U) | UNPROTECTED_RW),
		  RMI_ERROR_INPUT);
	EXPECT_EQ(realm_tables(realm, bit64(38) + GIGABYTE, 2), RMI_SUCCESS);
	for (uint64_t offset = GRANULE_SIZE; offset < BLOCK_SIZE; offset *= 2U) {
		EXPECT_EQ(map(bit64(38) + GIGABYTE, 2, (FAR_PA + offset) | UNPROTECTED_RW),
			  RMI_ERROR_INPUT);
	}
}

CASE(map_unprotected_tells_where_a_table_is_missing, "RTT_MAP_UNPROTECTED.walk")
{
	page = granule_take();
	realm = realm_of_shape(48, 0, 1);
	for (int level = 0; level < PAGE_LEVEL; level++) {
		EXPECT_EQ(realm_tables(realm, bit64(47), level), RMI_SUCCESS);
		EXPECT_EQ(map_page_at(bit64(47)), rmi_rtt_error(level));
	}
	EXPECT_EQ(realm_tables(realm, bit64(47), PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(map_page_at(bit64(47)), RMI_SUCCESS);
}

CASE(map_unprotected_refuses_what_is_mapped, "RTT_MAP_UNPROTECTED.state")
{
	prepare();
	EXPECT_EQ(map_page_at(HERE), RMI_SUCCESS);
	EXPECT_EQ(map(HERE, PAGE_LEVEL, FAR_PA | DEVICE), rmi_rtt_error(PAGE_LEVEL));
	EXPECT_EQ(map_page_at(HERE), rmi_rtt_error(PAGE_LEVEL));
	EXPECT_ENTRY(realm, HERE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
		     .desc = page | UNPROTECTED_RW);
}

CASE(map_unprotected_refuses_a_table_s_place, "RTT_MAP_UNPROTECTED.state")
{
	prepare();
	EXPECT_EQ(map(HERE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), rmi_rtt_error(BLOCK_LEVEL));
}

CASE(map_unprotected_refuses_a_page_of_a_block, "RTT_MAP_UNPROTECTED.walk")
{
	prepare();
	EXPECT_EQ(map(HERE + BLOCK_SIZE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_SUCCESS);
	EXPECT_EQ(map_page_at(HERE + BLOCK_SIZE), rmi_rtt_error(BLOCK_LEVEL));
}

CASE(map_unprotected_looks_at_its_inputs_before_the_tables, "RTT_MAP_UNPROTECTED.order")
{
	page = granule_take();
	realm = realm_make();
	/* There is no table for any of these. */
	EXPECT_EQ(map_page_at(HERE + 8U), RMI_ERROR_INPUT);
	EXPECT_EQ(map_page_at(0), RMI_ERROR_INPUT);
	EXPECT_EQ(map_page_at(2U * HERE), RMI_ERROR_INPUT);
	EXPECT_EQ(map(HERE, PAGE_LEVEL, page | 1U), RMI_ERROR_INPUT);
	EXPECT_EQ(map_page_at(HERE), rmi_rtt_error(BLOCK_LEVEL));
}

/* The RMM does not look: a realm that goes there has a fault of its own. */
CASE(map_unprotected_takes_any_address, "RTT_MAP_UNPROTECTED.any_address")
{
	static const uint64_t addresses[] = { 0, GRANULE_DEVICE, GRANULE_OUTSIDE,
					      UINT64_C(0xFFFFFFFFF000) };

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(addresses); n++) {
		EXPECT_EQ(map(HERE + n * GRANULE_SIZE, PAGE_LEVEL, addresses[n] | DEVICE),
			  RMI_SUCCESS);
	}
	EXPECT_EQ(map(HERE + 0x10000, PAGE_LEVEL, realm->rd | UNPROTECTED_RW), RMI_SUCCESS);
}

CASE(the_realm_and_the_host_share_what_is_mapped, "RTT_MAP_UNPROTECTED.success")
{
	struct rig_rec *rec;
	uint64_t value;

	page = granule_take();
	realm = hand_realm(1);
	rec = &realm->recs[0];
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT_EQ(realm_tables(realm, HERE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(map_page_at(HERE + 0x5000), RMI_SUCCESS);
	EXPECT(ns_write(page + 16U, 0xABCD));
	EXPECT_EQ(hand_read(rec, HERE + 0x5010), 0xABCD);
	hand_write(rec, HERE + 0x5018, 0x1234);
	EXPECT(ns_read(page + 24U, &value));
	EXPECT_EQ(value, 0x1234);
}

CASE(unmapped_memory_is_gone_for_the_realm_at_once, "RTT_UNMAP_UNPROTECTED.success")
{
	struct rig_rec *rec;

	page = granule_take();
	realm = hand_realm(1);
	rec = &realm->recs[0];
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT_EQ(realm_tables(realm, HERE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(map_page_at(HERE), RMI_SUCCESS);
	hand_write(rec, HERE, 1);
	expect_unmap(HERE, PAGE_LEVEL, RMI_SUCCESS, HERE + BLOCK_SIZE);
	EXPECT_ENTRY(realm, HERE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED);
	EXPECT(!hand_order(rec, HAND_WRITE, HERE, 8, 2).done);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(rec->run->exit.esr >> EC_SHIFT, EC_ABORT);
	EXPECT_EQ(rec->run->exit.hpfar, HERE >> 8U);
	/* Mapped again, the realm's write goes through. */
	EXPECT_EQ(map_page_at(HERE), RMI_SUCCESS);
	EXPECT(hand_resume(rec).done);
	EXPECT_EQ(hand_read(rec, HERE), 2);
}

CASE(unmap_unprotected_refuses_an_unaligned_rd, "RTT_UNMAP_UNPROTECTED.rd_align")
{
	refuses_unaligned(unmap_in, realm_make()->rd);
}

CASE(unmap_unprotected_refuses_an_untracked_rd, "RTT_UNMAP_UNPROTECTED.rd_bound")
{
	refuses_untracked(unmap_in);
}

CASE(unmap_unprotected_refuses_what_is_no_rd, "RTT_UNMAP_UNPROTECTED.rd_state")
{
	refuses_other_states(unmap_in, ZOO_RD);
}

CASE(unmap_unprotected_refuses_levels_without_blocks_or_pages, "RTT_UNMAP_UNPROTECTED.level")
{
	static const int64_t levels[] = { INT64_MIN, -1, 0, 1, 4, INT64_C(0x100000003), INT64_MAX };

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(unmap(HERE, levels[n]).x[0], RMI_ERROR_INPUT);
	}
}

CASE(unmap_unprotected_wants_the_alignment_of_its_level, "RTT_UNMAP_UNPROTECTED.ipa_align")
{
	prepare();
	EXPECT_EQ(map_page_at(HERE), RMI_SUCCESS);
	refuses_unaligned(unmap_page_at, HERE);
	EXPECT_EQ(unmap(HERE + GRANULE_SIZE, BLOCK_LEVEL).x[0], RMI_ERROR_INPUT);
}

CASE(unmap_unprotected_refuses_protected_ipas, "RTT_UNMAP_UNPROTECTED.ipa_protected")
{
	prepare();
	EXPECT_EQ(unmap(0, BLOCK_LEVEL).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(unmap(HERE - GRANULE_SIZE, PAGE_LEVEL).x[0], RMI_ERROR_INPUT);
}

CASE(unmap_unprotected_refuses_ipas_behind_the_space, "RTT_UNMAP_UNPROTECTED.ipa_bound")
{
	prepare();
	EXPECT_EQ(unmap(2U * HERE, BLOCK_LEVEL).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(unmap(bit64(63), BLOCK_LEVEL).x[0], RMI_ERROR_INPUT);
}

CASE(unmap_unprotected_looks_at_its_inputs_before_the_tables, "RTT_UNMAP_UNPROTECTED.order")
{
	realm = realm_make();
	EXPECT_EQ(unmap(HERE + 8U, PAGE_LEVEL).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(unmap(0, PAGE_LEVEL).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(unmap(2U * HERE, PAGE_LEVEL).x[0], RMI_ERROR_INPUT);
}

CASE(unmap_unprotected_tells_where_a_table_is_missing, "RTT_UNMAP_UNPROTECTED.walk")
{
	prepare();
	expect_unmap(HERE + BLOCK_SIZE, PAGE_LEVEL, rmi_rtt_error(BLOCK_LEVEL), HERE + GIGABYTE);
	EXPECT_EQ(map(HERE + 9U * BLOCK_SIZE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_SUCCESS);
	expect_unmap(HERE + BLOCK_SIZE + GRANULE_SIZE, PAGE_LEVEL, rmi_rtt_error(BLOCK_LEVEL),
		     HERE + 9U * BLOCK_SIZE);
	expect_unmap(HERE + 9U * BLOCK_SIZE + GRANULE_SIZE, PAGE_LEVEL, rmi_rtt_error(BLOCK_LEVEL),
		     HERE + 9U * BLOCK_SIZE + GRANULE_SIZE);
}

CASE(unmap_unprotected_refuses_what_is_not_mapped, "RTT_UNMAP_UNPROTECTED.state")
{
	prepare();
	expect_unmap(HERE, PAGE_LEVEL, rmi_rtt_error(PAGE_LEVEL), HERE + BLOCK_SIZE);
	EXPECT_EQ(map_page_at(HERE + 0x7000), RMI_SUCCESS);
	expect_unmap(HERE + 0x1000, PAGE_LEVEL, rmi_rtt_error(PAGE_LEVEL), HERE + 0x7000);
	expect_unmap(HERE, BLOCK_LEVEL, rmi_rtt_error(BLOCK_LEVEL), HERE);
	EXPECT_EQ(unmap(HERE + 0x7000, PAGE_LEVEL).x[0], RMI_SUCCESS);
}

CASE(unmap_unprotected_names_the_next_live_entry, "RTT_UNMAP_UNPROTECTED.top")
{
	prepare();
	EXPECT_EQ(map_page_at(HERE), RMI_SUCCESS);
	EXPECT_EQ(map_page_at(HERE + 0x1FF000), RMI_SUCCESS);
	EXPECT_EQ(map(HERE + BLOCK_SIZE, BLOCK_LEVEL, FAR_PA | UNPROTECTED_RW), RMI_SUCCESS);
	expect_unmap(HERE, PAGE_LEVEL, RMI_SUCCESS, HERE + 0x1FF000);
	expect_unmap(HERE + 0x1FF000, PAGE_LEVEL, RMI_SUCCESS, HERE + BLOCK_SIZE);
	expect_unmap(HERE + BLOCK_SIZE, BLOCK_LEVEL, RMI_SUCCESS, HERE + GIGABYTE);
}
