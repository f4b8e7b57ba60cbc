/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/check.h>
#include <lib/string.h>

#include "granule.h"
#include "limits.h"
#include "memory.h"

#define LOCKED 0x80U

/* LOCKED, or-ed with enum granule_state. */
static uint8_t granules[MAX_GRANULES];
static struct memory_banks tracked;

void granule_init(const struct memory_banks *banks)
{
	memset(granules, GRANULE_UNDELEGATED, sizeof(granules));
	tracked = *banks;
}

static bool is_own_memory(uint64_t pa)
{
	return pa - QEMU_RMM_BASE < QEMU_RMM_SIZE;
}

static uint8_t *find(struct pa pa)
{
	uint64_t first = 0;

	if (!is_aligned(pa.value, GRANULE_SIZE) || is_own_memory(pa.value)) {
		return NULL;
	}
	for (size_t n = 0; n < tracked.count; n++) {
		const struct memory_bank *bank = &tracked.bank[n];

		if (pa.value >= bank->base && pa.value - bank->base < bank->size) {
			return &granules[first + (pa.value - bank->base) / GRANULE_SIZE];
		}
		first += bank->size / GRANULE_SIZE;
	}
	return NULL;
}

bool granule_is(struct pa pa, enum granule_state state)
{
	const uint8_t *granule = find(pa);

	return granule != NULL &&
	       (__atomic_load_n(granule, __ATOMIC_RELAXED) & ~LOCKED) == (unsigned int)state;
}

static bool lock_in_state(uint8_t *granule, enum granule_state state)
{
	uint8_t unlocked = (uint8_t)state;
	uint8_t seen = unlocked;

	while (!__atomic_compare_exchange_n(granule, &seen, (uint8_t)(unlocked | LOCKED), false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if ((seen & ~LOCKED) != unlocked) {
			return false;
		}
		seen = unlocked;
	}
	return true;
}

bool granule_lock(struct pa pa, enum granule_state state)
{
	uint8_t *granule = find(pa);

	return granule != NULL && lock_in_state(granule, state);
}

void granule_lock_known(struct pa pa, enum granule_state state)
{
	CHECK(granule_lock(pa, state));
}

void granule_unlock_as(struct pa pa, enum granule_state state)
{
	uint8_t *granule = find(pa);

	CHECK(granule != NULL && (*granule & LOCKED) != 0U);
	__atomic_store_n(granule, (uint8_t)state, __ATOMIC_RELEASE);
}

void granule_unlock(struct pa pa)
{
	uint8_t *granule = find(pa);

	CHECK(granule != NULL && (*granule & LOCKED) != 0U);
	__atomic_store_n(granule, (uint8_t)(*granule & ~LOCKED), __ATOMIC_RELEASE);
}

void granule_release(struct pa pa)
{
	CHECK(memory_wipe(pa));
	granule_unlock_as(pa, GRANULE_DELEGATED);
}
