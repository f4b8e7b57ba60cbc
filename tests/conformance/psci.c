/* SPDX-License-Identifier: BSD-3-Clause */
/* PSCI as one REC sees it; psci_cpu_on.c and psci_complete.c have what takes two. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "ask.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

#define NOT_SUPPORTED	   ((uint64_t)PSCI_NOT_SUPPORTED)
#define INVALID_PARAMETERS ((uint64_t)PSCI_INVALID_PARAMETERS)
#define PSCI_LAST	   UINT64_C(0x8400001F)
#define TRNG_LAST	   UINT64_C(0x8400005F)
#define FID_SMC64	   UINT64_C(0x40000000)
#define SECRET		   UINT64_C(0x5345435245540000)

static struct rig_rec *rec;

static const uint64_t functions[] = {
	PSCI_CPU_SUSPEND_32, PSCI_CPU_SUSPEND_64,   PSCI_CPU_OFF,	   PSCI_CPU_ON_32,
	PSCI_CPU_ON_64,	     PSCI_AFFINITY_INFO_32, PSCI_AFFINITY_INFO_64, PSCI_SYSTEM_OFF,
	PSCI_SYSTEM_RESET,   PSCI_FEATURES,	    SMCCC_VERSION,
};

static bool is_implemented(uint64_t fid)
{
	for (size_t n = 0; n < ARRAY_COUNT(functions); n++) {
		if (functions[n] == fid) {
			return true;
		}
	}
	return fid == PSCI_VERSION;
}

CASE(psci_is_version_1_1, "PSCI.version")
{
	struct call result = hand_smc(asker(1), PSCI_VERSION, 1, 2, 3);

	EXPECT_EQ(result.x[0], PSCI_VERSION_1_1);
	EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
}

CASE(smccc_is_at_least_version_1_2, "PSCI.smccc_version")
{
	uint64_t version = hand_smc(asker(1), SMCCC_VERSION).x[0];

	EXPECT(version >= SMCCC_VERSION_1_2 && version < 0x20000U);
}

CASE(psci_features_names_what_there_is, "PSCI_FEATURES.implemented")
{
	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(functions); n++) {
		EXPECT_EQ(hand_smc(rec, PSCI_FEATURES, functions[n]).x[0], PSCI_SUCCESS);
	}
}

CASE(psci_features_denies_what_there_is_not, "PSCI_FEATURES.not_implemented")
{
	static const uint64_t others[] = { 0,		UINT32_MAX,	     RSI_VERSION,
					   RMI_VERSION, SMCCC_ARCH_FEATURES, 0x84000012,
					   0xC4000012 };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(others); n++) {
		EXPECT_EQ(hand_smc(rec, PSCI_FEATURES, others[n]).x[0], NOT_SUPPORTED);
	}
}

CASE(other_functions_of_psci_are_not_supported, "PSCI.others")
{
	rec = asker(1);
	for (uint64_t fid = PSCI_VERSION; fid <= PSCI_LAST; fid++) {
		if (!is_implemented(fid)) {
			EXPECT_EQ(hand_smc(rec, fid).x[0], NOT_SUPPORTED);
		}
		if (!is_implemented(fid | FID_SMC64)) {
			EXPECT_EQ(hand_smc(rec, fid | FID_SMC64).x[0], NOT_SUPPORTED);
		}
	}
}

CASE(other_services_of_smccc_are_not_supported, "PSCI.smccc_others")
{
	static const uint64_t fids[] = { SMCCC_ARCH_FEATURES, 0x80000002, 0x80007FFF, 0x80008000,
					 0x8000FF01,	      0x8400FF01, 0x8600FF01 };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(fids); n++) {
		EXPECT_EQ(hand_smc(rec, fids[n], 0x80008000).x[0], NOT_SUPPORTED);
	}
	for (uint64_t fid = TRNG_VERSION; fid <= TRNG_LAST; fid++) {
		EXPECT_EQ(hand_smc(rec, fid).x[0], NOT_SUPPORTED);
	}
}

/*
 * The exit of a call that the host is only told of: the FID, and neither an argument nor what else
 * the realm had in the FID's register.
 */
static void expect_notice(uint64_t fid)
{
	LEAVE_UNLESS(ask(rec, RMI_EXIT_PSCI, SECRET << 32 | SMCCC_FID_SVE_HINT | fid, SECRET,
			 SECRET + 1U, SECRET + 2U));
	EXPECT_EQ(rec->run->exit.gprs[0], fid);
	EXPECT(exit_shows_no_more(rec, 1));
}

