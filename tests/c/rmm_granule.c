/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/el3.h>
#include <abi/platform.h>

#include "rmm_fixture.h"

static void delegate_rejects_what_is_not_tracked(void)
{
	fake_reset();
	EXPECT_EQ(delegate(UNTRACKED), RMI_ERROR_INPUT);
	EXPECT_EQ(delegate(FAKE_DRAM_BASE - GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(delegate(FAKE_ABSENT_BASE + FAKE_ABSENT_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(delegate(UINT64_MAX & ~UINT64_C(0xFFF)), RMI_ERROR_INPUT);
	EXPECT_EQ(delegate(PAGE(3) + 1U), RMI_ERROR_INPUT);
	EXPECT_EQ(delegate(PAGE(3) + 0x800U), RMI_ERROR_INPUT);
}

static void delegate_rejects_memory_that_is_absent_and_undoes_it(void)
{
	fake_reset();
	EXPECT_EQ(delegate(FAKE_ABSENT_BASE), RMI_ERROR_INPUT);
	/* EL3 would refuse if the first try had left it delegated. */
	EXPECT_EQ(delegate(FAKE_ABSENT_BASE), RMI_ERROR_INPUT);
	EXPECT(!granule_is(pa_make(FAKE_ABSENT_BASE), GRANULE_DELEGATED));
}

static void delegate_rejects_what_el3_refuses(void)
{
	struct smc_regs taken = { .x = { EL3_GTSI_DELEGATE, PAGE(3) } };

	fake_reset();
	smc_call(&taken);
	EXPECT_EQ(taken.x[0], EL3_OK);
	EXPECT_EQ(delegate(PAGE(3)), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(PAGE(3)), GRANULE_UNDELEGATED));
}

static void delegate_twice_is_rejected(void)
{
	fake_reset();
	EXPECT_EQ(delegate(PAGE(3)), RMI_SUCCESS);
	EXPECT_EQ(delegate(PAGE(3)), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(PAGE(3)), GRANULE_DELEGATED));
}

static void undelegate_needs_a_delegated_granule(void)
{
	start_mapped();
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, UNUSED, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, RD, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, ROOTS, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, TABLE, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, DATA, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, REC, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, REC, 0, 0, 0, 0), RMI_ERROR_INPUT);
}

static void delegation_wipes(void)
{
	fake_reset();
	memset(fake_memory(PAGE(3)), 0xA5, GRANULE_SIZE);
	EXPECT_EQ(delegate(PAGE(3)), RMI_SUCCESS);
	for (size_t n = 0; n < GRANULE_SIZE; n++) {
		EXPECT_EQ(((uint8_t *)fake_memory(PAGE(3)))[n], 0);
	}
}

static void own_memory_is_never_tracked(void)
{
	static const struct memory_banks banks = { .count = 1,
						   .bank = { { 0x40000000, 0x10000000 } } };

	fake_reset();
	granule_init(&banks);
	EXPECT(!granule_is(pa_make(QEMU_RMM_BASE), GRANULE_UNDELEGATED));
	EXPECT(!granule_is(pa_make(QEMU_RMM_BASE + QEMU_RMM_SIZE - GRANULE_SIZE),
			   GRANULE_UNDELEGATED));
	EXPECT(granule_is(pa_make(QEMU_RMM_BASE - GRANULE_SIZE), GRANULE_UNDELEGATED));
	EXPECT(granule_is(pa_make(QEMU_RMM_BASE + QEMU_RMM_SIZE), GRANULE_UNDELEGATED));
}

static void banks_do_not_share_granules(void)
{
	static const struct memory_banks banks = {
		.count = 2,
		.bank = { { 0x80000000, 0x2000 }, { 0x90000000, 0x1000 } },
	};

	fake_reset();
	granule_init(&banks);
	EXPECT(granule_lock(pa_make(0x80001000), GRANULE_UNDELEGATED));
	granule_unlock_as(pa_make(0x80001000), GRANULE_RD);
	EXPECT(granule_is(pa_make(0x80000000), GRANULE_UNDELEGATED));
	EXPECT(granule_is(pa_make(0x90000000), GRANULE_UNDELEGATED));
	EXPECT(!granule_is(pa_make(0x80002000), GRANULE_UNDELEGATED));
	EXPECT(!granule_is(pa_make(0x90001000), GRANULE_UNDELEGATED));
}

static void a_lock_in_another_state_does_not_wait(void)
{
	fake_reset();
	EXPECT(granule_lock(pa_make(PAGE(3)), GRANULE_UNDELEGATED));
	/* Held, but in the wrong state: an answer at once. */
	EXPECT(!granule_lock(pa_make(PAGE(3)), GRANULE_RD));
	granule_unlock(pa_make(PAGE(3)));
	EXPECT(granule_lock(pa_make(PAGE(3)), GRANULE_UNDELEGATED));
}

static void unknown_functions_are_not_supported(void)
{
	fake_reset();
	EXPECT_EQ(rmi(0xC4000156, 0, 0, 0, 7, 0), UINT64_MAX);
	EXPECT_EQ(regs.x[4], 7);
	EXPECT_EQ(rmi(0xC400016A, 0, 0, 0, 0, 0), UINT64_MAX);
	EXPECT_EQ(rmi(0xC400014F, 0, 0, 0, 0, 0), UINT64_MAX);
	EXPECT_EQ(rmi(0x84000150, 0, 0, 0, 0, 0), UINT64_MAX);
}

static void version_and_features(void)
{
	fake_reset();
	EXPECT_EQ(rmi(RMI_VERSION, 0x20000, 5, 6, 7, 8), RMI_ERROR_INPUT);
	EXPECT_EQ(regs.x[1], 0x10000);
	EXPECT_EQ(regs.x[2], 0x10000);
	EXPECT_EQ(regs.x[3], 0);
	EXPECT_EQ(regs.x[4], 7);
	EXPECT_EQ(rmi(RMI_VERSION | SMCCC_FID_SVE_HINT, 0x10000, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_FEATURES, 1, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], 0);
	EXPECT_EQ(rmi(RMI_FEATURES, 0, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1] & RMI_FEATURE0_S2SZ_MASK, 48);
	EXPECT_EQ(regs.x[1] & (RMI_FEATURE0_LPA2_MASK | RMI_FEATURE0_PMU_EN_MASK), 0);
	EXPECT_EQ(regs.x[1] & (RMI_FEATURE0_SVE_EN_MASK | RMI_FEATURE0_SVE_VL_MASK), 0x3E00);
	EXPECT_EQ(regs.x[1] >> RMI_FEATURE0_GICV3_NUM_LRS_SHIFT & 0xF, 3);
}

static const struct tap_case cases[] = {
	TAP_CASE(delegate_rejects_what_is_not_tracked),
	TAP_CASE(delegate_rejects_memory_that_is_absent_and_undoes_it),
	TAP_CASE(delegate_rejects_what_el3_refuses),
	TAP_CASE(delegate_twice_is_rejected),
	TAP_CASE(undelegate_needs_a_delegated_granule),
	TAP_CASE(delegation_wipes),
	TAP_CASE(own_memory_is_never_tracked),
	TAP_CASE(banks_do_not_share_granules),
	TAP_CASE(a_lock_in_another_state_does_not_wait),
	TAP_CASE(unknown_functions_are_not_supported),
	TAP_CASE(version_and_features),
};

TAP_MAIN(cases)
