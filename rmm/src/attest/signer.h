/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ES384 (RFC 9053, 2.1) with nonces by RFC 6979, a step at a time. All that a signature needs is in
 * its struct signer, so any PE can do the next step.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/attestation.h>
#include <abi/el3.h>

#define SIGNER_SIZE 3152U

struct signer {
	_Alignas(16) uint8_t memory[SIGNER_SIZE];
};

enum signer_status {
	SIGNER_BUSY,
	SIGNER_DONE,
	SIGNER_FAILED,
};

/* A part of the message that is signed. */
struct signer_part {
	const void *bytes;
	size_t size;
};

/* Once, before any other function here. */
void signer_init(void);

/* The public point, x and y, that belongs to a private key; false if it is none. */
bool signer_public_key(const uint8_t key[EL3_KEY_P384_SIZE],
		       uint8_t point[2U * CCA_COORDINATE_SIZE]);

/* Begins to sign the message that the parts make up. */
enum signer_status signer_begin(struct signer *signer, const uint8_t key[EL3_KEY_P384_SIZE],
				const struct signer_part *parts, size_t count);

/* Goes on, for some 1.3 million instructions at the most; SIGNER_DONE has written the signature. */
enum signer_status signer_step(struct signer *signer, uint8_t signature[CCA_SIGNATURE_SIZE]);

/* Forgets everything, at any time. */
void signer_end(struct signer *signer);
