/* SPDX-License-Identifier: BSD-3-Clause */
/* WFI and WFE of realms. */
#include <abi/gic.h>
#include <abi/rmi.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "gic.h"
#include "stop.h"
#include "tap.h"

#define TI_WFI	       UINT64_C(0)
#define TI_WFIT	       UINT64_C(2)
#define SOON	       UINT64_C(20000000)
#define LONG	       UINT64_C(0x100000000)
#define ENABLE	       bit64(0)
#define FIRED	       (ENABLE | bit64(2))
#define WFX_ISAR2_MASK UINT64_C(0xF)

CODE(wait_and_count, "wfi\nadd x0, x0, #1");
CODE(wait_event_and_count, "sevl\nwfe\nwfe\nadd x0, x0, #1");
CODE(wait_until, ".inst 0xD5031021\nadd x0, x0, #1"); /* WFIT X1 */
CODE(read_isar2, "mrs x0, S3_0_C0_C6_2");

/* The code stops the REC as one that waits; afterwards it goes on behind the instruction. */
static void is_trapped(struct rig_rec *rec, uint64_t flags, struct outcome stopped, uint64_t ti)
{
	struct outcome outcome;

	rec->run->enter.flags = 0;
	EXPECT(!stopped.done);
	EXPECT(stop_is(rec, RMI_EXIT_SYNC, STOP_ESR));
	EXPECT_EQ(rec->run->exit.esr, STOP_ESR_WFX | ti);
	outcome = stop_resume_with(rec, flags);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], 1);
}

CASE(a_wfi_stops_the_rec_if_the_host_wants_it, "WFX.trap_wfi")
{
	struct rig_rec *rec = stop_rec(1);

	rec->run->enter.flags = RMI_ENTER_TRAP_WFI_MASK;
	is_trapped(rec, RMI_ENTER_TRAP_WFI_MASK, hand_start(rec, wait_and_count, 0), TI_WFI);
}

CASE(waiting_with_a_limit_is_waiting, "WFX.timeout")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t end = read_sysreg(CNTPCT_EL0) + LONG;

	if ((hand_run(rec, read_isar2, 0).gprs[1] & WFX_ISAR2_MASK) == 0U) {
		tap_note("realms have no FEAT_WFxT here");
		return;
	}
	rec->run->enter.flags = RMI_ENTER_TRAP_WFI_MASK;
	is_trapped(rec, 0, hand_start(rec, wait_until, 0, end), TI_WFIT);
}

CASE(a_wfi_waits_in_the_realm_if_the_host_does_not_want_it, "WFX.untrapped")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	gic_alarm(SOON);
	rec->run->enter.flags = RMI_ENTER_TRAP_WFE_MASK;
	EXPECT(!hand_start(rec, wait_and_count, 0).done);
	rec->run->enter.flags = 0;
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(gic_drain(), 1);
	gic_alarm(SOON);
	outcome = hand_resume(rec);
	while (!outcome.done && rec->run->exit.exit_reason == RMI_EXIT_IRQ && !tap_failed()) {
		(void)gic_drain();
		gic_alarm(SOON);
		/* A PE may forget on the way that it waited; the realm would wait again. */
		outcome = hand_resume(rec);
	}
	gic_alarm_off();
	(void)gic_drain();
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], 1);
}

CASE(a_wfe_is_not_trapped_unless_the_host_wants_it, "WFX.untrapped")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	gic_alarm(SOON);
	rec->run->enter.flags = RMI_ENTER_TRAP_WFI_MASK;
	outcome = hand_start(rec, wait_event_and_count, 0);
	rec->run->enter.flags = 0;
	while (!outcome.done && rec->run->exit.exit_reason == RMI_EXIT_IRQ && !tap_failed()) {
		(void)gic_drain();
		gic_alarm(SOON);
		outcome = hand_resume(rec);
	}
	gic_alarm_off();
	(void)gic_drain();
	EXPECT(took_none(&outcome));
}

CASE(a_timer_of_the_realm_wakes_it, "WFX.timer TIMER.asserted")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(hand_order(rec, HAND_SET, HAND_REG_CNTV_CVAL_EL0, read_sysreg(CNTPCT_EL0) + SOON)
		       .done);
	EXPECT(hand_order(rec, HAND_SET, HAND_REG_CNTV_CTL_EL0, ENABLE).done);
	EXPECT(!hand_order(rec, HAND_WFI).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(rec->run->exit.cntv_ctl, FIRED);
	(void)gic_drain();
}

CASE(a_virtual_interrupt_lets_a_wfi_through, "WFX.virtual")
{
	struct rig_rec *rec = stop_rec(1);

	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_PMR_EL1, 0xF8);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_IGRPEN1_EL1, 1);
	rec->run->enter.gicv3_lrs[0] = ICH_LR_PENDING_MASK | ICH_LR_GROUP_MASK |
				       UINT64_C(0xA0) << ICH_LR_PRIORITY_SHIFT | 40U;
	EXPECT(hand_order(rec, HAND_WFI).done);
	rec->run->enter.flags = RMI_ENTER_TRAP_WFI_MASK;
	EXPECT(hand_order(rec, HAND_WFI).done);
	rec->run->enter.flags = 0;
}
