/* SPDX-License-Identifier: BSD-3-Clause */
/* SMC with up to eight arguments and results (SMCCC 1.2 register use, X0 to X7 of it). */
#pragma once

#include <stdint.h>

struct smc_regs {
	uint64_t x[8];
};

/* Issues an SMC with regs->x as X0..X7 and stores X0..X7 back. The fake arch has a hook for it. */
void smc_call(struct smc_regs *regs);
