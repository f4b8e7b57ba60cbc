/* SPDX-License-Identifier: BSD-3-Clause */
/* mbedTLS's SHA-384 with the compression function that measurements use. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/sha512.h>

#include <lib/string.h>

#include "fp_switch.h"
#include "sha.h"

int mbedtls_internal_sha512_process(mbedtls_sha512_context *context, const unsigned char data[128])
{
	_Alignas(16) uint64_t state[8];
	_Alignas(16) uint8_t block[SHA512_BLOCK_SIZE];

	memcpy(state, context->state, sizeof(state));
	memcpy(block, data, sizeof(block));
	fp_take();
	sha512_blocks(state, block, 1);
	memcpy(context->state, state, sizeof(state));
	explicit_bzero(state, sizeof(state));
	explicit_bzero(block, sizeof(block));
	return 0;
}
