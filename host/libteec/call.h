/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <abi/tee_client.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <tee_client_api.h>

/* Header, Open, Params, and all Regions and Params: the largest that precedes a request's memory.
 */
#define CALL_HEAD_MAX                                                                              \
	(sizeof(struct tee_client_header) + sizeof(struct tee_client_open) +                       \
	 sizeof(struct tee_client_params) +                                                        \
	 TEE_CLIENT_REGIONS_MAX * sizeof(struct tee_client_region) +                               \
	 TEE_CLIENT_PARAMS * sizeof(struct tee_client_param))
/* The head, and each region's memory. */
#define CALL_PIECES_MAX (1 + TEE_CLIENT_REGIONS_MAX)

/* The fixed part of an answer, as it travels. */
struct call_answer {
	struct tee_client_result result;
	struct tee_client_params head;
	struct tee_client_param params[TEE_CLIENT_PARAMS];
};
_Static_assert(sizeof(struct call_answer) ==
		       sizeof(struct tee_client_result) + sizeof(struct tee_client_params) +
			       TEE_CLIENT_PARAMS * sizeof(struct tee_client_param),
	       "an answer has no gaps");

/* Where what the TA writes for one parameter goes. */
struct call_output {
	void *data;
	size_t capacity;
};

/*
 * One request, on the stack of the thread that makes it. From call_run's start to its end it is in
 * the connection's list, where other threads find it: to deliver its answer, or to cancel it.
 * Everything below "shared" belongs to the connection's lock then.
 */
struct call {
	uint16_t kind;
	uint16_t answer_kind;
	uint32_t given_types; /* as the API has them */
	uint32_t types;
	const void *operation;
	uint8_t head[CALL_HEAD_MAX];
	struct iovec pieces[CALL_PIECES_MAX];
	int piece_count;
	struct call_output outputs[TEE_CLIENT_PARAMS];

	/* Who receives for the connection writes this, then `done`; its types are 0 without
	 * outputs. */
	struct call_answer answer;

	/* shared */
	uint64_t request;
	bool sent;
	bool cancelled;
	bool done;
	struct call *next;
};

struct connection;

/*
 * Send a request and wait for its answer, however long it takes. Returns false if the operation was
 * cancelled before it began. Without a connection the result is COMMUNICATION, of origin COMMS.
 */
bool call_run(struct connection *connection, struct call *call, TEEC_Operation *operation);

/* Cancel the call of an operation: the one that is on, or else the one that is to come. */
void call_cancel(TEEC_Operation *operation);
