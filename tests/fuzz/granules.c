/* SPDX-License-Identifier: BSD-3-Clause */
/* The RMM's granule.c, with a window on the states that only it knows. */
#include "../../rmm/src/granule.c"

#include "fuzz.h"

enum granule_state granules_state(uint64_t pa)
{
	const uint8_t *granule = find(pa_make(pa));

	return granule == NULL ? GRANULE_UNDELEGATED : (enum granule_state)(*granule & ~LOCKED);
}

void granules_copy(uint8_t states[GRANULES])
{
	memcpy(states, granules, GRANULES);
}
