/* SPDX-License-Identifier: BSD-3-Clause */
/* The calling convention, RMI_VERSION and RMI_FEATURES. */
#include <abi/el3.h>
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "realm.h"
#include "space.h"
#include "tap.h"

#define UNKNOWN	     UINT64_MAX
#define FID_SMC64    0x40000000U
#define FID_FAST     0x80000000U
#define RMI_SPACE    0x40U
#define RMI_LAST_1_0 RMI_RTT_SET_RIPAS
#define FEATURES_TOP 42U

static void expect_unknown(uint64_t fid)
{
	uint64_t found = rmi(fid, 0, 0, 0, call_fill(4)).x[0];

	if (found != UNKNOWN) {
		tap_fail("FID 0x%lx gives 0x%lx", (unsigned long)fid, (unsigned long)found);
	}
}

CASE(fids_between_the_commands_are_unknown, "CALL.unknown_fid")
{
	static const uint64_t holes[] = { 0xC4000156, 0xC4000160, 0xC4000163 };

	for (size_t n = 0; n < ARRAY_COUNT(holes); n++) {
		expect_unknown(holes[n]);
	}
}

CASE(fids_after_the_commands_are_unknown, "CALL.unknown_fid")
{
	for (uint64_t fid = RMI_LAST_1_0 + 1U; fid <= RMI_FID_LAST; fid++) {
		expect_unknown(fid);
	}
}

CASE(an_unknown_fid_with_the_sve_hint_is_unknown, "CALL.unknown_fid CALL.sve_hint")
{
	expect_unknown(0xC4000156 | SMCCC_FID_SVE_HINT);
	expect_unknown(RMI_FID_LAST | SMCCC_FID_SVE_HINT);
}

CASE(the_smc32_form_of_a_command_is_unknown, "CALL.unknown_fid")
{
	for (uint64_t fid = RMI_FID_FIRST; fid <= RMI_LAST_1_0; fid++) {
		expect_unknown(fid & ~(uint64_t)FID_SMC64);
	}
}

CASE(the_yielding_form_of_a_command_is_unknown, "CALL.unknown_fid")
{
	expect_unknown(RMI_VERSION & ~(uint64_t)FID_FAST);
}

CASE(the_realms_calls_are_unknown_to_the_host, "CALL.rsi_of_the_host")
{
	for (uint64_t fid = RSI_VERSION; fid <= RSI_HOST_CALL; fid++) {
		expect_unknown(fid);
	}
}

CASE(the_rmms_calls_of_el3_are_unknown_to_the_host, "CALL.el3_of_the_host")
{
	static const uint64_t calls[] = { EL3_GTSI_DELEGATE, EL3_GTSI_UNDELEGATE,
					  EL3_ATTEST_GET_REALM_KEY, EL3_ATTEST_GET_PLAT_TOKEN,
					  EL3_BOOT_COMPLETE };

	for (size_t n = 0; n < ARRAY_COUNT(calls); n++) {
		expect_unknown(calls[n]);
	}
	EXPECT_EQ(rmi_status(RMI_VERSION, RMI_ABI_VERSION_1_0), RMI_SUCCESS);
}

CASE(the_sve_hint_is_no_part_of_the_fid, "CALL.sve_hint")
{
	struct call result = rmi(RMI_VERSION | SMCCC_FID_SVE_HINT, RMI_ABI_VERSION_1_0);
	uint64_t granule = granule_take();

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], RMI_ABI_VERSION_1_0);
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE | SMCCC_FID_SVE_HINT, granule), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE | SMCCC_FID_SVE_HINT, granule), RMI_SUCCESS);
}

CASE(the_sve_hint_does_not_hinder_a_realm, "CALL.sve_hint REC_ENTER.success")
{
	struct rig_realm *realm = hand_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	EXPECT_EQ(rmi_status(RMI_REC_ENTER | SMCCC_FID_SVE_HINT, rec->pa, (uintptr_t)rec->run),
		  RMI_SUCCESS);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	EXPECT_EQ(rec->run->exit.imm, HAND_IMM);
}

CASE(the_upper_half_of_the_fid_register_is_ignored, "CALL.fid_upper_bits")
{
	EXPECT_EQ(rmi_status(RMI_VERSION | UINT64_C(0xDEADBEEF00000000), RMI_ABI_VERSION_1_0),
		  RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_VERSION | bit64(63), RMI_ABI_VERSION_1_0), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(0xC4000156 | bit64(40), 0), UNKNOWN);
}

CASE(outputs_that_a_command_has_not_are_zero, "CALL.unused_outputs")
{
	uint64_t granule = granule_take();
	struct call result = rmi(RMI_GRANULE_DELEGATE, granule);

	EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
	result = rmi(RMI_GRANULE_UNDELEGATE, granule);
	EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
	result = rmi(RMI_FEATURES, 0);
	EXPECT_EQ(result.x[2] | result.x[3], 0);
	result = rmi(RMI_VERSION, RMI_ABI_VERSION_1_0);
	EXPECT_EQ(result.x[3], 0);
}

