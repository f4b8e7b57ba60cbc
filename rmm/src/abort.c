/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "abort.h"
#include "inject.h"
#include "memory.h"
#include "regs.h"
#include "rtt.h"

/* What of a syndrome the host may see (DEN0137 A4.3.4). */
#define ESR_SHOWN_ALWAYS     (ESR_EC_MASK | ESR_SET_MASK | ESR_FNV | ESR_EA | ESR_FSC_MASK)
#define ESR_SHOWN_EMULATABLE (ESR_SHOWN_ALWAYS | ESR_ISV | ESR_SAS_MASK | ESR_SF | ESR_WNR)

#define FAR_PAGE_OFFSET	     UINT64_C(0xFFF)
#define PAR_FAILED	     REG_BIT(0)
#define PAR_PA_MASK	     UINT64_C(0x000FFFFFFFFFF000)

static bool is_data(uint64_t esr)
{
	return (esr & ESR_EC_MASK) == ESR_EC(EC_DATA_LOWER);
}

static bool is_external(uint64_t esr)
{
	uint64_t fsc = esr & ESR_FSC_MASK;

	return fsc == FSC_SEA || (fsc >= FSC_SEA_TTW_FIRST && fsc <= FSC_SEA_TTW_LAST);
}

static bool is_permission(uint64_t esr)
{
	return (esr & ESR_FSC_MASK & ~UINT64_C(3)) == FSC_PERMISSION_L0;
}

static bool is_translation(uint64_t esr)
{
	return (esr & ESR_FSC_MASK & ~UINT64_C(3)) == FSC_TRANSLATION_L0;
}

static uint64_t access_bits(uint64_t esr)
{
	return UINT64_C(8) << field_get(esr, ESR_SAS_MASK);
}

/*
 * HPFAR_EL2 need not hold the IPA of a permission fault, except one on a stage 1 table walk. Asks
 * the realm's stage 1 then; false if that has changed meanwhile, so that the access is made again.
 */
static bool find_ipa(uint64_t esr, uint64_t *ipa)
{
	uint64_t par;

	if (!is_permission(esr) || (esr & ESR_S1PTW) != 0U) {
		*ipa = (read_sysreg(HPFAR_EL2) & HPFAR_FIPA_MASK) << 8;
		return true;
	}
	if (!memory_translate(read_sysreg(FAR_EL2), &par)) {
		return false;
	}
	*ipa = par & PAR_PA_MASK;
	return (par & PAR_FAILED) == 0U;
}

static void report(struct rmi_rec_exit *exit, uint64_t esr, uint64_t ipa)
{
	exit->exit_reason = RMI_EXIT_SYNC;
	exit->esr = esr & ESR_SHOWN_ALWAYS;
	exit->hpfar = (ipa >> 8) & HPFAR_FIPA_MASK;
}

static bool report_emulatable(struct rec *rec, uint64_t esr, uint64_t ipa,
			      struct rmi_rec_exit *exit)
{
	unsigned int rt = (unsigned int)field_get(esr, ESR_SRT_MASK);

	report(exit, esr, ipa);
	exit->esr = esr & ESR_SHOWN_EMULATABLE;
	exit->far = rec->abort_far & FAR_PAGE_OFFSET;
	if ((esr & ESR_WNR) != 0U) {
		exit->gprs[0] = rec_gpr(rec, rt) & mask64((unsigned int)access_bits(esr) - 1U, 0);
	}
	rec->pending = REC_PENDING_EMULATION;
	return true;
}

static bool handle_external(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit)
{
	if (field_get(esr, ESR_SET_MASK) != ESR_SET_UEO) {
		inject_sea(rec, esr, read_sysreg(FAR_EL2));
	}
	exit->exit_reason = RMI_EXIT_SYNC;
	exit->esr = esr & ESR_SHOWN_ALWAYS;
	return true;
}

