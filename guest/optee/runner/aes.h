/* SPDX-License-Identifier: BSD-3-Clause */
/* AES in the modes ECB, CBC and CTR, in mid-stream. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AES_BLOCK_SIZE	 16
#define AES_SCHEDULE_MAX 256

struct aes_schedule {
	_Alignas(16) uint8_t bytes[AES_SCHEDULE_MAX];
};

struct aes {
	uint32_t algorithm;
	bool encrypt;
	struct aes_schedule key;
	uint8_t iv[AES_BLOCK_SIZE];
	/* Of CTR: a block of the key stream, and how much of it has been used. */
	uint8_t stream[AES_BLOCK_SIZE];
	unsigned int used;
};

/*
 * Make a cipher with its key. Returns false if there is none such here.
 */
bool aes_make(struct aes *aes, uint32_t algorithm, bool encrypt, const uint8_t *key,
	      size_t key_size);

/*
 * How large an IV must be; 0 if none is read.
 */
size_t aes_iv_size(const struct aes *aes);

/*
 * Of how many bytes what it takes must be a multiple.
 */
size_t aes_granule(const struct aes *aes);

/*
 * Begin a stream.
 */
void aes_begin(struct aes *aes, const uint8_t *iv);

/*
 * Take so many bytes, at least one, and give as many. Both may be in one place, but may not overlap
 * otherwise.
 */
void aes_update(struct aes *aes, const uint8_t *in, uint8_t *out, size_t size);
