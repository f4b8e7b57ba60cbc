/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/smccc.h>

#include "call.h"
#include "tap.h"

/* Results come in X0 to X3, and X4 of RMI_RTT_READ_ENTRY. */
#define RESULT_REGS 4U

struct call call_filling(const uint64_t *x, size_t count)
{
	struct call regs = { .clobbered = 0 };

	for (size_t n = 0; n < CALL_REGS; n++) {
		regs.x[n] = n < count ? x[n] : call_fill(n);
	}
	return regs;
}

struct call call_with(const uint64_t *x, size_t count)
{
	struct call regs = call_filling(x, count);

	call_smc(&regs);
	return regs;
}

struct call rmi_with(const uint64_t *x, size_t count)
{
	struct call regs = call_with(x, count);
	bool reads_entry = (x[0] & ~(uint64_t)SMCCC_FID_SVE_HINT) == RMI_RTT_READ_ENTRY;

	for (size_t n = RESULT_REGS + (reads_entry ? 1U : 0U); n < CALL_REGS; n++) {
		uint64_t before = n < count ? x[n] : call_fill(n);

		if (regs.x[n] != before) {
			tap_fail("RMI 0x%lx changed X%u from 0x%lx to 0x%lx", (unsigned long)x[0],
				 (unsigned int)n, (unsigned long)before, (unsigned long)regs.x[n]);
		}
	}
	if (regs.clobbered != 0U) {
		tap_fail("RMI 0x%lx changed X18 to X28", (unsigned long)x[0]);
	}
	return regs;
}