CASE(a_command_that_fails_tells_nothing_in_its_unused_outputs, "CALL.unused_outputs")
{
	for (uint64_t fid = RMI_GRANULE_DELEGATE; fid <= RMI_LAST_1_0; fid++) {
		struct call result = rmi(fid, GRANULE_ODD, GRANULE_ODD, GRANULE_ODD, 0, 0);

		if (fid == RMI_FEATURES || result.x[0] == UNKNOWN) {
			continue;
		}
		EXPECT_EQ(result.x[0], RMI_ERROR_INPUT);
		EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
	}
}

CASE(the_registers_that_are_no_outputs_keep_their_values, "CALL.preserved")
{
	struct rig_realm *realm = realm_make();
	struct call result;

	/* rmi() looks at X4 (of all but RTT_READ_ENTRY) to X28. */
	(void)rmi(RMI_VERSION, RMI_ABI_VERSION_1_0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		  16, 17);
	(void)rmi(RMI_REC_AUX_COUNT, realm->rd, 2, 3, 4, 5, 6, 7, 8, 9);
	(void)rmi(RMI_RTT_CREATE, realm->rd, GRANULE_ODD, 0, 3, 5, 6, 7);
	(void)rmi(0xC4000156, 1, 2, 3, 4, 5, 6, 7);
	result = rmi(RMI_RTT_READ_ENTRY, GRANULE_ODD, 0, 3, 0x4444);
	EXPECT_EQ(result.x[0], RMI_ERROR_INPUT);
}

CASE(a_run_of_a_realm_keeps_the_hosts_registers, "CALL.preserved")
{
	struct rig_realm *realm = hand_realm(1);

	/* rec_enter() looks at X4 to X28. */
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	(void)hand_smc(&realm->recs[0], RSI_VERSION, RSI_ABI_VERSION_1_0);
}

CASE(version_1_0_is_supported, "VERSION.success")
{
	struct call result = rmi(RMI_VERSION, RMI_ABI_VERSION_1_0);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], RMI_ABI_VERSION_1_0);
	EXPECT_EQ(result.x[2], RMI_ABI_VERSION_1_0);
}

CASE(version_refuses_other_revisions_and_names_its_own, "VERSION.unsupported")
{
	static const uint64_t revisions[] = {
		0, 0xFFFF, 0x10001, 0x20000, 0x7FFFFFFF, 0x80010000, 0x100010000, UINT64_MAX,
	};

	for (size_t n = 0; n < ARRAY_COUNT(revisions); n++) {
		struct call result = rmi(RMI_VERSION, revisions[n]);

		EXPECT_EQ(result.x[0], RMI_ERROR_INPUT);
		EXPECT_EQ(result.x[1], RMI_ABI_VERSION_1_0);
		EXPECT_EQ(result.x[2], RMI_ABI_VERSION_1_0);
	}
}

CASE(feature_register_0_is_well_formed, "FEATURES.register_0")
{
	struct call result = rmi(RMI_FEATURES, 0);
	uint64_t value = result.x[1];
	uint64_t bits = field_get(value, RMI_FEATURE0_S2SZ_MASK);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(value >> FEATURES_TOP, 0);
	EXPECT(bits >= 32U && bits <= ((value & RMI_FEATURE0_LPA2_MASK) != 0U ? 52U : 48U));
	EXPECT(field_get(value, RMI_FEATURE0_NUM_BPS_MASK) != 0U);
	EXPECT(field_get(value, RMI_FEATURE0_NUM_WPS_MASK) != 0U);
	EXPECT((value & (RMI_FEATURE0_HASH_SHA_256_MASK | RMI_FEATURE0_HASH_SHA_512_MASK)) != 0U);
	EXPECT((value & RMI_FEATURE0_SVE_EN_MASK) != 0U ||
	       field_get(value, RMI_FEATURE0_SVE_VL_MASK) == 0U);
	EXPECT((value & RMI_FEATURE0_PMU_EN_MASK) != 0U ||
	       field_get(value, RMI_FEATURE0_PMU_NUM_CTRS_MASK) == 0U);
}

CASE(the_other_feature_registers_are_zero, "FEATURES.other_registers")
{
	static const uint64_t indexes[] = { 1, 2, 63, 0x100000000, UINT64_MAX };

	for (size_t n = 0; n < ARRAY_COUNT(indexes); n++) {
		struct call result = rmi(RMI_FEATURES, indexes[n]);

		EXPECT_EQ(result.x[0], RMI_SUCCESS);
		EXPECT_EQ(result.x[1], 0);
	}
}
