/* SPDX-License-Identifier: BSD-3-Clause */
/* A realm's mark: every free word of its RAM and window says whose it is, and where. */
#pragma once

#include "virtio.h"

#define PATTERN_PRIVATE_BASE PAYLOAD_END
#define PATTERN_PRIVATE_END  PAYLOAD_RAM_END
#define PATTERN_WINDOW_BASE  PORT_WINDOW_END
#define PATTERN_WINDOW_END   (PAYLOAD_SHARED | PAYLOAD_RAM_END)
#define PATTERN_TAG	     UINT64_C(0xC0DE5EED)

static inline uint64_t pattern_word(uint64_t realm, uint64_t ipa)
{
	return PATTERN_TAG << 32 | realm << 28 | (ipa & 0x0FFFFFFFU);
}

static inline void pattern_fill(uint64_t realm, uint64_t base, uint64_t end)
{
	for (uint64_t at = base; at < end; at += 8U) {
		*(volatile uint64_t *)at = pattern_word(realm, at);
	}
}

/* How many words of [base, end) do not say that they are `realm`'s. */
static inline uint64_t pattern_damage(uint64_t realm, uint64_t base, uint64_t end)
{
	uint64_t count = 0;

	for (uint64_t at = base; at < end; at += 8U) {
		count += *(volatile uint64_t *)at != pattern_word(realm, at) ? 1U : 0U;
	}
	return count;
}

/* How many words of [base, end) have the mark of a realm: this one, or any other. */
static inline uint64_t pattern_count(uint64_t realm, bool own, uint64_t base, uint64_t end)
{
	uint64_t count = 0;

	for (uint64_t at = base; at < end; at += 8U) {
		uint64_t word = *(volatile uint64_t *)at;

		if (word >> 32 == PATTERN_TAG && ((word >> 28 & 0xFU) == realm) == own) {
			count++;
		}
	}
	return count;
}
