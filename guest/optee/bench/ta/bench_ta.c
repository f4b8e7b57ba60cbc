// SPDX-License-Identifier: BSD-3-Clause
/* A Trusted Application to be measured: each command is one operation on the client's memory. */
#include <bench_ta.h>
#include <pieces.h>
#include <prepared.h>
#include <stdint.h>
#include <tee_internal_api.h>

#define TAG_SIZE 16

TEE_Result TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param params[4], void **session)
{
	(void)types;
	(void)params;
	*session = TEE_Malloc(sizeof(struct prepared), TEE_MALLOC_FILL_ZERO);
	return *session != NULL ? TEE_SUCCESS : TEE_ERROR_OUT_OF_MEMORY;
}

void TA_CloseSessionEntryPoint(void *session)
{
	prepared_free(session);
	TEE_Free(session);
}

static TEE_Result sha256(struct prepared *prepared, TEE_Param params[4])
{
	return TEE_DigestDoFinal(prepared->sha256, params[0].memref.buffer, params[0].memref.size,
				 params[1].memref.buffer, &params[1].memref.size);
}

static TEE_Result aes_ctr(struct prepared *prepared, TEE_Param params[4])
{
	static const uint8_t counter[16];

	TEE_CipherInit(prepared->aes_ctr, counter, sizeof(counter));
	return TEE_CipherDoFinal(prepared->aes_ctr, params[0].memref.buffer, params[0].memref.size,
				 params[1].memref.buffer, &params[1].memref.size);
}

static TEE_Result aes_gcm(struct prepared *prepared, TEE_Param params[4])
{
	/* Never twice with a key that matters. */
	static const uint8_t nonce[12];
	uint8_t tag[TAG_SIZE];
	size_t tag_size = sizeof(tag);
	TEE_Result result = TEE_AEInit(prepared->aes_gcm, nonce, sizeof(nonce), TAG_SIZE * 8, 0, 0);

	if (result == TEE_SUCCESS) {
		result = TEE_AEEncryptFinal(prepared->aes_gcm, params[0].memref.buffer,
					    params[0].memref.size, params[1].memref.buffer,
					    &params[1].memref.size, tag, &tag_size);
	}
	return result;
}

static TEE_Result sign(TEE_OperationHandle operation, TEE_Param params[4])
{
	return TEE_AsymmetricSignDigest(operation, NULL, 0, params[0].memref.buffer,
					params[0].memref.size, params[1].memref.buffer,
					&params[1].memref.size);
}

static TEE_Result transform(struct prepared *prepared, uint32_t command, TEE_Param params[4])
{
	switch (command) {
	case BENCH_CMD_SHA256:
		return sha256(prepared, params);
	case BENCH_CMD_AES_CTR:
		return aes_ctr(prepared, params);
	case BENCH_CMD_AES_GCM:
		return aes_gcm(prepared, params);
	case BENCH_CMD_SHA256_PIECES:
		return pieces_sha256(prepared, params);
	case BENCH_CMD_AES_CTR_PIECES:
		return pieces_aes_ctr(prepared, params);
	case BENCH_CMD_AES_GCM_PIECES:
		return pieces_aes_gcm(prepared, params);
	case BENCH_CMD_RSA_SIGN:
		return sign(prepared->rsa, params);
	case BENCH_CMD_P256_SIGN:
		return sign(prepared->p256, params);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}

static TEE_Result write_object(struct prepared *prepared, TEE_Param params[4])
{
	TEE_Result result = TEE_SeekObjectData(prepared->object, 0, TEE_DATA_SEEK_SET);

	if (result == TEE_SUCCESS) {
		result = TEE_WriteObjectData(prepared->object, params[0].memref.buffer,
					     params[0].memref.size);
	}
	return result;
}

static TEE_Result read_object(struct prepared *prepared, TEE_Param params[4])
{
	TEE_Result result = TEE_SeekObjectData(prepared->object, 0, TEE_DATA_SEEK_SET);

	if (result == TEE_SUCCESS) {
		result = TEE_ReadObjectData(prepared->object, params[0].memref.buffer,
					    params[0].memref.size, &params[0].memref.size);
	}
	return result;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
				      TEE_Param params[4])
{
	struct prepared *prepared = session;
	uint32_t wanted = TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
					  TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE);

	if (command == BENCH_CMD_NOTHING) {
		return TEE_SUCCESS;
	}
	if (command == BENCH_CMD_PREPARE) {
		return prepared_make(prepared);
	}
	if (command == BENCH_CMD_WRITE || command == BENCH_CMD_READ) {
		wanted = TEE_PARAM_TYPES(command == BENCH_CMD_WRITE ? TEE_PARAM_TYPE_MEMREF_INPUT
								    : TEE_PARAM_TYPE_MEMREF_OUTPUT,
					 TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE,
					 TEE_PARAM_TYPE_NONE);
	}
	if (types != wanted) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (prepared->object == TEE_HANDLE_NULL) {
		return TEE_ERROR_BAD_STATE;
	}
	switch (command) {
	case BENCH_CMD_WRITE:
		return write_object(prepared, params);
	case BENCH_CMD_READ:
		return read_object(prepared, params);
	default:
		return transform(prepared, command, params);
	}
}
