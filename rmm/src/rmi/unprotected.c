/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "rmi/rmi.h"

#define BLOCK_LEVEL_MIN	 1 /* 1 GiB, the largest block of a 4 KiB granule */
#define MEMATTR_RESERVED 4U

/* The host chooses address, memory type and access; all else of the descriptor is the RMM's. */
static bool descriptor_is_valid(uint64_t descriptor, int64_t level)
{
	const uint64_t allowed =
		RMI_UNPROT_ADDR_MASK | RMI_UNPROT_MEMATTR_MASK | RMI_UNPROT_S2AP_MASK;

	return (descriptor & ~allowed) == 0U &&
	       is_aligned(descriptor & RMI_UNPROT_ADDR_MASK, rtt_entry_size(level)) &&
	       field_get(descriptor, RMI_UNPROT_MEMATTR_MASK) != MEMATTR_RESERVED;
}

static bool level_is_valid(int64_t level)
{
	return level >= BLOCK_LEVEL_MIN && level <= RTT_LEVEL_LAST;
}

/* Checks the arguments that both commands share and walks; false is RMI_ERROR_INPUT. */
static bool walk_to_unprotected(const struct rmi_call *call, struct stage2 *s2,
				struct rtt_walk *walk)
{
	struct pa rd = pa_make(call->x[1]);
	uint64_t ipa = call->x[2];
	int64_t level = (int64_t)call->x[3];
	const struct realm *realm;
	bool valid;

	if (!level_is_valid(level)) {
		return false;
	}
	realm = realm_lock(rd);
	if (realm == NULL) {
		return false;
	}
	*s2 = realm->s2;
	valid = level >= s2->start_level && is_aligned(ipa, rtt_entry_size(level)) &&
		rtt_is_in_space(s2, ipa) && !rtt_is_protected(s2, ipa);
	if (valid) {
		rtt_walk_start(walk, s2, ipa, level);
	}
	granule_unlock(rd);
	return valid;
}

void rmi_rtt_map_unprotected(struct rmi_call *call)
{
	int64_t level = (int64_t)call->x[3];
	uint64_t descriptor = call->x[4];
	const struct rtt_entry mapped = {
		.state = RTT_ASSIGNED_NS,
		.pa = pa_make(descriptor & RMI_UNPROT_ADDR_MASK),
		.ns_attributes = descriptor & (RMI_UNPROT_MEMATTR_MASK | RMI_UNPROT_S2AP_MASK),
	};
	struct rtt_walk walk;
	struct stage2 s2;

	if (!level_is_valid(level) || !descriptor_is_valid(descriptor, level) ||
	    !walk_to_unprotected(call, &s2, &walk)) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	if (walk.level == level && rtt_walk_entry(&walk).state == RTT_UNASSIGNED_NS) {
		rtt_walk_set(&walk, &s2, call->x[2], &mapped);
		call->result[0] = RMI_SUCCESS;
	} else {
		call->result[0] = rmi_status(RMI_ERROR_RTT, walk.level);
	}
	rtt_walk_end(&walk);
}

void rmi_rtt_unmap_unprotected(struct rmi_call *call)
{
	const struct rtt_entry unmapped = { .state = RTT_UNASSIGNED_NS };
	uint64_t ipa = call->x[2];
	struct rtt_walk walk;
	struct stage2 s2;

	if (!walk_to_unprotected(call, &s2, &walk)) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	if (walk.level == (int64_t)call->x[3] && rtt_walk_entry(&walk).state == RTT_ASSIGNED_NS) {
		rtt_walk_set(&walk, &s2, ipa, &unmapped);
		call->result[0] = RMI_SUCCESS;
	} else {
		call->result[0] = rmi_status(RMI_ERROR_RTT, walk.level);
	}
	call->result[1] = rtt_walk_next_live(&walk, ipa);
	rtt_walk_end(&walk);
}
