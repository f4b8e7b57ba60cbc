/* SPDX-License-Identifier: BSD-3-Clause */
#include "edge.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flight.h"

#define INPUT_SIZE ((size_t)1 << 16)

struct edge {
	int in;
	int64_t patience_ms;
	struct output output;
	struct table table;
	size_t flight_count;
	struct flight flights[EDGE_CALLS_MAX];
	/* An instance that the core waits for is idle. */
	bool freed;
	/* Bytes that the core was given by the last event. */
	size_t delivered;
	/* So many more bytes of the stream are the core's, whatever they are. */
	size_t passing;
	size_t start;
	size_t end;
	uint8_t input[INPUT_SIZE];
};

struct edge *edge_new(int out, uint32_t patience_ms)
{
	struct edge *edge = calloc(1, sizeof(*edge));

	if (edge == NULL) {
		return NULL;
	}
	output_begin(&edge->output, out);
	edge->patience_ms = patience_ms <= INT_MAX ? patience_ms : INT_MAX;
	(void)pthread_mutex_init(&edge->table.lock, NULL);
	return edge;
}

void edge_free(struct edge *edge)
{
	(void)pthread_mutex_destroy(&edge->table.lock);
	output_end(&edge->output);
	free(edge);
}

/* Calls. */

static void end_flight(struct edge *edge, struct flight *flight)
{
	flight->instance = NULL;
	edge->flight_count--;
}

static bool adopt(struct edge *edge, struct flight *flight, struct edge_event *event)
{
	flight_pass_on(flight, &edge->table, event);
	end_flight(edge, flight);
	return true;
}

static bool serve_flight(struct edge *edge, struct flight *flight, bool said, int64_t now,
			 struct edge_event *event)
{
	enum flight_end end = FLIGHT_GOES_ON;

	if (said) {
		end = flight_listen(flight, &edge->table, &edge->output);
	}
	if (end == FLIGHT_ANSWERED) {
		edge->freed |= table_release(&edge->table, flight->instance);
		end_flight(edge, flight);
		return false;
	}
	if (end == FLIGHT_IS_CORES || now >= flight->deadline_ms) {
		return adopt(edge, flight, event);
	}
	return false;
}

static struct flight *free_flight(struct edge *edge)
{
	for (size_t n = 0; n < EDGE_CALLS_MAX; n++) {
		if (edge->flights[n].instance == NULL) {
			return &edge->flights[n];
		}
	}
	return NULL;
}

/* Begin a call, if the request is for the edge. */
static bool begin(struct edge *edge, const struct tee_client_header *header, const uint8_t *frame)
{
	struct flight *flight = free_flight(edge);

	if (flight == NULL || !flight_begin(flight, &edge->table, header, frame, &edge->freed)) {
		return false;
	}
	flight->deadline_ms = flight_now_ms() + edge->patience_ms;
	edge->flight_count++;
	return true;
}

/* The stream. */

/* A call that the core must have before it gets a frame: to cancel it, for one. */
static struct flight *concerned(struct edge *edge, const struct tee_client_header *header)
{
	bool gone = header->kind == TEE_CLIENT_KIND_GONE;
	bool all = gone || header->kind == TEE_CLIENT_KIND_CANCEL;
	bool everybody = gone && header->client == 0;

	for (size_t n = 0; n < EDGE_CALLS_MAX; n++) {
		struct flight *flight = &edge->flights[n];

		if (flight->instance != NULL &&
		    (everybody || flight->request.header.client == header->client) &&
		    (all || flight->request.header.request == header->request)) {
			return flight;
		}
	}
	return NULL;
}

static bool deliver(struct edge *edge, size_t size, struct edge_event *event)
{
	*event = (struct edge_event){
		.kind = EDGE_INPUT,
		.bytes = edge->input + edge->start,
		.size = size,
	};
	edge->delivered = size;
	return true;
}

/* Serve the frames that are there. Returns whether that needs the core. */
static bool serve_input(struct edge *edge, struct edge_event *event)
{
	struct tee_client_header header;
	struct flight *flight;
	size_t size;

	for (;;) {
		size_t held = edge->end - edge->start;

		if (edge->passing > 0) {
			size = held < edge->passing ? held : edge->passing;
			edge->passing -= size;
			return size > 0 && deliver(edge, size, event);
		}
		if (held < sizeof(header)) {
			return false;
		}
		memcpy(&header, edge->input + edge->start, sizeof(header));
		flight = concerned(edge, &header);
		if (flight != NULL) {
			return adopt(edge, flight, event);
		}
		if (header.kind == TEE_CLIENT_KIND_GONE) {
			table_forget_client(&edge->table, header.client);
		}
		if (header.magic != TEE_CLIENT_MAGIC || header.length > TEE_CLIENT_LENGTH_MAX) {
			edge->passing = SIZE_MAX;
			continue;
		}
		size = sizeof(header) + header.length;
		if (size > FLIGHT_FRAME_MAX) {
			edge->passing = size;
			continue;
		}
		if (held < size) {
			return false;
		}
		if (header.kind != TEE_CLIENT_KIND_INVOKE || header.flags != 0 ||
		    !begin(edge, &header, edge->input + edge->start)) {
			return deliver(edge, size, event);
		}
		edge->start += size;
	}
}

