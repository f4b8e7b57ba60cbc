/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's own debug registers, while realms use theirs. */
#include <abi/rmi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "code.h"
#include "stop.h"
#include "tap.h"

#define BCR_EL1	       UINT64_C(0x1E3)	/* E, PMC EL1, BAS */
#define WCR_EL1	       UINT64_C(0x1FFB) /* E, PAC EL1, LSC both, BAS */
#define MDSCR_KDE_MDE  UINT64_C(0xA000)
#define DAIF_AIF       UINT64_C(0x1C0)
#define OSLSR_OSLK     UINT64_C(2)
#define TARGET	       (HAND_CALLS + UINT64_C(0x800))
#define WORD	       (HAND_CALLS + UINT64_C(0x900))
#define NOP_AND_RETURN UINT64_C(0xD65F03C0D503201F)

CODE(arm, "msr oslar_el1, xzr; msr dbgbvr1_el1, x0; msr dbgbcr1_el1, x1; msr dbgwvr1_el1, x2;"
	  "msr dbgwcr1_el1, x3; msr mdscr_el1, x4; isb");
CODE(read_reset, "mrs x0, dbgbcr0_el1; mrs x1, dbgwcr0_el1; mrs x2, dbgbvr0_el1;"
		 "mrs x3, dbgwvr0_el1; mrs x4, mdscr_el1");

static struct rig_rec *rec_that_executes(void)
{
	struct rig_rec *rec = stop_rec(1);

	(void)hand_do(rec, HAND_SET, HAND_REG_DAIF, DAIF_AIF);
	(void)hand_do(rec, HAND_WRITE, TARGET, 8, NOP_AND_RETURN);
	return rec;
}

/* The host's, where the realm executes and accesses. */
static void host_arms(void)
{
	write_sysreg(OSLAR_EL1, 0);
	write_sysreg(DBGBVR0_EL1, TARGET);
	write_sysreg(DBGBCR0_EL1, BCR_EL1);
	write_sysreg(DBGWVR0_EL1, WORD);
	write_sysreg(DBGWCR0_EL1, WCR_EL1);
	write_sysreg(MDSCR_EL1, MDSCR_KDE_MDE);
	isb();
}

static void expect_armed(uint64_t lock)
{
	EXPECT_EQ(read_sysreg(DBGBVR0_EL1), TARGET);
	EXPECT_EQ(read_sysreg(DBGBCR0_EL1), BCR_EL1);
	EXPECT_EQ(read_sysreg(DBGWVR0_EL1), WORD);
	EXPECT_EQ(read_sysreg(DBGWCR0_EL1), WCR_EL1);
	EXPECT_EQ(read_sysreg(DBGBCR1_EL1), 0);
	EXPECT_EQ(read_sysreg(DBGWCR1_EL1), 0);
	EXPECT_EQ(read_sysreg(MDSCR_EL1), MDSCR_KDE_MDE);
	EXPECT_EQ(read_sysreg(OSLSR_EL1) & OSLSR_OSLK, lock);
}

static void host_disarms(void)
{
	write_sysreg(MDSCR_EL1, 0);
	write_sysreg(DBGBCR0_EL1, 0);
	write_sysreg(DBGWCR0_EL1, 0);
	isb();
}

CASE(the_host_keeps_its_debug_registers, "DEBUG.host_kept")
{
	struct rig_rec *rec = rec_that_executes();

	host_arms();
	(void)hand_run(rec, arm, TARGET, BCR_EL1, WORD + 8U, WCR_EL1, MDSCR_KDE_MDE);
	expect_armed(0);
	EXPECT_EQ(hand_do(rec, HAND_FETCH, TARGET).gprs[HAND_FAULTS], 1);
	expect_armed(0);
	write_sysreg(OSLAR_EL1, 1);
	isb();
	EXPECT_EQ(hand_do(rec, HAND_FETCH, TARGET).gprs[HAND_FAULTS], 1);
	expect_armed(OSLSR_OSLK);
	host_disarms();
}

CASE(the_hosts_breakpoints_are_not_taken_in_a_realm, "DEBUG.host_silent")
{
	struct rig_rec *rec = rec_that_executes();
	struct outcome outcome;

	host_arms();
	for (unsigned int turn = 0; turn < 2U; turn++) {
		outcome = hand_do(rec, HAND_FETCH, TARGET);
		EXPECT(took_none(&outcome));
		outcome = hand_do(rec, HAND_WRITE, WORD, 8, 1);
		EXPECT(took_none(&outcome));
		/* The same with debug exceptions enabled, for nothing. */
		(void)hand_run(rec, arm, TARGET, 0, WORD, 0, MDSCR_KDE_MDE);
	}
	host_disarms();
}

CASE(a_rec_begins_without_debug, "DEBUG.reset")
{
	struct outcome outcome;

	host_arms();
	outcome = hand_run(rec_that_executes(), read_reset, 1, 1, 1, 1, 1);
	for (unsigned int n = 1; n <= 5U; n++) {
		EXPECT_EQ(outcome.gprs[n], 0);
	}
	host_disarms();
}
