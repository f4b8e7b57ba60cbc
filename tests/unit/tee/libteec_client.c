// SPDX-License-Identifier: BSD-3-Clause
/* A client of the TA of tee_echo.py: what libteec must do, case by case. */
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tee_client_api.h>
#include <tee_client_api_extensions.h>
#include <unistd.h>

#include "tap.h"

enum {
	ECHO,
	WAIT,
	RESULT,
	REGIONS,
	DIE,
	IDENTITY
};

#define THREADS			 8
#define ROUNDS			 200
#define PAGE			 4096

#define LAYOUT(type, member, at) _Static_assert(offsetof(type, member) == (at), #type "." #member)
_Static_assert(sizeof(TEEC_Context) == 8, "TEEC_Context");
_Static_assert(sizeof(TEEC_UUID) == 16, "TEEC_UUID");
_Static_assert(sizeof(TEEC_SharedMemory) == 56, "TEEC_SharedMemory");
_Static_assert(sizeof(TEEC_TempMemoryReference) == 16, "TEEC_TempMemoryReference");
_Static_assert(sizeof(TEEC_RegisteredMemoryReference) == 24, "TEEC_RegisteredMemoryReference");
_Static_assert(sizeof(TEEC_Value) == 8, "TEEC_Value");
_Static_assert(sizeof(TEEC_Parameter) == 24, "TEEC_Parameter");
_Static_assert(sizeof(TEEC_Session) == 16, "TEEC_Session");
_Static_assert(sizeof(TEEC_Operation) == 112, "TEEC_Operation");
LAYOUT(TEEC_Context, imp.reg_mem, 4);
LAYOUT(TEEC_Context, imp.memref_null, 5);
LAYOUT(TEEC_SharedMemory, size, 8);
LAYOUT(TEEC_SharedMemory, flags, 16);
LAYOUT(TEEC_SharedMemory, imp, 24);
LAYOUT(TEEC_RegisteredMemoryReference, size, 8);
LAYOUT(TEEC_RegisteredMemoryReference, offset, 16);
LAYOUT(TEEC_Operation, paramTypes, 4);
LAYOUT(TEEC_Operation, params, 8);
LAYOUT(TEEC_Operation, imp, 104);

static const TEEC_UUID ta = {
	0x6d7a1c4e, 0x9f57, 0x4a0e, { 0x8a, 0x55, 0x3c, 0x0d, 0x5e, 0x1f, 0x7b, 0x21 }
};
static TEEC_Context context;
static TEEC_Session session;

static TEEC_Result invoke(uint32_t command, TEEC_Operation *operation, uint32_t *origin)
{
	*origin = 0;
	return TEEC_InvokeCommand(&session, command, operation, origin);
}

static void values_and_memory_come_back(void)
{
	char in[] = "seal", inout[] = "abcde", out[10] = "..........";
	TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(
				      TEEC_VALUE_INOUT, TEEC_MEMREF_TEMP_INPUT,
				      TEEC_MEMREF_TEMP_OUTPUT, TEEC_MEMREF_TEMP_INOUT) };
	uint32_t origin;

	op.params[0].value = (TEEC_Value){ 1, 0xFFFFFFFF };
	op.params[1].tmpref = (TEEC_TempMemoryReference){ in, 4 };
	op.params[2].tmpref = (TEEC_TempMemoryReference){ out, sizeof(out) };
	op.params[3].tmpref = (TEEC_TempMemoryReference){ inout, 5 };
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_SUCCESS);
	EXPECT_EQ(origin, TEEC_ORIGIN_TRUSTED_APP);
	EXPECT_EQ(op.params[0].value.a, 0xFFFFFFFF);
	EXPECT_EQ(op.params[0].value.b, 1);
	EXPECT_EQ(op.params[2].tmpref.size, 4);
	EXPECT(memcmp(out, "seal......", sizeof(out)) == 0);
	EXPECT(strcmp(inout, "edcba") == 0);
	EXPECT_EQ(op.started, 1);
	EXPECT_EQ(invoke(ECHO, NULL, &origin), TEEC_SUCCESS);
	EXPECT_EQ(TEEC_InvokeCommand(&session, ECHO, NULL, NULL), TEEC_SUCCESS);
}

