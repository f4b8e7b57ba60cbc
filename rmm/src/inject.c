/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/sysreg.h>

#include "inject.h"
#include "regs.h"

/* Arm ARM D1.3: offsets into the vector table by where the exception comes from. */
#define VECTOR_CURRENT_SP0   0x000U
#define VECTOR_CURRENT_SPX   0x200U
#define VECTOR_LOWER_AARCH64 0x400U
#define VECTOR_LOWER_AARCH32 0x600U

#define SCTLR_EL1_DSSBS	     REG_BIT(44)
/* What survives an exception entry of PSTATE. */
#define PSTATE_KEPT (SPSR_NZCV | SPSR_DIT | SPSR_PAN)

/* The rest describes the access to a hypervisor, and is 0 in the syndrome of a stage 1 abort. */
#define ABORT_ISS_KEPT (ESR_IL | ESR_CM | ESR_WNR)

static bool from_el1(const struct rec *rec)
{
	return (rec->pstate & SPSR_AARCH32) == 0U && (rec->pstate & SPSR_MODE_MASK) != SPSR_EL0T;
}

static uint64_t vector_offset(const struct rec *rec)
{
	if ((rec->pstate & SPSR_AARCH32) != 0U) {
		return VECTOR_LOWER_AARCH32;
	}
	if ((rec->pstate & SPSR_MODE_MASK) == SPSR_EL0T) {
		return VECTOR_LOWER_AARCH64;
	}
	return (rec->pstate & SPSR_MODE_MASK) == SPSR_EL1T ? VECTOR_CURRENT_SP0
							   : VECTOR_CURRENT_SPX;
}

static void take_exception(struct rec *rec, uint64_t esr)
{
	uint64_t sctlr = read_sysreg(SCTLR_EL1);
	uint64_t pstate = (rec->pstate & PSTATE_KEPT) | SPSR_EL1H | SPSR_DAIF;

	if ((sctlr & SCTLR_SPAN) == 0U) {
		pstate |= SPSR_PAN;
	}
	if ((sctlr & SCTLR_EL1_DSSBS) != 0U) {
		pstate |= SPSR_SSBS;
	}
	write_sysreg(ESR_EL1, esr);
	write_sysreg(ELR_EL1, rec->pc);
	write_sysreg(SPSR_EL1, rec->pstate);
	rec->pc = read_sysreg(VBAR_EL1) + vector_offset(rec);
	rec->pstate = pstate;
}

void inject_undefined(struct rec *rec)
{
	take_exception(rec, ESR_EC(EC_UNKNOWN) | ESR_IL);
}

void inject_abort(struct rec *rec, uint64_t esr, uint64_t far, uint64_t fsc)
{
	uint64_t ec =
		(esr & ESR_EC_MASK) == ESR_EC(EC_INSTR_LOWER) ? EC_INSTR_LOWER : EC_DATA_LOWER;

	if (from_el1(rec)) {
		ec++;
	}
	write_sysreg(FAR_EL1, far);
	take_exception(rec, ESR_EC(ec) | (esr & ABORT_ISS_KEPT) | fsc);
}

void inject_sea(struct rec *rec, uint64_t esr, uint64_t far)
{
	inject_abort(rec, esr, far, FSC_SEA | ESR_EA);
}

void inject_serror(struct rec *rec, uint64_t esr)
{
	write_sysreg(VSESR_EL2, esr & ESR_ISS_MASK);
	rec->serror_pending = true;
}
