/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/tee.h>
#include <string.h>

#include "fuzz_edge.h"

#define PATIENCE_MS 20

unsigned long fuzz_calls;

static const uint8_t *input;
static size_t input_left;

static uint8_t byte(void)
{
	if (input_left == 0) {
		return 0;
	}
	input_left--;
	return *input++;
}

/* Mostly small, sometimes anything. */
static uint64_t number(void)
{
	uint8_t first = byte();
	uint64_t large = 0;

	if (first < 0xf0) {
		return first % 16;
	}
	for (size_t n = 0; n < sizeof(large); n++) {
		large = large << 8 | byte();
	}
	return first < 0xf8 ? large >> 48 : large;
}

static void put(const void *bytes, size_t size)
{
	if (size <= sizeof(fuzz_stream) - fuzz_sent) {
		memcpy(fuzz_stream + fuzz_sent, bytes, size);
		fuzz_sent += size;
	}
}

static void send_header(uint16_t kind, uint32_t length)
{
	struct tee_client_header header = {
		.magic = TEE_CLIENT_MAGIC,
		.length = length,
		.kind = kind,
		.client = byte() % 2U,
		.request = byte() % 4U,
	};

	put(&header, sizeof(header));
}

/* One that is right, but for what is changed. */
static void send_invoke(void)
{
	static uint8_t body[1 << 18];
	static const uint8_t types[] = { 0, 0, 1, 2, 3, 5, 6, 7, 6, 7, 5, 4 };
	struct tee_client_invoke invoke = { 1U + byte() % 4U, byte() };
	struct tee_client_params params = { .region_count = byte() % 5U };
	struct tee_client_region regions[4] = { 0 };
	struct tee_client_param given[4] = { 0 };
	size_t size = sizeof(invoke) + sizeof(params);

	for (unsigned int n = 0; n < 4; n++) {
		uint32_t type = types[byte() % sizeof(types)];
		uint8_t used = (uint8_t)(type >= TEE_PARAM_TYPE_MEMREF_INPUT ? type - 4 : 0);

		given[n].c = TEE_CLIENT_NO_REGION;
		params.types |= type << (4 * n);
		if (type == TEE_PARAM_TYPE_VALUE_INPUT || type == TEE_PARAM_TYPE_VALUE_INOUT) {
			given[n].a = byte();
		} else if (used != 0 && n < params.region_count) {
			regions[n] =
				(struct tee_client_region){ number() * 2500, used, byte() * 17U };
			given[n] = (struct tee_client_param){ byte() % 4U, 0, n };
			given[n].b = regions[n].size - given[n].a;
		}
	}
	memcpy(body, &invoke, sizeof(invoke));
	memcpy(body + sizeof(invoke), &params, sizeof(params));
	memcpy(body + size, regions, params.region_count * sizeof(regions[0]));
	size += params.region_count * sizeof(regions[0]);
	memcpy(body + size, given, sizeof(given));
	size += sizeof(given);
	for (uint32_t n = 0; n < params.region_count; n++) {
		if ((regions[n].flags & TEE_CLIENT_REGION_IN) != 0 && regions[n].size < 40000) {
			size += regions[n].size;
		}
	}
	if (byte() % 8 == 7) {
		body[byte()] ^= byte();
	}
	send_header(TEE_CLIENT_KIND_INVOKE, (uint32_t)size);
	put(body, size);
}

static void send_something(void)
{
	uint8_t bytes[256];
	size_t size = byte();

	for (size_t n = 0; n < size; n++) {
		bytes[n] = byte();
	}
	if (byte() % 4 != 0) {
		send_header(byte() % 8U, (uint32_t)(byte() == 0 ? number() : size));
	}
	put(bytes, size);
}

static void say(struct ta *ta, const void *bytes, size_t size)
{
	if (size <= sizeof(ta->said) - ta->said_size) {
		memcpy(ta->said + ta->said_size, bytes, size);
		ta->said_size += size;
	}
}

static void say_returned(struct ta *ta)
{
	static const uint8_t data[1 << 15];
	struct tee_run_returned returned = { .result = byte() };
	struct tee_run_frame frame;
	uint64_t sum = 0;

	for (size_t n = 0; n < 8; n++) {
		returned.vals[n] = number();
		sum += n % 2 != 0 && (byte() & 1) != 0 ? returned.vals[n] : 0;
	}
	sum = sum < sizeof(data) ? sum : sizeof(data);
	frame.type = byte() % 8 == 7 ? TEE_RUN_CALL : TEE_RUN_RETURNED;
	frame.length = (uint32_t)(TEE_RUN_LENGTH_MIN + sizeof(returned) + sum);
	say(ta, &frame, sizeof(frame));
	say(ta, &returned, sizeof(returned));
	say(ta, data, sum);
}

static void say_something(struct ta *ta)
{
	struct tee_run_frame frame = { (uint32_t)number(), TEE_RUN_RETURNED };
	uint8_t bytes[16];

	switch (byte() % 4) {
	case 0:
		say(ta, &frame, sizeof(frame));
		break;
	case 1:
		frame.type = (uint32_t)number();
		say(ta, &frame, byte() % (sizeof(frame) + 1));
		break;
	case 2:
		for (size_t n = 0; n < sizeof(bytes); n++) {
			bytes[n] = byte();
		}
		say(ta, bytes, sizeof(bytes));
		break;
	default:
		ta->closed = true;
		break;
	}
}

