/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/smccc.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "abort.h"
#include "cpu_features.h"
#include "gic.h"
#include "pe.h"
#include "rec_exit.h"
#include "rec_run.h"
#include "regs.h"
#include "rsi/rsi.h"
#include "timer.h"
#include "tlb.h"

#define MPIDR_RES1    REG_BIT(31)
#define VTCR_PS_48    5U
#define IPA_BITS_FULL 64U

/*
 * TID3, TACR, TIDCP, TLOR, TERR, TID5: trap what is hidden or not switched. SCXTNUM_ELx traps
 * because EnSCXT is 0. The rest is what the architecture asks of a guest that the host must not
 * see.
 */
#define HCR_REALM                                                                                  \
	(HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_BSU_IS | HCR_TID3 |       \
	 HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_RW | HCR_TLOR | HCR_TERR | HCR_TEA | HCR_APK |       \
	 HCR_API | HCR_FWB | HCR_TID5)

static uint64_t vtcr(const struct stage2 *s2)
{
	uint64_t start = (uint64_t)(2 - s2->start_level);

	return VTCR_RES1 | VTCR_NSA | (cpu_features()->vmid_bits == 16U ? VTCR_VS : 0U) |
	       REG_FIELD(VTCR_PS_48, VTCR_PS_SHIFT) | VTCR_SH_INNER | VTCR_ORGN_WBRAWA |
	       VTCR_IRGN_WBRAWA | REG_FIELD(start, VTCR_SL0_SHIFT) | (IPA_BITS_FULL - s2->ipa_bits);
}

static uint64_t hcr(const struct rec *rec, const struct rmi_rec_enter *enter)
{
	uint64_t value = HCR_REALM;

	if ((enter->flags & RMI_ENTER_TRAP_WFI_MASK) != 0U) {
		value |= HCR_TWI;
	}
	if ((enter->flags & RMI_ENTER_TRAP_WFE_MASK) != 0U) {
		value |= HCR_TWE;
	}
	return rec->serror_pending ? value | HCR_VSE : value;
}

/*
 * What this PE cached for another REC under the same VMID, or for this one before it went to
 * another PE, has missed the local TLB maintenance that the REC did since.
 */
static void drop_stale_translations(struct rec *rec, struct pa pa)
{
	struct pe *pe = pe_this();

	if (pe->last_rec.value != pa.value || rec->last_pe != pe->index) {
		isb();
		tlb_flush_local();
	}
	pe->last_rec = pa;
	rec->last_pe = pe->index;
}

static void load(struct rec *rec, struct pa pa, const struct rmi_rec_enter *enter)
{
	struct host_context *host = &pe_this()->host_context;

	write_sysreg(VTCR_EL2, vtcr(&rec->s2));
	write_sysreg(VTTBR_EL2, tlb_vttbr(&rec->s2));
	write_sysreg(VMPIDR_EL2, rec_affinity(rec) | MPIDR_RES1);
	drop_stale_translations(rec, pa);
	context_switch_shared(&host->shared, &rec->shared);
	context_load_realm(&rec->registers);
	if (debug_is_enabled(rec->shared.MDSCR_EL1_)) {
		debug_load(rec);
	}
	gic_enter(rec, enter);
	write_sysreg(HCR_EL2, hcr(rec, enter));
	timer_enter(rec, &host->timers);
}

static void unload(struct rec *rec, struct rmi_rec_exit *exit)
{
	struct pe *pe = pe_this();
	struct host_context *host = &pe->host_context;

	write_sysreg(HCR_EL2, HCR_RW);
	/* The host's is likely 0: a change of VMID at the world switch would cost emulators a
	 * flush. */
	write_sysreg(VTTBR_EL2, 0);
	timer_leave(rec, &host->timers, exit);
	gic_leave(rec, exit);
	if (pe->fp.holder == FP_REALM) {
		fp_take();
	}
	if (pe->host_debug.away) {
		debug_restore_host();
	}
	context_switch_shared(&rec->shared, &host->shared);
	context_save_realm(&rec->registers);
}

/* Completes what the last exit left open; true if the REC has to exit again at once. */
static bool complete_pending(struct rec *rec, const struct rmi_rec_enter *enter,
			     struct rmi_rec_exit *exit)
{
	switch (rec->pending) {
	case REC_PENDING_HOST_CALL:
		return rsi_complete_host_call(rec, enter, exit);
	case REC_PENDING_RIPAS:
		rsi_complete_ripas(rec, enter);
		return false;
	case REC_PENDING_EMULATION:
	case REC_PENDING_SEA:
		abort_complete(rec, enter);
		return false;
	case REC_PENDING_DENIED_ON:
		rec->gprs[0] = (uint64_t)PSCI_ALREADY_ON;
		rec->pending = REC_PENDING_NONE;
		return false;
	case REC_PENDING_PSCI:
	case REC_PENDING_NONE:
	default:
		return false;
	}
}

static bool run_once(struct rec *rec, struct rmi_rec_exit *exit)
{
	enum realm_vector vector;

	if (timer_changed(rec)) {
		exit->exit_reason = RMI_EXIT_IRQ;
		return true;
	}
	if (rec->serror_pending) {
		write_sysreg(HCR_EL2, read_sysreg(HCR_EL2) | HCR_VSE);
	}
	write_sysreg(CPTR_EL2, fp_realm_cptr(rec));
	write_sysreg(ELR_EL2, rec->pc);
	write_sysreg(SPSR_EL2, rec->pstate);
	vector = realm_enter(rec->gprs);
	rec->pc = read_sysreg(ELR_EL2);
	rec->pstate = read_sysreg(SPSR_EL2);
	rec->serror_pending = (read_sysreg(HCR_EL2) & HCR_VSE) != 0U;
	return rec_exit_handle(rec, vector, exit);
}

void rec_run(struct rec *rec, struct pa pa, const struct rmi_rec_enter *enter,
	     struct rmi_rec_exit *exit)
{
	bool leave;

	memset(exit, 0, sizeof(*exit));
	fp_stop_streaming();
	load(rec, pa, enter);
	leave = complete_pending(rec, enter, exit);
	while (!leave) {
		leave = run_once(rec, exit);
	}
	unload(rec, exit);
}
