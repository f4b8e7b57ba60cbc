/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/barrier.h>
#include <lib/check.h>

#include "cpu_features.h"
#include "limits.h"
#include "pe.h"
#include "regs.h"

static struct pe pes[MAX_PES];

/*
 * Accesses to debug registers go to the REC's (debug.h). PMU, profiling and trace registers are not
 * switched, so the realm must not reach them: it reads zeros. TDE stays 0: the realm's debug
 * exceptions are its own.
 * HPMD stops cycle counting by the host's PMU set-up while the RMM itself runs.
 */
#define MDCR_REALM                                                                                 \
	(MDCR_TPM | MDCR_TPMCR | MDCR_TPMS | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TTRF |       \
	 MDCR_HPMD)

static void write_constant_registers(void)
{
	write_sysreg(CPTR_EL2, CPTR_RES1);
	write_sysreg(MDCR_EL2, MDCR_REALM);
	write_sysreg(HSTR_EL2, 0);
	write_sysreg(VPIDR_EL2, read_sysreg(MIDR_EL1));
	write_sysreg(CNTVOFF_EL2, 0);
	if (cpu_features()->ecv_offset) {
		write_sysreg(CNTPOFF_EL2, 0);
	}
	if (cpu_features()->hcx) {
		/* Features that HCRX_EL2 has to enable are hidden from realms. */
		write_sysreg(HCRX_EL2, 0);
	}
	/* EL3 runs with this bit set, and writes the register anew at each call if we do not. */
	write_sysreg(PMCR_EL0, PMCR_DP);
	isb();
}

void pe_init(uint32_t index)
{
	CHECK(index < MAX_PES);
	pes[index].index = index;
	write_sysreg(TPIDR_EL2, (uintptr_t)&pes[index]);
	write_constant_registers();
}
