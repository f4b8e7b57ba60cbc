/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>

#include <abi/monitor.h>
#include <abi/smccc.h>
#include <arch/pe.h>
#include <lib/console.h>
#include <lib/smc.h>

#include "power.h"

#define MESSAGE_SIZE 256U

extern const char secondary_entry[];

bool power_pe_on(unsigned int pe)
{
	/* The PEs of QEMU virt with GICv3: 16 to a cluster, we use the first. */
	struct smc_regs regs = { .x = { PSCI_CPU_ON_64, pe, (uintptr_t)secondary_entry, pe } };

	smc_call(&regs);
	return regs.x[0] == PSCI_SUCCESS;
}

_Noreturn void power_off(int status)
{
	struct smc_regs regs = { .x = { PSCI_SYSTEM_OFF } };

	console_line("power-off %d", status);
	smc_call(&regs);
	pe_stop();
}

_Noreturn void power_off_error(const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	(void)format_text_v(message, sizeof(message), format, args);
	va_end(args);
	console_line("error: %s", message);
	power_off(MONITOR_STATUS_FAILED);
}
