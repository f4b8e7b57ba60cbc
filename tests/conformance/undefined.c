/* SPDX-License-Identifier: BSD-3-Clause */
/* What a realm may not do: registers that read zero, and instructions that are undefined. */
#include <abi/rmi.h>
#include <lib/bits.h>

#include "call.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define CODE_AT	   (HAND_CALLS + 8U + 8U * sizeof(uint64_t)) /* gprs[8] of the RsiHostCall */
#define SCTLR_NTWI bit64(16)				     /* WFI of EL0 is no business of EL1 */
#define CPACR_ALL  UINT64_C(0x3330000)			     /* ZEN, FPEN, SMEN */
#define CPACR_FP   UINT64_C(0x300000)
#define SOILED	   UINT64_C(0xF111F111)
#define SPSR_T32   SPSR_EL0_T32
#define ESR_UNDEF  ESR_UNKNOWN

CODE(call_hypervisor, "hvc #0");
CODE(call_hypervisor_7, "hvc #7");
CODE(use_sve, "ptrue p0.b");
CODE(use_sve_length, "rdvl x0, #1");
CODE(use_sme, "smstart");
CODE(use_sme_length, "rdsvl x0, #1");

/* Writes all ones to each register, and tells what all read then. */
#define TRY_1(a)       "msr " a ", x5\n mrs x0, " a
#define TRY_3(a, b, c) TRY_1(a) "\n msr " b ", x5\n mrs x1, " b "\n msr " c ", x5\n mrs x2, " c
CODE(try_pmu, TRY_3("PMCR_EL0", "PMCCNTR_EL0", "PMUSERENR_EL0"));
CODE(try_pmu_events, TRY_3("PMEVCNTR0_EL0", "PMEVTYPER0_EL0", "PMCCFILTR_EL0"));
CODE(try_pmu_sets, TRY_3("PMCNTENSET_EL0", "PMINTENSET_EL1", "PMOVSSET_EL0"));
CODE(try_auxiliary, TRY_1("ACTLR_EL1"));
CODE(try_lor, TRY_3("S3_0_C10_C4_3", "S3_0_C10_C4_0", "S3_0_C10_C4_1"));
CODE(try_ras, "mrs x0, S3_0_C5_C3_0"); /* ERRIDR_EL1 */

/* A32: mrc p14, 0, r0, c0, c1, 0 (DBGDSCRint), or wfi; svc. */
CODE(a32_debug, ".inst 0xEE100E11, 0xEF000000");
CODE(a32_call, ".inst 0xEF000000");
CODE(a32_wait, ".inst 0xE320F003, 0xEF000000");
/* T32: wfi; svc #0. */
CODE(t32_wait, ".inst 0xDF00BF30");
/* A32: ldr r1, [r0]; svc. */
CODE(a32_load, ".inst 0xE5901000, 0xEF000000");
/* A32: vmov d0, r2, r3; vmov r4, r5, d0; svc. */
CODE(a32_vector, ".inst 0xEC432B10, 0xEC554B10, 0xEF000000");

static void is_undefined(struct outcome outcome)
{
	EXPECT(took_exception(&outcome, ESR_UNDEF, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_ELR], CODE_AT);
}

static void reads_zero(struct outcome outcome, unsigned int count)
{
	EXPECT(took_none(&outcome));
	for (unsigned int n = 1; n <= count; n++) {
		EXPECT_EQ(outcome.gprs[n], 0);
	}
}

CASE(an_hvc_is_undefined_in_a_realm, "TRAP.hvc")
{
	struct rig_rec *rec = stop_rec(1);

	is_undefined(hand_run(rec, call_hypervisor, 0));
	is_undefined(hand_run(rec, call_hypervisor_7, 0));
}

CASE(sve_is_undefined_in_a_realm_without_it, "TRAP.sve")
{
	struct rig_rec *rec = stop_rec(1);

	(void)hand_do(rec, HAND_SET, HAND_REG_CPACR_EL1, CPACR_ALL);
	is_undefined(hand_run(rec, use_sve, 0));
	is_undefined(hand_run(rec, use_sve_length, 0));
	(void)hand_do(rec, HAND_SET, HAND_REG_CPACR_EL1, CPACR_FP);
}

CASE(sme_is_undefined_in_a_realm, "TRAP.sme")
{
	struct rig_rec *rec = stop_rec(1);

	(void)hand_do(rec, HAND_SET, HAND_REG_CPACR_EL1, CPACR_ALL);
	is_undefined(hand_run(rec, use_sme, 0));
	is_undefined(hand_run(rec, use_sme_length, 0));
	(void)hand_do(rec, HAND_SET, HAND_REG_CPACR_EL1, CPACR_FP);
}

