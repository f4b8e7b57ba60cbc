/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts: virtual ones that reach a realm, and physical ones that end its run. */
#include <abi/gic.h>
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "gic.h"
#include "pe.h"
#include "stop.h"
#include "tap.h"

#define PRIORITY UINT64_C(0xA0)
#define INTID	 UINT64_C(40)
#define LR(priority, intid)                                                                        \
	(ICH_LR_PENDING_MASK | ICH_LR_GROUP_MASK | (uint64_t)(priority) << ICH_LR_PRIORITY_SHIFT | \
	 (uint64_t)(intid))
#define LR_STATE   (ICH_LR_PENDING_MASK | ICH_LR_ACTIVE_MASK)
#define PMR_ALL	   UINT64_C(0xF8)
#define RPR_IDLE   UINT64_C(0xFF)
#define SPURIOUS   UINT64_C(1023)
#define SOON	   UINT64_C(20000000)  /* 20 ms */
#define LONG	   UINT64_C(500000000) /* far more than any of these takes */
#define VMCR_VENG1 bit64(1)
#define VMCR_VPMR  24U
#define MISR_EOI   bit64(0)
#define MISR_U	   bit64(1)
#define HCR_TDIR   bit64(14)
#define SRE_SRE	   bit64(0)
#define OTHER_PE   1U
#define ESR_SGI1R  UINT64_C(0x623A3016) /* EC 0x18, IL, the register, a write; Rt is to be added */
#define ESR_SGI0R  UINT64_C(0x623E3016)
#define ESR_ASGI1R UINT64_C(0x623C3016)
#define ESR_DIR	   UINT64_C(0x62323016)
#define ESR_RT	   5U
#define SGI_VALUE  UINT64_C(0x1122334455667788)

CODE(write_sgi1r, "msr S3_0_C12_C11_5, x1\nadd x2, x2, #1");
CODE(write_sgi1r_zero, "msr S3_0_C12_C11_5, xzr\nadd x2, x2, #1");
CODE(write_sgi0r, "msr S3_0_C12_C11_7, x3\nadd x2, x2, #1");
CODE(write_asgi1r, "msr S3_0_C12_C11_6, x4\nadd x2, x2, #1");
CODE(write_dir, "msr S3_0_C12_C11_1, x5\nadd x2, x2, #1");
CODE(read_rpr, "mrs x0, S3_0_C12_C11_3");

/* A REC that takes virtual interrupts of Group 1. */
static struct rig_rec *listener(void)
{
	struct rig_rec *rec = stop_rec(1);

	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_PMR_EL1, PMR_ALL);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_IGRPEN1_EL1, 1);
	return rec;
}

static uint64_t get(struct rig_rec *rec, uint64_t number)
{
	return hand_do(rec, HAND_GET, number).gprs[1];
}

CASE(a_virtual_interrupt_is_taken_and_ended, "GIC.delivery GIC.exit_lrs")
{
	struct rig_rec *rec = listener();
	struct outcome outcome;

	rec->run->enter.gicv3_lrs[0] = LR(PRIORITY, INTID);
	outcome = hand_do(rec, HAND_LISTEN, LONG);
	EXPECT_EQ(outcome.gprs[HAND_FAULTS], 1);
	EXPECT_EQ(outcome.gprs[HAND_VECTOR], VECTOR_SAME_IRQ);
	EXPECT_EQ(outcome.gprs[HAND_INTID], INTID);
	EXPECT_EQ(rec->run->exit.gicv3_lrs[0] & LR_STATE, 0);
}