CASE(cpu_suspend_tells_the_host_and_comes_back, "CPU_SUSPEND.exit")
{
	static const uint64_t fids[] = { PSCI_CPU_SUSPEND_32, PSCI_CPU_SUSPEND_64 };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(fids); n++) {
		struct call result;

		expect_notice(fids[n]);
		result = ask_again(rec);
		EXPECT_EQ(result.x[0], PSCI_SUCCESS);
		EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
	}
}

CASE(cpu_off_ends_a_rec, "CPU_OFF.exit CPU_OFF.not_runnable")
{
	rec = asker(1);
	expect_notice(PSCI_CPU_OFF);
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
}

static void expect_off(uint64_t fid)
{
	struct rig_rec *other;

	rec = asker(2);
	other = &rec->realm->recs[1];
	expect_notice(fid);
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REALM | UINT64_C(1) << RMI_RESULT_INDEX_SHIFT);
	EXPECT_EQ(rec_enter(other), RMI_ERROR_REALM | UINT64_C(1) << RMI_RESULT_INDEX_SHIFT);
	EXPECT_EQ(realm_activate(rec->realm), RMI_ERROR_REALM);
}

CASE(system_off_ends_a_realm, "SYSTEM_OFF.exit SYSTEM_OFF.state")
{
	expect_off(PSCI_SYSTEM_OFF);
}

CASE(system_reset_ends_a_realm, "SYSTEM_RESET.exit SYSTEM_OFF.state")
{
	expect_off(PSCI_SYSTEM_RESET);
}

CASE(cpu_on_refuses_an_entry_that_is_not_protected, "CPU_ON.entry")
{
	static const unsigned int bits[] = { 32, 33, 40, 48, 52, 63 };

	rec = asker(2);
	for (size_t n = 0; n < ARRAY_COUNT(bits); n++) {
		EXPECT_EQ(hand_smc(rec, PSCI_CPU_ON_64, 1, bit64(bits[n]) | HAND_BASE, 0).x[0],
			  (uint64_t)PSCI_INVALID_ADDRESS);
	}
}

/* No RECs of a realm of two, and what no MPIDR has. */
static const uint64_t strangers[] = { 2,
				      0xF,
				      0x10,
				      0x11,
				      0x100,
				      0x101,
				      0x10000,
				      0x1000001,
				      0x80000001,
				      0x100000001,
				      UINT64_C(1) << 40 | 1U,
				      UINT64_C(1) << 63 | 1U,
				      UINT64_MAX };

CASE(cpu_on_refuses_a_rec_that_is_not_there, "CPU_ON.target")
{
	rec = asker(2);
	for (size_t n = 0; n < ARRAY_COUNT(strangers); n++) {
		EXPECT_EQ(hand_smc(rec, PSCI_CPU_ON_64, strangers[n], HAND_BASE, 0).x[0],
			  INVALID_PARAMETERS);
	}
}

CASE(cpu_on_of_itself_is_already_on, "CPU_ON.self")
{
	rec = asker(1);
	EXPECT_EQ(hand_smc(rec, PSCI_CPU_ON_64, 0, HAND_BASE, 0).x[0], (uint64_t)PSCI_ALREADY_ON);
	EXPECT_EQ(hand_smc(rec, PSCI_CPU_ON_32, 0, HAND_BASE, 0).x[0], (uint64_t)PSCI_ALREADY_ON);
}

CASE(affinity_info_refuses_a_rec_that_is_not_there, "AFFINITY_INFO.target")
{
	rec = asker(2);
	for (size_t n = 0; n < ARRAY_COUNT(strangers); n++) {
		EXPECT_EQ(hand_smc(rec, PSCI_AFFINITY_INFO_64, strangers[n], 0).x[0],
			  INVALID_PARAMETERS);
	}
}

CASE(affinity_info_is_of_level_0_only, "AFFINITY_INFO.level")
{
	static const uint64_t levels[] = { 1, 2, 3, 4, 0x100000000, UINT64_MAX };

	rec = asker(2);
	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		EXPECT_EQ(hand_smc(rec, PSCI_AFFINITY_INFO_64, 1, levels[n]).x[0],
			  INVALID_PARAMETERS);
	}
	EXPECT_EQ(hand_smc(rec, PSCI_AFFINITY_INFO_32, 1, 1).x[0], INVALID_PARAMETERS);
}

CASE(affinity_info_of_itself_is_on, "AFFINITY_INFO.self")
{
	rec = asker(1);
	EXPECT_EQ(hand_smc(rec, PSCI_AFFINITY_INFO_64, 0, 0).x[0], PSCI_AFFINITY_ON);
	EXPECT_EQ(hand_smc(rec, PSCI_AFFINITY_INFO_32, 0, 0).x[0], PSCI_AFFINITY_ON);
}
