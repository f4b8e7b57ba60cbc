// SPDX-License-Identifier: BSD-3-Clause
/*
 * A counter that never goes back: its value is an object in the TA's own storage, which nobody else
 * can read or write. How far the storage itself can be put back is the TEE's affair.
 */
#include <counter_ta.h>
#include <stdint.h>
#include <tee_internal_api.h>

static const char object_id[] = "counter";
static const uint32_t storage = TEE_STORAGE_PRIVATE;
static const uint32_t access = TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE;

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
	(void)session;
	return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session)
{
	(void)session;
}

/* Opens the counter, made at 0 if there is none; the caller closes it. */
static TEE_Result open_counter(TEE_ObjectHandle *counter)
{
	const uint64_t zero = 0;
	const TEE_Result result =
		TEE_OpenPersistentObject(storage, object_id, sizeof(object_id), access, counter);

	if (result != TEE_ERROR_ITEM_NOT_FOUND) {
		return result;
	}
	IMSG("beginning to count");
	return TEE_CreatePersistentObject(storage, object_id, sizeof(object_id), access,
					  TEE_HANDLE_NULL, &zero, sizeof(zero), counter);
}

static TEE_Result read_value(TEE_ObjectHandle counter, uint64_t *value)
{
	size_t size = 0;
	const TEE_Result result = TEE_ReadObjectData(counter, value, sizeof(*value), &size);

	if (result != TEE_SUCCESS) {
		return result;
	}
	return size == sizeof(*value) ? TEE_SUCCESS : TEE_ERROR_CORRUPT_OBJECT;
}

static TEE_Result advance(TEE_ObjectHandle counter, uint64_t *value)
{
	if (*value == UINT64_MAX) {
		return TEE_ERROR_OVERFLOW;
	}
	const TEE_Result result = TEE_SeekObjectData(counter, 0, TEE_DATA_SEEK_SET);

	if (result != TEE_SUCCESS) {
		return result;
	}
	++*value;
	/* Storage writes the whole of it or nothing. */
	return TEE_WriteObjectData(counter, value, sizeof(*value));
}

static TEE_Result count(bool is_advance, TEE_Param *param)
{
	TEE_ObjectHandle counter = TEE_HANDLE_NULL;
	uint64_t value = 0;
	TEE_Result result = open_counter(&counter);

	if (result != TEE_SUCCESS) {
		return result;
	}
	/* Wherever opening or making it has left the position. */
	result = TEE_SeekObjectData(counter, 0, TEE_DATA_SEEK_SET);
	if (result == TEE_SUCCESS) {
		result = read_value(counter, &value);
	}
	if (result == TEE_SUCCESS && is_advance) {
		result = advance(counter, &value);
	}
	TEE_CloseObject(counter);
	if (result == TEE_SUCCESS) {
		param->value.a = (uint32_t)value;
		param->value.b = (uint32_t)(value >> 32);
	}
	return result;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
				      TEE_Param params[4])
{
	(void)session;
	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_OUTPUT, TEE_PARAM_TYPE_NONE,
				     TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE)) {
		return TEE_ERROR_BAD_PARAMETERS;
	}
	switch (command) {
	case COUNTER_CMD_ADVANCE:
		return count(true, &params[0]);
	case COUNTER_CMD_READ:
		return count(false, &params[0]);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
