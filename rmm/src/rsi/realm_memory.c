/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>

#include "abort.h"
#include "memory.h"
#include "rsi/realm_memory.h"

enum realm_memory_result realm_memory_open(struct realm_memory *memory, const struct stage2 *s2,
					   uint64_t ipa)
{
	struct rtt_entry entry;
	struct pa granule;

	rtt_walk_start(&memory->walk, s2, ipa, RTT_LEVEL_LAST);
	entry = rtt_walk_entry(&memory->walk);
	if (entry.state == RTT_ASSIGNED && entry.ripas == RMI_RIPAS_RAM) {
		/* An entry above the last level maps more than one granule. */
		granule = pa_make(entry.pa.value +
				  (ipa & (rtt_entry_size(memory->walk.level) - GRANULE_SIZE)));
		memory->at = (uint8_t *)memory_realm(granule) + (ipa & (GRANULE_SIZE - 1U));
		return REALM_MEMORY_OK;
	}
	rtt_walk_end(&memory->walk);
	return entry.ripas == RMI_RIPAS_EMPTY ? REALM_MEMORY_EMPTY : REALM_MEMORY_MISSING;
}

bool realm_memory_open_for(const struct rsi_call *call, uint64_t ipa, struct realm_memory *memory,
			   enum rsi_action *instead)
{
	enum realm_memory_result result = realm_memory_open(memory, &call->rec->s2, ipa);

	*instead = RSI_RETURN;
	if (result == REALM_MEMORY_MISSING) {
		abort_report_missing(ipa, memory->walk.level, call->exit);
		*instead = RSI_AGAIN;
	}
	return result == REALM_MEMORY_OK;
}

void realm_memory_close(const struct realm_memory *memory)
{
	rtt_walk_end(&memory->walk);
}