static void a_short_buffer_learns_its_size(void)
{
	char in[] = "0123456789", out[4] = "....";
	TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT,
							     TEEC_MEMREF_TEMP_OUTPUT, TEEC_NONE,
							     TEEC_NONE) };
	uint32_t origin;

	op.params[0].tmpref = (TEEC_TempMemoryReference){ in, 10 };
	op.params[1].tmpref = (TEEC_TempMemoryReference){ out, sizeof(out) };
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_ERROR_SHORT_BUFFER);
	EXPECT_EQ(origin, TEEC_ORIGIN_TRUSTED_APP);
	EXPECT_EQ(op.params[1].tmpref.size, 10);
	EXPECT(memcmp(out, "....", sizeof(out)) == 0);
}

static void null_and_empty_memory_are_allowed(void)
{
	char empty;
	TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(
				      TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_OUTPUT,
				      TEEC_MEMREF_TEMP_INOUT, TEEC_MEMREF_TEMP_INPUT) };
	uint32_t origin;

	op.params[2].tmpref.buffer = &empty;
	op.params[3].tmpref.buffer = &empty;
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_SUCCESS);
	EXPECT_EQ(op.params[1].tmpref.size, 0);
	op.params[0].tmpref.size = 1;
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(origin, TEEC_ORIGIN_API);
}

static void parts_of_a_parent_keep_their_distance(void)
{
	TEEC_SharedMemory shm = { .size = 64 * PAGE, .flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT };
	uint64_t told[7];
	TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(
				      TEEC_MEMREF_PARTIAL_INPUT, TEEC_MEMREF_PARTIAL_INOUT,
				      TEEC_MEMREF_PARTIAL_OUTPUT, TEEC_MEMREF_TEMP_OUTPUT) };
	uint32_t origin;

	EXPECT_EQ(TEEC_AllocateSharedMemory(&context, &shm), TEEC_SUCCESS);
	op.params[0].memref = (TEEC_RegisteredMemoryReference){ &shm, 100, 1000 };
	op.params[1].memref = (TEEC_RegisteredMemoryReference){ &shm, 10, 1090 };
	op.params[2].memref = (TEEC_RegisteredMemoryReference){ &shm, 50, 1200 };
	op.params[3].tmpref = (TEEC_TempMemoryReference){ told, sizeof(told) };
	EXPECT_EQ(invoke(REGIONS, &op, &origin), TEEC_SUCCESS);
	EXPECT_EQ(told[0], 2);
	EXPECT_EQ(told[1], 250);
	EXPECT_EQ(told[2], 1000);
	EXPECT_EQ(told[3], 0);
	EXPECT_EQ(told[4], 90);
	EXPECT_EQ(told[5], 200);
	op.params[1].memref = (TEEC_RegisteredMemoryReference){ &shm, 10, 40 * PAGE };
	op.params[2].memref = (TEEC_RegisteredMemoryReference){ &shm, 10, 60 * PAGE + 5 };
	op.params[3].tmpref.size = sizeof(told);
	EXPECT_EQ(invoke(REGIONS, &op, &origin), TEEC_SUCCESS);
	EXPECT_EQ(told[0], 4);
	TEEC_ReleaseSharedMemory(&shm);
	EXPECT(shm.buffer == NULL);
}

static void released_memory_can_be_allocated_again(void)
{
	TEEC_SharedMemory shm = { .size = 100, .flags = TEEC_MEM_INPUT };

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(TEEC_AllocateSharedMemory(&context, &shm), TEEC_SUCCESS);
		EXPECT_EQ(shm.size, 100);
		TEEC_ReleaseSharedMemory(&shm);
		EXPECT(shm.buffer == NULL);
	}
}

