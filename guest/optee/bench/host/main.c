// SPDX-License-Identifier: BSD-3-Clause
/*
 * The bench TA's client: does each operation a number of times, and prints what it took. It is the
 * same for any TEE that libteec reaches.
 *
 *     bench [SAMPLES [NAME]]: of each operation, or of those whose name begins so
 */
#include <bench_ta.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

#include "series.h"

#define DIGEST_SIZE    32
#define SIGNATURE_SIZE 256
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

struct operation {
	const char *name;
	uint32_t command;
	size_t sizes[6]; /* of what goes in, or for READ comes out; the first 0 ends them */
	size_t result;	 /* 0: as large as what goes in */
};

static const TEEC_UUID uuid = BENCH_TA_UUID;
static const struct operation transforms[] = {
	{ "sha256", BENCH_CMD_SHA256, { 64, 1024, 4096, 65536, 1 << 20 }, DIGEST_SIZE },
	{ "aes-128-ctr", BENCH_CMD_AES_CTR, { 64, 1024, 4096, 65536, 1 << 20 }, 0 },
	{ "aes-128-gcm", BENCH_CMD_AES_GCM, { 64, 1024, 4096, 65536, 1 << 20 }, 0 },
	{ "sha256-pieces", BENCH_CMD_SHA256_PIECES, { 65536 }, DIGEST_SIZE },
	{ "aes-128-ctr-pieces", BENCH_CMD_AES_CTR_PIECES, { 65536 }, 0 },
	{ "aes-128-gcm-pieces", BENCH_CMD_AES_GCM_PIECES, { 65536 }, 0 },
	{ "rsa-2048-sign", BENCH_CMD_RSA_SIGN, { DIGEST_SIZE }, SIGNATURE_SIZE },
	{ "p-256-sign", BENCH_CMD_P256_SIGN, { DIGEST_SIZE }, SIGNATURE_SIZE },
	{ "object-write", BENCH_CMD_WRITE, { 64, 4096, 65536 }, 0 },
	{ "object-read", BENCH_CMD_READ, { 64, 4096, 65536 }, 0 },
};

static const uint32_t api = TEEC_ORIGIN_API;
static unsigned int wanted = 20;
static const char *only = "";
static struct series series;
static TEEC_Context context;

/* The origin comes by its address: it is there when the result is, and not when the arguments are.
 */
static void check(TEEC_Result result, const uint32_t *origin, const char *what)
{
	if (result != TEEC_SUCCESS) {
		printf("bench: Bail out! %s: result 0x%08" PRIx32 ", origin %" PRIu32 "\n", what,
		       result, *origin);
		exit(EXIT_FAILURE);
	}
}

static bool is_wanted(const char *name)
{
	return strncmp(name, only, strlen(only)) == 0;
}

static void open_session(TEEC_Session *session)
{
	uint32_t origin = TEEC_ORIGIN_API;

	check(TEEC_OpenSession(&context, session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &origin),
	      &origin, "opening a session");
}

static void invoke(TEEC_Session *session, uint32_t command, TEEC_Operation *operation,
		   const char *name)
{
	uint32_t origin = TEEC_ORIGIN_API;

	check(TEEC_InvokeCommand(session, command, operation, &origin), &origin, name);
}

/*
 * Measures opening and closing, of which one cannot be had without the other. What a TEE prepares
 * for the next session, or tidies up after the last, is no part of either: it has the time for that
 * which it has when clients come now and then.
 */
static void measure_sessions(bool closing)
{
	TEEC_Session session;

	series_begin(&series, closing ? "close-session" : "open-session", 0, wanted);
	while (series_goes_on(&series)) {
		uint64_t start;

		series_rest(&series);
		start = series_now();
		open_session(&session);
		if (!closing) {
			series_add(&series, start);
		}
		series_rest(&series);
		start = series_now();
		TEEC_CloseSession(&session);
		if (closing) {
			series_add(&series, start);
		}
	}
	series_print(&series);
}

/* Measures whole sessions, one after the other, with all that they make a TEE do. */
static void measure_rows(void)
{
	TEEC_Session session;

	series_begin(&series, "sessions-in-a-row", 0, wanted);
	while (series_goes_on(&series)) {
		const uint64_t start = series_now();

		open_session(&session);
		TEEC_CloseSession(&session);
		series_add(&series, start);
	}
	series_print(&series);
}

