/* SPDX-License-Identifier: BSD-3-Clause */
/* FIPS 180-4, 6.2 and 6.4, word by word: the build machine's twin of core/sha256.S and sha512.S. */
#include <string.h>

#include "sha.h"

static uint32_t rotate32(uint32_t word, unsigned int n)
{
	return (word >> n) | (word << (32U - n));
}

static uint64_t rotate64(uint64_t word, unsigned int n)
{
	return (word >> n) | (word << (64U - n));
}

static void block_256(uint32_t state[8], const uint8_t *data)
{
	uint32_t w[64];
	uint32_t s[8];

	for (size_t t = 0; t < 16U; t++) {
		memcpy(&w[t], data + 4U * t, 4);
		w[t] = __builtin_bswap32(w[t]);
	}
	for (size_t t = 16; t < 64U; t++) {
		uint32_t s0 =
			rotate32(w[t - 15U], 7) ^ rotate32(w[t - 15U], 18) ^ (w[t - 15U] >> 3);
		uint32_t s1 = rotate32(w[t - 2U], 17) ^ rotate32(w[t - 2U], 19) ^ (w[t - 2U] >> 10);

		w[t] = s1 + w[t - 7U] + s0 + w[t - 16U];
	}
	memcpy(s, state, sizeof(s));
	for (size_t t = 0; t < 64U; t++) {
		uint32_t sum1 = rotate32(s[4], 6) ^ rotate32(s[4], 11) ^ rotate32(s[4], 25);
		uint32_t sum0 = rotate32(s[0], 2) ^ rotate32(s[0], 13) ^ rotate32(s[0], 22);
		uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint32_t t1 = s[7] + sum1 + choice + sha256_constants[t] + w[t];

		memmove(&s[1], &s[0], 7U * sizeof(s[0]));
		s[4] += t1;
		s[0] = t1 + sum0 + majority;
	}
	for (size_t n = 0; n < 8U; n++) {
		state[n] += s[n];
	}
}

static void block_512(uint64_t state[8], const uint8_t *data)
{
	uint64_t w[80];
	uint64_t s[8];

	for (size_t t = 0; t < 16U; t++) {
		memcpy(&w[t], data + 8U * t, 8);
		w[t] = __builtin_bswap64(w[t]);
	}
	for (size_t t = 16; t < 80U; t++) {
		uint64_t s0 = rotate64(w[t - 15U], 1) ^ rotate64(w[t - 15U], 8) ^ (w[t - 15U] >> 7);
		uint64_t s1 = rotate64(w[t - 2U], 19) ^ rotate64(w[t - 2U], 61) ^ (w[t - 2U] >> 6);

		w[t] = s1 + w[t - 7U] + s0 + w[t - 16U];
	}
	memcpy(s, state, sizeof(s));
	for (size_t t = 0; t < 80U; t++) {
		uint64_t sum1 = rotate64(s[4], 14) ^ rotate64(s[4], 18) ^ rotate64(s[4], 41);
		uint64_t sum0 = rotate64(s[0], 28) ^ rotate64(s[0], 34) ^ rotate64(s[0], 39);
		uint64_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint64_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint64_t t1 = s[7] + sum1 + choice + sha512_constants[t] + w[t];

		memmove(&s[1], &s[0], 7U * sizeof(s[0]));
		s[4] += t1;
		s[0] = t1 + sum0 + majority;
	}
	for (size_t n = 0; n < 8U; n++) {
		state[n] += s[n];
	}
}

void sha256_blocks(uint32_t state[8], const void *data, size_t block_count)
{
	for (size_t n = 0; n < block_count; n++) {
		block_256(state, (const uint8_t *)data + n * SHA256_BLOCK_SIZE);
	}
}

void sha512_blocks(uint64_t state[8], const void *data, size_t block_count)
{
	for (size_t n = 0; n < block_count; n++) {
		block_512(state, (const uint8_t *)data + n * SHA512_BLOCK_SIZE);
	}
}