/* Read what there is, or wait for it. Returns whether that needs the core. */
static bool read_input(struct edge *edge, struct edge_event *event)
{
	ssize_t got;

	if (edge->start == edge->end) {
		edge->start = edge->end = 0;
	} else if (edge->end == sizeof(edge->input)) {
		/* Less than a frame that is looked at: so there will be room. */
		memmove(edge->input, edge->input + edge->start, edge->end - edge->start);
		edge->end -= edge->start;
		edge->start = 0;
	}
	got = read(edge->in, edge->input + edge->end, sizeof(edge->input) - edge->end);
	if (got > 0) {
		edge->end += (size_t)got;
		return false;
	}
	if (got == 0) {
		event->kind = EDGE_END;
	} else if (errno == EINTR) {
		event->kind = EDGE_NOTHING;
	} else {
		event->kind = EDGE_FAILED;
		event->number = (uint32_t)errno;
	}
	return true;
}

/* How long the first of the calls may still take. */
static int patience(const struct edge *edge)
{
	int64_t now = flight_now_ms();
	int64_t least = edge->patience_ms;

	for (size_t n = 0; n < EDGE_CALLS_MAX; n++) {
		const struct flight *flight = &edge->flights[n];

		if (flight->instance != NULL && flight->deadline_ms - now < least) {
			least = flight->deadline_ms - now;
		}
	}
	return least > 0 ? (int)least : 0;
}

/* Serve calls, or wait until there is input. Returns whether that needs the core. */
static bool serve_flights(struct edge *edge, int timeout_ms, bool *input, struct edge_event *event)
{
	struct pollfd polled[1 + EDGE_CALLS_MAX];
	int64_t now;

	polled[0] = (struct pollfd){ .fd = edge->in, .events = POLLIN };
	for (size_t n = 0; n < EDGE_CALLS_MAX; n++) {
		const struct instance *instance = edge->flights[n].instance;

		polled[1 + n] = (struct pollfd){
			.fd = instance != NULL ? instance->runner : -1,
			.events = POLLIN,
		};
	}
	if (poll(polled, 1 + EDGE_CALLS_MAX, timeout_ms) < 0) {
		/* A signal; or the machine is out of memory, and this is tried again. */
		event->kind = EDGE_NOTHING;
		return true;
	}
	*input = polled[0].revents != 0;
	now = flight_now_ms();
	for (size_t n = 0; n < EDGE_CALLS_MAX; n++) {
		struct flight *flight = &edge->flights[n];

		if (flight->instance != NULL &&
		    serve_flight(edge, flight, polled[1 + n].revents != 0, now, event)) {
			return true;
		}
	}
	return false;
}

static bool tell_freed(struct edge *edge, struct edge_event *event)
{
	if (edge->freed) {
		edge->freed = false;
		event->kind = EDGE_FREED;
		return true;
	}
	return false;
}

void edge_wait(struct edge *edge, int in, struct edge_event *event)
{
	bool input = false;

	*event = (struct edge_event){ .kind = EDGE_NOTHING };
	edge->in = in;
	edge->start += edge->delivered;
	edge->delivered = 0;
	/* However much comes in: who has been begun is not kept waiting for that. */
	if (edge->flight_count > 0 && serve_flights(edge, 0, &input, event)) {
		return;
	}
	for (;;) {
		if (tell_freed(edge, event) || serve_input(edge, event)) {
			return;
		}
		input = edge->flight_count == 0;
		if (!input && serve_flights(edge, patience(edge), &input, event)) {
			return;
		}
		if (input && read_input(edge, event)) {
			return;
		}
	}
}

/* What any thread may ask for. */

uint64_t edge_window(void)
{
	return EDGE_WINDOW;
}

uint32_t edge_calls_max(void)
{
	return EDGE_CALLS_MAX;
}

int edge_send(struct edge *edge, const void *bytes, size_t size)
{
	return output_send(&edge->output, bytes, size);
}

int64_t edge_lend(struct edge *edge, int runner, uint64_t entry, uint64_t stack_top,
		  uint64_t window)
{
	const struct instance lent = {
		.runner = runner,
		.entry = entry,
		.stack_top = stack_top,
		.window = window,
	};

	return table_lend(&edge->table, &lent);
}

bool edge_take(struct edge *edge, int64_t instance)
{
	return table_take(&edge->table, instance);
}

void edge_give(struct edge *edge, int64_t instance)
{
	table_give(&edge->table, instance);
}

void edge_drop(struct edge *edge, int64_t instance)
{
	table_drop(&edge->table, instance);
}

void edge_add(struct edge *edge, uint32_t session, uint32_t client, int64_t instance)
{
	table_add(&edge->table, session, client, instance);
}

void edge_forget(struct edge *edge, uint32_t session)
{
	table_forget(&edge->table, session);
}

void edge_forget_client(struct edge *edge, uint32_t client)
{
	table_forget_client(&edge->table, client);
}
