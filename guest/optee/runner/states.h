/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * States of operations whose keys the TA may read anyway, or that have none: the core gives them
 * away when they begin, and the TA's calls for them are served here. What is not here is the
 * core's. A state that has lost its key goes on with its message, and begins the next at the core.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aes.h"
#include "frame.h"
#include "gcm.h"
#include "hash.h"

#define STATES_COUNT 512
/* How far from its place a state may be. */
#define STATES_REACH 8

enum state_class {
	STATE_FREE,
	STATE_HASH,
	STATE_CIPHER,
	STATE_AEAD,
};

struct state {
	enum state_class class;
	uint32_t handle;
	uint32_t algorithm;
	uint32_t mode;
	/* It can begin by itself. */
	bool keyed;
	/* It came with the call that the core serves now. */
	bool fresh;
	bool begun;
	/* An AEAD's message has begun, so that nothing more is authenticated only. */
	bool flows;
	size_t tag_size;
	union {
		struct hash hash;
		struct aes aes;
		struct gcm gcm;
	};
};

struct states {
	struct state all[STATES_COUNT];
};

struct call;

/*
 * Take a state from a STATE frame, if there is room for it and its algorithm is known here; and
 * have one lose its key, for an UNKEY frame. Both return false if the frame is wrong.
 */
bool states_take(struct states *states, struct frame_in *in);
bool states_unkey(struct states *states, struct frame_in *in);

/*
 * Serve a call for a state that is here. Its arguments are in order. Returns false if it is the
 * core's.
 */
bool states_serve(struct call *call, const uint64_t *registers, uint32_t number, uint32_t *result);

/*
 * Follow what the core has made of a call that it has served.
 */
void states_settle(struct call *call, const uint64_t *registers, uint32_t number, uint32_t *result);
