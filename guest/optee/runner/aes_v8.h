/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcrypto's AES by the processor's instructions, which its own headers do not show. Which
 * libcrypto this is, images/runner/packages.lock says.
 */
#pragma once

#include "aes.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>
#include <openssl/modes.h>

_Static_assert(sizeof(AES_KEY) <= AES_SCHEDULE_MAX, "AES_KEY");

int aes_v8_set_encrypt_key(const unsigned char *key, int bits, AES_KEY *schedule);
int aes_v8_set_decrypt_key(const unsigned char *key, int bits, AES_KEY *schedule);
void aes_v8_encrypt(const unsigned char *in, unsigned char *out, const AES_KEY *schedule);
void aes_v8_ecb_encrypt(const unsigned char *in, unsigned char *out, size_t size,
			const AES_KEY *schedule, int encrypt);
void aes_v8_cbc_encrypt(const unsigned char *in, unsigned char *out, size_t size,
			const AES_KEY *schedule, unsigned char *iv, int encrypt);
void aes_v8_ctr32_encrypt_blocks(const unsigned char *in, unsigned char *out, size_t blocks,
				 const void *schedule, const unsigned char iv[AES_BLOCK_SIZE]);

/*
 * Prepare a key. Returns false if this processor has no AES, or the key's size is none of AES's.
 */
bool aes_v8_prepare(struct aes_schedule *schedule, bool encrypt, const uint8_t *key,
		    size_t key_size);

static inline AES_KEY *aes_v8_key(struct aes_schedule *schedule)
{
	return (AES_KEY *)(void *)schedule->bytes;
}