static void overlapping_outputs_are_one_memory(void)
{
	char bytes[] = "0123456789";
	TEEC_SharedMemory shm = { bytes, 10, TEEC_MEM_INPUT | TEEC_MEM_OUTPUT, { 0 } };
	TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_PARTIAL_INPUT,
							     TEEC_MEMREF_PARTIAL_OUTPUT, TEEC_NONE,
							     TEEC_NONE) };
	uint32_t origin;

	EXPECT_EQ(TEEC_RegisterSharedMemory(&context, &shm), TEEC_SUCCESS);
	op.params[0].memref = (TEEC_RegisteredMemoryReference){ &shm, 4, 0 };
	op.params[1].memref = (TEEC_RegisteredMemoryReference){ &shm, 6, 2 };
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_SUCCESS);
	EXPECT_EQ(op.params[1].memref.size, 4);
	EXPECT(strcmp(bytes, "0101236789") == 0);
	TEEC_ReleaseSharedMemory(&shm);
}

static void whole_memory_goes_as_its_flags_say(void)
{
	char in[] = "wholly", out[8] = { 0 };
	TEEC_SharedMemory from = { in, 6, TEEC_MEM_INPUT, { 0 } };
	TEEC_SharedMemory to = { out, 8, TEEC_MEM_OUTPUT, { 0 } };
	TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_WHOLE, TEEC_MEMREF_WHOLE,
							     TEEC_NONE, TEEC_NONE) };
	uint32_t origin;

	EXPECT_EQ(TEEC_RegisterSharedMemory(&context, &from), TEEC_SUCCESS);
	EXPECT_EQ(TEEC_RegisterSharedMemory(&context, &to), TEEC_SUCCESS);
	op.params[0].memref = (TEEC_RegisteredMemoryReference){ &from, 77, 77 };
	op.params[1].memref = (TEEC_RegisteredMemoryReference){ &to, 77, 77 };
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_SUCCESS);
	EXPECT(strcmp(out, "wholly") == 0);
	EXPECT_EQ(op.params[0].memref.size, 77);
	EXPECT_EQ(op.params[1].memref.size, 6);
}

static TEEC_Result one_memref(uint32_t type, TEEC_SharedMemory *shm, size_t size, size_t offset,
			      uint32_t *origin)
{
	TEEC_Operation op = { .paramTypes =
				      TEEC_PARAM_TYPES(type, TEEC_NONE, TEEC_NONE, TEEC_NONE) };

	op.params[0].memref = (TEEC_RegisteredMemoryReference){ shm, size, offset };
	return invoke(ECHO, &op, origin);
}

