/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "rig.h"
#include "tap.h"

static uint64_t base = RIG_POOL_BASE; /* below lies what the RMM did not let go */
static uint64_t next = RIG_POOL_BASE;

uint64_t granules_take(unsigned int count, uint64_t align)
{
	uint64_t pa = align_up(next, align);

	next = pa + (uint64_t)count * GRANULE_SIZE;
	if (next > RIG_POOL_BASE + RIG_POOL_SIZE) {
		rig_give_up("out of granules");
	}
	memset((void *)(uintptr_t)pa, 0, (uint64_t)count * GRANULE_SIZE);
	return pa;
}

uint64_t granule_take(void)
{
	return granules_take(1, GRANULE_SIZE);
}

uint64_t granules_take_delegated(unsigned int count, uint64_t align)
{
	uint64_t pa = granules_take(count, align);

	for (unsigned int n = 0; n < count; n++) {
		uint64_t granule = pa + (uint64_t)n * GRANULE_SIZE;

		if (rmi_status(RMI_GRANULE_DELEGATE, granule) != RMI_SUCCESS) {
			rig_give_up("granule 0x%lx cannot be delegated", (unsigned long)granule);
		}
	}
	return pa;
}

uint64_t granule_take_delegated(void)
{
	return granules_take_delegated(1, GRANULE_SIZE);
}

bool granules_reset(void)
{
	bool all = true;
	uint64_t value;

	for (uint64_t pa = base; pa < next; pa += GRANULE_SIZE) {
		if (ns_read(pa, &value)) {
			continue;
		}
		(void)rmi(RMI_GRANULE_UNDELEGATE, pa);
		if (!ns_read(pa, &value)) {
			tap_note("granule 0x%lx was not given back", (unsigned long)pa);
			all = false;
		}
	}
	if (!all) {
		base = next;
	}
	next = base;
	return all;
}
