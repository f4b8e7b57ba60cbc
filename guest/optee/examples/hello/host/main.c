// SPDX-License-Identifier: BSD-3-Clause
/* The hello TA's client: has a number incremented and a text put into capitals, and prints both. */
#include <hello_ta.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

static void check(TEEC_Result result, const uint32_t *origin, const char *what)
{
	if (result != TEEC_SUCCESS) {
		fprintf(stderr, "hello: %s: result 0x%08" PRIx32 ", origin %" PRIu32 "\n", what,
			result, *origin);
		exit(EXIT_FAILURE);
	}
}

static void increment(TEEC_Session *session, uint32_t number)
{
	TEEC_Operation operation = { 0 };
	uint32_t origin = TEEC_ORIGIN_API;

	operation.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, TEEC_NONE, TEEC_NONE, TEEC_NONE);
	operation.params[0].value.a = number;
	check(TEEC_InvokeCommand(session, HELLO_CMD_INCREMENT, &operation, &origin), &origin,
	      "incrementing");
	printf("%" PRIu32 " becomes %" PRIu32 "\n", number, operation.params[0].value.a);
}

static void capitals(TEEC_Session *session, char *text)
{
	TEEC_Operation operation = { 0 };
	uint32_t origin = TEEC_ORIGIN_API;
	const size_t size = strlen(text);
	char *result = malloc(size + 1);

	if (result == NULL) {
		check(TEEC_ERROR_OUT_OF_MEMORY, &origin, "making room");
		return;
	}
	operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_OUTPUT,
						TEEC_NONE, TEEC_NONE);
	operation.params[0].tmpref.buffer = text;
	operation.params[0].tmpref.size = size;
	operation.params[1].tmpref.buffer = result;
	operation.params[1].tmpref.size = size;
	check(TEEC_InvokeCommand(session, HELLO_CMD_CAPITALS, &operation, &origin), &origin,
	      "making capitals");
	printf("%s becomes %.*s\n", text, (int)operation.params[1].tmpref.size, result);
	free(result);
}

int main(int count, char *words[])
{
	static const TEEC_UUID uuid = HELLO_TA_UUID;
	char text[] = "hello, realm";
	TEEC_Context context;
	TEEC_Session session;
	uint32_t origin = TEEC_ORIGIN_API;
	const uint32_t number = count > 1 ? (uint32_t)strtoul(words[1], NULL, 0) : 42;

	check(TEEC_InitializeContext(NULL, &context), &origin, "finding a TEE");
	check(TEEC_OpenSession(&context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin),
	      &origin, "opening a session");
	increment(&session, number);
	capitals(&session, count > 2 ? words[2] : text);
	TEEC_CloseSession(&session);
	TEEC_FinalizeContext(&context);
	return EXIT_SUCCESS;
}
