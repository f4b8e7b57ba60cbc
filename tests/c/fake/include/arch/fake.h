/* SPDX-License-Identifier: BSD-3-Clause */
/* What only a unit test uses: hooks into the fake architecture. */
#pragma once

#include <lib/smc.h>

/* Called for every smc_call(); without a hook X0 becomes SMCCC NOT_SUPPORTED. */
extern void (*fake_smc_hook)(struct smc_regs *regs);

/* Forgets every system register. */
void fake_sysreg_reset(void);

/* How often pe_random() has no number before it has one again. */
extern unsigned int fake_random_refusals;
