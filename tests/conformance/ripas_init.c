/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_RTT_INIT_RIPAS. */
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

static struct rig_realm *realm;

static struct call init(uint64_t base, uint64_t top)
{
	return rmi(RMI_RTT_INIT_RIPAS, realm->rd, base, top);
}

static uint64_t init_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_INIT_RIPAS, rd, 0, BLOCK_SIZE);
}

static uint64_t init_from(uint64_t base)
{
	return init(base, 4U * BLOCK_SIZE).x[0];
}

static uint64_t init_to(uint64_t top)
{
	return init(0, top).x[0];
}

static void expect_done(uint64_t base, uint64_t top, uint64_t out)
{
	struct call result = init(base, top);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], out);
}

static void expect_ripas(uint64_t ipa, int level, uint64_t ripas)
{
	EXPECT_ENTRY(realm, ipa, level, .level = (uint64_t)level, .state = RMI_UNASSIGNED,
		     .ripas = ripas);
}

CASE(init_ripas_refuses_an_unaligned_rd, "RTT_INIT_RIPAS.rd_align")
{
	refuses_unaligned(init_in, realm_make()->rd);
}

CASE(init_ripas_refuses_an_untracked_rd, "RTT_INIT_RIPAS.rd_bound")
{
	refuses_untracked(init_in);
}

CASE(init_ripas_refuses_what_is_no_rd, "RTT_INIT_RIPAS.rd_state")
{
	refuses_other_states(init_in, ZOO_RD);
}

