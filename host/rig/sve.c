/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <stddef.h>

#include "sve.h"

#define REGISTERS	(SVE_VECTORS + SVE_PREDICATES + 1U)
#define FFR		(REGISTERS - 1U)
#define PREDICATE_SHARE 8U

struct value {
	_Alignas(16) uint8_t bytes[SVE_SIZE_MAX];
};

static uint64_t mix(uint64_t word)
{
	word = (word ^ (word >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	word = (word ^ (word >> 27)) * UINT64_C(0x94D049BB133111EB);
	return word ^ (word >> 31);
}

static uint64_t size_of(uint32_t n, uint64_t size)
{
	return n < SVE_VECTORS ? size : size / PREDICATE_SHARE;
}

/* The first elements of FFR are true and the others are not: it has no other values. */
static uint8_t ffr_byte(uint64_t seed, uint64_t size, uint64_t at)
{
	uint64_t bits = mix(seed) % (8U * size + 1U);

	if (bits >= 8U * (at + 1U)) {
		return 0xFF;
	}
	return bits <= 8U * at ? 0U : (uint8_t)((1U << (bits % 8U)) - 1U);
}

static void make_value(struct value *value, uint32_t n, uint64_t seed, uint64_t size)
{
	uint64_t own = size_of(n, size);

	for (uint64_t at = 0; at < own; at++) {
		value->bytes[at] = n == FFR ? ffr_byte(seed, own, at)
					    : (uint8_t)mix(seed + n * UINT64_C(0x1000) + at);
	}
}

static void get(uint32_t n, struct value *value)
{
	if (n == FFR) {
		sve_get_ffr(value->bytes);
	} else if (n < SVE_VECTORS) {
		sve_get_z(n, value->bytes);
	} else {
		sve_get_p(n - SVE_VECTORS, value->bytes);
	}
}

static void put(uint32_t n, const struct value *value)
{
	if (n == FFR) {
		sve_put_ffr(value->bytes);
	} else if (n < SVE_VECTORS) {
		sve_put_z(n, value->bytes);
	} else {
		sve_put_p(n - SVE_VECTORS, value->bytes);
	}
}

static uint64_t add_value(uint64_t sum, const struct value *value, uint64_t size)
{
	for (uint64_t at = 0; at < size; at++) {
		sum = mix(sum ^ value->bytes[at]) + at;
	}
	return sum;
}

void sve_fill(uint64_t seed)
{
	uint64_t size = sve_size();

	for (uint32_t n = 0; n < REGISTERS; n++) {
		struct value value;

		make_value(&value, n, seed, size);
		put(n, &value);
	}
}

uint64_t sve_sum(void)
{
	uint64_t size = sve_size();
	uint64_t sum = size;

	for (uint32_t n = 0; n < REGISTERS; n++) {
		struct value value;

		get(n, &value);
		sum = add_value(sum, &value, size_of(n, size));
	}
	return sum;
}

uint64_t sve_sum_of(uint64_t seed, uint64_t size)
{
	uint64_t sum = size;

	for (uint32_t n = 0; n < REGISTERS; n++) {
		struct value value;

		make_value(&value, n, seed, size);
		sum = add_value(sum, &value, size_of(n, size));
	}
	return sum;
}

uint64_t sve_sum_of_zeros(uint64_t size)
{
	static const struct value zeros;
	uint64_t sum = size;

	for (uint32_t n = 0; n < REGISTERS; n++) {
		sum = add_value(sum, &zeros, size_of(n, size));
	}
	return sum;
}