CASE(a_virtual_interrupt_waits_while_it_is_masked, "GIC.priority GIC.exit_lrs")
{
	struct rig_rec *rec = listener();

	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_PMR_EL1, PRIORITY);
	rec->run->enter.gicv3_lrs[0] = LR(PRIORITY, INTID);
	EXPECT_EQ(hand_do(rec, HAND_LISTEN, SOON).gprs[HAND_FAULTS], 0);
	EXPECT_EQ(rec->run->exit.gicv3_lrs[0], LR(PRIORITY, INTID));
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_PMR_EL1, PMR_ALL);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_IGRPEN1_EL1, 0);
	EXPECT_EQ(hand_do(rec, HAND_LISTEN, SOON).gprs[HAND_FAULTS], 0);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_IGRPEN1_EL1, 1);
	EXPECT_EQ(hand_do(rec, HAND_LISTEN, LONG).gprs[HAND_INTID], INTID);
}

CASE(of_two_virtual_interrupts_the_more_urgent_comes_first, "GIC.priority")
{
	struct rig_rec *rec = listener();

	rec->run->enter.gicv3_lrs[0] = LR(0xA0, 41);
	rec->run->enter.gicv3_lrs[1] = LR(0x80, 42);
	EXPECT_EQ(get(rec, HAND_REG_ICC_HPPIR1_EL1), 42);
	EXPECT_EQ(get(rec, HAND_REG_ICC_IAR1_EL1), 42);
	EXPECT_EQ(rec->run->exit.gicv3_lrs[1] & LR_STATE, ICH_LR_ACTIVE_MASK);
	rec->run->enter.gicv3_lrs[1] = rec->run->exit.gicv3_lrs[1];
	EXPECT_EQ(get(rec, HAND_REG_ICC_IAR1_EL1), SPURIOUS);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_EOIR1_EL1, 42);
	rec->run->enter.gicv3_lrs[1] = 0;
	EXPECT_EQ(get(rec, HAND_REG_ICC_IAR1_EL1), 41);
}

CASE(without_list_registers_nothing_is_pending, "GIC.delivery")
{
	struct rig_rec *rec = listener();

	EXPECT_EQ(get(rec, HAND_REG_ICC_HPPIR1_EL1), SPURIOUS);
	EXPECT_EQ(get(rec, HAND_REG_ICC_IAR1_EL1), SPURIOUS);
	EXPECT_EQ(get(rec, HAND_REG_ISR_EL1), 0);
}

CASE(the_end_of_an_interrupt_may_tell_the_host, "GIC.maintenance GIC.exit_misr")
{
	struct rig_rec *rec = listener();
	struct outcome outcome;

	rec->run->enter.gicv3_lrs[0] = LR(PRIORITY, INTID) | ICH_LR_EOI_MASK;
	outcome = hand_order(rec, HAND_LISTEN, LONG);
	EXPECT(!outcome.done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(rec->run->exit.gicv3_misr, MISR_EOI);
	EXPECT_EQ(rec->run->exit.gicv3_lrs[0] & LR_STATE, 0);
	(void)gic_drain();
	rec->run->enter.gicv3_lrs[0] = 0;
	EXPECT_EQ(hand_resume(rec).gprs[HAND_INTID], INTID);
}

CASE(an_underflow_of_list_registers_tells_the_host, "GIC.maintenance GIC.exit_misr")
{
	struct rig_rec *rec = listener();

	rec->run->enter.gicv3_hcr = ICH_HCR_UIE_MASK;
	EXPECT(!hand_order(rec, HAND_SPIN, SOON).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(rec->run->exit.gicv3_misr, MISR_U);
	(void)gic_drain();
	rec->run->enter.gicv3_hcr = 0;
	EXPECT(hand_resume(rec).done);
	EXPECT_EQ(rec->run->exit.gicv3_misr, 0);
}

CASE(the_end_of_an_interrupt_without_list_register_is_counted, "GIC.exit_hcr")
{
	struct rig_rec *rec = listener();

	rec->run->enter.gicv3_lrs[0] = LR(PRIORITY, INTID);
	EXPECT_EQ(get(rec, HAND_REG_ICC_IAR1_EL1), INTID);
	EXPECT_EQ(rec->run->exit.gicv3_lrs[0] & LR_STATE, ICH_LR_ACTIVE_MASK);
	rec->run->enter.gicv3_lrs[0] = 0;
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_EOIR1_EL1, INTID);
	EXPECT_EQ(rec->run->exit.gicv3_hcr, UINT64_C(1) << ICH_HCR_EOI_COUNT_SHIFT);
	rec->run->enter.gicv3_hcr = rec->run->exit.gicv3_hcr;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.gicv3_hcr = 0;
}

CASE(the_host_sees_the_mask_and_the_enables_of_the_realm, "GIC.exit_vmcr")
{
	struct rig_rec *rec = stop_rec(1);

	(void)hand_do(rec, HAND_GET, HAND_REG_CURRENTEL);
	EXPECT_EQ(rec->run->exit.gicv3_vmcr & (VMCR_VENG1 | UINT64_C(0xFF) << VMCR_VPMR), 0);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_PMR_EL1, PRIORITY);
	EXPECT_EQ(rec->run->exit.gicv3_vmcr >> VMCR_VPMR, PRIORITY);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_IGRPEN1_EL1, 1);
	EXPECT_EQ(rec->run->exit.gicv3_vmcr & VMCR_VENG1, VMCR_VENG1);
}

