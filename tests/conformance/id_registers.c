/* SPDX-License-Identifier: BSD-3-Clause */
/* ID registers as a realm sees them. */
#include <abi/rmi.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "pe.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define FIELD(value, lsb) ((value) >> (lsb)&0xFU)
#define OTHER_PE	  1U
#define FEATURE_BPS	  14U
#define FEATURE_WPS	  20U

CODE(read_aarch32, "mrs x0, S3_0_C0_C1_0\n mrs x1, S3_0_C0_C1_4\n mrs x2, S3_0_C0_C2_0\n"
		   "mrs x3, S3_0_C0_C2_5\n mrs x4, S3_0_C0_C3_0\n mrs x5, S3_0_C0_C3_4");
CODE(read_unallocated, "mrs x0, S3_0_C0_C4_7\n mrs x1, S3_0_C0_C5_7\n mrs x2, S3_0_C0_C6_7\n"
		       "mrs x3, S3_0_C0_C7_7\n mrs x4, S3_0_C0_C3_7\n mrs x5, S3_0_C0_C2_6");
CODE(read_feature_2, "mrs x0, S3_0_C0_C6_2\n mrs x1, S3_0_C0_C4_5\n mrs x2, S3_0_C0_C4_4\n"
		     "mrs x3, S3_0_C0_C7_3\n mrs x4, S3_0_C0_C7_4\n mrs x5, S3_0_C0_C4_2");
CODE(read_midr, "mrs x0, MIDR_EL1\n mrs x1, REVIDR_EL1\n mrs x2, CTR_EL0\n mrs x3, DCZID_EL0");

static uint64_t get(struct rig_rec *rec, uint64_t number)
{
	struct outcome outcome = hand_do(rec, HAND_GET, number);

	EXPECT_EQ(outcome.gprs[HAND_FAULTS], 0);
	return outcome.gprs[1];
}

CASE(a_realm_sees_two_exception_levels_of_64_bits, "ID.levels")
{
	uint64_t pfr0 = get(stop_rec(1), HAND_REG_ID_AA64PFR0_EL1);

	EXPECT_EQ(FIELD(pfr0, 0), 1);
	EXPECT_EQ(FIELD(pfr0, 4), 1);
	EXPECT_EQ(FIELD(pfr0, 8), 0);
	EXPECT_EQ(FIELD(pfr0, 12), 0);
	EXPECT_EQ(FIELD(pfr0, 24), 1);
}

CASE(a_realm_sees_no_feature_that_it_has_not, "ID.hidden")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t pfr0 = get(rec, HAND_REG_ID_AA64PFR0_EL1);
	uint64_t pfr1 = get(rec, HAND_REG_ID_AA64PFR1_EL1);
	uint64_t dfr0 = get(rec, HAND_REG_ID_AA64DFR0_EL1);
	struct outcome rest = hand_run(rec, read_feature_2, 0);

	EXPECT_EQ(FIELD(pfr0, 32), 0); /* SVE */
	EXPECT_EQ(FIELD(pfr0, 40), 0); /* MPAM */
	EXPECT_EQ(FIELD(pfr0, 44), 0); /* AMU */
	EXPECT_EQ(FIELD(pfr0, 52), 0); /* RME */
	EXPECT_EQ(FIELD(pfr1, 8), 0);  /* MTE */
	EXPECT_EQ(FIELD(pfr1, 24), 0); /* SME */
	EXPECT_EQ(FIELD(dfr0, 4), 0);  /* trace */
	EXPECT_EQ(FIELD(dfr0, 8), 0);  /* PMU */
	EXPECT_EQ(FIELD(dfr0, 32), 0); /* SPE */
	EXPECT_EQ(FIELD(dfr0, 40), 0); /* TraceFilt */
	EXPECT_EQ(FIELD(dfr0, 44), 0); /* trace buffer */
	EXPECT_EQ(FIELD(dfr0, 52), 0); /* BRBE */
	EXPECT_EQ(rest.gprs[2], 0);    /* ID_AA64SMFR0_EL1 */
	EXPECT_EQ(rest.gprs[3], 0);    /* ID_AA64ZFR0_EL1 */
}

