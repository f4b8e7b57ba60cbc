/* SPDX-License-Identifier: BSD-3-Clause */
/* Which states are here; state.c serves the calls of one. */
#include "states.h"

#include <abi/tee.h>
#include <abi/tee_run.h>
#include <string.h>

#include "call.h"
#include "state.h"

/* A state's place is by its handle, or a little further on. */
static struct state *place(struct states *states, uint32_t handle, size_t step)
{
	return &states->all[(handle + step) % STATES_COUNT];
}

static struct state *find(struct states *states, uint32_t handle)
{
	for (size_t n = 0; n < STATES_REACH; n++) {
		struct state *state = place(states, handle, n);

		if (state->class != STATE_FREE && state->handle == handle) {
			return state;
		}
	}
	return NULL;
}

static struct state *find_or_free(struct states *states, uint32_t handle)
{
	struct state *state = find(states, handle);

	for (size_t n = 0; n < STATES_REACH && state == NULL; n++) {
		if (place(states, handle, n)->class == STATE_FREE) {
			state = place(states, handle, n);
		}
	}
	return state;
}

static void drop(struct state *state)
{
	if (state != NULL) {
		memset(state, 0, sizeof(*state));
	}
}

/* The key is the rest of the frame. */
bool states_take(struct states *states, struct frame_in *in)
{
	struct tee_run_state order;
	uint8_t key[TEE_RUN_KEY_MAX];
	size_t key_size;
	struct state *state;

	if (!frame_take(in, &order, sizeof(order)) || in->left > sizeof(key)) {
		return false;
	}
	key_size = in->left;
	if (!frame_take(in, key, key_size)) {
		return false;
	}
	state = find_or_free(states, order.handle);
	if (state == NULL) {
		return true;
	}
	drop(state);
	if (state_make(state, order.algorithm, order.mode, key, key_size)) {
		state->handle = order.handle;
		state->fresh = true;
	} else {
		drop(state);
	}
	return true;
}

bool states_unkey(struct states *states, struct frame_in *in)
{
	struct tee_run_unkey order;
	struct state *state;

	if (!frame_take(in, &order, sizeof(order)) || in->left != 0) {
		return false;
	}
	state = find(states, order.handle);
	if (state != NULL) {
		state->keyed = false;
	}
	return true;
}

/* The target's key stays its own, where it is: with the core, if there is one. */
static void copy(struct state *to, const struct state *from, uint32_t handle)
{
	*to = *from;
	to->handle = handle;
	to->keyed = state_needs_no_key(from);
	to->fresh = false;
}

static bool serve_copy(struct states *states, const uint64_t *registers, uint32_t *result)
{
	struct state *to = find(states, (uint32_t)registers[0]);
	const struct state *from = find(states, (uint32_t)registers[1]);

	if (to == NULL || from == NULL) {
		return false;
	}
	if (to->algorithm != from->algorithm || to->mode != from->mode) {
		*result = TEE_ERROR_BAD_PARAMETERS;
		return true;
	}
	if (to != from) {
		copy(to, from, to->handle);
	}
	*result = TEE_SUCCESS;
	return true;
}

static bool is_init(uint32_t number)
{
	return number == TEE_CALL_HASH_INIT || number == TEE_CALL_CIPHER_INIT ||
	       number == TEE_CALL_AUTHENC_INIT;
}

bool states_serve(struct call *call, const uint64_t *registers, uint32_t number, uint32_t *result)
{
	struct states *states = &call->runner->states;
	struct state *state;

	if (number == TEE_CALL_CRYP_STATE_COPY) {
		return serve_copy(states, registers, result);
	}
	if (!state_knows(number)) {
		return false;
	}
	state = find(states, (uint32_t)registers[0]);
	if (state == NULL || (is_init(number) && !state->keyed)) {
		return false;
	}
	return state_serve(state, call, registers, number, result);
}

/* The core has begun a message, or has given the state away to have it begun here. */
static void settle_init(struct states *states, struct call *call, const uint64_t *registers,
			uint32_t number, uint32_t *result)
{
	struct state *state = find(states, (uint32_t)registers[0]);
	bool fresh = state != NULL && state->fresh;

	if (fresh) {
		state->fresh = false;
	}
	if (*result != TEE_SUCCESS) {
		return;
	}
	if (!map_allows(&call->runner->map, registers[1], registers[2], TEE_RUN_PROT_READ, false)) {
		*result = TEE_ERROR_ACCESS_DENIED;
		drop(state);
	} else if (!fresh || !state_serve(state, call, registers, number, result)) {
		drop(state);
	}
}

/* The core has found the two alike, and has copied what it has. */
static void settle_copy(struct states *states, const uint64_t *registers, uint32_t *result)
{
	uint32_t handle = (uint32_t)registers[0];
	const struct state *from = find(states, (uint32_t)registers[1]);
	struct state *to;

	if (from == NULL) {
		drop(find(states, handle));
		return;
	}
	to = find_or_free(states, handle);
	if (to == NULL) {
		*result = TEE_ERROR_OUT_OF_MEMORY;
		return;
	}
	copy(to, from, handle);
}

void states_settle(struct call *call, const uint64_t *registers, uint32_t number, uint32_t *result)
{
	struct states *states = &call->runner->states;

	if (is_init(number)) {
		settle_init(states, call, registers, number, result);
	} else if (*result != TEE_SUCCESS) {
		return;
	} else if (number == TEE_CALL_CRYP_STATE_COPY) {
		settle_copy(states, registers, result);
	} else if (number == TEE_CALL_CRYP_STATE_FREE) {
		drop(find(states, (uint32_t)registers[0]));
	}
}
