/* SPDX-License-Identifier: BSD-3-Clause */
/* Breakpoints, watchpoints and steps in a realm. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "code.h"
#include "gic.h"
#include "granules.h"
#include "pe.h"
#include "rig.h"
#include "stop.h"
#include "tap.h"

/* op2 of a numbered debug register, whose CRm is the number. */
#define BVR	       4U
#define BCR	       5U
#define WVR	       6U
#define WCR	       7U

#define NUMBERS	       16U
#define DFR0_BRPS      mask64(15, 12)
#define DFR0_WRPS      mask64(23, 20)
#define DFR0_PMUVER    mask64(11, 8)
#define BCR_EL1	       UINT64_C(0x1E3) /* E, PMC EL1, BAS */
#define BCR_EL1_LINKED UINT64_C(0x1001E3)
#define BCR_CONTEXT    UINT64_C(0x3001E3) /* BT: linked Context ID match */
#define BCR_LBN_SHIFT  16U
#define WCR_EL1_STORE  UINT64_C(0x1FF3) /* E, PAC EL1, LSC store, BAS */
#define MDSCR_SS       UINT64_C(0x1)
#define MDSCR_KDE_MDE  UINT64_C(0xA000)
#define DAIF_AIF       UINT64_C(0x1C0)
#define SPSR_SS	       (UINT64_C(1) << 21)
#define ESR_BREAKPOINT UINT64_C(0xC6000022)
#define ESR_STEP_LOWER UINT64_C(0xC8000000)
#define ESR_WATCHPOINT UINT64_C(0xD6000062) /* WnR */
#define OSLSR_LOCKED   UINT64_C(0xA)
#define OSLSR_UNLOCKED UINT64_C(0x8)
#define OTHER_PE       2U

/* On the page of the first REC's call: two instructions, and a word. */
#define TARGET	       (HAND_CALLS + UINT64_C(0x800))
#define WORD	       (HAND_CALLS + UINT64_C(0x900))
#define NOP_AND_RETURN UINT64_C(0xD65F03C0D503201F)

#define CODE_RET       UINT32_C(0xD65F03C0)
#define CODE_MRS_DEBUG UINT32_C(0xD5300000) /* MRS X0, S2_0_C0_C<n>_<op2> */
#define CODE_MSR_DEBUG UINT32_C(0xD5100000)

CODE(step_here, "nop; nop; svc #0");
CODE(read_oslsr, "mrs x0, oslsr_el1");
CODE(write_oslar, "msr oslar_el1, x0");
CODE(claims, "msr dbgclaimset_el1, x0; msr dbgclaimclr_el1, x1; mrs x0, dbgclaimclr_el1;"
	     "mrs x1, dbgclaimset_el1");
CODE(external, "mrs x0, mdrar_el1; mrs x1, mdccsr_el0; orr x0, x0, x1; mrs x1, osdlr_el1;"
	       "orr x0, x0, x1");

static struct outcome access_debug(struct rig_rec *rec, uint32_t code, uint32_t n, uint32_t op2,
				   uint64_t value)
{
	const uint32_t words[] = { code | n << 8 | op2 << 5, CODE_RET };

	return code_do(rec, words, words + ARRAY_COUNT(words), &value, 1);
}

static struct outcome read_debug(struct rig_rec *rec, uint32_t n, uint32_t op2)
{
	return access_debug(rec, CODE_MRS_DEBUG, n, op2, 0);
}

static struct outcome write_debug(struct rig_rec *rec, uint32_t n, uint32_t op2, uint64_t value)
{
	return access_debug(rec, CODE_MSR_DEBUG, n, op2, value);
}

static uint8_t offered(uint64_t mask)
{
	return (uint8_t)field_get(rmi(RMI_FEATURES, 0).x[1], mask);
}

static struct rig_rec *rec_with(uint8_t num_bps, uint8_t num_wps, unsigned int recs)
{
	struct rig_realm *realm = realm_prepare();

