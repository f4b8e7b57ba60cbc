/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generation of one CCA attestation token (DEN0137 A7.2): what a REC's REC_AUX granule holds.
 * Like the running REC it belongs to the PE that runs it.
 */
#pragma once

#include "attest/signer.h"
#include "realm.h"

/* Its label in the CCA token, and a COSE_Sign1 of a realm that is measured with SHA-512. */
#define TOKEN_REALM_PART_MAX 768U

enum token_state {
	TOKEN_NONE, /* what a granule of zeros says */
	TOKEN_SIGNING,
	TOKEN_WRITING, /* signed, and not yet handed over whole */
};

struct token {
	uint32_t state; /* enum token_state */
	uint32_t realm_part_size;
	uint64_t written; /* bytes of the token that the realm has */
	uint8_t realm_part[TOKEN_REALM_PART_MAX];
	struct signer signer;
};
_Static_assert(sizeof(struct token) <= GRANULE_SIZE, "a token's generation fits its granule");

/*
 * Begins anew, with the realm's measurements as they are; the caller holds the lock of its RD.
 * False, in state TOKEN_NONE, if no token can be made.
 */
bool token_begin(struct token *token, const struct realm *realm,
		 const uint8_t challenge[CCA_CHALLENGE_SIZE]);

/* Bytes of the whole token, from token_begin() on. */
uint64_t token_size(const struct token *token);

/* In state TOKEN_SIGNING: signs for a while. Then the state may be another. */
void token_sign(struct token *token);

/* In state TOKEN_WRITING: writes the next `size` bytes, or what is left; returns how many. */
uint64_t token_write(struct token *token, uint8_t *to, uint64_t size);