static struct outcome there;

static void get_there(void *rec)
{
	there = hand_do((struct rig_rec *)rec, HAND_GET, HAND_REG_ICC_PMR_EL1);
}

static void get_rpr_there(void *rec)
{
	there = hand_run((struct rig_rec *)rec, read_rpr, 0);
}

CASE(mask_and_active_priorities_follow_the_rec, "GIC.migration")
{
	struct rig_rec *rec = listener();

	rec->run->enter.gicv3_lrs[0] = LR(PRIORITY, INTID);
	EXPECT_EQ(get(rec, HAND_REG_ICC_IAR1_EL1), INTID);
	rec->run->enter.gicv3_lrs[0] = rec->run->exit.gicv3_lrs[0];
	pe_send(OTHER_PE, get_there, rec);
	pe_join(OTHER_PE);
	EXPECT_EQ(there.gprs[1], PMR_ALL);
	pe_send(OTHER_PE, get_rpr_there, rec);
	pe_join(OTHER_PE);
	EXPECT_EQ(there.gprs[1], PRIORITY);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_EOIR1_EL1, INTID);
	EXPECT_EQ(rec->run->exit.gicv3_lrs[0] & LR_STATE, 0);
	EXPECT_EQ(hand_run(rec, read_rpr, 0).gprs[1], RPR_IDLE);
}

CASE(one_realms_interrupts_are_not_anothers, "GIC.migration")
{
	struct rig_rec *rec = listener();
	struct rig_rec *other = stop_rec(1);

	rec->run->enter.gicv3_lrs[0] = LR(PRIORITY, INTID);
	EXPECT_EQ(get(rec, HAND_REG_ICC_IAR1_EL1), INTID);
	EXPECT_EQ(get(other, HAND_REG_ICC_PMR_EL1), 0);
	EXPECT_EQ(get(other, HAND_REG_ICC_IGRPEN1_EL1), 0);
	EXPECT_EQ(hand_run(other, read_rpr, 0).gprs[1], RPR_IDLE);
	EXPECT_EQ(other->run->exit.gicv3_lrs[0], 0);
}

/* The code's write stops the REC with this syndrome and value; it is not made again. */
#define EXPECT_WRITE(rec, code, wanted, rt, value, ...)                                            \
	do {                                                                                       \
		struct outcome outcome_;                                                           \
		EXPECT(!hand_start((rec), code, __VA_ARGS__).done);                                \
		EXPECT(stop_is((rec), RMI_EXIT_SYNC, STOP_ESR | STOP_GPR0));                       \
		EXPECT_EQ((rec)->run->exit.esr, (wanted) | (uint64_t)(rt) << ESR_RT);              \
		EXPECT_EQ((rec)->run->exit.gprs[0], (value));                                      \
		outcome_ = hand_resume(rec);                                                       \
		EXPECT(took_none(&outcome_));                                                      \
		EXPECT_EQ(outcome_.gprs[3], 1);                                                    \
	} while (0)

