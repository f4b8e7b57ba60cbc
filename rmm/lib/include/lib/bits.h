/* SPDX-License-Identifier: BSD-3-Clause */
/* Bit fields, alignment and overflow-checked arithmetic on 64-bit words. */
#pragma once

#include <lib/types.h>

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline uint64_t bit64(unsigned int n)
{
	return UINT64_C(1) << n;
}

/* The bits msb down to lsb set, in place. */
static inline uint64_t mask64(unsigned int msb, unsigned int lsb)
{
	return (UINT64_MAX >> (63U - msb)) & (UINT64_MAX << lsb);
}

/* The field `mask` of `word`, shifted down to bit 0. `mask` is not 0. */
static inline uint64_t field_get(uint64_t word, uint64_t mask)
{
	return (word & mask) / (mask & (~mask + 1U));
}

/* `value` shifted up into the field `mask`; bits that do not fit are dropped. */
static inline uint64_t field_make(uint64_t value, uint64_t mask)
{
	return (value * (mask & (~mask + 1U))) & mask;
}

/* `size` is a power of two. */
static inline bool is_aligned(uint64_t value, uint64_t size)
{
	return (value & (size - 1U)) == 0U;
}

static inline uint64_t align_down(uint64_t value, uint64_t size)
{
	return value & ~(size - 1U);
}

static inline uint64_t align_up(uint64_t value, uint64_t size)
{
	return align_down(value + size - 1U, size);
}

/* Stores a + b and returns true, or returns false if it wraps. */
static inline bool add_checked(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

/* Whether [base, base + size) lies in [outer_base, outer_base + outer_size); false on wrap. */
static inline bool range_within(uint64_t base, uint64_t size, uint64_t outer_base,
				uint64_t outer_size)
{
	uint64_t end;
	uint64_t outer_end;

	return add_checked(base, size, &end) && add_checked(outer_base, outer_size, &outer_end) &&
	       base >= outer_base && end <= outer_end;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
