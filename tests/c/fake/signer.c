/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A signer without mbedTLS, whose source is not ours: "signatures" that anybody can make, in as
 * many steps as a test wants. The real one has tests of its own.
 */
#include <string.h>

#include "attest/signer.h"
#include "rmm.h"

struct fake_signer {
	uint64_t sum; /* of key and message */
	unsigned int steps;
};

static struct fake_signer *fake_of(struct signer *signer)
{
	return (struct fake_signer *)(void *)signer->memory;
}

uint64_t fake_signature_word(uint64_t sum, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t n = 0; n < size; n++) {
		sum = (sum ^ at[n]) * UINT64_C(0x100000001B3);
	}
	return sum;
}

void signer_init(void)
{
}

bool signer_public_key(const uint8_t key[EL3_KEY_P384_SIZE],
		       uint8_t point[2U * CCA_COORDINATE_SIZE])
{
	memcpy(point, key, EL3_KEY_P384_SIZE);
	memcpy(point + EL3_KEY_P384_SIZE, key, EL3_KEY_P384_SIZE);
	return !fake_signer_fails;
}

enum signer_status signer_begin(struct signer *signer, const uint8_t key[EL3_KEY_P384_SIZE],
				const struct signer_part *parts, size_t count)
{
	struct fake_signer *fake = fake_of(signer);

	memset(signer, 0, sizeof(*signer));
	fake->sum = fake_signature_word(0, key, EL3_KEY_P384_SIZE);
	for (size_t n = 0; n < count; n++) {
		fake->sum = fake_signature_word(fake->sum, parts[n].bytes, parts[n].size);
	}
	return fake_signer_fails ? SIGNER_FAILED : SIGNER_BUSY;
}

enum signer_status signer_step(struct signer *signer, uint8_t signature[CCA_SIGNATURE_SIZE])
{
	struct fake_signer *fake = fake_of(signer);

	fake->steps++;
	if (!fake_signer_fails && fake->steps < fake_signer_steps) {
		return SIGNER_BUSY;
	}
	for (size_t n = 0; n < CCA_SIGNATURE_SIZE; n += sizeof(fake->sum)) {
		memcpy(signature + n, &fake->sum, sizeof(fake->sum));
	}
	signer_end(signer);
	return fake_signer_fails ? SIGNER_FAILED : SIGNER_DONE;
}

void signer_end(struct signer *signer)
{
	memset(signer, 0, sizeof(*signer));
}
