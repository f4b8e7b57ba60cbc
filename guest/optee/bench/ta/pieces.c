// SPDX-License-Identifier: BSD-3-Clause
#include <bench_ta.h>
#include <pieces.h>
#include <stdint.h>

#define TAG_SIZE 16

typedef TEE_Result (*updater)(TEE_OperationHandle operation, const void *in, size_t size, void *out,
			      size_t *out_size);

static size_t piece_at(size_t at, size_t size)
{
	return size - at < BENCH_PIECE ? size - at : BENCH_PIECE;
}

/* What comes out is as long as what goes in. */
static TEE_Result update_all(updater update, TEE_OperationHandle operation, TEE_Param params[4])
{
	const uint8_t *in = params[0].memref.buffer;
	uint8_t *out = params[1].memref.buffer;
	const size_t size = params[0].memref.size;

	if (params[1].memref.size < size) {
		return TEE_ERROR_SHORT_BUFFER;
	}
	params[1].memref.size = size;
	for (size_t at = 0; at < size; at += BENCH_PIECE) {
		size_t piece = piece_at(at, size);
		TEE_Result result = update(operation, in + at, piece, out + at, &piece);

		if (result != TEE_SUCCESS) {
			return result;
		}
	}
	return TEE_SUCCESS;
}

TEE_Result pieces_sha256(struct prepared *prepared, TEE_Param params[4])
{
	const uint8_t *in = params[0].memref.buffer;
	const size_t size = params[0].memref.size;

	for (size_t at = 0; at < size; at += BENCH_PIECE) {
		TEE_DigestUpdate(prepared->sha256, in + at, piece_at(at, size));
	}
	return TEE_DigestDoFinal(prepared->sha256, NULL, 0, params[1].memref.buffer,
				 &params[1].memref.size);
}

TEE_Result pieces_aes_ctr(struct prepared *prepared, TEE_Param params[4])
{
	static const uint8_t counter[16];
	size_t nothing = 0;
	TEE_Result result = TEE_SUCCESS;

	TEE_CipherInit(prepared->aes_ctr, counter, sizeof(counter));
	result = update_all(TEE_CipherUpdate, prepared->aes_ctr, params);
	return result != TEE_SUCCESS
		       ? result
		       : TEE_CipherDoFinal(prepared->aes_ctr, NULL, 0, NULL, &nothing);
}

TEE_Result pieces_aes_gcm(struct prepared *prepared, TEE_Param params[4])
{
	/* Never twice with a key that matters. */
	static const uint8_t nonce[12];
	uint8_t tag[TAG_SIZE];
	size_t tag_size = sizeof(tag);
	size_t nothing = 0;
	TEE_Result result = TEE_AEInit(prepared->aes_gcm, nonce, sizeof(nonce), TAG_SIZE * 8, 0, 0);

	if (result == TEE_SUCCESS) {
		result = update_all(TEE_AEUpdate, prepared->aes_gcm, params);
	}
	if (result == TEE_SUCCESS) {
		result = TEE_AEEncryptFinal(prepared->aes_gcm, NULL, 0, NULL, &nothing, tag,
					    &tag_size);
	}
	return result;
}
