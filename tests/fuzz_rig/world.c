/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>

#include "call.h"
#include "fuzz.h"
#include "granules.h"
#include "hand_order.h"
#include "tap.h"

struct fuzzer fuzzers[FUZZ_PES];
uint64_t pool[POOL_GRANULES];
struct rig_realm *world[WORLD_REALMS];

void world_make(uint64_t epoch)
{
	uint64_t base = granules_take(POOL_GRANULES, 2U * GRANULE_SIZE);

	for (unsigned int n = 0; n < POOL_GRANULES; n++) {
		pool[n] = base + (uint64_t)n * GRANULE_SIZE;
	}
	for (unsigned int n = 0; n < FUZZ_PES; n++) {
		fuzzers[n].realm_params = (void *)(uintptr_t)granule_take();
		fuzzers[n].rec_params = (void *)(uintptr_t)granule_take();
		fuzzers[n].run = (void *)(uintptr_t)granule_take();
		fuzzers[n].stray_count = 0;
		fuzzers[n].rec_count = 0;
	}
	/* In every other epoch, one of the realms is left for random calls to activate. */
	world[0] = hand_realm(WORLD_RECS);
	if (epoch % 2U == 0U) {
		world[1] = hand_realm(WORLD_RECS);
		return;
	}
	world[1] = realm_make();
	hand_load(world[1]);
	for (unsigned int n = 0; n < WORLD_RECS; n++) {
		(void)hand_rec(world[1]);
	}
}

static void destroy_recs(const struct fuzzer *fuzzer)
{
	for (unsigned int n = 0; n < fuzzer->rec_count; n++) {
		(void)rmi(RMI_REC_DESTROY, fuzzer->recs[n]);
	}
}

bool world_unmake(void)
{
	for (unsigned int n = 0; n < FUZZ_PES; n++) {
		destroy_recs(&fuzzers[n]);
	}
	for (unsigned int n = 0; n < FUZZ_PES; n++) {
		for (unsigned int each = 0; each < fuzzers[n].stray_count; each++) {
			realm_take_down(&fuzzers[n].strays[each].realm);
		}
	}
	realms_reset();
	return granules_reset();
}
