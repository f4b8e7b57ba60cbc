/* SPDX-License-Identifier: BSD-3-Clause */
#include <mbedtls/ecdsa.h>
#include <mbedtls/sha512.h>

#include <lib/string.h>

#include "attest/heap.h"
#include "attest/random.h"
#include "attest/signer.h"

/* Basic operations of ECP between two interruptions. */
#define STEP_OPERATIONS 200U
#define HASH_SIZE	48U
#define POINT_SIZE	(1U + 2U * CCA_COORDINATE_SIZE) /* SEC 1, uncompressed */

struct es384 {
	mbedtls_ecp_group group;
	mbedtls_mpi key;
	mbedtls_mpi r;
	mbedtls_mpi s;
	mbedtls_ecdsa_restart_ctx restart;
	uint8_t hash[HASH_SIZE];
	struct heap heap;
};
_Static_assert(sizeof(struct es384) <= SIGNER_SIZE, "a signer holds it");

static struct es384 *es384_of(struct signer *signer)
{
	return (struct es384 *)(void *)signer->memory;
}

/* Blinding only: no bit of a result depends on it. */
static int blind(void *context, unsigned char *to, size_t size)
{
	(void)context;
	return random_fill(to, size) ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

void signer_init(void)
{
	mbedtls_ecp_set_max_ops(STEP_OPERATIONS);
}

static int load_key(struct es384 *es384, const uint8_t *key)
{
	int error;

	memset(es384, 0, sizeof(*es384));
	heap_init(&es384->heap);
	heap_use(&es384->heap);
	mbedtls_ecp_group_init(&es384->group);
	mbedtls_mpi_init(&es384->key);
	mbedtls_mpi_init(&es384->r);
	mbedtls_mpi_init(&es384->s);
	mbedtls_ecdsa_restart_init(&es384->restart);
	error = mbedtls_ecp_group_load(&es384->group, MBEDTLS_ECP_DP_SECP384R1);
	if (error == 0) {
		error = mbedtls_mpi_read_binary(&es384->key, key, EL3_KEY_P384_SIZE);
	}
	return error == 0 ? mbedtls_ecp_check_privkey(&es384->group, &es384->key) : error;
}

bool signer_public_key(const uint8_t key[EL3_KEY_P384_SIZE],
		       uint8_t point[2U * CCA_COORDINATE_SIZE])
{
	struct signer scratch;
	struct es384 *es384 = es384_of(&scratch);
	mbedtls_ecp_point public;
	uint8_t encoded[POINT_SIZE];
	size_t size;
	int error = load_key(es384, key);

	mbedtls_ecp_point_init(&public);
	if (error == 0) {
		error = mbedtls_ecp_mul(&es384->group, &public, &es384->key, &es384->group.G, blind,
					NULL);
	}
	if (error == 0) {
		error = mbedtls_ecp_point_write_binary(&es384->group, &public,
						       MBEDTLS_ECP_PF_UNCOMPRESSED, &size, encoded,
						       sizeof(encoded));
	}
	if (error == 0) {
		memcpy(point, encoded + 1, sizeof(encoded) - 1U);
	}
	heap_use(NULL);
	signer_end(&scratch);
	return error == 0;
}

static int hash_parts(uint8_t *hash, const struct signer_part *parts, size_t count)
{
	mbedtls_sha512_context context;
	int error;

	mbedtls_sha512_init(&context);
	error = mbedtls_sha512_starts(&context, 1 /* SHA-384 */);
	for (size_t n = 0; n < count && error == 0; n++) {
		error = mbedtls_sha512_update(&context, parts[n].bytes, parts[n].size);
	}
	if (error == 0) {
		error = mbedtls_sha512_finish(&context, hash);
	}
	mbedtls_sha512_free(&context);
	return error;
}

enum signer_status signer_begin(struct signer *signer, const uint8_t key[EL3_KEY_P384_SIZE],
				const struct signer_part *parts, size_t count)
{
	struct es384 *es384 = es384_of(signer);
	int error = load_key(es384, key);

	if (error == 0) {
		error = hash_parts(es384->hash, parts, count);
	}
	heap_use(NULL);
	if (error != 0) {
		signer_end(signer);
		return SIGNER_FAILED;
	}
	return SIGNER_BUSY;
}

enum signer_status signer_step(struct signer *signer, uint8_t signature[CCA_SIGNATURE_SIZE])
{
	struct es384 *es384 = es384_of(signer);
	int error;

	heap_use(&es384->heap);
	error = mbedtls_ecdsa_sign_det_restartable(&es384->group, &es384->r, &es384->s, &es384->key,
						   es384->hash, sizeof(es384->hash),
						   MBEDTLS_MD_SHA384, blind, NULL, &es384->restart);
	if (error == 0) {
		error = mbedtls_mpi_write_binary(&es384->r, signature, CCA_SIGNATURE_SIZE / 2U);
	}
	if (error == 0) {
		error = mbedtls_mpi_write_binary(&es384->s, signature + CCA_SIGNATURE_SIZE / 2U,
						 CCA_SIGNATURE_SIZE / 2U);
	}
	heap_use(NULL);
	if (error == MBEDTLS_ERR_ECP_IN_PROGRESS) {
		return SIGNER_BUSY;
	}
	signer_end(signer);
	return error == 0 ? SIGNER_DONE : SIGNER_FAILED;
}

/* Nothing of it lies elsewhere: what mbedTLS allocated is in the heap, which is wiped as well. */
void signer_end(struct signer *signer)
{
	explicit_bzero(signer, sizeof(*signer));
}
