/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "cpu_features.h"
#include "granule.h"
#include "memory.h"
#include "realm.h"

#define VMID_COUNT 0x10000U

static uint64_t vmids[VMID_COUNT / 64U];

struct realm *realm_lock(struct pa rd)
{
	return granule_lock(rd, GRANULE_RD) ? memory_realm(rd) : NULL;
}

struct realm *realm_of(struct pa rd)
{
	return memory_realm(rd);
}

enum realm_state realm_state(const struct realm *realm)
{
	return (enum realm_state)__atomic_load_n(&realm->state, __ATOMIC_ACQUIRE);
}

void realm_set_state(struct realm *realm, enum realm_state state)
{
	__atomic_store_n(&realm->state, (uint32_t)state, __ATOMIC_RELEASE);
}

bool realm_reserve_vmid(uint32_t vmid)
{
	uint64_t bit = bit64(vmid % 64U);

	if (vmid >= bit64(cpu_features()->vmid_bits)) {
		return false;
	}
	return (__atomic_fetch_or(&vmids[vmid / 64U], bit, __ATOMIC_ACQ_REL) & bit) == 0U;
}

void realm_free_vmid(uint32_t vmid)
{
	(void)__atomic_fetch_and(&vmids[vmid / 64U], ~bit64(vmid % 64U), __ATOMIC_ACQ_REL);
}