CASE(a_software_interrupt_of_the_realm_goes_to_the_host, "GIC.sgi SYSREG.exit")
{
	struct rig_rec *rec = listener();

	EXPECT_WRITE(rec, write_sgi1r, ESR_SGI1R, 1, SGI_VALUE, 9, SGI_VALUE, 0);
	EXPECT_WRITE(rec, write_sgi0r, ESR_SGI0R, 3, SGI_VALUE, 9, 9, 0, SGI_VALUE);
	EXPECT_WRITE(rec, write_asgi1r, ESR_ASGI1R, 4, SGI_VALUE, 9, 9, 0, 9, SGI_VALUE);
}

CASE(a_software_interrupt_of_the_zero_register_shows_zero, "GIC.sgi SYSREG.zero_register")
{
	struct rig_rec *rec = listener();

	EXPECT_WRITE(rec, write_sgi1r_zero, ESR_SGI1R, 31, 0, 9, 9, 0);
}

CASE(a_deactivation_goes_to_the_host_if_it_asked_for_it, "GIC.dir")
{
	struct rig_rec *rec = listener();
	struct outcome outcome;

	outcome = hand_run(rec, write_dir, 9, 9, 0, 9, 9, INTID);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[3], 1);
	rec->run->enter.gicv3_hcr = HCR_TDIR;
	EXPECT_WRITE(rec, write_dir, ESR_DIR, 5, INTID, 9, 9, 0, 9, 9, INTID);
	rec->run->enter.gicv3_hcr = 0;
}

CASE(a_realm_cannot_leave_the_system_register_interface, "GIC.sre")
{
	struct rig_rec *rec = listener();

	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_SRE_EL1, 0);
	EXPECT_EQ(get(rec, HAND_REG_ICC_SRE_EL1) & SRE_SRE, SRE_SRE);
}

CASE(a_pending_interrupt_ends_the_run_at_once, "GIC.pending_at_entry EXIT.irq")
{
	struct rig_rec *rec = stop_rec(1);

	gic_kick(pe_index());
	EXPECT(!hand_order(rec, HAND_SPIN, LONG).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(gic_drain(), 1);
	EXPECT(hand_resume(rec).done);
}

CASE(a_timer_of_the_hosts_el2_ends_the_run, "GIC.kick EXIT.irq TIMER.el2")
{
	struct rig_rec *rec = stop_rec(1);

	gic_alarm(SOON);
	EXPECT(!hand_order(rec, HAND_SPIN, LONG).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(gic_drain(), 1);
	EXPECT(hand_resume(rec).done);
}

CASE(an_interrupt_that_the_host_masks_does_not_end_the_run, "GIC.host_mask")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t mask = read_sysreg(ICC_PMR_EL1);

	write_sysreg(ICC_PMR_EL1, GIC_PRIORITY_DEFAULT);
	isb();
	gic_kick(pe_index());
	EXPECT(hand_order(rec, HAND_SPIN, SOON).done);
	EXPECT_EQ(read_sysreg(ICC_PMR_EL1), GIC_PRIORITY_DEFAULT);
	write_sysreg(ICC_PMR_EL1, mask);
	isb();
	EXPECT_EQ(gic_drain(), 1);
}

CASE(the_realms_mask_is_not_the_hosts, "GIC.host_mask")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t mask = read_sysreg(ICC_PMR_EL1);

	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_PMR_EL1, 0);
	(void)hand_do(rec, HAND_SET, HAND_REG_ICC_IGRPEN1_EL1, 0);
	EXPECT_EQ(read_sysreg(ICC_PMR_EL1), mask);
	EXPECT_EQ(read_sysreg(ICC_IGRPEN1_EL1), 1);
	gic_alarm(SOON);
	EXPECT(!hand_order(rec, HAND_SPIN, LONG).done);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(gic_drain(), 1);
}
