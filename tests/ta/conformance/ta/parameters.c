// SPDX-License-Identifier: BSD-3-Clause
/* Parameters of every kind: what the TA got is seen in what it gives. */
#include "report.h"

#include <string.h>

static uint32_t digest(uint32_t hash, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	while (size--) {
		hash = (hash ^ *byte++) * 16777619U;
	}
	return hash;
}

static uint32_t digest_parameter(uint32_t hash, uint32_t type, const TEE_Param *param)
{
	switch (type) {
	case TEE_PARAM_TYPE_VALUE_INPUT:
	case TEE_PARAM_TYPE_VALUE_INOUT:
		return digest(hash, &param->value, sizeof(param->value));
	case TEE_PARAM_TYPE_MEMREF_INPUT:
	case TEE_PARAM_TYPE_MEMREF_INOUT:
		hash = digest(hash, &param->memref.size, sizeof(param->memref.size));
		return param->memref.buffer ? digest(hash, param->memref.buffer, param->memref.size)
					    : hash + 1;
	default:
		return hash + type;
	}
}

static void change_memory(uint32_t hash, TEE_Param *param)
{
	const size_t size = param->memref.size;

	if (param->memref.buffer) {
		memset(param->memref.buffer, (int)(hash & 0xff), size);
	}
	/* One byte less than there was; of no memory, more than there is. */
	param->memref.size = size ? size - 1 : param->memref.buffer ? 0 : 7;
}

void echo_parameters(uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	uint32_t hash = 2166136261U;

	for (unsigned int i = 0; i < TEE_NUM_PARAMS; i++) {
		hash = digest_parameter(hash, TEE_PARAM_TYPE_GET(types, i), &params[i]);
	}
	for (unsigned int i = 0; i < TEE_NUM_PARAMS; i++) {
		switch (TEE_PARAM_TYPE_GET(types, i)) {
		case TEE_PARAM_TYPE_VALUE_INPUT:
		case TEE_PARAM_TYPE_VALUE_OUTPUT:
		case TEE_PARAM_TYPE_VALUE_INOUT:
			params[i].value.a = hash;
			params[i].value.b = ~hash;
			break;
		case TEE_PARAM_TYPE_MEMREF_OUTPUT:
		case TEE_PARAM_TYPE_MEMREF_INOUT:
			change_memory(hash, &params[i]);
			break;
		default:
			break;
		}
	}
}