static void wrong_parameters_do_not_leave_the_client(void)
{
	char bytes[16] = { 0 };
	TEEC_SharedMemory in = { bytes, 16, TEEC_MEM_INPUT, { 0 } };
	TEEC_SharedMemory none = { bytes, 16, 0, { 0 } };
	TEEC_Operation op = { .paramTypes = 4 };
	const struct {
		uint32_t type;
		TEEC_SharedMemory *shm;
		size_t size, offset;
	} wrong[] = {
		{ TEEC_MEMREF_PARTIAL_INPUT, &in, 17, 0 },
		{ TEEC_MEMREF_PARTIAL_INPUT, &in, 0, 17 },
		{ TEEC_MEMREF_PARTIAL_INPUT, &in, 2, SIZE_MAX },
		{ TEEC_MEMREF_PARTIAL_INPUT, &in, SIZE_MAX, 2 },
		{ TEEC_MEMREF_PARTIAL_OUTPUT, &in, 4, 0 },
		{ TEEC_MEMREF_PARTIAL_INOUT, &in, 4, 0 },
		{ TEEC_MEMREF_PARTIAL_INPUT, NULL, 4, 0 },
		{ TEEC_MEMREF_WHOLE, NULL, 4, 0 },
		{ TEEC_MEMREF_WHOLE, &none, 4, 0 },
	};
	uint32_t origin;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		EXPECT_EQ(one_memref(wrong[i].type, wrong[i].shm, wrong[i].size, wrong[i].offset,
				     &origin),
			  TEEC_ERROR_BAD_PARAMETERS);
		EXPECT_EQ(origin, TEEC_ORIGIN_API);
	}
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(TEEC_InvokeCommand(NULL, ECHO, NULL, &origin), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(TEEC_OpenSession(NULL, &session, &ta, 0, NULL, NULL, &origin),
		  TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(TEEC_OpenSession(&context, NULL, &ta, 0, NULL, NULL, &origin),
		  TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(TEEC_InitializeContext(NULL, NULL), TEEC_ERROR_BAD_PARAMETERS);
	TEEC_CloseSession(NULL);
	TEEC_FinalizeContext(NULL);
	TEEC_ReleaseSharedMemory(NULL);
	TEEC_RequestCancellation(NULL);
}

static void too_much_memory_is_refused(void)
{
	TEEC_SharedMemory shm = { .size = INT32_MAX, .flags = TEEC_MEM_INPUT };
	TEEC_Operation op = { .paramTypes = TEEC_MEMREF_TEMP_OUTPUT };
	uint32_t origin;

	EXPECT_EQ(TEEC_AllocateSharedMemory(&context, &shm), TEEC_ERROR_OUT_OF_MEMORY);
	EXPECT(shm.buffer == NULL);
	op.params[0].tmpref = (TEEC_TempMemoryReference){ &shm, SIZE_MAX };
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_ERROR_OUT_OF_MEMORY);
	EXPECT_EQ(origin, TEEC_ORIGIN_API);

	/* Two views of one memory go there once, and would come back twice. */
	size_t size = 40 << 20;
	void *bytes = malloc(size);

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INOUT, TEEC_MEMREF_TEMP_INOUT, TEEC_NONE,
					 TEEC_NONE);
	op.params[0].tmpref = (TEEC_TempMemoryReference){ bytes, size };
	op.params[1].tmpref = op.params[0].tmpref;
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_ERROR_OUT_OF_MEMORY);
	EXPECT_EQ(origin, TEEC_ORIGIN_API);
	free(bytes);
}

