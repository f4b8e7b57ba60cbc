/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TA's system calls: their arguments go to the core as numbers and bytes, and its answer comes
 * back into the TA's memory. Each pointer is looked up in the TA's map; an output's twice, because
 * the core may change mappings while it serves the call.
 */
#pragma once

#include <abi/tee.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "runner.h"

struct call_kind {
	uint8_t kind;
	uint16_t size;
};

/* A system call as abi/tee.h describes it. */
struct call_entry {
	uint8_t count;
	struct call_kind arguments[TEE_CALL_ARGUMENTS_MAX];
};

/* Where an output goes; `length_addr` is 0 if there is none to write. */
struct call_output {
	uint64_t addr;
	uint64_t length_addr;
	uint64_t capacity;
	bool wanted;
};

struct call {
	struct runner *runner;
	const struct call_entry *entry;
	/* By argument, for those that are outputs. */
	struct call_output outputs[TEE_CALL_ARGUMENTS_MAX];
	/* The TA's parameters, if `params` is an argument: read once. */
	struct tee_params params;
};

/*
 * Serve system call `number` with the TA's registers x0 to x7. *result is what the TA gets. Returns
 * false when the core is gone or says what makes no sense.
 */
bool call_serve(struct runner *runner, const uint64_t *registers, uint64_t number,
		uint32_t *result);

/*
 * Put the arguments into the runner's frame. Returns the result for the TA if that is not possible.
 */
uint32_t call_put_arguments(struct call *call, const uint64_t *registers);

/*
 * Take the outputs from the core's frame. Returns false if they do not fit the call. *result
 * changes if they cannot be written.
 */
bool call_take_outputs(struct call *call, struct frame_in *in, uint32_t *result);
