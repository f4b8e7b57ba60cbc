/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digests and HMACs. None of these structures points into itself, so a copy of one goes on by
 * itself; so it is with aes.h and gcm.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE_MAX	 64
#define HASH_CONTEXT_MAX 256

struct hash_kind;

struct hash_context {
	_Alignas(16) uint8_t bytes[HASH_CONTEXT_MAX];
};

struct hash {
	const struct hash_kind *kind;
	/* An HMAC's two beginnings, under its key. */
	bool keyed;
	struct hash_context inner;
	struct hash_context outer;
	struct hash_context now;
};

/*
 * Make a digest, or an HMAC with its key. Returns false if there is no such algorithm here.
 */
bool hash_make(struct hash *hash, uint32_t algorithm, const uint8_t *key, size_t key_size);

/*
 * Begin a message.
 */
void hash_begin(struct hash *hash);

void hash_update(struct hash *hash, const void *bytes, size_t size);

size_t hash_size(const struct hash *hash);

/*
 * End a message: hash_size() bytes.
 */
void hash_end(struct hash *hash, uint8_t *out);
