/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "rmi/rmi.h"

static bool is_in_part(const struct stage2 *s2, uint64_t ipa, enum rmi_part part)
{
	return part == RMI_PART_ANY || rtt_is_protected(s2, ipa) == (part == RMI_PART_PROTECTED);
}

bool rmi_walk(struct pa rd, uint64_t ipa, int64_t level, enum rmi_part part, struct stage2 *s2,
	      struct rtt_walk *walk)
{
	const struct realm *realm = realm_lock(rd);
	bool valid;

	if (realm == NULL) {
		return false;
	}
	*s2 = realm->s2;
	valid = level >= s2->start_level && level <= RTT_LEVEL_LAST &&
		is_aligned(ipa, rtt_entry_size(level)) && rtt_is_in_space(s2, ipa) &&
		is_in_part(s2, ipa, part);
	if (valid) {
		rtt_walk_start(walk, s2, ipa, level);
	}
	granule_unlock(rd);
	return valid;
}
