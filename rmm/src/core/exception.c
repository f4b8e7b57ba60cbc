/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/check.h>

#include "core/exception.h"
#include "regs.h"

#define KIND_SYNC 0U

struct fixup {
	uint64_t instruction;
	uint64_t recovery;
};

extern const struct fixup fixups_start[], fixups_end[];

static bool is_refused_access(uint64_t esr)
{
	uint64_t fsc = esr & ESR_FSC_MASK;

	return (esr & ESR_EC_MASK) == ESR_EC(EC_DATA_SAME) &&
	       (fsc == FSC_SEA || (fsc >= FSC_SEA_TTW_FIRST && fsc <= FSC_SEA_TTW_LAST) ||
		(fsc >= FSC_GPF_TTW_FIRST && fsc <= FSC_GPF));
}

uint64_t exception_current_el(uint32_t kind, uint64_t lr)
{
	static const char *const names[] = { "synchronous exception", "IRQ", "FIQ", "SError" };
	uint64_t esr = read_sysreg(ESR_EL2);
	uint64_t elr = read_sysreg(ELR_EL2);

	if (kind == KIND_SYNC && is_refused_access(esr)) {
		for (const struct fixup *fixup = fixups_start; fixup < fixups_end; fixup++) {
			if (fixup->instruction == elr) {
				return fixup->recovery;
			}
		}
	}
	panic("%s: ESR 0x%llx ELR 0x%llx FAR 0x%llx LR 0x%llx", names[kind],
	      (unsigned long long)esr, (unsigned long long)elr,
	      (unsigned long long)read_sysreg(FAR_EL2), (unsigned long long)lr);
}

_Noreturn void exception_stack_overflow(void)
{
	panic("stack overflow: ESR 0x%llx ELR 0x%llx FAR 0x%llx",
	      (unsigned long long)read_sysreg(ESR_EL2), (unsigned long long)read_sysreg(ELR_EL2),
	      (unsigned long long)read_sysreg(FAR_EL2));
}

_Noreturn void __stack_chk_fail(void)
{
	panic("stack smashed: LR 0x%llx",
	      (unsigned long long)(uintptr_t)__builtin_return_address(0));
}
