/* SPDX-License-Identifier: BSD-3-Clause */
/* One TA instance: its memory, and the core at the other end of the socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "map.h"
#include "states.h"

struct runner {
	int fd;
	/* The TA has returned since regions were mapped: the next call begins without them. */
	bool returned;
	/* Why a region of the next call could not be mapped, or 0. */
	int region_error;
	struct map map;
	struct frame_out out;
	struct states states;
};

/*
 * Do what the core says until it hangs up or says what makes no sense.
 */
void runner_serve(struct runner *runner);

/*
 * Wait for the answer to a CALL, doing what else the core says, and leave its frame to be read.
 * Returns false if there will be none.
 */
bool runner_await_result(struct runner *runner, struct frame_in *in);
