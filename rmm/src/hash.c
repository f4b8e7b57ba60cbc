/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/check.h>
#include <lib/string.h>

#include "fp_switch.h"
#include "hash.h"
#include "sha.h"

size_t hash_size(uint32_t algorithm)
{
	return algorithm == RMI_HASH_SHA_512 ? 64U : 32U;
}

/* FIPS 180-4, 5.1: a 1 bit, zeros, and the length in bits, big-endian, at the end of the block. */
static size_t make_tail(uint8_t *tail, size_t block_size, const uint8_t *data, size_t size)
{
	size_t rest = size % block_size;
	size_t length_size = block_size / 8U;
	size_t tail_size = rest + 1U + length_size <= block_size ? block_size : 2U * block_size;
	uint64_t bit_count = (uint64_t)size * 8U;

	memset(tail, 0, tail_size);
	memcpy(tail, data + size - rest, rest);
	tail[rest] = 0x80;
	for (size_t n = 1; n <= 8U; n++) {
		tail[tail_size - n] = (uint8_t)bit_count;
		bit_count >>= 8;
	}
	return tail_size / block_size;
}

static void hash_256(const void *data, size_t size, struct digest *out)
{
	_Alignas(16) uint8_t tail[2U * SHA256_BLOCK_SIZE];
	_Alignas(16) uint32_t state[8];
	size_t tail_count = make_tail(tail, SHA256_BLOCK_SIZE, data, size);

	memcpy(state, sha256_initial, sizeof(state));
	sha256_blocks(state, data, size / SHA256_BLOCK_SIZE);
	sha256_blocks(state, tail, tail_count);
	memset(out, 0, sizeof(*out));
	for (size_t n = 0; n < 8U; n++) {
		uint32_t word = __builtin_bswap32(state[n]);

		memcpy(&out->bytes[n * sizeof(word)], &word, sizeof(word));
	}
}

static void hash_512(const void *data, size_t size, struct digest *out)
{
	_Alignas(16) uint8_t tail[2U * SHA512_BLOCK_SIZE];
	_Alignas(16) uint64_t state[8];
	size_t tail_count = make_tail(tail, SHA512_BLOCK_SIZE, data, size);

	memcpy(state, sha512_initial, sizeof(state));
	sha512_blocks(state, data, size / SHA512_BLOCK_SIZE);
	sha512_blocks(state, tail, tail_count);
	for (size_t n = 0; n < 8U; n++) {
		uint64_t word = __builtin_bswap64(state[n]);

		memcpy(&out->bytes[n * sizeof(word)], &word, sizeof(word));
	}
}

void hash_bytes(uint32_t algorithm, const void *data, size_t size, struct digest *out)
{
	CHECK(is_aligned((uintptr_t)data, 16));
	fp_take();
	if (algorithm == RMI_HASH_SHA_512) {
		hash_512(data, size, out);
	} else {
		hash_256(data, size, out);
	}
}

/* FIPS 180-4 example: the three bytes "abc". */
bool hash_self_test(void)
{
	static const uint8_t expected_256[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	static const uint8_t expected_512[] = { 0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba };
	static const _Alignas(16) char message[] = "abc";
	struct digest digest;

	hash_bytes(RMI_HASH_SHA_256, message, 3, &digest);
	if (memcmp(digest.bytes, expected_256, sizeof(expected_256)) != 0) {
		return false;
	}
	hash_bytes(RMI_HASH_SHA_512, message, 3, &digest);
	return memcmp(digest.bytes, expected_512, sizeof(expected_512)) == 0;
}
