// SPDX-License-Identifier: BSD-3-Clause
/* Contexts, sessions and commands. */
#include <string.h>
#include <tee_client_api.h>

#include "call.h"
#include "connection.h"
#include "export.h"
#include "operation.h"

/* What OP-TEE's library calls the only TEE that it knows. */
#define NAME "optee-tz"

EXPORT TEEC_Result TEEC_InitializeContext(const char *name, TEEC_Context *context)
{
	if (context == NULL) {
		return TEEC_ERROR_BAD_PARAMETERS;
	}
	if (name != NULL && strcmp(name, NAME) != 0) {
		return TEEC_ERROR_ITEM_NOT_FOUND;
	}

	int fd = connection_open();

	if (fd < 0) {
		return TEEC_ERROR_ITEM_NOT_FOUND;
	}
	memset(context, 0, sizeof(*context));
	context->imp.fd = fd;
	/* What Linux says of OP-TEE: memory is shared where it is, and references may be NULL. */
	context->imp.reg_mem = true;
	context->imp.memref_null = true;
	return TEEC_SUCCESS;
}

EXPORT void TEEC_FinalizeContext(TEEC_Context *context)
{
	if (context != NULL) {
		connection_close(context->imp.fd);
		context->imp.fd = -1;
	}
}

static TEEC_Result answer(uint32_t *origin, uint32_t from, TEEC_Result result)
{
	if (origin != NULL) {
		*origin = from;
	}
	return result;
}

/* Make the call of a context; false if its operation was cancelled before. */
static bool run(const TEEC_Context *context, struct call *call, TEEC_Operation *operation)
{
	struct connection *connection = connection_get(context->imp.fd);

	if (connection == NULL) {
		call->answer.result =
			(struct tee_client_result){ .result = TEEC_ERROR_COMMUNICATION,
						    .origin = TEEC_ORIGIN_COMMS };
		return true;
	}

	bool begun = call_run(connection, call, operation);

	connection_put(connection);
	return begun;
}

/* Make a call whose parameters were packed with `packed`, and bring its answer to the caller. */
static TEEC_Result finish(const TEEC_Context *context, struct call *call, TEEC_Result packed,
			  TEEC_Operation *operation, uint32_t *origin)
{
	if (packed != TEEC_SUCCESS) {
		return answer(origin, TEEC_ORIGIN_API, packed);
	}
	if (!run(context, call, operation)) {
		return answer(origin, TEEC_ORIGIN_API, TEEC_ERROR_CANCEL);
	}
	operation_unpack(operation, call);
	return answer(origin, call->answer.result.origin, call->answer.result.result);
}

static void put_uuid(uint8_t out[16], const TEEC_UUID *uuid)
{
	out[0] = (uint8_t)(uuid->timeLow >> 24);
	out[1] = (uint8_t)(uuid->timeLow >> 16);
	out[2] = (uint8_t)(uuid->timeLow >> 8);
	out[3] = (uint8_t)uuid->timeLow;
	out[4] = (uint8_t)(uuid->timeMid >> 8);
	out[5] = (uint8_t)uuid->timeMid;
	out[6] = (uint8_t)(uuid->timeHiAndVersion >> 8);
	out[7] = (uint8_t)uuid->timeHiAndVersion;
	memcpy(out + 8, uuid->clockSeqAndNode, sizeof(uuid->clockSeqAndNode));
}

/* Begin the request of a session's opening; false if a group login names no group. */
static bool pack_open(struct call *call, const TEEC_UUID *uuid, uint32_t login, const void *data)
{
	struct tee_client_open open = { .login = login };

	put_uuid(open.uuid, uuid);
	if (login == TEEC_LOGIN_GROUP || login == TEEC_LOGIN_GROUP_APPLICATION) {
		if (data == NULL) {
			return false;
		}
		memcpy(&open.group, data, sizeof(open.group));
	}
	memcpy(call->head + sizeof(struct tee_client_header), &open, sizeof(open));
	return true;
}

EXPORT TEEC_Result TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
				    const TEEC_UUID *destination, uint32_t connectionMethod,
				    const void *connectionData, TEEC_Operation *operation,
				    uint32_t *returnOrigin)
{
	struct call call = { .kind = TEE_CLIENT_KIND_OPEN, .answer_kind = TEE_CLIENT_KIND_OPENED };
	TEEC_Result result;

	if (context == NULL || session == NULL || destination == NULL ||
	    !pack_open(&call, destination, connectionMethod, connectionData)) {
		return answer(returnOrigin, TEEC_ORIGIN_API, TEEC_ERROR_BAD_PARAMETERS);
	}
	result = operation_pack(operation, &call,
				sizeof(struct tee_client_header) + sizeof(struct tee_client_open));
	result = finish(context, &call, result, operation, returnOrigin);
	if (result == TEEC_SUCCESS) {
		session->imp.ctx = context;
		session->imp.session_id = call.answer.result.session;
	}
	return result;
}

EXPORT TEEC_Result TEEC_InvokeCommand(TEEC_Session *session, uint32_t commandID,
				      TEEC_Operation *operation, uint32_t *returnOrigin)
{
	struct call call = { .kind = TEE_CLIENT_KIND_INVOKE,
			     .answer_kind = TEE_CLIENT_KIND_INVOKED };
	const size_t size = sizeof(struct tee_client_header) + sizeof(struct tee_client_invoke);
	TEEC_Result result;

	if (session == NULL || session->imp.ctx == NULL) {
		return answer(returnOrigin, TEEC_ORIGIN_API, TEEC_ERROR_BAD_PARAMETERS);
	}

	struct tee_client_invoke invoke = { .session = session->imp.session_id,
					    .command = commandID };

	memcpy(call.head + sizeof(struct tee_client_header), &invoke, sizeof(invoke));
	if (operation != NULL) {
		operation->imp.session = session;
	}
	result = operation_pack(operation, &call, size);
	return finish(session->imp.ctx, &call, result, operation, returnOrigin);
}

EXPORT void TEEC_CloseSession(TEEC_Session *session)
{
	struct call call = { .kind = TEE_CLIENT_KIND_CLOSE, .answer_kind = TEE_CLIENT_KIND_CLOSED };
	struct {
		struct tee_client_header header;
		struct tee_client_close close;
	} frame = { .header = { .magic = TEE_CLIENT_MAGIC,
				.length = sizeof(frame.close),
				.kind = TEE_CLIENT_KIND_CLOSE } };

	if (session == NULL || session->imp.ctx == NULL) {
		return;
	}
	frame.close.session = session->imp.session_id;
	memcpy(call.head, &frame, sizeof(frame));
	call.pieces[0] = (struct iovec){ .iov_base = call.head, .iov_len = sizeof(frame) };
	call.piece_count = 1;
	(void)run(session->imp.ctx, &call, NULL);
}

EXPORT void TEEC_RequestCancellation(TEEC_Operation *operation)
{
	if (operation != NULL) {
		call_cancel(operation);
	}
}
