/* SPDX-License-Identifier: BSD-3-Clause */
/* The timers of realms and those of the host. */
#include <abi/gic.h>
#include <abi/rmi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "gic.h"
#include "pe.h"
#include "stop.h"
#include "tap.h"

#define ENABLE	 bit64(0)
#define IMASK	 bit64(1)
#define ISTATUS	 bit64(2)
#define FIRED	 (ENABLE | ISTATUS)
#define SOON	 UINT64_C(20000000)   /* 20 ms */
#define A_WHILE	 UINT64_C(60000000)   /* until what is due soon is past */
#define LONG	 UINT64_C(2000000000) /* far more than any of these takes */
#define NEVER	 UINT64_C(0x7000000000000000)
#define PAST	 UINT64_C(1)
#define OTHER_PE 1U
#define OFFSET	 UINT64_C(0x123456789A)

/* The two timers of EL1, by what the hand and the exit call them. */
struct timer {
	uint64_t ctl;
	uint64_t cval;
	bool physical;
};

static const struct timer virtual = { HAND_REG_CNTV_CTL_EL0, HAND_REG_CNTV_CVAL_EL0, false };
static const struct timer physical = { HAND_REG_CNTP_CTL_EL0, HAND_REG_CNTP_CVAL_EL0, true };

static uint64_t shown_ctl(const struct rig_rec *rec, const struct timer *timer)
{
	return timer->physical ? rec->run->exit.cntp_ctl : rec->run->exit.cntv_ctl;
}

static uint64_t shown_cval(const struct rig_rec *rec, const struct timer *timer)
{
	return timer->physical ? rec->run->exit.cntp_cval : rec->run->exit.cntv_cval;
}

static uint64_t now(void)
{
	return read_sysreg(CNTPCT_EL0);
}

static void wait_until(uint64_t when)
{
	while (now() < when) {
	}
}

/* Without an exit of its own: hand_order() would show one. */
static void set(struct rig_rec *rec, const struct timer *timer, uint64_t cval, uint64_t ctl)
{
	EXPECT(hand_order(rec, HAND_SET, timer->ctl, 0).done);
	EXPECT(hand_order(rec, HAND_SET, timer->cval, cval).done);
	EXPECT(hand_order(rec, HAND_SET, timer->ctl, ctl).done);
}

static void shows_what_was_set(const struct timer *timer)
{
	struct rig_rec *rec = stop_rec(1);

	set(rec, timer, NEVER, ENABLE | IMASK);
	EXPECT_EQ(shown_ctl(rec, timer), ENABLE | IMASK);
	EXPECT_EQ(shown_cval(rec, timer), NEVER);
	set(rec, timer, PAST, ENABLE | IMASK);
	EXPECT_EQ(shown_ctl(rec, timer), ENABLE | IMASK | ISTATUS);
	EXPECT_EQ(shown_cval(rec, timer), PAST);
	EXPECT_EQ(hand_do(rec, HAND_GET, timer->cval).gprs[1], PAST);
}

CASE(an_exit_shows_the_virtual_timer, "TIMER.exit")
{
	shows_what_was_set(&virtual);
}

CASE(an_exit_shows_the_physical_timer, "TIMER.exit")
{
	shows_what_was_set(&physical);
}

