/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/syndrome.h>
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/check.h>

#include "boot/exception.h"

/* One entry of the section .fixups, made in guarded.S. */
struct fixup {
	uint64_t from;
	uint64_t to;
};

extern const struct fixup fixups_start[];
extern const struct fixup fixups_end[];

static const char *const kind_names[] = { "synchronous exception", "IRQ", "FIQ", "SError" };

uint64_t exception_take(uint32_t kind, uint64_t lr)
{
	uint64_t esr = read_sysreg(esr_el2);
	uint64_t elr = read_sysreg(elr_el2);

	if (kind == 0U && field_get(esr, ESR_EC_MASK) == ESR_EC_DATA_ABORT_CURRENT) {
		for (const struct fixup *fixup = fixups_start; fixup < fixups_end; fixup++) {
			if (fixup->from == elr) {
				return fixup->to;
			}
		}
	}
	panic("%s: ESR 0x%lx ELR 0x%lx FAR 0x%lx LR 0x%lx", kind_names[kind & 3U],
	      (unsigned long)esr, (unsigned long)elr, (unsigned long)read_sysreg(far_el2),
	      (unsigned long)lr);
}
