/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/gic.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>

#include "regs.h"
#include "timer.h"

/* Reads of the GIC that are given to it to see a line drop; no entry waits for the host's doing. */
#define SETTLE_READS 64U

static bool is_asserted(uint64_t ctl)
{
	return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK | CNT_CTL_ISTATUS)) ==
	       (CNT_CTL_ENABLE | CNT_CTL_ISTATUS);
}

static void save(struct timer_registers *to)
{
	to->cntv_ctl = read_sysreg(CNTV_CTL_EL0);
	to->cntv_cval = read_sysreg(CNTV_CVAL_EL0);
	to->cntp_ctl = read_sysreg(CNTP_CTL_EL0);
	to->cntp_cval = read_sysreg(CNTP_CVAL_EL0);
}

/*
 * The value goes first, for the old one with the new control bits could fire; but a timer that is
 * being stopped stops first, for each value that a running one gets is armed.
 */
#define LOAD_TIMER(name, ctl, cval)                                                                \
	do {                                                                                       \
		if (((ctl)&CNT_CTL_ENABLE) == 0U) {                                                \
			write_sysreg(name##_CTL_EL0, ctl);                                         \
		}                                                                                  \
		write_sysreg(name##_CVAL_EL0, cval);                                               \
		if (((ctl)&CNT_CTL_ENABLE) != 0U) {                                                \
			write_sysreg(name##_CTL_EL0, ctl);                                         \
		}                                                                                  \
	} while (0)

static void load(const struct timer_registers *from)
{
	LOAD_TIMER(CNTV, from->cntv_ctl, from->cntv_cval);
	LOAD_TIMER(CNTP, from->cntp_ctl, from->cntp_cval);
	isb();
}

static bool shows_reported(const struct rec *rec)
{
	uint64_t intid = read_sysreg(ICC_HPPIR1_EL1);

	return (rec->cntv_reported && intid == GIC_PPI_CNTV) ||
	       (rec->cntp_reported && intid == GIC_PPI_CNTP);
}

/* A line that is masked may still be pending for a moment, and would end the entry for nothing. */
static void settle(const struct rec *rec)
{
	unsigned int reads = rec->cntv_reported || rec->cntp_reported ? SETTLE_READS : 0U;

	while (reads > 0U && shows_reported(rec)) {
		reads--;
	}
}

void timer_enter(struct rec *rec, struct timer_registers *host)
{
	uint64_t cnthctl = CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN;

	if (rec->cntv_reported) {
		cnthctl |= CNTHCTL_CNTVMASK;
	}
	if (rec->cntp_reported) {
		cnthctl |= CNTHCTL_CNTPMASK;
	}
	save(host);
	write_sysreg(CNTHCTL_EL2, cnthctl);
	isb();
	load(&rec->timers);
	settle(rec);
}

bool timer_changed(const struct rec *rec)
{
	return is_asserted(read_sysreg(CNTV_CTL_EL0)) != rec->cntv_reported ||
	       is_asserted(read_sysreg(CNTP_CTL_EL0)) != rec->cntp_reported;
}

void timer_leave(struct rec *rec, const struct timer_registers *host, struct rmi_rec_exit *exit)
{
	save(&rec->timers);
	exit->cntv_ctl = rec->timers.cntv_ctl;
	exit->cntv_cval = rec->timers.cntv_cval;
	exit->cntp_ctl = rec->timers.cntp_ctl;
	exit->cntp_cval = rec->timers.cntp_cval;
	rec->cntv_reported = is_asserted(exit->cntv_ctl);
	rec->cntp_reported = is_asserted(exit->cntp_ctl);
	load(host);
}
