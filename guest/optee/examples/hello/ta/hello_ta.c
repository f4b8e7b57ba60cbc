// SPDX-License-Identifier: BSD-3-Clause
/* A Trusted Application that increments a number and changes a buffer: the least there is to one.
 */
#include <hello_ta.h>
#include <stdint.h>
#include <tee_internal_api.h>

TEE_Result TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param params[4], void **session)
{
	(void)params;
	(void)session;
	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE,
				     TEE_PARAM_TYPE_NONE)) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	IMSG("hello from a Trusted Application");
	return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session)
{
	(void)session;
}

static TEE_Result increment(uint32_t types, TEE_Param params[4])
{
	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INOUT, TEE_PARAM_TYPE_NONE,
				     TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE)) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	if (params[0].value.a == UINT32_MAX) {
		return TEE_ERROR_OVERFLOW;
	}
	params[0].value.a++;
	return TEE_SUCCESS;
}

static TEE_Result capitals(uint32_t types, TEE_Param params[4])
{
	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
				     TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE)) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	const uint8_t *text = params[0].memref.buffer;
	uint8_t *result = params[1].memref.buffer;
	const size_t size = params[0].memref.size;
	const size_t room = params[1].memref.size;

	params[1].memref.size = size;
	if (room < size) {
		return TEE_ERROR_SHORT_BUFFER;
	}
	for (size_t i = 0; i < size; i++) {
		/* Once: the client can change its memory at any time. */
		const uint8_t byte = ((const volatile uint8_t *)text)[i];
		const bool is_small = byte >= 'a' && byte <= 'z';

		result[i] = is_small ? (uint8_t)(byte - 'a' + 'A') : byte;
	}
	return TEE_SUCCESS;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
				      TEE_Param params[4])
{
	(void)session;
	switch (command) {
	case HELLO_CMD_INCREMENT:
		return increment(types, params);
	case HELLO_CMD_CAPITALS:
		return capitals(types, params);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
