// SPDX-License-Identifier: BSD-3-Clause
/*
 * Shared memory: the client's own, which travels with each call that uses it. So registering it
 * only checks and notes, and freeing it frees what the library allocated.
 */
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>
#include <tee_client_api_extensions.h>

#include <abi/tee_client.h>

#include "export.h"

#define DIRECTIONS (TEEC_MEM_INPUT | TEEC_MEM_OUTPUT)
/* In imp.flags: buffer is the library's. */
#define ALLOCATED 1

static bool has_valid_flags(const TEEC_SharedMemory *memory)
{
	return memory->flags != 0 && (memory->flags & ~(uint32_t)DIRECTIONS) == 0;
}

static void note(TEEC_SharedMemory *memory, uint32_t flags)
{
	memset(&memory->imp, 0, sizeof(memory->imp));
	memory->imp.id = -1;
	memory->imp.registered_fd = -1;
	memory->imp.alloced_size = memory->size;
	memory->imp.flags = flags;
}

EXPORT TEEC_Result TEEC_RegisterSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem)
{
	if (context == NULL || sharedMem == NULL || !has_valid_flags(sharedMem) ||
	    sharedMem->buffer == NULL) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	note(sharedMem, 0);
	return TEEC_SUCCESS;
}

EXPORT TEEC_Result TEEC_AllocateSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem)
{
	if (context == NULL || sharedMem == NULL || !has_valid_flags(sharedMem)) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}

	/* Of size 0, too, it has an address; beyond the limit no call could pass it whole. */
	void *buffer = NULL;
	size_t size = sharedMem->size != 0 ? sharedMem->size : 1;

	if (size <= TEE_CLIENT_DATA_MAX && posix_memalign(&buffer, TEE_CLIENT_PAGE, size) != 0) {
		buffer = NULL;
	}
	sharedMem->buffer = buffer;
	if (buffer == NULL) {
		return TEEC_ERROR_OUT_OF_MEMORY;
	}
	memset(buffer, 0, size);
	note(sharedMem, ALLOCATED);
	return TEEC_SUCCESS;
}

EXPORT void TEEC_ReleaseSharedMemory(TEEC_SharedMemory *sharedMemory)
{
	if (sharedMemory == NULL) {
		return;
	}
	if ((sharedMemory->imp.flags & ALLOCATED) != 0) {
		free(sharedMemory->buffer);
	}
	sharedMemory->buffer = NULL;
	note(sharedMemory, 0);
}

EXPORT TEEC_Result TEEC_RegisterSharedMemoryFileDescriptor(TEEC_Context *context,
							   TEEC_SharedMemory *sharedMem, int fd)
{
	if (context == NULL || sharedMem == NULL || fd < 0 || !has_valid_flags(sharedMem)) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	return TEEC_ERROR_NOT_SUPPORTED;
}
