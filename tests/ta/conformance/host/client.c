// SPDX-License-Identifier: BSD-3-Clause
/* Sessions, parameters, memory and cancellation, as a client sees them. */
#include "client.h"

#include <conformance.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const TEEC_UUID uuid = CONFORMANCE_UUID;
static TEEC_Session session;
static uint8_t bytes[4][64];

#define TYPES(a, b, c, d) TEEC_PARAM_TYPES(TEEC_##a, TEEC_##b, TEEC_##c, TEEC_##d)

static void open_with(TEEC_Context *context, const TEEC_UUID *whom, uint32_t login,
		      const char *name, TEEC_Operation *operation)
{
	uint32_t origin = 99;
	const TEEC_Result result =
		TEEC_OpenSession(context, &session, whom, login, NULL, operation, &origin);

	printf("opening %s: %#x %u\n", name, result, origin);
	if (result == TEEC_SUCCESS) {
		TEEC_CloseSession(&session);
	}
}

void try_opening(TEEC_Context *context)
{
	const TEEC_UUID nobody = { 1, 2, 3, { 4 } };
	TEEC_Operation operation = { .paramTypes = TYPES(VALUE_INOUT, NONE, NONE, NONE) };
	TEEC_Context other;

	printf("== client: opening\n");
	open_with(context, &nobody, TEEC_LOGIN_PUBLIC, "nobody", NULL);
	open_with(context, &uuid, TEEC_LOGIN_PUBLIC, "it", NULL);
	open_with(context, &uuid, TEEC_LOGIN_USER, "it as a user", NULL);
	open_with(context, &uuid, 0x1234, "it as something", NULL);
	operation.params[0].value.a = 0;
	operation.params[0].value.b = 41;
	open_with(context, &uuid, TEEC_LOGIN_PUBLIC, "it with a value", &operation);
	printf("values %#x %u\n", operation.params[0].value.a, operation.params[0].value.b);
	operation.params[0].value.a = 0xffff0003;
	open_with(context, &uuid, TEEC_LOGIN_PUBLIC, "it to be refused", &operation);
	printf("values %#x %u\n", operation.params[0].value.a, operation.params[0].value.b);
	operation.params[0].value.a = 0x1234;
	open_with(context, &uuid, TEEC_LOGIN_PUBLIC, "it to be refused otherwise", &operation);
	printf("another TEE: %#x\n", TEEC_InitializeContext("none", &other));
}

static void show(const char *name, TEEC_Result result, uint32_t origin,
		 const TEEC_Operation *operation)
{
	printf("%s: %#x %u\n", name, result, origin);
	for (unsigned int i = 0; i < TEEC_CONFIG_PAYLOAD_REF_COUNT; i++) {
		const uint32_t type = TEEC_PARAM_TYPE_GET(operation->paramTypes, i);
		const TEEC_Parameter *param = &operation->params[i];

		if (type == TEEC_NONE) {
			continue;
		}
		if (type <= TEEC_VALUE_INOUT) {
			printf("  %u: %#x %#x\n", i, param->value.a, param->value.b);
		} else if (type <= TEEC_MEMREF_TEMP_INOUT) {
			printf("  %u: %zu\n", i, param->tmpref.size);
		} else {
			printf("  %u: %zu\n", i, param->memref.size);
		}
	}
}

static void invoke(const char *name, uint32_t command, TEEC_Operation *operation)
{
	uint32_t origin = 99;
	const TEEC_Result result = TEEC_InvokeCommand(&session, command, operation, &origin);

	show(name, result, origin, operation);
	for (unsigned int i = 0; i < 4; i++) {
		printf("  %02x %02x %02x %02x\n", bytes[i][0], bytes[i][12], bytes[i][13],
		       bytes[i][63]);
	}
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		bytes[i / 64][i % 64] = (uint8_t)i;
	}
}

static TEEC_Operation temporary(uint32_t types)
{
	TEEC_Operation operation = { .paramTypes = types };

	for (unsigned int i = 0; i < 4; i++) {
		operation.params[i].tmpref.buffer = bytes[i];
		operation.params[i].tmpref.size = 13 * i;
	}
	return operation;
}

void try_parameters(TEEC_Context *context)
{
	TEEC_Operation operation = { .paramTypes =
					     TYPES(VALUE_INPUT, VALUE_OUTPUT, VALUE_INOUT, NONE) };
	uint32_t origin = 99;

	printf("== client: parameters\n");
	if (TEEC_OpenSession(context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin)) {
		return;
	}
	memset(operation.params, 5, sizeof(operation.params));
	invoke("values", CONFORMANCE_CMD_ECHO, &operation);
	operation = temporary(TYPES(MEMREF_TEMP_INPUT, MEMREF_TEMP_OUTPUT, MEMREF_TEMP_INOUT,
				    MEMREF_TEMP_OUTPUT));
	invoke("temporary memory", CONFORMANCE_CMD_ECHO, &operation);
	operation =
		temporary(TYPES(VALUE_INOUT, MEMREF_TEMP_INOUT, MEMREF_TEMP_INPUT, VALUE_OUTPUT));
	operation.params[0].value.a = 1;
	operation.params[0].value.b = 2;
	invoke("failing", CONFORMANCE_CMD_ECHO_AND_FAIL, &operation);
	operation =
		temporary(TYPES(MEMREF_TEMP_INOUT, MEMREF_TEMP_OUTPUT, MEMREF_TEMP_INPUT, NONE));
	for (unsigned int i = 0; i < 3; i++) {
		operation.params[i].tmpref.buffer = NULL;
		operation.params[i].tmpref.size = 0;
	}
	invoke("no memory", CONFORMANCE_CMD_ECHO, &operation);
	memset(&operation, 0, sizeof(operation));
	operation.paramTypes = 0x8;
	invoke("an unknown type", CONFORMANCE_CMD_ECHO, &operation);
	operation.paramTypes = TYPES(MEMREF_WHOLE, NONE, NONE, NONE);
	operation.paramTypes = 0;
	invoke("an unknown command", 0x55555, &operation);
	TEEC_CloseSession(&session);
}

