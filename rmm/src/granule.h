/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tracking of every 4 KiB granule of the DRAM banks that EL3's boot manifest names, the RMM's own
 * memory excepted.
 *
 * Invariants
 * - A granule's state changes only while its lock is held, at the moment of unlocking.
 * - A granule that an entry of a table leads to has the state that fits the entry whenever that
 *   table is not locked. So granule_lock_known() may be used on it.
 * - A DELEGATED granule holds only zeros: whoever gives a granule back wipes it first.
 * - The contents of a granule belong to the holder of its lock. Exception: a REC that is RUNNING
 *   belongs to the PE that runs it, except for what rec.h says; a REC_AUX belongs to who owns its
 *   REC.
 *
 * Lock order
 *   UNDELEGATED, DELEGATED (ascending PA) < RD < REC (ascending PA) < REC_AUX
 *     < RTT (root to leaf) < DATA
 * A lock by address and expected state waits only for as long as the granule is in that state, and
 * takes lock and state in one step. So callers may be given any nonsense by the host, the same
 * granule twice included, without waiting for a lock out of order.
 */
#pragma once

#include <lib/types.h>

#include "manifest.h"

enum granule_state {
	GRANULE_UNDELEGATED,
	GRANULE_DELEGATED,
	GRANULE_RD,
	GRANULE_REC,
	GRANULE_REC_AUX,
	GRANULE_RTT,
	GRANULE_DATA,
};

/* Called once, before any other function here; the banks were checked by manifest_parse(). */
void granule_init(const struct memory_banks *banks);

/* Whether `pa` is granule-aligned, tracked and in `state` at this moment. */
bool granule_is(struct pa pa, enum granule_state state);

/* Locks the granule if it is aligned, tracked and in `state`; false otherwise. */
bool granule_lock(struct pa pa, enum granule_state state);

/* Locks a granule that the RMM itself knows to be in `state`. */
void granule_lock_known(struct pa pa, enum granule_state state);

void granule_unlock(struct pa pa);

/* Unlocks the granule in its new state. */
void granule_unlock_as(struct pa pa, enum granule_state state);

/* Wipes a locked granule and unlocks it as DELEGATED. */
void granule_release(struct pa pa);
