/* SPDX-License-Identifier: BSD-3-Clause */
#include "aes.h"

#include <abi/tee.h>
#include <string.h>
#include <sys/auxv.h>

#include "aes_v8.h"

bool aes_v8_prepare(struct aes_schedule *schedule, bool encrypt, const uint8_t *key,
		    size_t key_size)
{
	int bits = (int)key_size * 8;

	if ((getauxval(AT_HWCAP) & HWCAP_AES) == 0 ||
	    (key_size != 16 && key_size != 24 && key_size != 32)) {
		return false;
	}
	return (encrypt ? aes_v8_set_encrypt_key(key, bits, aes_v8_key(schedule))
			: aes_v8_set_decrypt_key(key, bits, aes_v8_key(schedule))) == 0;
}

bool aes_make(struct aes *aes, uint32_t algorithm, bool encrypt, const uint8_t *key,
	      size_t key_size)
{
	bool counts = algorithm == TEE_ALG_AES_CTR;

	if (!counts && algorithm != TEE_ALG_AES_ECB_NOPAD && algorithm != TEE_ALG_AES_CBC_NOPAD) {
		return false;
	}
	aes->algorithm = algorithm;
	aes->encrypt = encrypt;
	return aes_v8_prepare(&aes->key, encrypt || counts, key, key_size);
}

size_t aes_iv_size(const struct aes *aes)
{
	return aes->algorithm == TEE_ALG_AES_ECB_NOPAD ? 0 : AES_BLOCK_SIZE;
}

size_t aes_granule(const struct aes *aes)
{
	return aes->algorithm == TEE_ALG_AES_CTR ? 1 : AES_BLOCK_SIZE;
}

void aes_begin(struct aes *aes, const uint8_t *iv)
{
	memcpy(aes->iv, iv, aes_iv_size(aes));
	aes->used = 0;
}

void aes_update(struct aes *aes, const uint8_t *in, uint8_t *out, size_t size)
{
	const AES_KEY *key = aes_v8_key(&aes->key);

	switch (aes->algorithm) {
	case TEE_ALG_AES_ECB_NOPAD:
		aes_v8_ecb_encrypt(in, out, size, key, aes->encrypt);
		break;
	case TEE_ALG_AES_CBC_NOPAD:
		aes_v8_cbc_encrypt(in, out, size, key, aes->iv, aes->encrypt);
		break;
	default:
		CRYPTO_ctr128_encrypt_ctr32(in, out, size, key, aes->iv, aes->stream, &aes->used,
					    aes_v8_ctr32_encrypt_blocks);
		break;
	}
}