void try_shared_memory(TEEC_Context *context)
{
	TEEC_SharedMemory ours = { .buffer = bytes,
				   .size = sizeof(bytes),
				   .flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT };
	TEEC_SharedMemory its = { .size = 100, .flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT };
	TEEC_SharedMemory input = { .size = 50, .flags = TEEC_MEM_INPUT };
	TEEC_SharedMemory nothing = { .size = 0, .flags = TEEC_MEM_INPUT };
	TEEC_SharedMemory wrong = { .size = 10, .flags = 8 };
	TEEC_Operation operation = {
		.paramTypes = TYPES(MEMREF_PARTIAL_INPUT, MEMREF_PARTIAL_INOUT, MEMREF_WHOLE,
				    MEMREF_WHOLE),
	};
	uint32_t origin = 99;

	printf("== client: shared memory\n");
	printf("ours: %#x\n", TEEC_RegisterSharedMemory(context, &ours));
	printf("its: %#x\n", TEEC_AllocateSharedMemory(context, &its));
	printf("input: %#x\n", TEEC_AllocateSharedMemory(context, &input));
	printf("nothing: %#x\n", TEEC_AllocateSharedMemory(context, &nothing));
	printf("wrong: %#x\n", TEEC_AllocateSharedMemory(context, &wrong));
	printf("none: %#x\n", TEEC_AllocateSharedMemory(context, NULL));
	if (TEEC_OpenSession(context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin)) {
		return;
	}
	memset(its.buffer, 7, its.size);
	memset(input.buffer, 8, input.size);
	operation.params[0].memref = (TEEC_RegisteredMemoryReference){ &ours, 10, 3 };
	operation.params[1].memref = (TEEC_RegisteredMemoryReference){ &ours, 20, 60 };
	operation.params[2].memref.parent = &its;
	operation.params[3].memref.parent = &input;
	invoke("parts and wholes", CONFORMANCE_CMD_ECHO, &operation);
	printf("  %02x %02x %02x\n", ((uint8_t *)its.buffer)[0], ((uint8_t *)its.buffer)[99],
	       ((uint8_t *)input.buffer)[0]);
	operation.paramTypes = TYPES(MEMREF_PARTIAL_OUTPUT, NONE, NONE, NONE);
	operation.params[0].memref = (TEEC_RegisteredMemoryReference){ &input, 10, 3 };
	invoke("output into what is for input", CONFORMANCE_CMD_ECHO, &operation);
	operation.params[0].memref = (TEEC_RegisteredMemoryReference){ &ours, 300, 0 };
	invoke("more than there is", CONFORMANCE_CMD_ECHO, &operation);
	operation.params[0].memref = (TEEC_RegisteredMemoryReference){ &ours, 256, 0 };
	invoke("nothing at the end", CONFORMANCE_CMD_ECHO, &operation);
	operation.params[0].memref = (TEEC_RegisteredMemoryReference){ &ours, 8, SIZE_MAX - 3 };
	invoke("beyond everything", CONFORMANCE_CMD_ECHO, &operation);
	TEEC_CloseSession(&session);
	TEEC_ReleaseSharedMemory(&ours);
	TEEC_ReleaseSharedMemory(&its);
	TEEC_ReleaseSharedMemory(&input);
	TEEC_ReleaseSharedMemory(&nothing);
}

static void *cancel(void *argument)
{
	TEEC_Operation *operation = argument;

	for (int i = 0; i < 1000 && !operation->started; i++) {
		usleep(1000);
	}
	usleep(200 * 1000);
	TEEC_RequestCancellation(operation);
	return NULL;
}

void try_cancelling(TEEC_Context *context)
{
	TEEC_Operation operation = { .paramTypes = TYPES(VALUE_INPUT, NONE, NONE, NONE) };
	uint32_t origin = 99;
	pthread_t thread;

	printf("== client: cancelling\n");
	if (TEEC_OpenSession(context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin)) {
		return;
	}
	operation.params[0].value.a = 60000;
	pthread_create(&thread, NULL, cancel, &operation);
	const TEEC_Result result =
		TEEC_InvokeCommand(&session, CONFORMANCE_CMD_WAIT, &operation, &origin);

	pthread_join(thread, NULL);
	printf("cancelled: %#x %u\n", result, origin);
	TEEC_CloseSession(&session);
}