/* A timer that is due amid an order ends the run; then it stays quiet until it is set anew. */
static void ends_the_run_once(const struct timer *timer)
{
	struct rig_rec *rec = stop_rec(1);

	set(rec, timer, now() + SOON, ENABLE);
	EXPECT(!hand_order(rec, HAND_SPIN, A_WHILE).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(shown_ctl(rec, timer), FIRED);
	(void)gic_drain();
	EXPECT(hand_resume(rec).done);
	for (unsigned int n = 0; n < 3U; n++) {
		EXPECT(hand_order(rec, HAND_SPIN, SOON).done);
		EXPECT_EQ(shown_ctl(rec, timer), FIRED);
	}
	EXPECT(hand_order(rec, HAND_SET, timer->ctl, 0).done);
	EXPECT_EQ(shown_ctl(rec, timer) & FIRED, 0);
	set(rec, timer, now() + SOON, ENABLE);
	EXPECT(!hand_order(rec, HAND_SPIN, A_WHILE).done);
	EXPECT_EQ(shown_ctl(rec, timer), FIRED);
	(void)gic_drain();
}

CASE(the_virtual_timer_ends_the_run_once, "TIMER.asserted TIMER.masked")
{
	ends_the_run_once(&virtual);
}

CASE(the_physical_timer_ends_the_run_once, "TIMER.asserted TIMER.masked")
{
	ends_the_run_once(&physical);
}

/* A timer that became due between two entries is told before the realm runs. */
static void is_told_first(const struct timer *timer)
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t due = now() + SOON;

	set(rec, timer, due, ENABLE);
	EXPECT_EQ(shown_ctl(rec, timer), ENABLE);
	wait_until(due + SOON);
	EXPECT(!hand_order(rec, HAND_GET, HAND_REG_CURRENTEL).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(shown_ctl(rec, timer), FIRED);
	(void)gic_drain();
	EXPECT(hand_resume(rec).done);
}

CASE(a_virtual_timer_that_is_due_at_entry_is_told_first, "TIMER.changed")
{
	is_told_first(&virtual);
}

CASE(a_physical_timer_that_is_due_at_entry_is_told_first, "TIMER.changed")
{
	is_told_first(&physical);
}

CODE(stop_virtual, "msr CNTV_CTL_EL0, xzr\nmrs x0, ID_AA64PFR0_EL1");
CODE(stop_physical, "msr CNTP_CTL_EL0, xzr\nmrs x0, ID_AA64PFR0_EL1");

CASE(a_timer_that_the_realm_stops_is_told_when_the_rmm_sees_it, "TIMER.deasserted")
{
	struct rig_rec *rec = stop_rec(1);

	set(rec, &virtual, PAST, IMASK);
	set(rec, &physical, PAST, IMASK);
	(void)hand_order(rec, HAND_SET, virtual.ctl, ENABLE);
	(void)gic_drain();
	(void)hand_order(rec, HAND_GET, HAND_REG_CURRENTEL);
	EXPECT_EQ(rec->run->exit.cntv_ctl, FIRED);
	EXPECT(!hand_start(rec, stop_virtual, 0).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(rec->run->exit.cntv_ctl & FIRED, 0);
	EXPECT(hand_resume(rec).done);
	EXPECT(hand_start(rec, stop_physical, 0).done);
}

CASE(timers_that_are_masked_or_off_are_not_told, "TIMER.not_asserted")
{
	struct rig_rec *rec = stop_rec(1);

	set(rec, &virtual, PAST, ENABLE | IMASK);
	set(rec, &physical, PAST, 0);
	EXPECT(hand_order(rec, HAND_SPIN, SOON).done);
	EXPECT_EQ(rec->run->exit.cntv_ctl, ENABLE | IMASK | ISTATUS);
	EXPECT_EQ(rec->run->exit.cntp_ctl & ENABLE, 0);
}

CASE(both_timers_are_told_each_by_itself, "TIMER.asserted")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t start = now();

	set(rec, &virtual, start + A_WHILE, ENABLE);
	set(rec, &physical, start + 2U * A_WHILE, ENABLE);
	EXPECT(!hand_order(rec, HAND_SPIN, 3U * A_WHILE).done);
	EXPECT_EQ(rec->run->exit.cntv_ctl, FIRED);
	EXPECT_EQ(rec->run->exit.cntp_ctl, ENABLE);
	(void)gic_drain();
	EXPECT(!hand_resume(rec).done);
	EXPECT_EQ(rec->run->exit.cntp_ctl, FIRED);
	(void)gic_drain();
	EXPECT(hand_resume(rec).done);
}

CASE(realms_see_the_counter_without_offset, "TIMER.offset")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t before;
	uint64_t virtual_count;
	uint64_t physical_count;

	write_sysreg(CNTVOFF_EL2, OFFSET);
	isb();
	before = now();
	virtual_count = hand_do(rec, HAND_GET, HAND_REG_CNTVCT_EL0).gprs[1];
	physical_count = hand_do(rec, HAND_GET, HAND_REG_CNTPCT_EL0).gprs[1];
	EXPECT(before <= virtual_count && virtual_count <= physical_count &&
	       physical_count <= now());
	EXPECT_EQ(read_sysreg(CNTVOFF_EL2), OFFSET);
	write_sysreg(CNTVOFF_EL2, 0);
	isb();
}

