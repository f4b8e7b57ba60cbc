/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <arch/sysreg.h>
#include <lib/check.h>

#include "core/mmu.h"
#include "granule.h"
#include "memory.h"

/* core/access.S: false if the memory system refuses. */
bool access_copy(void *to, const void *from, size_t size);
bool access_zero(void *to, size_t size);
bool access_translate(uint64_t va);

void *memory_realm(struct pa pa)
{
	return (void *)(uintptr_t)(pa.value + MMU_REALM_ALIAS);
}

static uint8_t *memory_ns(struct pa pa)
{
	return (uint8_t *)(uintptr_t)(pa.value + MMU_NS_ALIAS);
}

bool memory_read_ns(void *to, struct pa granule, size_t offset, size_t size)
{
	CHECK(offset <= GRANULE_SIZE && size <= GRANULE_SIZE - offset);
	return granule_is(granule, GRANULE_UNDELEGATED) &&
	       access_copy(to, memory_ns(granule) + offset, size);
}

bool memory_write_ns(struct pa granule, size_t offset, const void *from, size_t size)
{
	CHECK(offset <= GRANULE_SIZE && size <= GRANULE_SIZE - offset);
	return granule_is(granule, GRANULE_UNDELEGATED) &&
	       access_copy(memory_ns(granule) + offset, from, size);
}

bool memory_wipe(struct pa pa)
{
	return access_zero(memory_realm(pa), GRANULE_SIZE);
}

bool memory_translate(uint64_t va, uint64_t *par)
{
	uint64_t saved = read_sysreg(PAR_EL1);
	bool answered = access_translate(va);

	*par = read_sysreg(PAR_EL1);
	write_sysreg(PAR_EL1, saved);
	return answered;
}
