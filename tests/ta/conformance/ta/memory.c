// SPDX-License-Identifier: BSD-3-Clause
/* Memory: the heap, the rights to it, and instance data. */
#include "report.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <tee_internal_api_extensions.h>

#define ALL_RIGHTS (TEE_MEMORY_ACCESS_READ | TEE_MEMORY_ACCESS_WRITE | TEE_MEMORY_ACCESS_ANY_OWNER)

static const char constant[] = "constant";
static char variable[16];

static void heap(void)
{
	uint8_t *bytes = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);
	uint32_t sum = 0;

	for (size_t i = 0; i < 100; i++) {
		sum += bytes[i];
	}
	report("sum of what is filled with zeros: %u", sum);
	fill_pattern(bytes, 100);
	bytes = TEE_Realloc(bytes, 5000);
	for (size_t i = 0; i < 5000; i++) {
		sum += bytes[i];
	}
	report("sum of what has grown: %u", sum);
	bytes = TEE_Realloc(bytes, 10);
	report_bytes("what has shrunk", bytes, 10);
	TEE_Free(bytes);
	TEE_Free(NULL);
	report("TEE_Malloc(0): %d", TEE_Malloc(0, 0) != NULL);
	report("TEE_Realloc(NULL, 8): %d", TEE_Realloc(NULL, 8) != NULL);
	report("more than there is: %d", TEE_Malloc(4 << 20, 0) != NULL);
	report("as much as can be: %d", TEE_Malloc(SIZE_MAX, 0) != NULL);
}

static void exhaustion(void)
{
	void *blocks[600] = {};
	size_t count = 0;

	while (count < ARRAY_COUNT(blocks) && (blocks[count] = TEE_Malloc(4096, 0))) {
		count++;
	}
	report("a heap of 512 KiB has %d blocks of 4 KiB", count > 80 && count < 128);
	while (count--) {
		TEE_Free(blocks[count]);
	}
	blocks[0] = TEE_Malloc(200000, 0);
	report("and is whole again: %d", blocks[0] != NULL);
	TEE_Free(blocks[0]);
}

static void c_library(void)
{
	uint8_t *aligned = memalign(256, 100);
	uint8_t *zeros = calloc(10, 10);

	report("memalign: %zu", (size_t)(uintptr_t)aligned % 256);
	report("calloc: %d", zeros[0] | zeros[99]);
	report("calloc of too much: %d", calloc(SIZE_MAX / 2, 4) != NULL);
	free(aligned);
	free(zeros);
	report("strtoul: %lu", strtoul("0x1234", NULL, 0));
}

static void comparing(void)
{
	char overlap[] = "0123456789";

	report("equal: %d", TEE_MemCompare("abc", "abc", 3));
	report("less: %d", TEE_MemCompare("abc", "abd", 3) < 0);
	report("greater: %d", TEE_MemCompare("\xff", "\x01", 1) > 0);
	report("nothing: %d", TEE_MemCompare("a", "b", 0));
	TEE_MemMove(overlap + 2, overlap, 8);
	report("moved up: %s", overlap);
	TEE_MemMove(overlap, overlap + 1, 9);
	report("moved down: %s", overlap);
	TEE_MemFill(overlap, 0x141, 3);
	report("filled: %s", overlap);
}

static void rights(void)
{
	char automatic[16];
	void *allocated = TEE_Malloc(64, 0);
	void *const code = (void *)(uintptr_t)report_begin;

	RESULT(TEE_CheckMemoryAccessRights(ALL_RIGHTS, automatic, sizeof(automatic)));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_WRITE, variable, sizeof(variable)));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, (void *)constant, 8));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_WRITE, (void *)constant, 8));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, code, 4));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_WRITE, code, 4));
	RESULT(TEE_CheckMemoryAccessRights(ALL_RIGHTS, allocated, 64));
	RESULT(TEE_CheckMemoryAccessRights(ALL_RIGHTS, NULL, 0));
	RESULT(TEE_CheckMemoryAccessRights(ALL_RIGHTS, NULL, 1));
	RESULT(TEE_CheckMemoryAccessRights(0, automatic, sizeof(automatic)));
	RESULT(TEE_CheckMemoryAccessRights(0, NULL, 1));
	RESULT(TEE_CheckMemoryAccessRights(0x40, automatic, sizeof(automatic)));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, automatic, SIZE_MAX));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, (void *)8, 8));
	RESULT(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, (void *)~0xfffUL, 0xfff));
	TEE_Free(allocated);
}

static void instance_data(void)
{
	report("at first: %d", TEE_GetInstanceData() == NULL);
	TEE_SetInstanceData(constant);
	report("then: %d", TEE_GetInstanceData() == constant);
	TEE_SetInstanceData(NULL);
	report("at last: %d", TEE_GetInstanceData() == NULL);
}

static void mapping(void)
{
	uint8_t *more = tee_map_zi(3 << 20, 0);

	report("3 MiB: %d", more != NULL);
	if (!more) {
		return;
	}
	report("zeros: %d %d", more[0], more[(3 << 20) - 1]);
	more[(3 << 20) - 1] = 1;
	RESULT(TEE_CheckMemoryAccessRights(ALL_RIGHTS, more, 3 << 20));
	RESULT(TEE_CheckMemoryAccessRights(ALL_RIGHTS, more, (3 << 20) + 1));
	RESULT(tee_unmap(more, 3 << 20));
	RESULT(TEE_CheckMemoryAccessRights(ALL_RIGHTS, more, 16));
}

const struct test_case memory_cases[] = {
	{ "heap", heap },
	{ "exhaustion of the heap", exhaustion },
	{ "the C library's heap", c_library },
	{ "comparing and moving", comparing },
	{ "rights to memory", rights },
	{ "instance data", instance_data },
	{ "mapping memory", mapping },
	{},
};
