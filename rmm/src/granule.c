/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/check.h>
#include <lib/string.h>

#include "granule.h"
#include "limits.h"
#include "memory.h"

#define LOCKED	   0x80U
#define OWN_MEMORY 0x7FU /* a state that no caller asks for */

struct tracked_bank {
	uint64_t base;
	uint64_t size;
	uint8_t *first; /* of its granules */
};

/* LOCKED, or-ed with enum granule_state or OWN_MEMORY. */
static uint8_t granules[MAX_GRANULES];
static struct tracked_bank tracked[MAX_BANKS];

static inline uint8_t *find(struct pa pa)
{
	if (!is_aligned(pa.value, GRANULE_SIZE)) {
		return NULL;
	}
	for (size_t n = 0; n < MAX_BANKS; n++) {
		uint64_t offset = pa.value - tracked[n].base;

		if (offset < tracked[n].size) {
			return tracked[n].first + offset / GRANULE_SIZE;
		}
	}
	return NULL;
}

void granule_init(const struct memory_banks *banks)
{
	uint8_t *first = granules;

	memset(granules, GRANULE_UNDELEGATED, sizeof(granules));
	memset(tracked, 0, sizeof(tracked));
	for (size_t n = 0; n < banks->count; n++) {
		const struct memory_bank *bank = &banks->bank[n];

		tracked[n] = (struct tracked_bank){
			.base = bank->base,
			.size = bank->size,
			.first = first,
		};
		first += bank->size / GRANULE_SIZE;
	}
	for (uint64_t offset = 0; offset < QEMU_RMM_SIZE; offset += GRANULE_SIZE) {
		uint8_t *granule = find(pa_make(QEMU_RMM_BASE + offset));

		if (granule != NULL) {
			*granule = OWN_MEMORY;
		}
	}
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