CASE(a_realm_sees_the_address_sizes_that_it_can_use, "ID.addresses")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t mmfr0 = get(rec, HAND_REG_ID_AA64MMFR0_EL1);

	EXPECT(FIELD(mmfr0, 0) <= 5U);	/* 48 bits: without LPA2 there are no more */
	EXPECT_EQ(FIELD(mmfr0, 28), 0); /* TGran4 without LPA2 */
}

/* DFR0 of a realm with these numbers, which are one less than there are. */
static void expect_breakpoints(uint8_t bps, uint8_t wps)
{
	struct rig_realm *realm = realm_prepare();
	uint64_t dfr0;

	realm->params->num_bps = bps;
	realm->params->num_wps = wps;
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
	hand_load(realm);
	(void)hand_rec(realm);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	dfr0 = get(&realm->recs[0], HAND_REG_ID_AA64DFR0_EL1);
	EXPECT_EQ(FIELD(dfr0, 12), bps);
	EXPECT_EQ(FIELD(dfr0, 20), wps);
	EXPECT_EQ(FIELD(dfr0, 28), 0); /* context-aware breakpoints */
}

CASE(a_realm_sees_the_breakpoints_that_it_was_created_with, "ID.breakpoints")
{
	uint64_t features = rmi(RMI_FEATURES, 0).x[1];

	expect_breakpoints(1, 1);
	expect_breakpoints((uint8_t)(features >> FEATURE_BPS & 0x3FU),
			   (uint8_t)(features >> FEATURE_WPS & 0x3FU));
}

static void expect_zeros(const struct outcome *outcome)
{
	EXPECT(took_none(outcome));
	for (unsigned int n = 1; n <= 6U; n++) {
		EXPECT_EQ(outcome->gprs[n], 0);
	}
}

CASE(id_registers_of_aarch32_and_unallocated_ones_read_zero, "ID.zero")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome = hand_run(rec, read_aarch32, 1, 1, 1, 1, 1, 1);

	expect_zeros(&outcome);
	outcome = hand_run(rec, read_unallocated, 1, 1, 1, 1, 1, 1);
	expect_zeros(&outcome);
}

CASE(identification_of_the_pe_is_the_pes, "ID.midr")
{
	struct outcome outcome = hand_run(stop_rec(1), read_midr, 0);

	EXPECT_EQ(outcome.gprs[1], read_sysreg(MIDR_EL1));
	EXPECT_EQ(outcome.gprs[2], read_sysreg(REVIDR_EL1));
	EXPECT_EQ(outcome.gprs[3], read_sysreg(CTR_EL0));
	EXPECT_EQ(outcome.gprs[4] & 0xFU, read_sysreg(DCZID_EL0) & 0xFU);
}

CASE(the_hosts_own_identification_is_not_the_realms, "ID.midr")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t own = read_sysreg(VPIDR_EL2);
	uint64_t midr = read_sysreg(MIDR_EL1);

	write_sysreg(VPIDR_EL2, 0x12345678);
	EXPECT_EQ(get(rec, HAND_REG_MIDR_EL1), midr);
	write_sysreg(VPIDR_EL2, own);
}

static const uint64_t shown[] = {
	HAND_REG_ID_AA64PFR0_EL1,  HAND_REG_ID_AA64PFR1_EL1,  HAND_REG_ID_AA64DFR0_EL1,
	HAND_REG_ID_AA64DFR1_EL1,  HAND_REG_ID_AA64ISAR0_EL1, HAND_REG_ID_AA64ISAR1_EL1,
	HAND_REG_ID_AA64MMFR0_EL1, HAND_REG_ID_AA64MMFR1_EL1, HAND_REG_ID_AA64MMFR2_EL1,
	HAND_REG_ID_AA64ZFR0_EL1,  HAND_REG_MIDR_EL1,	      HAND_REG_MPIDR_EL1,
};
static uint64_t first[ARRAY_COUNT(shown)];

static void compare_there(void *rec)
{
	for (size_t n = 0; n < ARRAY_COUNT(shown); n++) {
		EXPECT_EQ(get((struct rig_rec *)rec, shown[n]), first[n]);
	}
}

CASE(id_registers_are_the_same_on_every_pe, "ID.migration")
{
	struct rig_rec *rec = stop_rec(1);

	for (size_t n = 0; n < ARRAY_COUNT(shown); n++) {
		first[n] = get(rec, shown[n]);
	}
	pe_send(OTHER_PE, compare_there, rec);
	pe_join(OTHER_PE);
}