static void add(uint32_t session, uint32_t client, size_t n)
{
	edge_add(fuzz_edge, session, client, fuzz_tas[n].number);
	fuzz_sessions[session].client = client;
	fuzz_sessions[session].ta = n;
}

static void lend(size_t n)
{
	struct ta *ta = &fuzz_tas[n];

	ta->window = (n + 1) << 32;
	ta->owner = OWNER_CORE;
	ta->closed = false;
	ta->heard = ta->said_size = 0;
	ta->number = edge_lend(fuzz_edge, RUNNER_FD + (int)n, ta->window + 1, ta->window + 2,
			       ta->window);
	MUST(ta->number >= 0, "no room for an instance");
	add((uint32_t)n + 1, n % 2, n);
	edge_give(fuzz_edge, ta->number);
	ta->owner = OWNER_IDLE;
}

static void manage(size_t n)
{
	struct ta *ta = &fuzz_tas[n];
	bool taken;

	switch (byte() % 6) {
	case 0:
		taken = edge_take(fuzz_edge, ta->number);
		MUST(taken == (ta->owner == OWNER_IDLE || ta->owner == OWNER_NOBODY), "take");
		ta->owner = ta->owner == OWNER_IDLE ? OWNER_CORE : ta->owner;
		break;
	case 1:
		edge_give(fuzz_edge, ta->number);
		ta->owner = ta->owner == OWNER_CORE ? OWNER_IDLE : ta->owner;
		break;
	case 2:
		if (ta->owner != OWNER_EDGE) {
			edge_drop(fuzz_edge, ta->number);
			lend(n);
		}
		break;
	case 3:
		edge_forget(fuzz_edge, byte() % SESSIONS);
		break;
	case 4:
		edge_forget_client(fuzz_edge, byte() % 3U);
		break;
	default:
		add(byte() % SESSIONS, byte() % 2U, n);
		break;
	}
}

/* The core has a call that is one of the edge's, just as it is. */
static void check_adopted(const struct edge_event *event)
{
	for (size_t n = 0; n < TAS; n++) {
		struct ta *ta = &fuzz_tas[n];

		if (ta->owner != OWNER_EDGE || event->size != ta->request_size ||
		    memcmp(event->bytes, fuzz_stream + ta->request_at, event->size) != 0 ||
		    event->said_size != ta->heard - ta->heard_before ||
		    memcmp(event->said, ta->said + ta->heard_before, event->said_size) != 0) {
			continue;
		}
		ta->owner = OWNER_CORE;
		return;
	}
	fuzz_fail("a call for the core that none of the edge's is");
}

static uint32_t wait_once(void)
{
	struct edge_event event;

	edge_wait(fuzz_edge, IN_FD, &event);
	switch (event.kind) {
	case EDGE_INPUT:
		MUST(event.size > 0 && event.size <= fuzz_read - fuzz_served &&
			     memcmp(event.bytes, fuzz_stream + fuzz_served, event.size) == 0,
		     "%zu bytes for the core that did not come", event.size);
		fuzz_served += event.size;
		break;
	case EDGE_ADOPT:
		check_adopted(&event);
		break;
	default:
		MUST(event.kind == EDGE_NOTHING || event.kind == EDGE_FREED, "event %u",
		     event.kind);
		break;
	}
	return event.kind;
}

static void step(void)
{
	uint8_t what = byte();
	struct ta *ta = &fuzz_tas[what / 16 % TAS];

	switch (what % 12) {
	case 0:
	case 1:
	case 2:
		send_invoke();
		break;
	case 3:
		send_something();
		break;
	case 4:
	case 5:
	case 6:
		say_returned(ta);
		break;
	case 7:
		say_something(ta);
		break;
	case 8:
		manage(what / 16 % TAS);
		break;
	case 9:
		fuzz_mood = byte();
		world_pass(byte() % 8 == 0 ? PATIENCE_MS : 0);
		break;
	default:
		(void)wait_once();
		break;
	}
}

/* In the end every call has an answer or is the core's. */
static void check_end(void)
{
	bool over = false;

	fuzz_mood = 0;
	for (size_t n = 0; n < STREAM_MAX && !over; n++) {
		over = wait_once() == EDGE_NOTHING && fuzz_read == fuzz_sent;
		for (size_t t = 0; t < TAS; t++) {
			over &= fuzz_tas[t].owner != OWNER_EDGE;
		}
	}
	MUST(over, "a call that is not over");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_left = size;
	world_begin();
	fuzz_is_socket = byte() % 2 == 0;
	fuzz_edge = edge_new(OUT_FD, PATIENCE_MS);
	MUST(fuzz_edge != NULL, "no memory");
	memset(fuzz_tas, 0, sizeof(fuzz_tas));
	for (size_t n = 0; n < TAS; n++) {
		lend(n);
	}
	/* So that inputs without calls are counted too. */
	fuzz_calls++;
	while (input_left > 0) {
		step();
	}
	check_end();
	edge_free(fuzz_edge);
	return 0;
}