CASE(the_hosts_timers_of_el1_survive_a_run, "TIMER.host")
{
	struct rig_rec *rec = stop_rec(1);

	write_sysreg(CNTV_CTL_EL0, ENABLE | IMASK);
	write_sysreg(CNTV_CVAL_EL0, NEVER + 1U);
	write_sysreg(CNTP_CTL_EL0, IMASK);
	write_sysreg(CNTP_CVAL_EL0, NEVER + 2U);
	isb();
	set(rec, &virtual, NEVER + 3U, ENABLE);
	set(rec, &physical, NEVER + 4U, ENABLE);
	EXPECT_EQ(read_sysreg(CNTV_CTL_EL0), ENABLE | IMASK);
	EXPECT_EQ(read_sysreg(CNTV_CVAL_EL0), NEVER + 1U);
	EXPECT_EQ(read_sysreg(CNTP_CTL_EL0), IMASK);
	EXPECT_EQ(read_sysreg(CNTP_CVAL_EL0), NEVER + 2U);
	write_sysreg(CNTV_CTL_EL0, 0);
	write_sysreg(CNTP_CTL_EL0, 0);
	isb();
}

CASE(the_hosts_timers_of_el1_wait_while_a_rec_runs, "TIMER.host")
{
	struct rig_rec *rec = stop_rec(1);

	write_sysreg(CNTP_CVAL_EL0, now() + SOON);
	write_sysreg(CNTP_CTL_EL0, ENABLE);
	isb();
	EXPECT(hand_order(rec, HAND_SPIN, A_WHILE).done);
	EXPECT_EQ(read_sysreg(CNTP_CTL_EL0), FIRED);
	write_sysreg(CNTP_CTL_EL0, 0);
	isb();
	(void)gic_drain();
}

CASE(a_realm_does_not_see_the_hosts_timers, "TIMER.host")
{
	struct rig_rec *rec = stop_rec(1);

	write_sysreg(CNTV_CVAL_EL0, NEVER + 1U);
	write_sysreg(CNTP_CVAL_EL0, NEVER + 2U);
	write_sysreg(CNTV_CTL_EL0, ENABLE | IMASK);
	isb();
	EXPECT_EQ(hand_do(rec, HAND_GET, virtual.cval).gprs[1], 0);
	EXPECT_EQ(hand_do(rec, HAND_GET, physical.cval).gprs[1], 0);
	EXPECT_EQ(hand_do(rec, HAND_GET, virtual.ctl).gprs[1] & (ENABLE | IMASK), 0);
	write_sysreg(CNTV_CTL_EL0, 0);
	isb();
}

static struct outcome there;

static void spin_there(void *argument)
{
	struct rig_rec *rec = argument;

	/* What woke this PE may still be pending. */
	do {
		there = hand_order(rec, HAND_SPIN, LONG);
		(void)gic_drain();
	} while (!there.done && (rec->run->exit.cntv_ctl & ISTATUS) == 0U);
}

CASE(a_timer_follows_its_rec_to_another_pe, "TIMER.migration")
{
	struct rig_rec *rec = stop_rec(1);

	set(rec, &virtual, now() + A_WHILE, ENABLE);
	pe_send(OTHER_PE, spin_there, rec);
	pe_join(OTHER_PE);
	EXPECT(!there.done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	EXPECT_EQ(rec->run->exit.cntv_ctl, FIRED);
	EXPECT(hand_resume(rec).done);
}