static void shared_memory_is_checked(void)
{
	static const char constant[8] = "constant";
	TEEC_SharedMemory shm = { .size = 0, .flags = TEEC_MEM_INPUT };

	EXPECT_EQ(TEEC_RegisterSharedMemory(&context, &shm), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(TEEC_AllocateSharedMemory(&context, &shm), TEEC_SUCCESS);
	EXPECT(shm.buffer != NULL);
	TEEC_ReleaseSharedMemory(&shm);
	shm = (TEEC_SharedMemory){ .buffer = (void *)constant, .size = 8, .flags = 4 };
	EXPECT_EQ(TEEC_RegisterSharedMemory(&context, &shm), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(TEEC_AllocateSharedMemory(&context, &shm), TEEC_ERROR_BAD_PARAMETERS);
	shm.flags = 0;
	EXPECT_EQ(TEEC_RegisterSharedMemory(&context, &shm), TEEC_ERROR_BAD_PARAMETERS);
	shm.flags = TEEC_MEM_INPUT;
	EXPECT_EQ(TEEC_RegisterSharedMemory(NULL, &shm), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(TEEC_RegisterSharedMemory(&context, &shm), TEEC_SUCCESS);
	TEEC_ReleaseSharedMemory(&shm);
	EXPECT_EQ(TEEC_RegisterSharedMemoryFileDescriptor(&context, &shm, 1),
		  TEEC_ERROR_NOT_SUPPORTED);
	EXPECT_EQ(TEEC_RegisterSharedMemoryFileDescriptor(&context, &shm, -1),
		  TEEC_ERROR_BAD_PARAMETERS);
}

static void results_keep_their_origin(void)
{
	TEEC_Operation op = { .paramTypes = TEEC_VALUE_INPUT };
	TEEC_UUID other = ta;
	TEEC_Session second;
	uint32_t origin;

	for (uint32_t from = TEEC_ORIGIN_API; from <= TEEC_ORIGIN_TRUSTED_APP; from++) {
		op.params[0].value = (TEEC_Value){ 0x12345678, from };
		EXPECT_EQ(invoke(RESULT, &op, &origin), 0x12345678);
		EXPECT_EQ(origin, from);
	}
	other.timeLow++;
	EXPECT_EQ(TEEC_OpenSession(&context, &second, &other, 0, NULL, NULL, &origin),
		  TEEC_ERROR_ITEM_NOT_FOUND);
	EXPECT_EQ(origin, TEEC_ORIGIN_TEE);
}

static void *cancel_soon(void *operation)
{
	usleep(50000);
	pthread_cancel(pthread_self()); /* it shall end, but not within the library */
	TEEC_RequestCancellation(operation);
	return NULL;
}

static void a_call_can_be_cancelled(void)
{
	TEEC_Operation op = { 0 };
	pthread_t thread;
	uint32_t origin;

	pthread_create(&thread, NULL, cancel_soon, &op);
	EXPECT_EQ(invoke(WAIT, &op, &origin), TEEC_ERROR_CANCEL);
	EXPECT_EQ(origin, TEEC_ORIGIN_TRUSTED_APP);
	pthread_join(thread, NULL);
	TEEC_RequestCancellation(&op);
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_SUCCESS);
}

static void a_call_can_be_cancelled_before_it_begins(void)
{
	TEEC_Operation op = { 0 };
	uint32_t origin;

	TEEC_RequestCancellation(&op);
	EXPECT_EQ(invoke(WAIT, &op, &origin), TEEC_ERROR_CANCEL);
	EXPECT_EQ(origin, TEEC_ORIGIN_API);
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_SUCCESS);
}

static void *hammer(void *seed)
{
	TEEC_Session own = session;
	TEEC_Operation op = { .paramTypes =
				      TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, TEEC_MEMREF_TEMP_INOUT,
						       TEEC_NONE, TEEC_NONE) };
	unsigned char bytes[300];
	uintptr_t wrong = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		size_t size = round % sizeof(bytes);

		memset(bytes, (int)(uintptr_t)seed, sizeof(bytes));
		bytes[0] = (unsigned char)round;
		op.params[0].value = (TEEC_Value){ round, (uint32_t)(uintptr_t)seed };
		op.params[1].tmpref = (TEEC_TempMemoryReference){ bytes, size };
		wrong += TEEC_InvokeCommand(&own, ECHO, &op, NULL) != TEEC_SUCCESS;
		wrong += op.params[0].value.b != round || op.params[1].tmpref.size != size;
		wrong += size > 0 && bytes[size - 1] != (unsigned char)round;
	}
	return (void *)wrong;
}

static void threads_share_a_connection(void)
{
	pthread_t threads[THREADS];
	uintptr_t wrong = 0;

	for (uintptr_t i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, hammer, (void *)(i + 1));
	}
	for (size_t i = 0; i < THREADS; i++) {
		void *found;

		pthread_join(threads[i], &found);
		wrong += (uintptr_t)found;
	}
	EXPECT_EQ(wrong, 0);
}

/* In a child: its parent's context, with a session of its own; the parent's it does not have. */
static int be_a_child(void)
{
	TEEC_Session own;

	if (TEEC_InvokeCommand(&session, ECHO, NULL, NULL) == TEEC_SUCCESS) {
		return 1;
	}
	TEEC_CloseSession(&session);
	if (TEEC_OpenSession(&context, &own, &ta, 0, NULL, NULL, NULL) != TEEC_SUCCESS) {
		return 2;
	}
	session = own;
	if (hammer((void *)99) != NULL) {
		return 3;
	}
	TEEC_FinalizeContext(&context);
	return 0;
}

static void a_child_has_a_connection_of_its_own(void)
{
	pthread_t thread;
	void *wrong;
	int status;

	pthread_create(&thread, NULL, hammer, (void *)1);

	pid_t child = fork();

	if (child == 0) {
		_exit(be_a_child());
	}
	pthread_join(thread, &wrong);
	EXPECT(wrong == NULL);
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(TEEC_InvokeCommand(&session, ECHO, NULL, NULL), TEEC_SUCCESS);
}

