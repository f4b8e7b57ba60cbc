/* SPDX-License-Identifier: BSD-3-Clause */
/* A call of the edge's, from the orders to the runner to its answer, or to the core. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edge.h"
#include "output.h"
#include "request.h"
#include "table.h"

/* Longer frames are the core's. */
#define FLIGHT_FRAME_MAX ((size_t)1 << 15)
#define FLIGHT_HEAD	 (sizeof(struct tee_run_frame) + sizeof(struct tee_run_returned))
#define FLIGHT_SAID_MAX	 (FLIGHT_HEAD + TEE_RUN_RETURNED_MAX)

struct flight {
	/* NULL: none. */
	struct instance *instance;
	int64_t deadline_ms;
	/* Points into `frame`. */
	struct request request;
	size_t frame_size;
	/* What the runner has said. */
	size_t said_size;
	uint8_t frame[FLIGHT_FRAME_MAX];
	uint8_t said[FLIGHT_SAID_MAX];
};

enum flight_end {
	FLIGHT_GOES_ON,
	FLIGHT_ANSWERED,
	FLIGHT_IS_CORES
};

/*
 * The clock of deadlines.
 */
int64_t flight_now_ms(void);

/*
 * Begin the call that a frame of at most FLIGHT_FRAME_MAX bytes asks for. Returns false if it is
 * not for the edge; *freed then becomes true if the core waits for the instance.
 */
bool flight_begin(struct flight *flight, struct table *table,
		  const struct tee_client_header *header, const uint8_t *frame, bool *freed);

/*
 * Take what the runner says, and answer if that is all that is to be done.
 */
enum flight_end flight_listen(struct flight *flight, struct table *table, struct output *output);

/*
 * Make the call, and its instance, the core's.
 */
void flight_pass_on(struct flight *flight, struct table *table, struct edge_event *event);
