/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_DATA_DESTROY. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define PAGE UINT64_C(0x5000)

static struct rig_realm *realm;

static struct call destroy(uint64_t ipa)
{
	return rmi(RMI_DATA_DESTROY, realm->rd, ipa);
}

static uint64_t destroy_at(uint64_t ipa)
{
	return destroy(ipa).x[0];
}

static uint64_t destroy_in(uint64_t rd)
{
	return rmi_status(RMI_DATA_DESTROY, rd, PAGE);
}

static void expect_error(uint64_t ipa, int level, uint64_t top)
{
	struct call result = destroy(ipa);

	EXPECT_EQ(result.x[0], rmi_rtt_error(level));
	EXPECT_EQ(result.x[1], 0);
	EXPECT_EQ(result.x[2], top);
}

static void expect_success(uint64_t ipa, uint64_t data, uint64_t top)
{
	struct call result = destroy(ipa);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], data);
	EXPECT_EQ(result.x[2], top);
}

static uint64_t assign(uint64_t ipa)
{
	EXPECT_EQ(realm_tables(realm, ipa, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, ipa), RMI_SUCCESS);
	return realm_entry(realm, ipa, PAGE_LEVEL).desc;
}

CASE(data_destroy_refuses_an_unaligned_rd, "DATA_DESTROY.rd_align")
{
	refuses_unaligned(destroy_in, realm_make()->rd);
}

CASE(data_destroy_refuses_an_untracked_rd, "DATA_DESTROY.rd_bound")
{
	refuses_untracked(destroy_in);
}

CASE(data_destroy_refuses_what_is_no_rd, "DATA_DESTROY.rd_state")
{
	refuses_other_states(destroy_in, ZOO_RD);
}

CASE(data_destroy_refuses_an_unaligned_ipa, "DATA_DESTROY.ipa_align")
{
	realm = realm_make();
	(void)assign(PAGE);
	refuses_unaligned(destroy_at, PAGE);
}

CASE(data_destroy_refuses_an_ipa_that_is_not_protected, "DATA_DESTROY.ipa_protected")
{
	realm = realm_make();
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, granule_take(), PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(destroy_at(RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy_at(2U * RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy_at(bit64(63)), RMI_ERROR_INPUT);
}

CASE(data_destroy_looks_at_its_inputs_before_the_tables, "DATA_DESTROY.order")
{
	realm = realm_make();
	EXPECT_EQ(destroy_at(8), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy_at(RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy_at(0), rmi_rtt_error(BLOCK_LEVEL));
}

CASE(data_destroy_tells_where_a_table_is_missing, "DATA_DESTROY.walk")
{
	realm = realm_of_shape(48, 0, 1);
	expect_error(PAGE, 0, bit64(48));
	EXPECT_EQ(realm_tables(realm, 0, 1), RMI_SUCCESS);
	expect_error(PAGE, 1, level_size(0));
	EXPECT_EQ(realm_tables(realm, 0, 2), RMI_SUCCESS);
	expect_error(PAGE, 2, GIGABYTE);
}

CASE(data_destroy_names_the_next_live_entry_where_a_table_is_missing, "DATA_DESTROY.walk")
{
	realm = realm_make();
	(void)assign(7U * BLOCK_SIZE);
	expect_error(PAGE, 2, 7U * BLOCK_SIZE);
	expect_error(9U * BLOCK_SIZE, 2, GIGABYTE);
}

CASE(data_destroy_refuses_a_page_that_is_not_assigned, "DATA_DESTROY.entry_state")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
	expect_error(PAGE, 3, BLOCK_SIZE);
	(void)assign(0x9000);
	expect_error(PAGE, 3, 0x9000);
	expect_error(0x8000, 3, 0x9000);
	expect_error(0xA000, 3, BLOCK_SIZE);
}

CASE(data_destroy_names_the_next_live_entry, "DATA_DESTROY.top")
{
	uint64_t first;
	uint64_t second;
	uint64_t last;

	realm = realm_make();
	first = assign(0);
	second = assign(GRANULE_SIZE);
	last = assign(BLOCK_SIZE - GRANULE_SIZE);
	(void)assign(BLOCK_SIZE);
	expect_success(0, first, GRANULE_SIZE);
	expect_success(GRANULE_SIZE, second, BLOCK_SIZE - GRANULE_SIZE);
	expect_success(BLOCK_SIZE - GRANULE_SIZE, last, BLOCK_SIZE);
}

CASE(data_destroy_takes_the_memory_from_a_running_realm,
     "DATA_DESTROY.success DATA_DESTROY.any_state")
{
	struct rig_rec *rec;
	uint64_t data;

	realm = hand_realm(1);
	rec = &realm->recs[0];
	data = assign(PAGE);
	LEAVE_UNLESS(hand_begin(rec));
	hand_write(rec, PAGE, 0x5EC2E7);
	expect_success(PAGE, data, HAND_BASE);
	EXPECT(granule_comes_back_wiped(data));
	EXPECT(!hand_order(rec, HAND_READ, PAGE, 8).done);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(rec->run->exit.hpfar, PAGE >> 8U);
}

CASE(data_destroy_of_ram_leaves_destroyed, "RIPAS.data_destroy_ram")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
	(void)assign(PAGE);
	EXPECT_EQ(destroy_at(PAGE), RMI_SUCCESS);
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_DESTROYED);
}

CASE(data_destroy_of_empty_leaves_empty, "RIPAS.data_destroy_empty")
{
	realm = realm_make();
	(void)assign(PAGE);
	EXPECT_EQ(destroy_at(PAGE), RMI_SUCCESS);
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_EMPTY);
}

CASE(data_destroy_of_destroyed_leaves_destroyed, "RIPAS.data_destroy_destroyed")
{
	realm = realm_make();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
	for (unsigned int pass = 0; pass < 2U; pass++) {
		(void)assign(PAGE);
		EXPECT_EQ(destroy_at(PAGE), RMI_SUCCESS);
		EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
			     .ripas = RMI_RIPAS_DESTROYED);
	}
}

CASE(a_page_can_be_destroyed_once_only, "DATA_DESTROY.entry_state")
{
	realm = realm_make();
	(void)assign(PAGE);
	EXPECT_EQ(destroy_at(PAGE), RMI_SUCCESS);
	expect_error(PAGE, 3, BLOCK_SIZE);
}
