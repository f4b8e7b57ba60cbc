/* SPDX-License-Identifier: BSD-3-Clause */
/* An INVOKE of the tee wire as orders to a runner, and the runner's result as its answer. */
#pragma once

#include <abi/tee_client.h>
#include <abi/tee_run.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "table.h"

/* Memory of a call: where in the instance's window, and what it holds there, or zeros. */
struct request_region {
	uint64_t at;
	uint64_t size;
	const uint8_t *bytes;
	size_t count;
};

struct request {
	struct tee_client_header header;
	struct tee_client_invoke invoke;
	uint32_t types;
	uint32_t region_count;
	struct request_region regions[TEE_CLIENT_REGIONS_MAX];
	struct tee_client_param params[TEE_CLIENT_PARAMS];
};

struct request_orders {
	struct {
		struct tee_run_frame frame;
		struct tee_run_map order;
	} regions[TEE_CLIENT_REGIONS_MAX];
	struct {
		struct tee_run_frame frame;
		struct tee_run_enter order;
	} enter;
	struct iovec parts[2 * TEE_CLIENT_REGIONS_MAX + 1];
	size_t part_count;
	size_t size;
};

/* The bytes of output memory follow. */
struct request_answer {
	struct tee_client_header header;
	struct tee_client_result result;
	struct tee_client_params params;
	struct tee_client_param outcomes[TEE_CLIENT_PARAMS];
};

_Static_assert(sizeof(struct request_answer) == 144, "an answer has no gaps");

/*
 * Read a frame, whose header says INVOKE and how long it is. Returns false if it breaks the wire's
 * rules or its memory does not fit the window: the core knows what to do with it. What the request
 * points to is the frame's.
 */
bool request_read(struct request *request, const struct tee_client_header *header,
		  const uint8_t *body);

/*
 * Make the orders that begin the call. What they point to is theirs and the request's.
 */
void request_order(struct request_orders *orders, const struct request *request,
		   const struct instance *instance);

/*
 * Make the answer from what the runner says. Returns false if it does not bring just the bytes of
 * output memory that belong to its words.
 */
bool request_answer(struct request_answer *answer, const struct request *request,
		    const struct tee_run_returned *returned, size_t bytes);
