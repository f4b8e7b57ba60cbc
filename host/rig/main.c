/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>

#include <abi/smccc.h>
#include <arch/pe.h>
#include <arch/sysreg.h>
#include <lib/console.h>

#include "call.h"
#include "gic.h"
#include "pe.h"
#include "rig.h"

#define MESSAGE_SIZE 256U
#define EC_SHIFT     26U

struct fixup {
	uint64_t from;
	uint64_t to;
};

extern const struct fixup fixups_start[], fixups_end[];

/* From entry.S. */
_Noreturn void rig_start(void);
uint64_t exception_take(uint32_t kind, uint64_t lr);

static _Noreturn void power_off(void)
{
	(void)call(PSCI_SYSTEM_OFF);
	pe_stop();
}

void rig_give_up(const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	(void)format_text_v(message, sizeof(message), format, args);
	va_end(args);
	console_line("Bail out! %s", message);
	power_off();
}

void rig_start(void)
{
	console_init("", QEMU_UART0_BASE);
	gic_init();
	gic_init_pe(0);
	rig_main();
	power_off();
}

uint64_t exception_take(uint32_t kind, uint64_t lr)
{
	uint64_t elr = read_sysreg(ELR_EL2);

	for (const struct fixup *each = fixups_start; each != fixups_end; each++) {
		if (kind == 0U && each->from == elr) {
			return each->to;
		}
	}
	rig_give_up("exception of kind %u at 0x%lx, LR 0x%lx, ESR 0x%lx, FAR 0x%lx on PE %u", kind,
		    (unsigned long)elr, (unsigned long)lr, (unsigned long)read_sysreg(ESR_EL2),
		    (unsigned long)read_sysreg(FAR_EL2), pe_index());
}
