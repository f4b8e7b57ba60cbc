/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The edge of the TEE core: a library in the core's process, loaded by realmos_agent.tee.edge. The
 * core's main thread reads the tee wire here. An invocation of a session that is known here, whose
 * instance is idle, is begun and answered without the core; all else is the core's.
 *
 * An instance is the edge's only while a call of the edge's runs in it, or after the core gave it
 * back. Nothing is waited for in such a call but its end, and that for some milliseconds: a system
 * call, a fault, an end, a cancellation, or a result that needs more than to be passed on, and the
 * call is the core's, as if the core had begun it.
 *
 * Neither the wire nor the runners are believed. edge_wait() is the main thread's alone; all else
 * may be called by any thread. One lock guards what threads share, and is held only for what does
 * not wait; another is held while something is sent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDGE_EXPORT    __attribute__((visibility("default")))

#define EDGE_CALLS_MAX 8

/* Free address space that an instance has for the memory of the edge's calls. */
#define EDGE_WINDOW UINT64_C(0x10000)

enum edge_event_kind {
	/* A signal may have come: look, and wait again. */
	EDGE_NOTHING,
	/* The next bytes of the stream. */
	EDGE_INPUT,
	/* A call that the edge has begun is the core's from now on, and so is its instance. */
	EDGE_ADOPT,
	/* An instance is idle that edge_take() did not get. */
	EDGE_FREED,
	/* The stream has ended. */
	EDGE_END,
	/* It cannot be read. */
	EDGE_FAILED,
};

/* What it points to is there until the next edge_wait(). */
struct edge_event {
	uint32_t kind;
	/* FAILED: the errno; ADOPT: the session. */
	uint32_t number;
	/* INPUT: the bytes; ADOPT: the frame of the request. */
	const uint8_t *bytes;
	size_t size;
	/* ADOPT: what the runner has said since it was told to enter the TA. */
	const uint8_t *said;
	size_t said_size;
	/* ADOPT: where the request's regions are in the TA. */
	uint64_t addresses[4];
};

struct edge;

/*
 * Make an edge whose answers go to a descriptor, which stays the caller's, and that waits so long
 * for a call. NULL if there is no memory.
 */
EDGE_EXPORT struct edge *edge_new(int out, uint32_t patience_ms);

void edge_free(struct edge *edge);

/*
 * The size of EDGE_WINDOW, and EDGE_CALLS_MAX: how many calls are the edge's at a time.
 */
EDGE_EXPORT uint64_t edge_window(void);
EDGE_EXPORT uint32_t edge_calls_max(void);

/*
 * Serve what comes from a descriptor, each time the same, until the core has something to do.
 */
EDGE_EXPORT void edge_wait(struct edge *edge, int in, struct edge_event *event);

/*
 * Send bytes behind what others send. Returns 0 or an errno.
 */
EDGE_EXPORT int edge_send(struct edge *edge, const void *bytes, size_t size);

/*
 * Let the edge use an instance, which is the core's until edge_give(): its runner's socket, where
 * it is entered, and a window of free addresses. Returns its number, which is no other's ever, or
 * -1 if there is no room.
 */
EDGE_EXPORT int64_t edge_lend(struct edge *edge, int runner, uint64_t entry, uint64_t stack_top,
			      uint64_t window);

/*
 * The instance is the core's, unless a call of the edge's runs in it: then the core is told
 * EDGE_FREED, or EDGE_ADOPT, and the edge begins no other call in it before that.
 */
EDGE_EXPORT bool edge_take(struct edge *edge, int64_t instance);

/*
 * The edge may begin calls in it.
 */
EDGE_EXPORT void edge_give(struct edge *edge, int64_t instance);

/*
 * Forget an instance and its sessions. It is the core's, which may close the socket then.
 */
EDGE_EXPORT void edge_drop(struct edge *edge, int64_t instance);

/*
 * A client's session with an instance, which the edge may serve; or no longer.
 */
EDGE_EXPORT void edge_add(struct edge *edge, uint32_t session, uint32_t client, int64_t instance);
EDGE_EXPORT void edge_forget(struct edge *edge, uint32_t session);
EDGE_EXPORT void edge_forget_client(struct edge *edge, uint32_t client);
