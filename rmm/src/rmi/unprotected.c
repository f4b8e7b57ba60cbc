/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "rmi/rmi.h"
#include "rmi/walk.h"

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

/* Walks to the entry that both commands name; false is RMI_ERROR_INPUT. */
static bool walk_to_unprotected(const struct rmi_call *call, struct stage2 *s2,
				struct rtt_walk *walk)
{
	struct pa rd = pa_make(call->x[1]);
	int64_t level = (int64_t)call->x[3];

	return level_is_valid(level) &&
	       rmi_walk(rd, call->x[2], level, RMI_PART_UNPROTECTED, s2, walk);
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
