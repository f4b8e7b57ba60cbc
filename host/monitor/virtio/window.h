/* SPDX-License-Identifier: BSD-3-Clause */
/* A realm's shared window: Non-secure memory behind the shared alias of its RAM. */
#pragma once

#include <lib/bits.h>

struct window {
	/* Without the shared bit. */
	uint64_t ipa_base;
	uint64_t shared_bit;
	uint64_t size;
	uint64_t pa;
	/* Where the monitor has it mapped. */
	uint8_t *memory;
};

/*
 * Where the realm's [address, address + size) lies in the window, if it lies there whole. Kernels
 * put the shared bit in DMA addresses or not, so both are taken.
 */
static inline bool window_offset(const struct window *window, uint64_t address, uint64_t size,
				 uint64_t *offset)
{
	uint64_t ipa = address & ~window->shared_bit;

	if (!range_within(ipa, size, window->ipa_base, window->size)) {
		return false;
	}
	*offset = ipa - window->ipa_base;
	return true;
}
