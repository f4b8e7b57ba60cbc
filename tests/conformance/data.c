/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_DATA_CREATE. */
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define PAGE	   UINT64_C(0x5000)
#define ABSENT_RAM UINT64_C(0xC0000000)
#define PATTERN	   UINT64_C(0x0123456789ABCDEF)

static struct rig_realm *realm;
static uint64_t data;
static uint64_t source;

static uint64_t create(uint64_t ipa, uint64_t flags)
{
	return rmi_status(RMI_DATA_CREATE, realm->rd, data, ipa, source, flags);
}

static uint64_t create_in(uint64_t rd)
{
	return rmi_status(RMI_DATA_CREATE, rd, data, PAGE, source, RMI_DATA_MEASURE);
}

static uint64_t create_of(uint64_t pa)
{
	return rmi_status(RMI_DATA_CREATE, realm->rd, pa, PAGE, source, RMI_DATA_MEASURE);
}

static uint64_t create_from(uint64_t pa)
{
	return rmi_status(RMI_DATA_CREATE, realm->rd, data, PAGE, pa, RMI_DATA_MEASURE);
}

static uint64_t create_at(uint64_t ipa)
{
	return create(ipa, RMI_DATA_MEASURE);
}

static void prepare(void)
{
	realm = realm_make();
	data = granule_take_delegated();
	source = granule_take();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
}

/* Nothing happened at PAGE, nor to the granule. */
static void expect_nothing(void)
{
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_RAM);
	EXPECT(granule_comes_back_wiped(data));
}

CASE(data_create_maps_a_granule, "DATA_CREATE.success")
{
	prepare();
	EXPECT_EQ(create(PAGE, RMI_DATA_NO_MEASURE), RMI_SUCCESS);
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
		     .desc = data, .ripas = RMI_RIPAS_RAM);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, data), RMI_ERROR_INPUT);
	EXPECT(granule_is_undelegated(source));
}

CASE(the_realm_finds_the_content_of_the_source, "DATA_CREATE.success")
{
	struct rig_rec *rec;

	realm = realm_make();
	source = granule_take();
	EXPECT(ns_write(source, PATTERN));
	EXPECT(ns_write(source + GRANULE_SIZE - 8U, ~PATTERN));
	hand_load(realm);
	rec = hand_rec(realm);
	EXPECT_EQ(realm_data(realm, PAGE, source, RMI_DATA_MEASURE), RMI_SUCCESS);
	EXPECT(ns_write(source, 0));
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT_EQ(hand_read(rec, PAGE), PATTERN);
	EXPECT_EQ(hand_read(rec, PAGE + GRANULE_SIZE - 8U), ~PATTERN);
	hand_write(rec, PAGE, 1);
	EXPECT_EQ(hand_read(rec, PAGE), 1);
}

CASE(data_create_does_not_ask_for_ram, "DATA_CREATE.any_ripas RIPAS.data_create")
{
	prepare();
	EXPECT_EQ(realm_tables(realm, BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(create_at(BLOCK_SIZE), RMI_SUCCESS);
	EXPECT_ENTRY(realm, BLOCK_SIZE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
		     .desc = data, .ripas = RMI_RIPAS_RAM);
}

CASE(data_create_takes_a_destroyed_page, "DATA_CREATE.any_ripas RIPAS.data_create")
{
	prepare();
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, 0, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_CREATE, realm->rd, granule_take_delegated(), 0, PAGE_LEVEL),
		  RMI_SUCCESS);
	EXPECT_EQ(create_at(PAGE), RMI_SUCCESS);
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
		     .desc = data, .ripas = RMI_RIPAS_RAM);
}

CASE(data_create_refuses_unknown_flags, "DATA_CREATE.flags")
{
	static const uint64_t flags[] = { 2, 3, 0x100000001, UINT64_MAX };

	prepare();
	for (size_t n = 0; n < ARRAY_COUNT(flags); n++) {
		EXPECT_EQ(create(PAGE, flags[n]), RMI_ERROR_INPUT);
	}
	expect_nothing();
}

CASE(data_create_refuses_an_unaligned_source, "DATA_CREATE.src_align")
{
	prepare();
	refuses_unaligned(create_from, source);
	expect_nothing();
}

CASE(data_create_refuses_a_source_that_is_no_memory_of_the_hosts, "DATA_CREATE.src_bound")
{
	prepare();
	refuses_untracked(create_from);
	expect_nothing();
}

CASE(data_create_refuses_a_source_in_granules_of_realms, "DATA_CREATE.src_pas")
{
	prepare();
	refuses_other_states(create_from, ZOO_UNDELEGATED);
	EXPECT_EQ(create_from(data), RMI_ERROR_INPUT);
	expect_nothing();
}

