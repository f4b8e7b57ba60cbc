/* SPDX-License-Identifier: BSD-3-Clause */
#include "runner_fixture.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"

struct runner fixture_runner = { .fd = -1 };
uint32_t (*fixture_ta)(const struct enter_registers *registers);
static int core = -1;

uint32_t enter_ta(const struct enter_registers *registers)
{
	return fixture_ta(registers);
}

void fixture_reconnect(void)
{
	int ends[2];
	int room = 1 << 20;

	(void)close(core);
	(void)close(fixture_runner.fd);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
		abort();
	}
	core = ends[0];
	fixture_runner.fd = ends[1];
	for (size_t n = 0; n < 2; n++) {
		(void)setsockopt(ends[n], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	}
}

void fixture_say_bytes(const void *bytes, size_t size)
{
	if (size > 0 && write(core, bytes, size) != (ssize_t)size) {
		abort();
	}
}

void fixture_say(uint32_t type, const void *head, size_t head_size, const void *rest,
		 size_t rest_size)
{
	struct tee_run_frame frame = {
		.length = (uint32_t)(TEE_RUN_LENGTH_MIN + head_size + rest_size),
		.type = type,
	};

	fixture_say_bytes(&frame, sizeof(frame));
	fixture_say_bytes(head, head_size);
	fixture_say_bytes(rest, rest_size);
}

void fixture_serve(void)
{
	(void)shutdown(core, SHUT_WR);
	runner_serve(&fixture_runner);
	(void)shutdown(fixture_runner.fd, SHUT_WR);
}

static bool hear(void *to, size_t size)
{
	return recv(core, to, size, MSG_WAITALL | MSG_DONTWAIT) == (ssize_t)size;
}

long fixture_hear(uint32_t *type, void *body, size_t room)
{
	struct tee_run_frame frame;
	size_t size;
	uint8_t cut;

	if (!hear(&frame, sizeof(frame))) {
		return -1;
	}
	assert(frame.length >= TEE_RUN_LENGTH_MIN && frame.length <= TEE_RUN_LENGTH_MAX);
	size = frame.length - TEE_RUN_LENGTH_MIN;
	*type = frame.type;
	for (size_t n = 0; n < size; n++) {
		if (!hear(n < room ? (uint8_t *)body + n : &cut, 1)) {
			abort();
		}
	}
	return (long)size;
}

long fixture_hear_done(void)
{
	struct tee_run_done done;
	uint32_t type;

	if (fixture_hear(&type, &done, sizeof(done)) != (long)sizeof(done) ||
	    type != TEE_RUN_DONE) {
		return -1;
	}
	return done.status;
}

static void map(uint32_t type, uint64_t address, uint64_t size, uint32_t prot, uint32_t flags)
{
	struct tee_run_map order = { address, size, prot, flags };
	uint64_t begin = address;

	fixture_say(type, &order, sizeof(order), &begin, sizeof(begin));
}

void fixture_start(void)
{
	const uint32_t write = TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE;

	fixture_reconnect();
	map(TEE_RUN_MAP, TA_DATA, TA_DATA_END - TA_DATA, write, 0);
	map(TEE_RUN_MAP, TA_CONSTANT, MAP_PAGE, TEE_RUN_PROT_READ, 0);
	map(TEE_RUN_MAP, TA_CODE, MAP_PAGE, TEE_RUN_PROT_READ | TEE_RUN_PROT_EXEC, 0);
	map(TEE_RUN_MAP, TA_STACK, TA_TOP - TA_STACK, write, TEE_RUN_FLAG_GUARD);
	map(TEE_RUN_REGION, TA_REGION, 100, write, TEE_RUN_FLAG_NONSECURE);
	fixture_serve();
	for (int n = 0; n < 4; n++) {
		if (fixture_hear_done() != 0) {
			abort();
		}
	}
	fixture_reconnect();
}

void fixture_stop(void)
{
	struct map *ours = &fixture_runner.map;

	while (ours->count > 0) {
		const struct map_range *last = &ours->ranges[ours->count - 1];

		if (memory_unmap(ours, last->start, last->end - last->start) != 0) {
			abort();
		}
	}
	fixture_runner.returned = false;
	fixture_runner.region_error = 0;
	(void)close(core);
	(void)close(fixture_runner.fd);
	core = -1;
	fixture_runner.fd = -1;
}
