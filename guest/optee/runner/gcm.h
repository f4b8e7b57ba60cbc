/* SPDX-License-Identifier: BSD-3-Clause */
/* AES-GCM in mid-stream. */
#pragma once

#include "aes.h"

#define GCM_CONTEXT_MAX 512
#define GCM_TAG_MAX	16

struct gcm {
	bool encrypt;
	struct aes_schedule key;
	_Alignas(16) uint8_t context[GCM_CONTEXT_MAX];
};

/*
 * Make a cipher with its key. Returns false if it cannot be had here.
 */
bool gcm_make(struct gcm *gcm, bool encrypt, const uint8_t *key, size_t key_size);

/*
 * Begin a message with a nonce, which is not empty.
 */
void gcm_begin(struct gcm *gcm, const uint8_t *nonce, size_t size);

/*
 * Take what is authenticated only, before all else. Returns false if that is too much for GCM.
 */
bool gcm_authenticate(struct gcm *gcm, const uint8_t *bytes, size_t size);

/*
 * Take so many bytes, and give as many, as aes_update() does. Returns false if the message is too
 * long for GCM.
 */
bool gcm_update(struct gcm *gcm, const uint8_t *in, uint8_t *out, size_t size);

/*
 * End an encryption: so many bytes of its tag.
 */
void gcm_end(struct gcm *gcm, uint8_t *tag, size_t size);

/*
 * End a decryption: whether its tag is this.
 */
bool gcm_verify(struct gcm *gcm, const uint8_t *tag, size_t size);