CASE(data_create_survives_a_source_in_absent_memory, "DATA_CREATE.src_pas DATA_CREATE.no_effect")
{
	prepare();
	EXPECT_EQ(create_from(ABSENT_RAM), RMI_ERROR_INPUT);
	expect_nothing();
}

CASE(data_create_refuses_unaligned_data, "DATA_CREATE.data_align")
{
	prepare();
	refuses_unaligned(create_of, data);
}

CASE(data_create_refuses_untracked_data, "DATA_CREATE.data_bound")
{
	prepare();
	refuses_untracked(create_of);
}

CASE(data_create_refuses_data_that_is_not_delegated, "DATA_CREATE.data_state")
{
	prepare();
	refuses_other_states(create_of, ZOO_DELEGATED);
	EXPECT_EQ(create_of(realm->rd), RMI_ERROR_INPUT);
	EXPECT_EQ(create_of(source), RMI_ERROR_INPUT);
}

CASE(data_create_refuses_an_unaligned_rd, "DATA_CREATE.rd_align")
{
	prepare();
	refuses_unaligned(create_in, realm->rd);
}

CASE(data_create_refuses_an_untracked_rd, "DATA_CREATE.rd_bound")
{
	prepare();
	refuses_untracked(create_in);
}

CASE(data_create_refuses_what_is_no_rd, "DATA_CREATE.rd_state")
{
	prepare();
	refuses_other_states(create_in, ZOO_RD);
	EXPECT_EQ(create_in(data), RMI_ERROR_INPUT);
}

CASE(data_create_refuses_an_unaligned_ipa, "DATA_CREATE.ipa_align")
{
	prepare();
	refuses_unaligned(create_at, PAGE);
}

CASE(data_create_refuses_an_ipa_that_is_not_protected, "DATA_CREATE.ipa_protected")
{
	prepare();
	EXPECT_EQ(realm_tables(realm, RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(create_at(RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(create_at(2U * RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(create_at(bit64(63)), RMI_ERROR_INPUT);
}

CASE(data_create_refuses_an_active_realm, "DATA_CREATE.realm_state")
{
	prepare();
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(create_at(PAGE), RMI_ERROR_REALM);
	expect_nothing();
}

CASE(data_create_refuses_a_realm_that_is_off, "DATA_CREATE.realm_state")
{
	realm = hand_realm(1);
	data = granule_take_delegated();
	source = granule_take();
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	(void)hand_order(&realm->recs[0], HAND_SMC, PSCI_SYSTEM_OFF);
	EXPECT_EQ(create_at(PAGE), RMI_ERROR_REALM);
	expect_nothing();
}

CASE(data_create_tells_where_a_table_is_missing, "DATA_CREATE.walk")
{
	realm = realm_of_shape(48, 0, 1);
	data = granule_take_delegated();
	source = granule_take();
	for (int level = 0; level < PAGE_LEVEL; level++) {
		EXPECT_EQ(realm_tables(realm, 0, level), RMI_SUCCESS);
		EXPECT_EQ(create_at(PAGE), rmi_rtt_error(level));
	}
	EXPECT(granule_comes_back_wiped(data));
}

CASE(data_create_refuses_a_page_that_is_assigned, "DATA_CREATE.entry_state")
{
	uint64_t before;

	prepare();
	EXPECT_EQ(realm_data_unknown(realm, PAGE), RMI_SUCCESS);
	before = realm_entry(realm, PAGE, PAGE_LEVEL).desc;
	EXPECT_EQ(create_at(PAGE), rmi_rtt_error(PAGE_LEVEL));
	EXPECT_EQ(realm_entry(realm, PAGE, PAGE_LEVEL).desc, before);
	EXPECT(granule_comes_back_wiped(data));
}

CASE(data_create_looks_at_the_rd_first, "DATA_CREATE.rd_before_realm")
{
	prepare();
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(create_in(realm->rd + 8U), RMI_ERROR_INPUT);
	/* No table there, and no RD either. */
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE, GRANULE_OUTSIDE, data, BLOCK_SIZE, source, 0),
		  RMI_ERROR_INPUT);
}

CASE(data_create_looks_at_the_ipa_before_the_tables, "DATA_CREATE.ipa_before_walk")
{
	prepare();
	EXPECT_EQ(create_at(BLOCK_SIZE), rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(create_at(BLOCK_SIZE + 8U), RMI_ERROR_INPUT);
	EXPECT_EQ(create_at(RIG_UNPROTECTED), RMI_ERROR_INPUT);
}

CASE(data_create_that_fails_leaves_no_content, "DATA_CREATE.no_effect")
{
	prepare();
	EXPECT(ns_write(source, PATTERN));
	EXPECT_EQ(create_at(BLOCK_SIZE), rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(create_at(PAGE), RMI_ERROR_REALM);
	expect_nothing();
}
