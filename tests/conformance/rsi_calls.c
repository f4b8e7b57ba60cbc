/* SPDX-License-Identifier: BSD-3-Clause */
/* The realm's calling convention, RSI_VERSION and RSI_FEATURES. */
#include <abi/el3.h>
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "ask.h"
#include "tap.h"

#define UNKNOWN	      UINT64_MAX
#define FID_SMC64     UINT64_C(0x40000000)
#define FID_FAST      UINT64_C(0x80000000)
#define RSI_FID_LIMIT UINT64_C(0xC40001B0)
#define ESR_EC_SHIFT  26U
#define VECTOR_SYNC   0x200U

static struct rig_rec *rec;

static void expect_unknown(uint64_t fid)
{
	uint64_t found = hand_smc(rec, fid, 0, 0, 0).x[0];

	if (found != UNKNOWN) {
		tap_fail("FID 0x%lx gives 0x%lx", (unsigned long)fid, (unsigned long)found);
	}
}

CASE(fids_beside_the_realms_commands_are_unknown, "RSI.unknown_fid")
{
	rec = asker(1);
	expect_unknown(RSI_VERSION - 1U);
	for (uint64_t fid = RSI_HOST_CALL + 1U; fid < RSI_FID_LIMIT; fid++) {
		expect_unknown(fid);
	}
}

CASE(a_realm_has_no_commands_of_the_host, "RSI.rmi_of_the_realm")
{
	rec = asker(1);
	for (uint64_t fid = RMI_VERSION; fid <= RMI_RTT_SET_RIPAS; fid++) {
		expect_unknown(fid);
	}
	EXPECT_EQ(rmi_status(RMI_VERSION, RMI_ABI_VERSION_1_0), RMI_SUCCESS);
}

CASE(a_realm_has_no_calls_of_el3, "RSI.el3_of_the_realm")
{
	static const uint64_t calls[] = { RMI_FID_LAST,
					  EL3_GTSI_DELEGATE,
					  EL3_GTSI_UNDELEGATE,
					  EL3_ATTEST_GET_REALM_KEY,
					  EL3_ATTEST_GET_PLAT_TOKEN,
					  EL3_BOOT_COMPLETE };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(calls); n++) {
		expect_unknown(calls[n]);
	}
}

CASE(other_forms_of_the_realms_commands_are_unknown, "RSI.unknown_fid")
{
	rec = asker(1);
	for (uint64_t fid = RSI_VERSION; fid <= RSI_HOST_CALL; fid++) {
		expect_unknown(fid & ~FID_SMC64);
		expect_unknown(fid & ~FID_FAST);
		expect_unknown(fid | bit64(24));
	}
	expect_unknown(0);
	expect_unknown(UINT32_MAX);
}

CASE(the_sve_hint_is_no_part_of_a_realms_fid, "RSI.sve_hint")
{
	rec = asker(1);
	EXPECT_EQ(hand_smc(rec, RSI_VERSION | SMCCC_FID_SVE_HINT, RSI_ABI_VERSION_1_0).x[0],
		  RSI_SUCCESS);
	EXPECT_EQ(hand_smc(rec, PSCI_VERSION | SMCCC_FID_SVE_HINT).x[0], PSCI_VERSION_1_1);
	expect_unknown((RSI_HOST_CALL + 1U) | SMCCC_FID_SVE_HINT);
}

CASE(the_upper_half_of_a_realms_fid_register_is_ignored, "RSI.fid_upper_bits")
{
	rec = asker(1);
	EXPECT_EQ(hand_smc(rec, RSI_VERSION | bit64(63), RSI_ABI_VERSION_1_0).x[0], RSI_SUCCESS);
	EXPECT_EQ(hand_smc(rec, PSCI_VERSION | UINT64_C(0xDEADBEEF00000000)).x[0],
		  PSCI_VERSION_1_1);
}

