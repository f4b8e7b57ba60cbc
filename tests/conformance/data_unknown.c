/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_DATA_CREATE_UNKNOWN. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define PAGE	UINT64_C(0x5000)
#define PATTERN UINT64_C(0x0123456789ABCDEF)

static struct rig_realm *realm;
static uint64_t data;

static uint64_t unknown(uint64_t ipa)
{
	return rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, data, ipa);
}

static uint64_t unknown_in(uint64_t rd)
{
	return rmi_status(RMI_DATA_CREATE_UNKNOWN, rd, data, PAGE);
}

static uint64_t unknown_of(uint64_t pa)
{
	return rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, pa, PAGE);
}

static void prepare(void)
{
	realm = realm_make();
	data = granule_take_delegated();
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
}

CASE(data_create_unknown_keeps_the_ripas, "DATA_CREATE_UNKNOWN.success RIPAS.data_create_unknown "
					  "RIPAS.create RIPAS.init RIPAS.rtt_destroy")
{
	static const uint64_t ripas[] = { RMI_RIPAS_RAM, RMI_RIPAS_EMPTY, RMI_RIPAS_DESTROYED };

	prepare();
	EXPECT_EQ(realm_tables(realm, 2U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, 2U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	for (uint64_t n = 0; n < ARRAY_COUNT(ripas); n++) {
		uint64_t ipa = n * BLOCK_SIZE;

		(void)rmi(RMI_RTT_CREATE, realm->rd, granule_take_delegated(), ipa, PAGE_LEVEL);
		EXPECT_ENTRY(realm, ipa, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
			     .ripas = ripas[n]);
		data = granule_take_delegated();
		EXPECT_EQ(unknown(ipa), RMI_SUCCESS);
		EXPECT_ENTRY(realm, ipa, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_ASSIGNED,
			     .desc = data, .ripas = ripas[n]);
		EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, data), RMI_ERROR_INPUT);
	}
}

CASE(data_create_unknown_gives_a_running_realm_fresh_memory,
     "DATA_CREATE_UNKNOWN.any_state DATA_CREATE_UNKNOWN.content")
{
	struct rig_rec *rec;

	realm = hand_realm(1);
	rec = &realm->recs[0];
	data = granule_take();
	EXPECT(ns_write(data + 8U, PATTERN));
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, data), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT(!hand_order(rec, HAND_READ, PAGE + 8U, 8).done);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(unknown(PAGE), RMI_SUCCESS);
	EXPECT(hand_resume(rec).done);
	EXPECT(hand_read(rec, PAGE + 8U) != PATTERN);
}

CASE(data_create_unknown_refuses_unaligned_data, "DATA_CREATE_UNKNOWN.data_align")
{
	prepare();
	refuses_unaligned(unknown_of, data);
}

CASE(data_create_unknown_refuses_untracked_data, "DATA_CREATE_UNKNOWN.data_bound")
{
	prepare();
	refuses_untracked(unknown_of);
}

CASE(data_create_unknown_refuses_data_that_is_not_delegated, "DATA_CREATE_UNKNOWN.data_state")
{
	prepare();
	refuses_other_states(unknown_of, ZOO_DELEGATED);
	EXPECT_EQ(unknown_of(realm->rd), RMI_ERROR_INPUT);
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_RAM);
}

CASE(data_create_unknown_refuses_an_unaligned_rd, "DATA_CREATE_UNKNOWN.rd_align")
{
	prepare();
	refuses_unaligned(unknown_in, realm->rd);
}

CASE(data_create_unknown_refuses_an_untracked_rd, "DATA_CREATE_UNKNOWN.rd_bound")
{
	prepare();
	refuses_untracked(unknown_in);
}

CASE(data_create_unknown_refuses_what_is_no_rd, "DATA_CREATE_UNKNOWN.rd_state")
{
	prepare();
	refuses_other_states(unknown_in, ZOO_RD);
	EXPECT_EQ(unknown_in(data), RMI_ERROR_INPUT);
}

CASE(data_create_unknown_refuses_an_unaligned_ipa, "DATA_CREATE_UNKNOWN.ipa_align")
{
	prepare();
	refuses_unaligned(unknown, PAGE);
}

CASE(data_create_unknown_refuses_an_ipa_that_is_not_protected, "DATA_CREATE_UNKNOWN.ipa_protected")
{
	prepare();
	EXPECT_EQ(realm_tables(realm, RIG_UNPROTECTED, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(unknown(RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(unknown(2U * RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(unknown(bit64(63)), RMI_ERROR_INPUT);
}

CASE(data_create_unknown_tells_where_a_table_is_missing, "DATA_CREATE_UNKNOWN.walk")
{
	realm = realm_of_shape(48, 0, 1);
	data = granule_take_delegated();
	for (int level = 0; level < PAGE_LEVEL; level++) {
		EXPECT_EQ(realm_tables(realm, 0, level), RMI_SUCCESS);
		EXPECT_EQ(unknown(PAGE), rmi_rtt_error(level));
	}
	EXPECT(granule_is_delegated(data));
}

CASE(data_create_unknown_refuses_a_page_that_is_assigned, "DATA_CREATE_UNKNOWN.entry_state")
{
	prepare();
	EXPECT_EQ(realm_data_unknown(realm, PAGE), RMI_SUCCESS);
	EXPECT_EQ(unknown(PAGE), rmi_rtt_error(PAGE_LEVEL));
	EXPECT(granule_is_delegated(data));
}

CASE(data_create_unknown_looks_at_its_inputs_before_the_tables, "DATA_CREATE_UNKNOWN.order")
{
	prepare();
	EXPECT_EQ(unknown(BLOCK_SIZE), rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(unknown(BLOCK_SIZE + 8U), RMI_ERROR_INPUT);
	EXPECT_EQ(unknown(RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE_UNKNOWN, data, data, BLOCK_SIZE), RMI_ERROR_INPUT);
}
