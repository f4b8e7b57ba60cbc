/* SPDX-License-Identifier: BSD-3-Clause */
/* Access to a realm's own protected memory on its behalf. */
#pragma once

#include "rec.h"
#include "rsi/rsi.h"
#include "rtt.h"

enum realm_memory_result {
	REALM_MEMORY_OK,      /* mapped, and locked in place until realm_memory_close() */
	REALM_MEMORY_EMPTY,   /* RIPAS EMPTY: the realm's mistake */
	REALM_MEMORY_MISSING, /* the host has to map it; `walk->level` says where it is missing */
};

struct realm_memory {
	struct rtt_walk walk;
	uint8_t *at; /* what is at the IPA, to the end of its granule */
};

/* `ipa` is protected. */
enum realm_memory_result realm_memory_open(struct realm_memory *memory, const struct stage2 *s2,
					   uint64_t ipa);
/*
 * For a call with memory at `ipa`, which is protected. If false, the handler returns `instead`: the
 * host maps the memory and the realm calls again, or the call fails with the result it has.
 */
bool realm_memory_open_for(const struct rsi_call *call, uint64_t ipa, struct realm_memory *memory,
			   enum rsi_action *instead);

void realm_memory_close(const struct realm_memory *memory);