CASE(a_realms_calls_keep_the_registers_that_are_no_outputs, "RSI.preserved")
{
	/* hand_smc() looks at X4 (X9 of RSI_MEASUREMENT_READ) to X28. */
	rec = asker(1);
	(void)hand_smc(rec, RSI_VERSION, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
	(void)hand_smc(rec, RSI_FEATURES, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	(void)hand_smc(rec, RSI_MEASUREMENT_READ, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	(void)hand_smc(rec, RSI_MEASUREMENT_EXTEND, 1, 64, 3, 4, 5, 6, 7, 8, 9, 10, 11);
	(void)hand_smc(rec, RSI_IPA_STATE_GET, 0, ASK_RAM, 3, 4, 5, 6, 7, 8);
	(void)hand_smc(rec, RSI_REALM_CONFIG, ASK_EMPTY, 2, 3, 4, 5, 6, 7, 8);
	(void)hand_smc(rec, RSI_HOST_CALL, ASK_EMPTY, 2, 3, 4, 5, 6, 7, 8);
	(void)hand_smc(rec, RSI_HOST_CALL + 1U, 1, 2, 3, 4, 5, 6, 7, 8);
	(void)hand_smc(rec, PSCI_VERSION, 1, 2, 3, 4, 5, 6, 7, 8);
}

CASE(a_realms_outputs_that_a_call_has_not_are_zero, "RSI.unused_outputs")
{
	struct call result;

	rec = asker(1);
	result = hand_smc(rec, RSI_VERSION, RSI_ABI_VERSION_1_0);
	EXPECT_EQ(result.x[3], 0);
	result = hand_smc(rec, RSI_FEATURES, 0);
	EXPECT_EQ(result.x[2] | result.x[3], 0);
	result = hand_smc(rec, RSI_MEASUREMENT_EXTEND, 1, 0);
	EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
	result = hand_smc(rec, PSCI_VERSION, 1, 2, 3);
	EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
}

CASE(an_hvc_of_a_realm_is_undefined, "RSI.hvc")
{
	struct outcome outcome;

	rec = asker(1);
	outcome = hand_do(rec, HAND_HVC);
	EXPECT_EQ(outcome.gprs[HAND_FAULTS], 1);
	EXPECT_EQ(outcome.gprs[HAND_ESR] >> ESR_EC_SHIFT, 0);
	EXPECT_EQ(outcome.gprs[HAND_VECTOR], VECTOR_SYNC);
}

CASE(rsi_version_1_0_is_supported, "RSI_VERSION.success")
{
	struct call result = hand_smc(asker(1), RSI_VERSION, RSI_ABI_VERSION_1_0);

	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT_EQ(result.x[1], RSI_ABI_VERSION_1_0);
	EXPECT_EQ(result.x[2], RSI_ABI_VERSION_1_0);
}

CASE(rsi_version_refuses_other_revisions_and_names_its_own, "RSI_VERSION.unsupported")
{
	static const uint64_t revisions[] = {
		0, 0xFFFF, 0x10001, 0x20000, 0x80010000, 0x100010000, UINT64_MAX,
	};

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(revisions); n++) {
		struct call result = hand_smc(rec, RSI_VERSION, revisions[n]);

		EXPECT_EQ(result.x[0], RSI_ERROR_INPUT);
		EXPECT_EQ(result.x[1], RSI_ABI_VERSION_1_0);
		EXPECT_EQ(result.x[2], RSI_ABI_VERSION_1_0);
	}
}

CASE(rsi_has_no_features, "RSI_FEATURES.zero")
{
	static const uint64_t indexes[] = { 0, 1, 2, 63, 0x100000000, UINT64_MAX };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(indexes); n++) {
		struct call result = hand_smc(rec, RSI_FEATURES, indexes[n]);

		EXPECT_EQ(result.x[0], RSI_SUCCESS);
		EXPECT_EQ(result.x[1], 0);
	}
}
