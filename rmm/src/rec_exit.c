/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/check.h>

#include "abort.h"
#include "inject.h"
#include "rec_exit.h"
#include "regs.h"
#include "rsi/rsi.h"
#include "sysreg_trap.h"

#define ESR_SHOWN_WFX (ESR_EC_MASK | ESR_WFX_TI_MASK)
#define ESR_SHOWN_SERROR                                                                           \
	(ESR_EC_MASK | ESR_SERROR_IDS | ESR_SERROR_AET_MASK | ESR_EA | ESR_FSC_MASK)

/* ESR_ELx.AET of an SError */
enum serror_type {
	SERROR_UNCONTAINABLE = 0,
	SERROR_UNRECOVERABLE = 1,
	SERROR_RESTARTABLE = 2,
	SERROR_RECOVERABLE = 3,
	SERROR_CORRECTED = 6,
};

static bool handle_serror(struct rec *rec, struct rmi_rec_exit *exit)
{
	uint64_t esr = read_sysreg(ESR_EL2);
	uint64_t type = field_get(esr, ESR_SERROR_AET_MASK);

	if ((esr & ESR_SERROR_IDS) != 0U || type == SERROR_UNCONTAINABLE) {
		panic("uncontained SError from a realm: ESR 0x%llx", (unsigned long long)esr);
	}
	if (type == SERROR_UNRECOVERABLE || type == SERROR_RECOVERABLE) {
		inject_serror(rec, esr);
	}
	exit->exit_reason = RMI_EXIT_SERROR;
	exit->esr = esr & ESR_SHOWN_SERROR;
	return true;
}

static bool handle_wfx(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit)
{
	rec_skip_instruction(rec);
	exit->exit_reason = RMI_EXIT_SYNC;
	exit->esr = esr & ESR_SHOWN_WFX;
	return true;
}

/*
 * Realms are told of no AArch32, but no control keeps their EL0 from it. Memory and vectors work
 * there; whatever else traps does not exist.
 */
static bool is_of_aarch32(const struct rec *rec, uint64_t esr)
{
	uint64_t class = field_get(esr, ESR_EC_MASK);

	return (rec->pstate & SPSR_AARCH32) != 0U && class != EC_FP && class != EC_INSTR_LOWER &&
	       class != EC_DATA_LOWER;
}

static bool handle_sync(struct rec *rec, struct rmi_rec_exit *exit)
{
	uint64_t esr = read_sysreg(ESR_EL2);

	if (is_of_aarch32(rec, esr)) {
		inject_undefined(rec);
		return false;
	}
	switch (field_get(esr, ESR_EC_MASK)) {
	case EC_WFX:
		return handle_wfx(rec, esr, exit);
	case EC_FP:
		fp_switch_to_realm(rec);
		return false;
	case EC_SVE:
		if (rec->has_sve) {
			fp_switch_to_realm(rec);
		} else {
			inject_undefined(rec);
		}
		return false;
	case EC_SMC64:
		return rsi_handle(rec, exit);
	case EC_SYSREG:
		return sysreg_trap(rec, esr, exit);
	case EC_INSTR_LOWER:
	case EC_DATA_LOWER:
		return abort_handle(rec, esr, exit);
	case EC_HVC64:
		/* Realms have no HVC: the exception belongs to the instruction itself. */
		rec->pc -= 4;
		inject_undefined(rec);
		return false;
	case EC_UNKNOWN:
	case EC_LS64:
	case EC_SME:
		inject_undefined(rec);
		return false;
	default:
		/* The host learns that its realm stopped here, and nothing of why. */
		exit->exit_reason = RMI_EXIT_SYNC;
		return true;
	}
}

bool rec_exit_handle(struct rec *rec, enum realm_vector vector, struct rmi_rec_exit *exit)
{
	switch (vector) {
	case REALM_VECTOR_IRQ:
		exit->exit_reason = RMI_EXIT_IRQ;
		return true;
	case REALM_VECTOR_FIQ:
		exit->exit_reason = RMI_EXIT_FIQ;
		return true;
	case REALM_VECTOR_SERROR:
		return handle_serror(rec, exit);
	case REALM_VECTOR_SYNC:
	default:
		return handle_sync(rec, exit);
	}
}