static void measure_invocations(TEEC_Session *session)
{
	invoke(session, BENCH_CMD_NOTHING, NULL, "invoke");
	series_begin(&series, "invoke", 0, wanted);
	while (series_goes_on(&series)) {
		const uint64_t start = series_now();

		invoke(session, BENCH_CMD_NOTHING, NULL, "invoke");
		series_add(&series, start);
	}
	series_print(&series);
}

/* Writes the object that is to be read. */
static void fill_object(TEEC_Session *session, size_t size, TEEC_SharedMemory *memory)
{
	TEEC_Operation operation = { 0 };

	operation.paramTypes =
		TEEC_PARAM_TYPES(TEEC_MEMREF_PARTIAL_INPUT, TEEC_NONE, TEEC_NONE, TEEC_NONE);
	operation.params[0].memref.parent = memory;
	operation.params[0].memref.size = size;
	invoke(session, BENCH_CMD_WRITE, &operation, "object-read");
}

static void measure(TEEC_Session *session, const struct operation *what, size_t size,
		    TEEC_SharedMemory memory[2])
{
	TEEC_Operation operation = { 0 };
	const size_t sizes[2] = { size, what->result != 0 ? what->result : size };
	const bool writes = what->command == BENCH_CMD_WRITE;
	const bool reads = what->command == BENCH_CMD_READ;

	operation.paramTypes = TEEC_PARAM_TYPES(
		reads ? TEEC_MEMREF_PARTIAL_OUTPUT : TEEC_MEMREF_PARTIAL_INPUT,
		reads || writes ? TEEC_NONE : TEEC_MEMREF_PARTIAL_OUTPUT, TEEC_NONE, TEEC_NONE);
	operation.params[0].memref.parent = &memory[reads ? 1 : 0];
	operation.params[1].memref.parent = &memory[1];
	if (reads) {
		fill_object(session, size, &memory[0]);
	}
	/* The first time, which may have cost something of its own, does not count. */
	for (bool counts = false;; counts = true) {
		const uint64_t start = series_now();

		operation.params[0].memref.size = sizes[0];
		operation.params[1].memref.size = sizes[1];
		invoke(session, what->command, &operation, what->name);
		if (!counts) {
			series_begin(&series, what->name, size, wanted);
			continue;
		}
		series_add(&series, start);
		if (!series_goes_on(&series)) {
			break;
		}
	}
	series_print(&series);
}

static void measure_transforms(TEEC_Session *session)
{
	TEEC_SharedMemory memory[2] = { { .size = 1 << 20, .flags = TEEC_MEM_INPUT },
					{ .size = 1 << 20, .flags = TEEC_MEM_OUTPUT } };

	for (size_t i = 0; i < COUNT(memory); i++) {
		check(TEEC_AllocateSharedMemory(&context, &memory[i]), &api, "allocating memory");
	}
	memset(memory[0].buffer, 0x5a, memory[0].size);
	for (size_t i = 0; i < COUNT(transforms); i++) {
		if (!is_wanted(transforms[i].name)) {
			continue;
		}
		for (const size_t *size = transforms[i].sizes; *size != 0; size++) {
			measure(session, &transforms[i], *size, memory);
		}
	}
	for (size_t i = 0; i < COUNT(memory); i++) {
		TEEC_ReleaseSharedMemory(&memory[i]);
	}
}

int main(int count, char *words[])
{
	TEEC_Session session;

	if (count > 1) {
		wanted = (unsigned int)strtoul(words[1], NULL, 0);
	}
	if (count > 2) {
		only = words[2];
	}
	check(TEEC_InitializeContext(NULL, &context), &api, "finding a TEE");
	/* The first session of a TEE may cost more than all others. */
	open_session(&session);
	if (is_wanted("open-session")) {
		measure_sessions(false);
	}
	if (is_wanted("close-session")) {
		measure_sessions(true);
	}
	if (is_wanted("sessions-in-a-row")) {
		measure_rows();
	}
	if (is_wanted("invoke")) {
		measure_invocations(&session);
	}
	invoke(&session, BENCH_CMD_PREPARE, NULL, "preparing");
	measure_transforms(&session);
	TEEC_CloseSession(&session);
	TEEC_FinalizeContext(&context);
	puts("bench: end");
	return EXIT_SUCCESS;
}
