// SPDX-License-Identifier: BSD-3-Clause
/* Prints what a TEE answers to the conformance TA, and to its client; or one part of that:
 *
 *     conformance [client | cases | panics]
 */
#include "client.h"

#include <conformance.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ROOM (96 * 1024)

static const TEEC_UUID uuid = CONFORMANCE_UUID;
static char text[ROOM];

static TEEC_Result ask(TEEC_Session *session, uint32_t command, uint32_t index, uint32_t is_asked,
		       size_t *size, uint32_t *origin)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_OUTPUT, TEEC_VALUE_INPUT, TEEC_NONE,
					       TEEC_NONE),
		.params = { { .tmpref = { .buffer = text, .size = ROOM } },
			    { .value = { .a = index, .b = is_asked } } },
	};
	const TEEC_Result result = TEEC_InvokeCommand(session, command, &operation, origin);

	*size = operation.params[0].tmpref.size;
	return result;
}

/* Run a case; return whether there is one. */
static bool run_case(TEEC_Session *session, uint32_t index)
{
	uint32_t origin = 0;
	size_t size = 0;
	const TEEC_Result result = ask(session, CONFORMANCE_CMD_CASE, index, 0, &size, &origin);

	if (result == TEEC_SUCCESS) {
		fwrite(text, 1, size, stdout);
	} else if (result != TEEC_ERROR_ITEM_NOT_FOUND) {
		printf("case %u: %#x %u\n", index, result, origin);
	}
	return result != TEEC_ERROR_ITEM_NOT_FOUND;
}

/* End the TA in one way; return whether there is that. */
static bool run_panic(TEEC_Session *session, uint32_t index)
{
	uint32_t origin = 0;
	size_t size = 0;
	TEEC_Result result = ask(session, CONFORMANCE_CMD_PANIC, index, 1, &size, &origin);

	if (result == TEEC_SUCCESS) {
		printf("panic %.*s:", (int)size, text);
		result = ask(session, CONFORMANCE_CMD_PANIC, index, 0, &size, &origin);
		printf(" %#x %u", result, origin);
		result = TEEC_InvokeCommand(session, CONFORMANCE_CMD_ECHO, NULL, &origin);
		printf(", then %#x %u\n", result, origin);
	}
	return result != TEEC_ERROR_ITEM_NOT_FOUND;
}

/* Run all, each in a session of its own. */
static void run_all(TEEC_Context *context, bool (*run)(TEEC_Session *session, uint32_t index))
{
	bool is_left = true;

	for (uint32_t index = 0; is_left; index++) {
		TEEC_Session session;
		uint32_t origin = 0;
		const TEEC_Result result = TEEC_OpenSession(context, &session, &uuid,
							    TEEC_LOGIN_PUBLIC, NULL, NULL, &origin);

		if (result != TEEC_SUCCESS) {
			printf("opening: %#x %u\n", result, origin);
			return;
		}
		is_left = run(&session, index);
		TEEC_CloseSession(&session);
		fflush(stdout);
	}
}

int main(int count, char **words)
{
	const char *part = count > 1 ? words[1] : "";
	TEEC_Context context;
	TEEC_Result result = TEEC_InitializeContext(NULL, &context);

	setvbuf(stdout, NULL, _IOLBF, 0);

	if (result != TEEC_SUCCESS) {
		printf("no TEE: %#x\n", result);
		return 1;
	}
	if (!*part || !strcmp(part, "client")) {
		try_opening(&context);
		try_parameters(&context);
		try_shared_memory(&context);
		try_cancelling(&context);
	}
	if (!*part || !strcmp(part, "cases")) {
		run_all(&context, run_case);
	}
	if (!*part || !strcmp(part, "panics")) {
		run_all(&context, run_panic);
	}
	TEEC_FinalizeContext(&context);
	return 0;
}