static TEEC_Result identify(uint32_t login, const void *data, uint8_t uuid[16], uint32_t *origin)
{
	TEEC_Session own;
	TEEC_Operation op = { .paramTypes =
				      TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, TEEC_MEMREF_TEMP_OUTPUT,
						       TEEC_NONE, TEEC_NONE) };
	TEEC_Result result = TEEC_OpenSession(&context, &own, &ta, login, data, NULL, origin);

	if (result == TEEC_SUCCESS) {
		op.params[1].tmpref = (TEEC_TempMemoryReference){ uuid, 16 };
		result = TEEC_InvokeCommand(&own, IDENTITY, &op, origin);
		TEEC_CloseSession(&own);
	}
	return result == TEEC_SUCCESS && op.params[0].value.a != login ? 1 : result;
}

static void clients_are_known_by_user_and_group(void)
{
	uint8_t public[16], user[16], group[16];
	const uint8_t nil[16] = { 0 };
	gid_t own = getegid(), foreign = 0xDEAD;
	uint32_t origin;

	EXPECT_EQ(identify(TEEC_LOGIN_PUBLIC, NULL, public, &origin), TEEC_SUCCESS);
	EXPECT_EQ(identify(TEEC_LOGIN_USER, NULL, user, &origin), TEEC_SUCCESS);
	EXPECT_EQ(identify(TEEC_LOGIN_GROUP, &own, group, &origin), TEEC_SUCCESS);
	EXPECT(memcmp(public, nil, 16) == 0);
	EXPECT(memcmp(user, nil, 16) != 0 && memcmp(user, group, 16) != 0);
	EXPECT_EQ(user[6] >> 4, 5);
	EXPECT_EQ(group[8] >> 6, 2);
	EXPECT_EQ(identify(TEEC_LOGIN_GROUP, &foreign, group, &origin), TEEC_ERROR_GENERIC);
	EXPECT_EQ(origin, TEEC_ORIGIN_COMMS);
	EXPECT_EQ(identify(TEEC_LOGIN_APPLICATION, NULL, group, &origin),
		  TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(origin, TEEC_ORIGIN_COMMS);
	EXPECT_EQ(identify(TEEC_LOGIN_GROUP, NULL, group, &origin), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(origin, TEEC_ORIGIN_API);
}

static void contexts_are_apart(void)
{
	TEEC_Context other;
	TEEC_Session own;
	uint32_t origin;

	EXPECT_EQ(TEEC_InitializeContext("no-such-tee", &other), TEEC_ERROR_ITEM_NOT_FOUND);
	EXPECT_EQ(TEEC_InitializeContext("optee-tz", &other), TEEC_SUCCESS);
	EXPECT(other.imp.reg_mem && other.imp.memref_null);
	own = (TEEC_Session){ { &other, session.imp.session_id } };
	EXPECT_EQ(TEEC_InvokeCommand(&own, ECHO, NULL, &origin), TEEC_ERROR_BAD_PARAMETERS);
	EXPECT_EQ(origin, TEEC_ORIGIN_TEE);
	TEEC_FinalizeContext(&other);
	TEEC_FinalizeContext(&other);
	EXPECT_EQ(TEEC_InvokeCommand(&own, ECHO, NULL, &origin), TEEC_ERROR_COMMUNICATION);
	EXPECT_EQ(origin, TEEC_ORIGIN_COMMS);
	EXPECT_EQ(invoke(ECHO, NULL, &origin), TEEC_SUCCESS);
}

static void large_memory_travels(void)
{
	const size_t size = 5 << 20;
	unsigned char *in = malloc(size), *out = calloc(1, size);
	TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT,
							     TEEC_MEMREF_TEMP_OUTPUT, TEEC_NONE,
							     TEEC_NONE) };
	uint32_t origin;

	EXPECT(in != NULL && out != NULL);
	for (size_t i = 0; i < size; i++) {
		in[i] = (unsigned char)(i * 31 >> 3);
	}
	op.params[0].tmpref = (TEEC_TempMemoryReference){ in, size };
	op.params[1].tmpref = (TEEC_TempMemoryReference){ out, size };
	EXPECT_EQ(invoke(ECHO, &op, &origin), TEEC_SUCCESS);
	EXPECT(memcmp(in, out, size) == 0);
	free(in);
	free(out);
}