CASE(registers_of_the_pmu_read_zero_without_one, "TRAP.zero TRAP.pmu")
{
	struct rig_rec *rec = stop_rec(1);

	reads_zero(hand_run(rec, try_pmu, 1, 1, 1, 1, 1, SOILED), 3);
	reads_zero(hand_run(rec, try_pmu_events, 1, 1, 1, 1, 1, SOILED), 3);
	reads_zero(hand_run(rec, try_pmu_sets, 1, 1, 1, 1, 1, SOILED), 3);
}

CASE(registers_that_are_hidden_read_zero, "TRAP.zero")
{
	struct rig_rec *rec = stop_rec(1);

	reads_zero(hand_run(rec, try_auxiliary, 1, 1, 1, 1, 1, UINT64_MAX), 1);
	reads_zero(hand_run(rec, try_lor, 1, 1, 1, 1, 1, UINT64_MAX), 3);
	reads_zero(hand_run(rec, try_ras, 1), 1);
}

CASE(a_trapped_access_leaves_no_exit, "TRAP.zero")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(hand_order(rec, HAND_SET, HAND_REG_PMCR_EL0, UINT64_MAX).done);
	EXPECT(hand_order(rec, HAND_GET, HAND_REG_PMCR_EL0).done);
}

/* AArch32 at EL0: this PE has it though no realm is told. Its exceptions come to EL1. */
static bool has_aarch32(struct rig_rec *rec)
{
	struct outcome outcome = hand_drop(rec, SPSR_EL0_A32, a32_call, 0);

	if (outcome.gprs[HAND_VECTOR] != VECTOR_LOWER_32) {
		tap_note("this PE has no AArch32");
		return false;
	}
	return EXPECT_EQ(outcome.gprs[HAND_ESR] & ESR_EC, ESR_SVC_A32 & ESR_EC);
}

CASE(what_aarch32_traps_with_is_undefined, "AARCH32.trap")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	LEAVE_UNLESS(has_aarch32(rec));
	outcome = hand_drop(rec, SPSR_EL0_A32, a32_debug, 0);
	EXPECT(took_exception(&outcome, ESR_UNDEF, VECTOR_LOWER_32));
	EXPECT_EQ(outcome.gprs[HAND_ELR], CODE_AT);
}

CASE(a_trapped_wfi_of_aarch32_is_undefined, "AARCH32.trap")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;
	uint64_t sctlr;

	LEAVE_UNLESS(has_aarch32(rec));
	sctlr = hand_do(rec, HAND_GET, HAND_REG_SCTLR_EL1).gprs[1];
	(void)hand_do(rec, HAND_SET, HAND_REG_SCTLR_EL1, sctlr | SCTLR_NTWI);
	rec->run->enter.flags = RMI_ENTER_TRAP_WFI_MASK;
	outcome = hand_drop(rec, SPSR_EL0_A32, a32_wait, 0);
	EXPECT(took_exception(&outcome, ESR_UNDEF, VECTOR_LOWER_32));
	outcome = hand_drop(rec, SPSR_EL0_T32, t32_wait, 0);
	EXPECT(took_exception(&outcome, ESR_UNDEF, VECTOR_LOWER_32));
	rec->run->enter.flags = 0;
}

CASE(an_access_of_aarch32_is_not_emulated, "AARCH32.abort")
{
	struct rig_rec *rec = stop_rec(1);
	struct rig_rec *wide;
	struct outcome outcome;

	LEAVE_UNLESS(has_aarch32(rec));
	/* In 32 bits of IPA the addresses of AArch32 reach unprotected memory. */
	wide = &hand_realm_of_shape(32, 2, 4)->recs[0];
	EXPECT(!hand_drop(wide, SPSR_EL0_A32, a32_load, 0x80000000).done);
	EXPECT(stop_is(wide, RMI_EXIT_SYNC, STOP_ESR | STOP_HPFAR));
	EXPECT_EQ(wide->run->exit.esr, STOP_ESR_ABORT_LOWER | (STOP_TRANSLATION + 2U));
	outcome = stop_resume_with(wide, RMI_ENTER_INJECT_SEA_MASK);
	EXPECT(took_exception(&outcome, ESR_DATA_LOWER | ESR_SEA, VECTOR_LOWER_32));
}

CASE(aarch32_has_the_vectors_of_its_rec, "AARCH32.vectors")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	LEAVE_UNLESS(has_aarch32(rec));
	outcome = hand_drop(rec, SPSR_EL0_A32, a32_vector, 0, 0, 0x12345678, 0x9ABCDEF0);
	EXPECT_EQ(outcome.gprs[HAND_ESR] & ESR_EC, ESR_SVC_A32 & ESR_EC);
	EXPECT_EQ(outcome.gprs[5], 0x12345678);
	EXPECT_EQ(outcome.gprs[6], 0x9ABCDEF0);
}