	realm->params->num_bps = num_bps;
	realm->params->num_wps = num_wps;
	if (realm_create(realm) != RMI_SUCCESS) {
		rig_give_up("no realm with %u breakpoints", num_bps);
	}
	hand_load(realm);
	for (unsigned int n = 0; n < recs; n++) {
		(void)hand_rec(realm);
	}
	if (realm_activate(realm) != RMI_SUCCESS || !hand_begin(&realm->recs[0])) {
		rig_give_up("the realm does not run");
	}
	return &realm->recs[0];
}

static struct rig_rec *debugged_rec(void)
{
	struct rig_rec *rec =
		rec_with(offered(RMI_FEATURE0_NUM_BPS_MASK), offered(RMI_FEATURE0_NUM_WPS_MASK), 1);

	(void)hand_run(rec, write_oslar, 0);
	(void)hand_do(rec, HAND_SET, HAND_REG_MDSCR_EL1, MDSCR_KDE_MDE);
	(void)hand_do(rec, HAND_SET, HAND_REG_DAIF, DAIF_AIF);
	(void)hand_do(rec, HAND_WRITE, TARGET, 8, NOP_AND_RETURN);
	return rec;
}

static void expect_breakpoint(struct rig_rec *rec)
{
	struct outcome outcome = hand_do(rec, HAND_FETCH, TARGET);

	EXPECT(took_exception(&outcome, ESR_BREAKPOINT, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_ELR], TARGET);
}

static void expect_no_breakpoint(struct rig_rec *rec)
{
	struct outcome outcome = hand_do(rec, HAND_FETCH, TARGET);

	EXPECT(took_none(&outcome));
}

CASE(a_realm_is_shown_the_breakpoints_that_were_negotiated, "DEBUG.shown")
{
	uint8_t bps = offered(RMI_FEATURE0_NUM_BPS_MASK);
	uint8_t wps = offered(RMI_FEATURE0_NUM_WPS_MASK);
	const uint8_t numbers[][2] = { { 1, 1 }, { bps, 1 }, { 1, wps }, { bps, wps } };

	for (size_t n = 0; n < ARRAY_COUNT(numbers); n++) {
		struct rig_rec *rec = rec_with(numbers[n][0], numbers[n][1], 1);
		uint64_t dfr0 = hand_do(rec, HAND_GET, HAND_REG_ID_AA64DFR0_EL1).gprs[1];

		EXPECT_EQ(field_get(dfr0, DFR0_BRPS), numbers[n][0]);
		EXPECT_EQ(field_get(dfr0, DFR0_WRPS), numbers[n][1]);
	}
}

CASE(debug_registers_beyond_the_negotiated_are_undefined, "DEBUG.beyond")
{
	struct rig_rec *rec = rec_with(1, 2, 1);

	for (uint32_t op2 = BVR; op2 <= WCR; op2++) {
		for (uint32_t n = op2 <= BCR ? 2U : 3U; n < NUMBERS; n++) {
			struct outcome outcome = read_debug(rec, n, op2);

			EXPECT(took_exception(&outcome, ESR_UNKNOWN, VECTOR_SAME));
			outcome = write_debug(rec, n, op2, 0);
			EXPECT(took_exception(&outcome, ESR_UNKNOWN, VECTOR_SAME));
		}
	}
}

static uint64_t pattern(uint32_t n, uint32_t op2, uint64_t seed)
{
	switch (op2) {
	case BCR:
		return (n + seed) << BCR_LBN_SHIFT & mask64(19, 16);
	case WCR:
		return (n + seed) << 24 & mask64(28, 24);
	default:
		return (seed << 32) + n * 0x1000U + op2 * 0x100U;
	}
}

static void write_all(struct rig_rec *rec, uint64_t seed)
{
	for (uint32_t op2 = BVR; op2 <= WCR; op2++) {
		for (uint32_t n = 0; n < 2U; n++) {
			struct outcome outcome = write_debug(rec, n, op2, pattern(n, op2, seed));

			EXPECT(took_none(&outcome));
		}
	}
}

static void expect_all(struct rig_rec *rec, uint64_t seed)
{
	for (uint32_t op2 = BVR; op2 <= WCR; op2++) {
		for (uint32_t n = 0; n < 2U; n++) {
			EXPECT_EQ(read_debug(rec, n, op2).gprs[1], pattern(n, op2, seed));
		}
	}
}