static const struct tap_case cases[] = {
	TAP_CASE(values_and_memory_come_back),
	TAP_CASE(a_short_buffer_learns_its_size),
	TAP_CASE(null_and_empty_memory_are_allowed),
	TAP_CASE(parts_of_a_parent_keep_their_distance),
	TAP_CASE(released_memory_can_be_allocated_again),
	TAP_CASE(overlapping_outputs_are_one_memory),
	TAP_CASE(whole_memory_goes_as_its_flags_say),
	TAP_CASE(wrong_parameters_do_not_leave_the_client),
	TAP_CASE(too_much_memory_is_refused),
	TAP_CASE(shared_memory_is_checked),
	TAP_CASE(results_keep_their_origin),
	TAP_CASE(a_call_can_be_cancelled),
	TAP_CASE(a_call_can_be_cancelled_before_it_begins),
	TAP_CASE(threads_share_a_connection),
	TAP_CASE(a_child_has_a_connection_of_its_own),
	TAP_CASE(clients_are_known_by_user_and_group),
	TAP_CASE(contexts_are_apart),
	TAP_CASE(large_memory_travels),
};

/* Call a hostile core, each time on a new connection; only the checks of addresses judge. */
static int ask_often(long times)
{
	for (long i = 0; i < times; i++) {
		TEEC_Operation op = { .paramTypes = TEEC_PARAM_TYPES(
					      TEEC_VALUE_INOUT, TEEC_MEMREF_TEMP_INOUT,
					      TEEC_MEMREF_TEMP_OUTPUT, TEEC_NONE) };
		char *bytes = calloc(1, 8);

		op.params[1].tmpref = (TEEC_TempMemoryReference){ bytes, 4 };
		op.params[2].tmpref = (TEEC_TempMemoryReference){ bytes + 4, 4 };
		session = (TEEC_Session){ { &context, 1 } };
		TEEC_InvokeCommand(&session, ECHO, &op, NULL);
		TEEC_FinalizeContext(&context);
		free(bytes);
		if (TEEC_InitializeContext(NULL, &context) != TEEC_SUCCESS) {
			return 2;
		}
	}
	TEEC_FinalizeContext(&context);
	return 0;
}

/* One call that is answered by a hostile core, or by none, and one more. */
static int ask_once(uint32_t command)
{
	TEEC_Operation op = { .paramTypes =
				      TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, TEEC_MEMREF_TEMP_INOUT,
						       TEEC_NONE, TEEC_NONE) };
	char bytes[8] = "unspoilt";
	uint32_t origin = 0;

	op.params[1].tmpref = (TEEC_TempMemoryReference){ bytes, 4 };
	session = (TEEC_Session){ { &context, 1 } };

	TEEC_Result result = TEEC_InvokeCommand(&session, command, &op, &origin);
	bool beyond = memcmp(bytes + 4, "oilt", 4) != 0;
	TEEC_Result again = TEEC_InvokeCommand(&session, ECHO, &op, NULL);

	printf("%#x %u %s %#x\n", result, origin, beyond ? "overrun" : "intact", again);
	TEEC_FinalizeContext(&context);
	return 0;
}

int main(int argc, char **argv)
{
	TEEC_Result result = TEEC_InitializeContext(NULL, &context);

	if (result != TEEC_SUCCESS) {
		printf("%#x\n", result);
		return 2;
	}
	if (argc > 2) {
		return ask_often(strtol(argv[2], NULL, 0));
	}
	if (argc > 1) {
		return ask_once((uint32_t)strtoul(argv[1], NULL, 0));
	}
	if (TEEC_OpenSession(&context, &session, &ta, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL) !=
	    TEEC_SUCCESS) {
		return 2;
	}

	int status = tap_run(cases, sizeof(cases) / sizeof(cases[0]));

	TEEC_CloseSession(&session);
	TEEC_FinalizeContext(&context);
	return status;
}
