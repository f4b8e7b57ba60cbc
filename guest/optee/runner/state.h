/* SPDX-License-Identifier: BSD-3-Clause */
/* One state that is here, and the calls that it serves: their results are those of the core. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "states.h"

/*
 * Make a state with its key. Returns false if there is no such algorithm here.
 */
bool state_make(struct state *state, uint32_t algorithm, uint32_t mode, const uint8_t *key,
		size_t key_size);

/*
 * Whether its algorithm is one without keys.
 */
bool state_needs_no_key(const struct state *state);

/*
 * Whether a call is for one state, and may be served here.
 */
bool state_knows(uint32_t number);

/*
 * Serve a call, whose arguments are in order. Returns false if it is for states of another class.
 */
bool state_serve(struct state *state, struct call *call, const uint64_t *registers, uint32_t number,
		 uint32_t *result);