CASE(each_rec_keeps_its_debug_registers, "DEBUG.registers")
{
	struct rig_rec *first = rec_with(1, 1, 1);
	struct rig_rec *second = rec_with(1, 1, 1);

	write_all(first, 3);
	write_all(second, 5);
	(void)hand_do(first, HAND_SET, HAND_REG_MDSCR_EL1, MDSCR_KDE_MDE);
	expect_all(first, 3);
	expect_all(second, 5);
	EXPECT_EQ(hand_do(first, HAND_GET, HAND_REG_MDSCR_EL1).gprs[1], MDSCR_KDE_MDE);
	EXPECT_EQ(hand_do(second, HAND_GET, HAND_REG_MDSCR_EL1).gprs[1], 0);
}

CASE(a_breakpoint_is_taken_in_the_realm, "DEBUG.breakpoint")
{
	struct rig_rec *rec = debugged_rec();

	expect_no_breakpoint(rec);
	(void)write_debug(rec, 0, BVR, TARGET);
	expect_no_breakpoint(rec);
	(void)write_debug(rec, 0, BCR, BCR_EL1);
	expect_breakpoint(rec);
	(void)hand_do(rec, HAND_SET, HAND_REG_MDSCR_EL1, 0);
	expect_no_breakpoint(rec);
	(void)hand_do(rec, HAND_SET, HAND_REG_MDSCR_EL1, MDSCR_KDE_MDE);
	expect_breakpoint(rec);
	(void)write_debug(rec, 0, BCR, 0);
	expect_no_breakpoint(rec);
}

CASE(each_breakpoint_of_a_realm_with_few_works, "DEBUG.breakpoint")
{
	for (uint32_t n = 0; n < 2U; n++) {
		struct rig_rec *rec = rec_with(1, 1, 1);

		(void)hand_run(rec, write_oslar, 0);
		(void)hand_do(rec, HAND_SET, HAND_REG_MDSCR_EL1, MDSCR_KDE_MDE);
		(void)hand_do(rec, HAND_SET, HAND_REG_DAIF, DAIF_AIF);
		(void)hand_do(rec, HAND_WRITE, TARGET, 8, NOP_AND_RETURN);
		(void)write_debug(rec, n, BVR, TARGET);
		(void)write_debug(rec, n, BCR, BCR_EL1);
		expect_breakpoint(rec);
	}
}

CASE(a_watchpoint_is_taken_in_the_realm, "DEBUG.watchpoint")
{
	struct rig_rec *rec = debugged_rec();
	struct outcome outcome;

	for (uint32_t n = 0; n <= offered(RMI_FEATURE0_NUM_WPS_MASK); n++) {
		(void)write_debug(rec, n, WVR, WORD);
		(void)write_debug(rec, n, WCR, WCR_EL1_STORE);
		outcome = hand_do(rec, HAND_WRITE, WORD, 8, 1);
		EXPECT(took_exception(&outcome, ESR_WATCHPOINT, VECTOR_SAME));
		EXPECT_EQ(outcome.gprs[HAND_FAR], WORD);
		outcome = hand_do(rec, HAND_WRITE, WORD + 8U, 8, 1);
		EXPECT(took_none(&outcome));
		(void)write_debug(rec, n, WCR, 0);
		outcome = hand_do(rec, HAND_WRITE, WORD, 8, 1);
		EXPECT(took_none(&outcome));
	}
}

CASE(a_step_is_taken_behind_one_instruction, "DEBUG.step")
{
	struct rig_rec *rec = debugged_rec();
	struct outcome outcome;

	(void)hand_do(rec, HAND_SET, HAND_REG_MDSCR_EL1, MDSCR_SS);
	outcome = hand_drop(rec, SPSR_EL0_A64 | SPSR_SS, step_here, 0);
	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[HAND_ESR] & ESR_EC, ESR_STEP_LOWER);
	EXPECT_EQ(outcome.gprs[HAND_VECTOR], VECTOR_LOWER);
	(void)hand_do(rec, HAND_SET, HAND_REG_MDSCR_EL1, 0);
	outcome = hand_drop(rec, SPSR_EL0_A64 | SPSR_SS, step_here, 0);
	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[HAND_ESR] & ESR_EC, ESR_SVC & ESR_EC);
}

