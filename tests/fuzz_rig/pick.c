/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <lib/bits.h>

#include "fuzz.h"
#include "granules.h"
#include "hand/hand.h"

#define ABSENT	  UINT64_C(0xC0000000) /* tracked, but QEMU is given less memory */
#define POOL_BITS 27U		       /* a higher one leads out of all that the rig uses */
#define SHARED	  UINT64_C(0x100000000)
#define SPACE_END UINT64_C(0x200000000)
#define BLOCK	  UINT64_C(0x200000)
#define GIGABYTE  UINT64_C(0x40000000)
#define FREE_RAM  UINT64_C(0x100000)
#define RARELY	  256U /* of the pages that the hand itself needs */

uint64_t pick_word(struct fuzzer *fuzzer)
{
	uint64_t word = fuzzer->random += UINT64_C(0x9E3779B97F4A7C15);

	word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
	return word ^ word >> 31;
}

uint64_t pick(struct fuzzer *fuzzer, uint64_t below)
{
	return pick_word(fuzzer) % below;
}

uint64_t pick_granule(struct fuzzer *fuzzer)
{
	return pool[pick(fuzzer, POOL_GRANULES)];
}

/* Nothing here is memory of the rig itself, which would be lost if it were delegated. */
uint64_t pick_address(struct fuzzer *fuzzer)
{
	static const uint64_t odd[] = {
		0,
		8,
		GRANULE_DEVICE,
		GRANULE_OUTSIDE,
		ABSENT,
		ABSENT + GRANULE_SIZE,
		QEMU_RMM_BASE,
		QEMU_RMM_BASE + QEMU_RMM_SIZE - GRANULE_SIZE,
		QEMU_TRACKED_DRAM_END - GRANULE_SIZE,
		UINT64_MAX,
		UINT64_MAX - GRANULE_SIZE + 1U,
	};

	switch (pick(fuzzer, 16)) {
	case 0:
		return odd[pick(fuzzer, ARRAY_COUNT(odd))];
	case 1:
		return pick_granule(fuzzer) + pick(fuzzer, GRANULE_SIZE);
	case 2:
		return pick_granule(fuzzer) |
		       bit64(POOL_BITS + (unsigned int)pick(fuzzer, 64 - POOL_BITS));
	default:
		return pick_granule(fuzzer);
	}
}

uint64_t pick_rd(struct fuzzer *fuzzer)
{
	switch (pick(fuzzer, 16)) {
	case 0:
		return pick_address(fuzzer);
	case 1:
		return fuzzer->stray_count != 0U
			       ? fuzzer->strays[pick(fuzzer, fuzzer->stray_count)].realm.rd
			       : pick_granule(fuzzer);
	default:
		return world[pick(fuzzer, WORLD_REALMS)]->rd;
	}
}

uint64_t pick_rec(struct fuzzer *fuzzer)
{
	if (pick(fuzzer, 8) == 0U) {
		return pick_address(fuzzer);
	}
	return world[pick(fuzzer, WORLD_REALMS)]->recs[pick(fuzzer, WORLD_RECS)].pa;
}

uint64_t pick_ipa(struct fuzzer *fuzzer)
{
	static const uint64_t bases[] = {
		0,
		FREE_RAM,
		FREE_RAM,
		BLOCK,
		2U * BLOCK,
		GIGABYTE,
		SHARED - BLOCK,
		SHARED,
		SHARED + FREE_RAM,
		SHARED + BLOCK,
		SPACE_END - GRANULE_SIZE,
		SPACE_END,
	};
	static const uint64_t vital[] = { HAND_BASE, HAND_STACKS, HAND_CALLS };
	uint64_t base = bases[pick(fuzzer, ARRAY_COUNT(bases))];

	if (pick(fuzzer, RARELY) == 0U) {
		base = vital[pick(fuzzer, ARRAY_COUNT(vital))];
	}
	switch (pick(fuzzer, 8)) {
	case 0:
		return pick_word(fuzzer);
	case 1:
		return base + pick(fuzzer, BLOCK);
	case 2:
	case 3:
		return base + pick(fuzzer, 8) * GRANULE_SIZE;
	default:
		return base;
	}
}

uint64_t pick_level(struct fuzzer *fuzzer)
{
	if (pick(fuzzer, 16) == 0U) {
		return pick_word(fuzzer);
	}
	return pick(fuzzer, 3) != 0U ? 3U : pick(fuzzer, 6) - 1U;
}
