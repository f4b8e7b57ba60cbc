/* SPDX-License-Identifier: BSD-3-Clause */
/* How a command that names an entry of a realm's tables comes to it. */
#pragma once

#include <lib/bits.h>

#include "rmi/rmi.h"

/* Which addresses a command is for. */
enum rmi_part {
	RMI_PART_ANY,
	RMI_PART_PROTECTED,
	RMI_PART_UNPROTECTED,
};

/*
 * Locks the realm, checks that a table of `level` can have an entry for `ipa`, and walks towards
 * it, where the RD is let go. False if any of that is wrong: RMI_ERROR_INPUT. Inline, for most
 * callers know `level` and `part`: demand population is one of them.
 */
static inline bool rmi_walk(struct pa rd, uint64_t ipa, int64_t level, enum rmi_part part,
			    struct stage2 *s2, struct rtt_walk *walk)
{
	const struct realm *realm = realm_lock(rd);
	bool valid;

	if (realm == NULL) {
		return false;
	}
	*s2 = realm->s2;
	valid = level >= s2->start_level && level <= RTT_LEVEL_LAST &&
		is_aligned(ipa, rtt_entry_size(level)) && rtt_is_in_space(s2, ipa) &&
		(part == RMI_PART_ANY || rtt_is_protected(s2, ipa) == (part == RMI_PART_PROTECTED));
	if (valid) {
		rtt_walk_start(walk, s2, ipa, level);
	}
	granule_unlock(rd);
	return valid;
}
