/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcrypto's digests by the functions that it had before EVP: those want neither a library context
 * nor memory, which cost more than what a TA hashes (docs/adr/0031-cryptography-in-the-runner.md).
 */
#include "hash.h"

#include <abi/tee.h>
#include <string.h>

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>
#include <openssl/sha.h>

#define BLOCK_MAX 128
#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

struct hash_kind {
	uint32_t digest;
	uint32_t hmac;
	size_t size;
	size_t block;
	int (*init)(struct hash_context *context);
	int (*update)(struct hash_context *context, const void *bytes, size_t size);
	int (*final)(uint8_t *out, struct hash_context *context);
};

/* The functions of one digest, with our context for its own. */
#define DIGEST(name, type)                                                                         \
	_Static_assert(sizeof(type) <= HASH_CONTEXT_MAX, #name);                                   \
	static int init_##name(struct hash_context *context)                                       \
	{                                                                                          \
		return name##_Init((type *)(void *)context->bytes);                                \
	}                                                                                          \
	static int update_##name(struct hash_context *context, const void *bytes, size_t size)     \
	{                                                                                          \
		return name##_Update((type *)(void *)context->bytes, bytes, size);                 \
	}                                                                                          \
	static int final_##name(uint8_t *out, struct hash_context *context)                        \
	{                                                                                          \
		return name##_Final(out, (type *)(void *)context->bytes);                          \
	}

/* clang-format off */
DIGEST(MD5, MD5_CTX)
DIGEST(SHA1, SHA_CTX)
DIGEST(SHA224, SHA256_CTX)
DIGEST(SHA256, SHA256_CTX)
DIGEST(SHA384, SHA512_CTX)
DIGEST(SHA512, SHA512_CTX)
/* clang-format on */

#define KIND(name, size, block)                                                                    \
	{                                                                                          \
		TEE_ALG_##name, TEE_ALG_HMAC_##name, size, block, init_##name, update_##name,      \
			final_##name,                                                              \
	}

static const struct hash_kind kinds[] = {
	KIND(MD5, 16, 64),    KIND(SHA1, 20, 64),    KIND(SHA224, 28, 64),
	KIND(SHA256, 32, 64), KIND(SHA384, 48, 128), KIND(SHA512, 64, 128),
};

/* A message's beginning: the key, masked, fills its first block (RFC 2104). */
static void begin_keyed(const struct hash_kind *kind, struct hash_context *context,
			const uint8_t *key, size_t key_size, uint8_t mask)
{
	uint8_t block[BLOCK_MAX];

	for (size_t n = 0; n < kind->block; n++) {
		block[n] = (uint8_t)((n < key_size ? key[n] : 0) ^ mask);
	}
	(void)kind->init(context);
	(void)kind->update(context, block, kind->block);
}

static void take_key(struct hash *hash, const uint8_t *key, size_t key_size)
{
	const struct hash_kind *kind = hash->kind;
	uint8_t digest[HASH_SIZE_MAX];

	if (key_size > kind->block) {
		(void)kind->init(&hash->now);
		(void)kind->update(&hash->now, key, key_size);
		(void)kind->final(digest, &hash->now);
		key = digest;
		key_size = kind->size;
	}
	begin_keyed(kind, &hash->inner, key, key_size, INNER_PAD);
	begin_keyed(kind, &hash->outer, key, key_size, OUTER_PAD);
}

bool hash_make(struct hash *hash, uint32_t algorithm, const uint8_t *key, size_t key_size)
{
	for (size_t n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++) {
		if (algorithm != kinds[n].digest && algorithm != kinds[n].hmac) {
			continue;
		}
		hash->kind = &kinds[n];
		hash->keyed = algorithm == kinds[n].hmac;
		if (hash->keyed) {
			take_key(hash, key, key_size);
		}
		return hash->keyed || key_size == 0;
	}
	return false;
}

void hash_begin(struct hash *hash)
{
	if (hash->keyed) {
		hash->now = hash->inner;
	} else {
		(void)hash->kind->init(&hash->now);
	}
}

void hash_update(struct hash *hash, const void *bytes, size_t size)
{
	(void)hash->kind->update(&hash->now, bytes, size);
}

size_t hash_size(const struct hash *hash)
{
	return hash->kind->size;
}

void hash_end(struct hash *hash, uint8_t *out)
{
	const struct hash_kind *kind = hash->kind;

	(void)kind->final(out, &hash->now);
	if (hash->keyed) {
		hash->now = hash->outer;
		(void)kind->update(&hash->now, out, kind->size);
		(void)kind->final(out, &hash->now);
	}
}