CASE(a_linked_watchpoint_is_taken_in_its_context, "DEBUG.linked")
{
	struct rig_rec *rec = rec_with(1, 1, 1);
	struct outcome outcome;

	(void)hand_run(rec, write_oslar, 0);
	(void)hand_do(rec, HAND_SET, HAND_REG_MDSCR_EL1, MDSCR_KDE_MDE);
	(void)hand_do(rec, HAND_SET, HAND_REG_DAIF, DAIF_AIF);
	(void)write_debug(rec, 1, BVR, 7);
	(void)write_debug(rec, 1, BCR, BCR_CONTEXT);
	(void)write_debug(rec, 0, WVR, WORD);
	(void)write_debug(rec, 0, WCR,
			  WCR_EL1_STORE | BCR_EL1_LINKED | UINT64_C(1) << BCR_LBN_SHIFT);
	outcome = hand_do(rec, HAND_WRITE, WORD, 8, 1);
	EXPECT(took_none(&outcome));
	(void)hand_do(rec, HAND_SET, HAND_REG_CONTEXTIDR_EL1, 7);
	outcome = hand_do(rec, HAND_WRITE, WORD, 8, 1);
	EXPECT(took_exception(&outcome, ESR_WATCHPOINT, VECTOR_SAME));
}

static void break_there(void *argument)
{
	(void)gic_drain();
	expect_breakpoint(argument);
}

CASE(breakpoints_follow_their_rec_to_another_pe, "DEBUG.migrates")
{
	struct rig_rec *rec = debugged_rec();
	uint64_t bcr = read_sysreg(DBGBCR0_EL1);

	(void)write_debug(rec, 0, BVR, TARGET);
	(void)write_debug(rec, 0, BCR, BCR_EL1);
	expect_breakpoint(rec);
	pe_send(OTHER_PE, break_there, rec);
	pe_join(OTHER_PE);
	EXPECT_EQ(read_sysreg(DBGBCR0_EL1), bcr);
	expect_breakpoint(rec);
}

CASE(os_lock_and_claim_tags_are_the_realms, "DEBUG.other")
{
	struct rig_rec *rec = rec_with(1, 1, 1);
	struct outcome outcome;

	EXPECT_EQ(hand_run(rec, read_oslsr, 0).gprs[1], OSLSR_LOCKED);
	(void)hand_run(rec, write_oslar, 0);
	EXPECT_EQ(hand_run(rec, read_oslsr, 0).gprs[1], OSLSR_UNLOCKED);
	(void)hand_run(rec, write_oslar, 1);
	EXPECT_EQ(hand_run(rec, read_oslsr, 0).gprs[1], OSLSR_LOCKED);
	outcome = hand_run(rec, claims, 0x1F5, 0x14);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], 0xE1);
	EXPECT_EQ(outcome.gprs[2], 0xFF);
	outcome = hand_run(rec, external, 0);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], 0);
}

CASE(a_realm_without_pmu_sees_none, "PMU.absent")
{
	struct rig_rec *rec = rec_with(1, 1, 1);
	struct outcome outcome;

	EXPECT_EQ(hand_do(rec, HAND_GET, HAND_REG_ID_AA64DFR0_EL1).gprs[1] & DFR0_PMUVER, 0);
	rec->run->exit.pmu_ovf_status = 1;
	(void)hand_do(rec, HAND_SET, HAND_REG_PMCR_EL0, 1);
	outcome = hand_do(rec, HAND_GET, HAND_REG_PMCR_EL0);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], 0);
	EXPECT_EQ(hand_do(rec, HAND_GET, HAND_REG_PMCCNTR_EL0).gprs[1], 0);
	EXPECT_EQ(rec->run->exit.pmu_ovf_status, 0);
}
