// SPDX-License-Identifier: BSD-3-Clause
/* The counter TA's client: `counter` advances the counter and prints it, `counter read` reads it.
 */
#include <counter_ta.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

static void check(TEEC_Result result, const uint32_t *origin, const char *what)
{
	if (result != TEEC_SUCCESS) {
		fprintf(stderr, "counter: %s: result 0x%08" PRIx32 ", origin %" PRIu32 "\n", what,
			result, *origin);
		exit(EXIT_FAILURE);
	}
}

int main(int count, char *words[])
{
	static const TEEC_UUID uuid = COUNTER_TA_UUID;
	const int only_read = count > 1 && strcmp(words[1], "read") == 0;
	TEEC_Operation operation = { 0 };
	TEEC_Context context;
	TEEC_Session session;
	uint32_t origin = TEEC_ORIGIN_API;

	if (count > 2 || (count == 2 && !only_read)) {
		fprintf(stderr, "usage: counter [read]\n");
		return 2;
	}
	check(TEEC_InitializeContext(NULL, &context), &origin, "finding a TEE");
	check(TEEC_OpenSession(&context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin),
	      &origin, "opening a session");
	operation.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, TEEC_NONE, TEEC_NONE, TEEC_NONE);
	check(TEEC_InvokeCommand(&session, only_read ? COUNTER_CMD_READ : COUNTER_CMD_ADVANCE,
				 &operation, &origin),
	      &origin, only_read ? "reading" : "advancing");
	printf("%" PRIu64 "\n",
	       (uint64_t)operation.params[0].value.b << 32 | operation.params[0].value.a);
	TEEC_CloseSession(&session);
	TEEC_FinalizeContext(&context);
	return EXIT_SUCCESS;
}
