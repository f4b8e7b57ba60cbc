/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands in for libcrypto, which is linked for arm64 only: every byte that is given is read, and
 * every byte that is due is written. What comes of it is nothing that anybody should rely on.
 */
#include <abi/tee.h>
#include <string.h>

#include "aes.h"
#include "gcm.h"
#include "hash.h"

#define KEY_MASK 0x5a

struct hash_kind {
	size_t size;
};

static const struct hash_kind digest = { .size = 32 };

static void absorb(uint8_t *into, const uint8_t *bytes, size_t size)
{
	for (size_t n = 0; n < size; n++) {
		into[n % 32] = (uint8_t)(into[n % 32] * 31 + bytes[n]);
	}
}

static void mask(const struct aes_schedule *key, const uint8_t *in, uint8_t *out, size_t size)
{
	for (size_t n = 0; n < size; n++) {
		out[n] = in[n] ^ key->bytes[0];
	}
}

bool hash_make(struct hash *hash, uint32_t algorithm, const uint8_t *key, size_t key_size)
{
	if (algorithm != TEE_ALG_SHA256 && algorithm != TEE_ALG_HMAC_SHA256) {
		return false;
	}
	hash->kind = &digest;
	hash->keyed = algorithm == TEE_ALG_HMAC_SHA256;
	absorb(hash->inner.bytes, key, key_size);
	return true;
}

void hash_begin(struct hash *hash)
{
	hash->now = hash->inner;
}

void hash_update(struct hash *hash, const void *bytes, size_t size)
{
	absorb(hash->now.bytes, bytes, size);
}

size_t hash_size(const struct hash *hash)
{
	return hash->kind->size;
}

void hash_end(struct hash *hash, uint8_t *out)
{
	memcpy(out, hash->now.bytes, hash->kind->size);
}

bool aes_make(struct aes *aes, uint32_t algorithm, bool encrypt, const uint8_t *key,
	      size_t key_size)
{
	aes->algorithm = algorithm;
	aes->encrypt = encrypt;
	absorb(aes->key.bytes, key, key_size);
	aes->key.bytes[0] ^= KEY_MASK;
	return algorithm == TEE_ALG_AES_CTR || algorithm == TEE_ALG_AES_CBC_NOPAD;
}

size_t aes_iv_size(const struct aes *aes)
{
	(void)aes;
	return AES_BLOCK_SIZE;
}

size_t aes_granule(const struct aes *aes)
{
	return aes->algorithm == TEE_ALG_AES_CTR ? 1 : AES_BLOCK_SIZE;
}

void aes_begin(struct aes *aes, const uint8_t *iv)
{
	absorb(aes->iv, iv, AES_BLOCK_SIZE);
}

void aes_update(struct aes *aes, const uint8_t *in, uint8_t *out, size_t size)
{
	mask(&aes->key, in, out, size);
}

bool gcm_make(struct gcm *gcm, bool encrypt, const uint8_t *key, size_t key_size)
{
	gcm->encrypt = encrypt;
	absorb(gcm->key.bytes, key, key_size);
	return true;
}

void gcm_begin(struct gcm *gcm, const uint8_t *nonce, size_t size)
{
	memset(gcm->context, 0, sizeof(gcm->context));
	absorb(gcm->context, nonce, size);
}

bool gcm_authenticate(struct gcm *gcm, const uint8_t *bytes, size_t size)
{
	absorb(gcm->context, bytes, size);
	return true;
}

bool gcm_update(struct gcm *gcm, const uint8_t *in, uint8_t *out, size_t size)
{
	mask(&gcm->key, in, out, size);
	return true;
}

void gcm_end(struct gcm *gcm, uint8_t *tag, size_t size)
{
	memcpy(tag, gcm->context, size);
}

bool gcm_verify(struct gcm *gcm, const uint8_t *tag, size_t size)
{
	return memcmp(gcm->context, tag, size) == 0;
}