CASE(init_ripas_refuses_a_region_of_nothing, "RTT_INIT_RIPAS.range")
{
	realm = realm_make();
	EXPECT_EQ(init(BLOCK_SIZE, BLOCK_SIZE).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(init(2U * BLOCK_SIZE, BLOCK_SIZE).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(init(BLOCK_SIZE, 0).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(init(UINT64_MAX - GRANULE_SIZE + 1U, 0).x[0], RMI_ERROR_INPUT);
	expect_ripas(BLOCK_SIZE, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_wants_granules, "RTT_INIT_RIPAS.align")
{
	realm = realm_make();
	refuses_unaligned(init_from, BLOCK_SIZE);
	refuses_unaligned(init_to, BLOCK_SIZE);
	expect_ripas(0, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_refuses_what_is_not_wholly_protected, "RTT_INIT_RIPAS.protected")
{
	realm = realm_make();
	EXPECT_EQ(init(0, RIG_UNPROTECTED + BLOCK_SIZE).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(init(RIG_UNPROTECTED - BLOCK_SIZE, RIG_UNPROTECTED + GRANULE_SIZE).x[0],
		  RMI_ERROR_INPUT);
	EXPECT_EQ(init(RIG_UNPROTECTED, RIG_UNPROTECTED + BLOCK_SIZE).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(init(2U * RIG_UNPROTECTED, 3U * RIG_UNPROTECTED).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(init(0, bit64(63)).x[0], RMI_ERROR_INPUT);
	expect_ripas(0, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
	expect_done(RIG_UNPROTECTED - BLOCK_SIZE, RIG_UNPROTECTED, RIG_UNPROTECTED);
}

CASE(init_ripas_refuses_an_active_realm, "RTT_INIT_RIPAS.realm_state")
{
	realm = realm_make();
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(init(0, BLOCK_SIZE).x[0], RMI_ERROR_REALM);
	expect_ripas(0, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_refuses_a_realm_that_is_off, "RTT_INIT_RIPAS.realm_state")
{
	realm = hand_realm(1);
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	(void)hand_order(&realm->recs[0], HAND_SMC, PSCI_SYSTEM_OFF);
	EXPECT_EQ(init(BLOCK_SIZE, 2U * BLOCK_SIZE).x[0], RMI_ERROR_REALM);
}

CASE(init_ripas_looks_at_the_state_of_the_realm_before_the_tables, "RTT_INIT_RIPAS.realm_state")
{
	realm = realm_make();
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(init(GRANULE_SIZE, BLOCK_SIZE).x[0], RMI_ERROR_REALM);
	EXPECT_EQ(init(GRANULE_SIZE + 8U, BLOCK_SIZE).x[0], RMI_ERROR_INPUT);
}

CASE(init_ripas_wants_a_base_aligned_to_the_tables, "RTT_INIT_RIPAS.base_align")
{
	realm = realm_of_shape(48, 0, 1);
	for (int level = 0; level < PAGE_LEVEL; level++) {
		EXPECT_EQ(realm_tables(realm, 0, level), RMI_SUCCESS);
		EXPECT_EQ(init(GRANULE_SIZE, bit64(47)).x[0], rmi_rtt_error(level));
		EXPECT_EQ(init(level_size(level) / 2U, bit64(47)).x[0], rmi_rtt_error(level));
	}
	expect_ripas(0, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_refuses_a_page_that_is_assigned, "RTT_INIT_RIPAS.entry_state")
{
	realm = realm_make();
	EXPECT_EQ(realm_tables(realm, 0, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, 0), RMI_SUCCESS);
	EXPECT_EQ(init(0, BLOCK_SIZE).x[0], rmi_rtt_error(PAGE_LEVEL));
	EXPECT_EQ(realm_entry(realm, 0, PAGE_LEVEL).ripas, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_refuses_a_block, "RTT_INIT_RIPAS.entry_state")
{
	realm = realm_make();
	(void)realm_make_block(realm, BLOCK_SIZE);
	EXPECT_EQ(init(BLOCK_SIZE, 2U * BLOCK_SIZE).x[0], rmi_rtt_error(BLOCK_LEVEL));
}

CASE(init_ripas_refuses_destroyed, "RTT_INIT_RIPAS.destroyed")
{
	realm = realm_make();
	EXPECT_EQ(realm_tables(realm, BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(init(BLOCK_SIZE, 2U * BLOCK_SIZE).x[0], rmi_rtt_error(BLOCK_LEVEL));
	expect_done(0, 2U * BLOCK_SIZE, BLOCK_SIZE);
	expect_ripas(BLOCK_SIZE, BLOCK_LEVEL, RMI_RIPAS_DESTROYED);
}

CASE(init_ripas_refuses_less_than_an_entry, "RTT_INIT_RIPAS.no_progress")
{
	realm = realm_make();
	EXPECT_EQ(init(0, GRANULE_SIZE).x[0], rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(init(0, BLOCK_SIZE - GRANULE_SIZE).x[0], rmi_rtt_error(BLOCK_LEVEL));
	expect_ripas(0, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_looks_at_top_before_the_tables, "RTT_INIT_RIPAS.order")
{
	realm = realm_make();
	EXPECT_EQ(init(0, GRANULE_SIZE + 8U).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(init(GRANULE_SIZE, 2U * GRANULE_SIZE + 8U).x[0], RMI_ERROR_INPUT);
}

CASE(init_ripas_makes_ram, "RTT_INIT_RIPAS.success RIPAS.init")
{
	realm = realm_make();
	expect_done(0, 3U * BLOCK_SIZE, 3U * BLOCK_SIZE);
	for (uint64_t ipa = 0; ipa < 3U * BLOCK_SIZE; ipa += BLOCK_SIZE) {
		expect_ripas(ipa, BLOCK_LEVEL, RMI_RIPAS_RAM);
	}
	expect_ripas(3U * BLOCK_SIZE, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_takes_what_is_ram_already, "RTT_INIT_RIPAS.success RIPAS.init")
{
	realm = realm_make();
	expect_done(BLOCK_SIZE, 2U * BLOCK_SIZE, 2U * BLOCK_SIZE);
	expect_done(0, 3U * BLOCK_SIZE, 3U * BLOCK_SIZE);
	expect_done(0, 3U * BLOCK_SIZE, 3U * BLOCK_SIZE);
}

CASE(init_ripas_goes_to_the_end_of_a_table, "RTT_INIT_RIPAS.partial")
{
	realm = realm_make();
	EXPECT_EQ(realm_tables(realm, 0, PAGE_LEVEL), RMI_SUCCESS);
	expect_done(4U * GRANULE_SIZE, 3U * BLOCK_SIZE, BLOCK_SIZE);
	expect_ripas(3U * GRANULE_SIZE, PAGE_LEVEL, RMI_RIPAS_EMPTY);
	expect_ripas(4U * GRANULE_SIZE, PAGE_LEVEL, RMI_RIPAS_RAM);
	expect_ripas(BLOCK_SIZE - GRANULE_SIZE, PAGE_LEVEL, RMI_RIPAS_RAM);
	expect_ripas(BLOCK_SIZE, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
	expect_done(GIGABYTE - BLOCK_SIZE, 2U * GIGABYTE, GIGABYTE);
}

CASE(init_ripas_stops_at_a_table, "RTT_INIT_RIPAS.partial")
{
	realm = realm_make();
	EXPECT_EQ(realm_tables(realm, 2U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	expect_done(0, 4U * BLOCK_SIZE, 2U * BLOCK_SIZE);
}

CASE(init_ripas_stops_at_a_page_that_is_assigned, "RTT_INIT_RIPAS.partial")
{
	realm = realm_make();
	EXPECT_EQ(realm_tables(realm, 0, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, 0x7000), RMI_SUCCESS);
	expect_done(0, BLOCK_SIZE, 0x7000);
	EXPECT_EQ(realm_entry(realm, 0x7000, PAGE_LEVEL).ripas, RMI_RIPAS_EMPTY);
	expect_ripas(0x8000, PAGE_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_stops_before_an_entry_that_reaches_above_top, "RTT_INIT_RIPAS.partial")
{
	realm = realm_make();
	expect_done(0, 2U * BLOCK_SIZE + GRANULE_SIZE, 2U * BLOCK_SIZE);
	expect_ripas(2U * BLOCK_SIZE, BLOCK_LEVEL, RMI_RIPAS_EMPTY);
}

CASE(init_ripas_makes_ram_of_every_size_of_entry, "RTT_INIT_RIPAS.success")
{
	realm = realm_of_shape(48, 0, 1);
	for (int level = 0; level <= PAGE_LEVEL; level++) {
		uint64_t size = level_size(level);

		EXPECT_EQ(realm_tables(realm, 0, level), RMI_SUCCESS);
		expect_done(size, 2U * size, 2U * size);
		expect_ripas(size, level, RMI_RIPAS_RAM);
	}
}
