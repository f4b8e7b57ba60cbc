/* SPDX-License-Identifier: BSD-3-Clause */
#include "gcm.h"

#include <openssl/crypto.h>

#include "aes_v8.h"

/*
 * libcrypto's contexts point at their key, whose place would not be that of a copy. So they point
 * here, where it is put before each use.
 */
static struct aes_schedule current;

/* What the next context that libcrypto asks memory for is to be. */
static uint8_t *room;

/*
 * All memory that libcrypto wants of this program is a context of GCM's. These stand in for its
 * own, which would bring all of libcrypto along.
 */
void *CRYPTO_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size <= GCM_CONTEXT_MAX ? room : NULL;
}

void CRYPTO_clear_free(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	OPENSSL_cleanse(memory, size);
}

static GCM128_CONTEXT *enter(struct gcm *gcm)
{
	current = gcm->key;
	return (GCM128_CONTEXT *)(void *)gcm->context;
}

bool gcm_make(struct gcm *gcm, bool encrypt, const uint8_t *key, size_t key_size)
{
	gcm->encrypt = encrypt;
	if (!aes_v8_prepare(&gcm->key, true, key, key_size)) {
		return false;
	}
	current = gcm->key;
	room = gcm->context;
	return CRYPTO_gcm128_new(current.bytes, (block128_f)aes_v8_encrypt) != NULL;
}

void gcm_begin(struct gcm *gcm, const uint8_t *nonce, size_t size)
{
	CRYPTO_gcm128_setiv(enter(gcm), nonce, size);
}

bool gcm_authenticate(struct gcm *gcm, const uint8_t *bytes, size_t size)
{
	return CRYPTO_gcm128_aad(enter(gcm), bytes, size) == 0;
}

bool gcm_update(struct gcm *gcm, const uint8_t *in, uint8_t *out, size_t size)
{
	int (*update)(GCM128_CONTEXT *, const uint8_t *, uint8_t *, size_t, ctr128_f) =
		gcm->encrypt ? CRYPTO_gcm128_encrypt_ctr32 : CRYPTO_gcm128_decrypt_ctr32;

	return update(enter(gcm), in, out, size, aes_v8_ctr32_encrypt_blocks) == 0;
}

void gcm_end(struct gcm *gcm, uint8_t *tag, size_t size)
{
	CRYPTO_gcm128_tag(enter(gcm), tag, size);
}

bool gcm_verify(struct gcm *gcm, const uint8_t *tag, size_t size)
{
	return CRYPTO_gcm128_finish(enter(gcm), tag, size) == 0;
}
