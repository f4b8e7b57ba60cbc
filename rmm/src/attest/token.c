/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/check.h>
#include <lib/string.h>

#include "attest/cbor.h"
#include "attest/platform.h"
#include "attest/token.h"
#include "measure.h"

#define PROFILE "tag:arm.com,2023:realm#1.0.0"

/* {1: -35}: the protected header of a COSE_Sign1 by ES384. */
static const uint8_t protected_header[] = { 0xA1, 0x01, 0x38, 0x22 };

static const uint8_t no_signature[CCA_SIGNATURE_SIZE];

static void write_measurements(struct cbor *cbor, const struct realm *realm)
{
	size_t size = hash_size(realm->hash_algorithm);

	cbor_integer(cbor, CCA_REALM_INITIAL_MEASUREMENT);
	cbor_bytes(cbor, realm->measurement[MEASURE_RIM].bytes, size);
	cbor_integer(cbor, CCA_REALM_EXTENSIBLE_MEASUREMENTS);
	cbor_head(cbor, CBOR_ARRAY, REALM_MEASUREMENTS - 1U);
	for (unsigned int n = MEASURE_RIM + 1U; n < REALM_MEASUREMENTS; n++) {
		cbor_bytes(cbor, realm->measurement[n].bytes, size);
	}
}

static void write_claims(struct cbor *cbor, const struct realm *realm, const uint8_t *challenge)
{
	cbor_head(cbor, CBOR_MAP, CCA_REALM_CLAIM_COUNT);
	cbor_integer(cbor, CCA_REALM_CHALLENGE);
	cbor_bytes(cbor, challenge, CCA_CHALLENGE_SIZE);
	cbor_integer(cbor, CCA_REALM_PERSONALIZATION_VALUE);
	cbor_bytes(cbor, realm->rpv, sizeof(realm->rpv));
	cbor_integer(cbor, CCA_REALM_PUBLIC_KEY);
	cbor_bytes(cbor, platform()->cose_key, PLATFORM_COSE_KEY_SIZE);
	cbor_integer(cbor, CCA_REALM_HASH_ALGORITHM);
	cbor_text(cbor, realm->hash_algorithm == RMI_HASH_SHA_512 ? "sha-512" : "sha-256");
	cbor_integer(cbor, CCA_REALM_PUBLIC_KEY_HASH_ALGORITHM);
	cbor_text(cbor, "sha-256");
	cbor_integer(cbor, CCA_REALM_PROFILE);
	cbor_text(cbor, PROFILE);
	write_measurements(cbor, realm);
}

/* COSE_Sign1 of the claims up to the signature, which is zeros yet (RFC 9052, 4.2). */
static void write_sign1(struct cbor *cbor, const struct realm *realm, const uint8_t *challenge)
{
	struct cbor claims = { .to = NULL };

	write_claims(&claims, realm, challenge);
	cbor_head(cbor, CBOR_TAG, COSE_SIGN1_TAG);
	cbor_head(cbor, CBOR_ARRAY, 4);
	cbor_bytes(cbor, protected_header, sizeof(protected_header));
	cbor_head(cbor, CBOR_MAP, 0);
	cbor_head(cbor, CBOR_BYTES, claims.size);
	write_claims(cbor, realm, challenge);
	cbor_bytes(cbor, no_signature, sizeof(no_signature));
}

static void write_realm_part(struct cbor *cbor, const struct realm *realm, const uint8_t *challenge)
{
	struct cbor sign1 = { .to = NULL };

	write_sign1(&sign1, realm, challenge);
	cbor_integer(cbor, CCA_REALM_TOKEN);
	cbor_head(cbor, CBOR_BYTES, sign1.size);
	write_sign1(cbor, realm, challenge);
}

static uint8_t *signature_of(struct token *token)
{
	return token->realm_part + token->realm_part_size - CCA_SIGNATURE_SIZE;
}

/* Sig_structure: what is signed of a COSE_Sign1 (RFC 9052, 4.4). */
static enum signer_status begin_signature(struct token *token, size_t claims_size)
{
	uint8_t head[32];
	struct cbor cbor = { .to = head, .capacity = sizeof(head) };
	struct cbor signature = { .to = NULL };
	struct signer_part parts[2];

	cbor_head(&cbor, CBOR_ARRAY, 4);
	cbor_text(&cbor, "Signature1");
	cbor_bytes(&cbor, protected_header, sizeof(protected_header));
	cbor_bytes(&cbor, "", 0); /* no external data */
	cbor_head(&cbor, CBOR_BYTES, claims_size);
	CHECK(cbor.size <= sizeof(head));
	cbor_bytes(&signature, no_signature, sizeof(no_signature));
	parts[0] = (struct signer_part){ head, cbor.size };
	parts[1] = (struct signer_part){
		token->realm_part + token->realm_part_size - signature.size - claims_size,
		claims_size,
	};
	return signer_begin(&token->signer, platform()->key, parts, ARRAY_COUNT(parts));
}

bool token_begin(struct token *token, const struct realm *realm,
		 const uint8_t challenge[CCA_CHALLENGE_SIZE])
{
	struct cbor cbor = { .to = token->realm_part, .capacity = sizeof(token->realm_part) };
	struct cbor claims = { .to = NULL };

	memset(token, 0, sizeof(*token));
	if (platform() == NULL) {
		return false;
	}
	write_claims(&claims, realm, challenge);
	write_realm_part(&cbor, realm, challenge);
	CHECK(cbor.size <= sizeof(token->realm_part));
	token->realm_part_size = (uint32_t)cbor.size;
	if (begin_signature(token, claims.size) == SIGNER_FAILED) {
		return false;
	}
	token->state = TOKEN_SIGNING;
	return true;
}

uint64_t token_size(const struct token *token)
{
	return platform()->part_size + token->realm_part_size;
}

void token_sign(struct token *token)
{
	switch (signer_step(&token->signer, signature_of(token))) {
	case SIGNER_BUSY:
		break;
	case SIGNER_DONE:
		token->state = TOKEN_WRITING;
		break;
	case SIGNER_FAILED:
	default:
		token->state = TOKEN_NONE;
		break;
	}
}

/* Copies what of `part`, which the token has from `offset` on, lies in its next `size` bytes. */
static uint64_t copy_part(const struct token *token, uint64_t offset, const uint8_t *part,
			  uint64_t part_size, uint8_t *to, uint64_t size)
{
	uint64_t from = token->written - offset;
	uint64_t count;

	if (token->written < offset || from >= part_size) {
		return 0;
	}
	count = min_u64(part_size - from, size);
	memcpy(to, part + from, count);
	return count;
}

uint64_t token_write(struct token *token, uint8_t *to, uint64_t size)
{
	const struct platform *from = platform();
	uint64_t first = copy_part(token, 0, from->part, from->part_size, to, size);
	uint64_t second;

	token->written += first;
	second = copy_part(token, from->part_size, token->realm_part, token->realm_part_size,
			   to + first, size - first);
	token->written += second;
	if (token->written == token_size(token)) {
		memset(token, 0, sizeof(*token));
	}
	return first + second;
}