static bool handle_protected(struct rec *rec, uint64_t esr, uint64_t ipa,
			     const struct rtt_entry *entry, struct rmi_rec_exit *exit)
{
	if (entry->ripas == RMI_RIPAS_EMPTY) {
		inject_sea(rec, esr, rec->abort_far);
		return false;
	}
	if (entry->ripas == RMI_RIPAS_RAM && entry->state == RTT_ASSIGNED && is_translation(esr)) {
		/* Mapped since: the host was faster. */
		return false;
	}
	report(exit, esr, ipa);
	return true;
}

static bool handle_unprotected(struct rec *rec, uint64_t esr, uint64_t ipa,
			       const struct rtt_entry *entry, struct rmi_rec_exit *exit)
{
	bool decoded = (esr & ESR_ISV) != 0U && (rec->pstate & SPSR_AARCH32) == 0U;

	if (!is_data(esr)) {
		inject_sea(rec, esr, rec->abort_far);
		return false;
	}
	if (entry->state == RTT_ASSIGNED_NS && is_translation(esr)) {
		return false;
	}
	if (entry->state == RTT_UNASSIGNED_NS && decoded) {
		return report_emulatable(rec, esr, ipa, exit);
	}
	report(exit, esr, ipa);
	rec->pending = REC_PENDING_SEA;
	return true;
}

bool abort_handle(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit)
{
	struct rtt_entry entry;
	struct rtt_walk walk;
	uint64_t ipa;

	if (is_external(esr)) {
		return handle_external(rec, esr, exit);
	}
	rec->abort_esr = esr;
	rec->abort_far = read_sysreg(FAR_EL2);
	if (!find_ipa(esr, &ipa)) {
		return false;
	}
	if (!rtt_is_in_space(&rec->s2, ipa)) {
		/* As if stage 1 had seen it: an address size fault. */
		inject_abort(rec, esr, rec->abort_far, 0);
		return false;
	}
	rtt_walk_start(&walk, &rec->s2, ipa, RTT_LEVEL_LAST);
	entry = rtt_walk_entry(&walk);
	rtt_walk_end(&walk);
	if (rtt_is_protected(&rec->s2, ipa)) {
		return handle_protected(rec, esr, ipa, &entry, exit);
	}
	return handle_unprotected(rec, esr, ipa, &entry, exit);
}

void abort_report_missing(uint64_t ipa, int32_t level, struct rmi_rec_exit *exit)
{
	report(exit, ESR_EC(EC_DATA_LOWER) | (FSC_TRANSLATION_L0 + (uint64_t)level), ipa);
}

/* The value that a load of this syndrome puts into its register, from `value` as read. */
static uint64_t loaded_value(uint64_t esr, uint64_t value)
{
	uint64_t bits = access_bits(esr);
	uint64_t loaded = value & mask64((unsigned int)bits - 1U, 0);

	if ((esr & ESR_SSE) != 0U && bits < 64U &&
	    (loaded & bit64((unsigned int)bits - 1U)) != 0U) {
		loaded |= ~mask64((unsigned int)bits - 1U, 0);
	}
	return (esr & ESR_SF) != 0U ? loaded : loaded & UINT32_MAX;
}

void abort_complete(struct rec *rec, const struct rmi_rec_enter *enter)
{
	uint64_t esr = rec->abort_esr;
	unsigned int rt = (unsigned int)field_get(esr, ESR_SRT_MASK);

	if ((enter->flags & RMI_ENTER_INJECT_SEA_MASK) != 0U) {
		inject_sea(rec, esr, rec->abort_far);
	} else if ((enter->flags & RMI_ENTER_EMUL_MMIO_MASK) != 0U) {
		rec_skip_instruction(rec);
		if ((esr & ESR_WNR) == 0U) {
			rec_set_gpr(rec, rt, loaded_value(esr, enter->gprs[0]));
		}
	}
	rec->pending = REC_PENDING_NONE;
}
