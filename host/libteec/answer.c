// SPDX-License-Identifier: BSD-3-Clause
/* Answers: whoever sends them may be hostile, and writes where the client's parameters say only. */
#include "answer.h"

#include "io.h"

const char *answer_check_header(const struct tee_client_header *header)
{
	if (header->magic != TEE_CLIENT_MAGIC || header->flags != 0 || header->client != 0 ||
	    header->length > TEE_CLIENT_LENGTH_MAX) {
		return "what it sends is not the tee wire";
	}
	return NULL;
}

static bool is_memory(uint32_t type)
{
	return (type & 4) != 0;
}

static bool is_output(uint32_t type)
{
	return (type & 2) != 0;
}

/* Check what an answer says of one parameter; count what follows of it. */
static bool check_param(const struct tee_client_param *param, uint32_t type,
			const struct call_output *output, bool success, uint64_t *total)
{
	if (!is_output(type)) {
		return param->a == 0 && param->b == 0 && param->c == 0;
	}
	if (!is_memory(type)) {
		return param->a <= UINT32_MAX && param->b <= UINT32_MAX && param->c == 0;
	}
	*total += param->c;
	if (success && output->data != NULL && param->b > output->capacity) {
		return false;
	}
	return param->a == 0 && param->c <= output->capacity;
}

/* Check the fixed part of an answer, of which `rest` bytes follow. */
static const char *check_answer(const struct call *call, uint64_t rest)
{
	const struct tee_client_result *result = &call->answer.result;
	const struct tee_client_params *head = &call->answer.head;
	uint64_t total = 0;

	if (result->origin < TEEC_ORIGIN_API || result->origin > TEEC_ORIGIN_TRUSTED_APP ||
	    result->reserved != 0) {
		return "an answer has a result that there cannot be";
	}
	if (result->session != 0 &&
	    (result->result != TEEC_SUCCESS || call->kind != TEE_CLIENT_KIND_OPEN)) {
		return "an answer names a session where there is none";
	}
	if (head->region_count != 0 ||
	    (head->types != call->types && (head->types != 0 || result->result == TEEC_SUCCESS))) {
		return "an answer is not one to the parameters that were sent";
	}
	for (unsigned int i = 0; i < TEE_CLIENT_PARAMS; i++) {
		if (!check_param(&call->answer.params[i], TEEC_PARAM_TYPE_GET(head->types, i),
				 &call->outputs[i], result->result == TEEC_SUCCESS, &total)) {
			return "an answer has values or bytes for a parameter that cannot have "
			       "them";
		}
	}
	return total == rest ? NULL : "an answer has another length than its parameters";
}

const char *answer_receive(int fd, struct call *call, uint64_t length)
{
	static const char closed[] = "it was closed within an answer";

	if (call->answer_kind == TEE_CLIENT_KIND_CLOSED) {
		return length == 0 ? NULL : "an answer to a closing has contents";
	}
	if (length < sizeof(call->answer)) {
		return "an answer is cut short";
	}
	if (!io_receive(fd, &call->answer, sizeof(call->answer))) {
		return closed;
	}

	const char *wrong = check_answer(call, length - sizeof(call->answer));

	for (unsigned int i = 0; i < TEE_CLIENT_PARAMS && wrong == NULL; i++) {
		if (!io_receive(fd, call->outputs[i].data, call->answer.params[i].c)) {
			wrong = closed;
		}
	}
	return wrong;
}
