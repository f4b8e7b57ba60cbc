/* SPDX-License-Identifier: BSD-3-Clause */
#include "rmm_fixture.h"

#define DATA2 (DATA + GRANULE_SIZE)

static uint64_t create(uint64_t data, uint64_t ipa, uint64_t source, uint64_t flags)
{
	return rmi(RMI_DATA_CREATE, RD, data, ipa, source, flags);
}

static uint64_t create_unknown(uint64_t data, uint64_t ipa)
{
	return rmi(RMI_DATA_CREATE_UNKNOWN, RD, data, ipa, 0, 0);
}

static uint64_t destroy(uint64_t ipa)
{
	return rmi(RMI_DATA_DESTROY, RD, ipa, 0, 0, 0);
}

static void create_rejects_bad_sources_flags_and_granules(void)
{
	start_mapped();
	(void)delegate(DATA2);
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, SOURCE, 2), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, SOURCE + 16U, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, UNTRACKED, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, DATA2, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, RD, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(UNUSED, IPA_RAM + GRANULE_SIZE, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA, IPA_RAM + GRANULE_SIZE, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(RD, IPA_RAM + GRANULE_SIZE, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_DATA_CREATE, DATA2, DATA2, IPA_RAM, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(DATA2), GRANULE_DELEGATED));
}

static void create_rejects_bad_addresses(void)
{
	start_mapped();
	(void)delegate(DATA2);
	EXPECT_EQ(create(DATA2, IPA_RAM + 1U, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, IPA_SHARED, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, IPA_SPACE, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, UINT64_MAX & ~UINT64_C(0xFFF), SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(create(DATA2, IPA_RAM + BLOCK, SOURCE, 1), RTT_ERROR(2));
	EXPECT_EQ(create(DATA2, IPA_RAM, SOURCE, 1), RTT_ERROR(3));
	EXPECT_EQ(create_unknown(DATA2, IPA_RAM), RTT_ERROR(3));
	EXPECT_EQ(create_unknown(DATA2, IPA_SHARED), RMI_ERROR_INPUT);
	EXPECT_EQ(create_unknown(UNUSED, IPA_RAM + GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(DATA2), GRANULE_DELEGATED));
}

static void create_is_for_new_realms(void)
{
	start_active();
	(void)delegate(DATA2);
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, SOURCE, 1), RMI_ERROR_REALM);
	EXPECT_EQ(create_unknown(DATA2, IPA_RAM + GRANULE_SIZE), RMI_SUCCESS);
}

static void a_fault_in_mid_copy_leaves_nothing(void)
{
	start_mapped();
	(void)delegate(DATA2);
	memset(fake_memory(SOURCE), 0x5A, GRANULE_SIZE);
	fake_ns_fault = (SOURCE - FAKE_DRAM_BASE) / GRANULE_SIZE + 1U;
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, SOURCE, 1), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(DATA2), GRANULE_DELEGATED));
	EXPECT_EQ(entry_state(IPA_RAM + GRANULE_SIZE, 3), RMI_UNASSIGNED);
	EXPECT_EQ(*(uint64_t *)fake_memory(DATA2), 0);
}

static void content_arrives_and_goes(void)
{
	start_mapped();
	(void)delegate(DATA2);
	memset(fake_memory(SOURCE), 0x5A, GRANULE_SIZE);
	EXPECT_EQ(create(DATA2, IPA_RAM + GRANULE_SIZE, SOURCE, 0), RMI_SUCCESS);
	EXPECT(memcmp(fake_memory(DATA2), fake_memory(SOURCE), GRANULE_SIZE) == 0);
	EXPECT_EQ(fake_entry_flushes + fake_realm_flushes, 0);
	EXPECT_EQ(destroy(IPA_RAM + GRANULE_SIZE), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], DATA2);
	EXPECT_EQ(*(uint64_t *)fake_memory(DATA2), 0);
	EXPECT_EQ(fake_entry_flushes, 1);
	EXPECT_EQ(entry_ripas(IPA_RAM + GRANULE_SIZE, 3), RMI_RIPAS_DESTROYED);
}

static void unknown_data_keeps_the_ripas(void)
{
	start_mapped();
	(void)rmi(RMI_DATA_DESTROY, RD, IPA_RAM, 0, 0, 0);
	fake_entry_flushes = 0;
	EXPECT_EQ(create_unknown(DATA, IPA_RAM), RMI_SUCCESS);
	EXPECT_EQ(entry_state(IPA_RAM, 3), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[3], DATA);
	EXPECT_EQ(regs.x[4], RMI_RIPAS_DESTROYED);
	EXPECT_EQ(destroy(IPA_RAM), RMI_SUCCESS);
	EXPECT_EQ(entry_ripas(IPA_RAM, 3), RMI_RIPAS_DESTROYED);
	/* It was never mapped. */
	EXPECT_EQ(fake_entry_flushes, 0);
}

static void destroy_tells_where_to_go_on(void)
{
	start_mapped();
	EXPECT_EQ(destroy(IPA_RAM + 8U), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy(IPA_SHARED), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, DATA, IPA_RAM, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(destroy(IPA_RAM - BLOCK + GRANULE_SIZE), RTT_ERROR(2));
	EXPECT_EQ(regs.x[2], IPA_RAM);
	(void)delegate(DATA2);
	EXPECT_EQ(create(DATA2, IPA_RAM + 7U * GRANULE_SIZE, SOURCE, 0), RMI_SUCCESS);
	EXPECT_EQ(destroy(IPA_RAM + GRANULE_SIZE), RTT_ERROR(3));
	EXPECT_EQ(regs.x[2], IPA_RAM + 7U * GRANULE_SIZE);
	EXPECT_EQ(destroy(IPA_RAM), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], DATA);
	EXPECT_EQ(regs.x[2], IPA_RAM + 7U * GRANULE_SIZE);
	EXPECT_EQ(destroy(IPA_RAM + 7U * GRANULE_SIZE), RMI_SUCCESS);
	EXPECT_EQ(regs.x[2], IPA_RAM + BLOCK);
}

static const struct tap_case cases[] = {
	TAP_CASE(create_rejects_bad_sources_flags_and_granules),
	TAP_CASE(create_rejects_bad_addresses),
	TAP_CASE(create_is_for_new_realms),
	TAP_CASE(a_fault_in_mid_copy_leaves_nothing),
	TAP_CASE(content_arrives_and_goes),
	TAP_CASE(unknown_data_keeps_the_ripas),
	TAP_CASE(destroy_tells_where_to_go_on),
};

TAP_MAIN(cases)
