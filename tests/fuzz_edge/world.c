/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/tee.h>
#include <errno.h>
#include <string.h>

#include "fuzz_edge.h"

#define PAGE UINT64_C(4096)

struct edge *fuzz_edge;
struct ta fuzz_tas[TAS];
struct known fuzz_sessions[SESSIONS];
uint8_t fuzz_stream[STREAM_MAX];
size_t fuzz_sent, fuzz_read, fuzz_served;
uint8_t fuzz_mood;
bool fuzz_is_socket;
static int64_t now_ms;
static uint8_t answers[1 << 16];
static size_t answers_size;

void world_begin(void)
{
	fuzz_sent = fuzz_read = fuzz_served = answers_size = 0;
	fuzz_mood = 0;
	now_ms = 0;
}

void world_pass(int64_t milliseconds)
{
	now_ms += milliseconds;
}

static struct ta *ta_of(int fd)
{
	MUST(fd >= RUNNER_FD && fd < RUNNER_FD + (int)TAS, "descriptor %d", fd);
	return &fuzz_tas[fd - RUNNER_FD];
}

ssize_t world_read(int fd, void *to, size_t size)
{
	size_t left = fuzz_sent - fuzz_read;
	size_t step = fuzz_mood % 4 == 0 ? left : fuzz_mood;

	MUST(fd == IN_FD && size > 0, "a read of %zu bytes", size);
	if (left == 0) {
		errno = EINTR;
		return -1;
	}
	step = step < left ? step : left;
	step = step < size ? step : size;
	memcpy(to, fuzz_stream + fuzz_read, step);
	fuzz_read += step;
	return (ssize_t)step;
}

int world_poll(struct pollfd *polled, nfds_t count, int timeout)
{
	int ready = 0;

	for (nfds_t n = 0; n < count; n++) {
		polled[n].revents = 0;
		if (polled[n].fd == OUT_FD) {
			polled[n].revents = (fuzz_mood & 8) != 0 ? 0 : POLLOUT;
		} else if (polled[n].fd == IN_FD) {
			polled[n].revents = fuzz_read < fuzz_sent ? POLLIN : 0;
		} else if (polled[n].fd >= 0) {
			const struct ta *ta = ta_of(polled[n].fd);

			MUST(ta->owner == OWNER_EDGE, "a poll of a runner that is not the edge's");
			polled[n].revents = ta->heard < ta->said_size || ta->closed ? POLLIN : 0;
		}
		ready += polled[n].revents != 0 ? 1 : 0;
	}
	MUST(timeout >= 0 && timeout <= 20, "a wait of %d ms", timeout);
	if (ready == 0) {
		now_ms += timeout;
	}
	return ready;
}

ssize_t world_recv(int fd, void *to, size_t size, int flags)
{
	struct ta *ta = ta_of(fd);
	size_t left = ta->said_size - ta->heard;

	MUST(ta->owner == OWNER_EDGE && flags == MSG_DONTWAIT && size > 0, "a wrong recv");
	if (left == 0) {
		errno = EAGAIN;
		return ta->closed ? 0 : -1;
	}
	left = left < size ? left : size;
	if ((fuzz_mood & 2) != 0 && left > 1) {
		left /= 2;
	}
	memcpy(to, ta->said + ta->heard, left);
	ta->heard += left;
	return (ssize_t)left;
}

/* The regions of a call: pages of their own in the window. */
static const uint8_t *check_regions(const struct ta *ta, const uint8_t *at, const uint8_t *end,
				    uint64_t spans[][2], size_t *count)
{
	struct tee_run_frame frame;
	struct tee_run_map map;

	for (*count = 0;; (*count)++) {
		MUST((size_t)(end - at) >= sizeof(frame), "orders that are cut short");
		memcpy(&frame, at, sizeof(frame));
		at += sizeof(frame);
		if (frame.type != TEE_RUN_REGION) {
			MUST(frame.type == TEE_RUN_ENTER &&
				     frame.length == 4 + sizeof(struct tee_run_enter) &&
				     end - at == sizeof(struct tee_run_enter),
			     "an order %u of %u bytes", frame.type, frame.length);
			return at;
		}
		MUST(*count < 4 && frame.length >= 4 + sizeof(map) &&
			     (size_t)(end - at) >= frame.length - 4,
		     "a region of %u bytes", frame.length);
		memcpy(&map, at, sizeof(map));
		at += frame.length - 4;
		MUST(map.size > 0 && frame.length - 4 - sizeof(map) <= map.size, "its bytes");
		MUST(map.prot == (TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE) &&
			     map.flags == TEE_RUN_FLAG_NONSECURE,
		     "its rights");
		MUST(map.address >= ta->window && map.size <= edge_window() &&
			     map.address - ta->window <= edge_window() - map.size,
		     "a region outside the window");
		spans[*count][0] = map.address;
		spans[*count][1] = map.address + map.size;
		for (size_t n = 0; n < *count; n++) {
			MUST(spans[n][1] <= map.address / PAGE * PAGE, "regions that share a page");
		}
	}
}

/* The memory that the TA is told of is memory of the call. */
static void check_vals(const struct tee_run_enter *enter, uint64_t spans[][2], size_t count)
{
	for (unsigned int n = 0; n < 4; n++) {
		unsigned int type = enter->types >> (4 * n) & 0xfU;
		uint64_t at = enter->vals[2 * n];
		uint64_t size = enter->vals[2 * n + 1];
		bool inside = at == 0 && size == 0;

		if (type < TEE_PARAM_TYPE_MEMREF_INPUT) {
			continue;
		}
		for (size_t r = 0; r < count; r++) {
			inside |=
				at >= spans[r][0] && at <= spans[r][1] && size <= spans[r][1] - at;
		}
		MUST(type <= TEE_PARAM_TYPE_MEMREF_INOUT && inside,
		     "memory that is not the call's");
	}
}

static void check_orders(struct ta *ta, const uint8_t *orders, size_t size)
{
	struct tee_client_header header;
	struct tee_client_invoke invoke;
	struct tee_run_enter enter;
	uint64_t spans[4][2];
	size_t count;
	const uint8_t *at = check_regions(ta, orders, orders + size, spans, &count);

	memcpy(&enter, at, sizeof(enter));
	check_vals(&enter, spans, count);
	MUST(enter.function == TEE_ENTRY_INVOKE_COMMAND && enter.entry == ta->window + 1 &&
		     enter.stack_top == ta->window + 2,
	     "a wrong entry");
	MUST(fuzz_read - fuzz_served >= sizeof(header) + sizeof(invoke), "a call of no request");
	memcpy(&header, fuzz_stream + fuzz_served, sizeof(header));
	memcpy(&invoke, fuzz_stream + fuzz_served + sizeof(header), sizeof(invoke));
	MUST(header.kind == TEE_CLIENT_KIND_INVOKE && invoke.session == enter.session &&
		     invoke.command == enter.command,
	     "a call of another request");
	MUST(invoke.session > 0 && invoke.session < SESSIONS &&
		     fuzz_sessions[invoke.session].client == header.client &&
		     &fuzz_tas[fuzz_sessions[invoke.session].ta] == ta,
	     "a call in a session that is not the client's");
	ta->request_at = fuzz_served;
	ta->request_size = sizeof(header) + header.length;
}

static size_t gather(uint8_t *to, size_t room, const struct iovec *parts, size_t count)
{
	size_t size = 0;

	for (size_t n = 0; n < count; n++) {
		MUST(parts[n].iov_len <= room - size, "too much at once");
		memcpy(to + size, parts[n].iov_base, parts[n].iov_len);
		size += parts[n].iov_len;
	}
	return size;
}

/* An answer is that of a call whose runner has said that it returned. */
static void check_answer(const struct tee_client_header *answer)
{
	for (size_t n = 0; n < TAS; n++) {
		struct ta *ta = &fuzz_tas[n];
		struct tee_client_header asked;
		struct tee_run_frame said;

		memcpy(&asked, fuzz_stream + ta->request_at, sizeof(asked));
		if (ta->owner != OWNER_EDGE || asked.client != answer->client ||
		    asked.request != answer->request) {
			continue;
		}
		MUST(ta->heard - ta->heard_before >= sizeof(said), "an answer before a result");
		memcpy(&said, ta->said + ta->heard_before, sizeof(said));
		MUST(said.type == TEE_RUN_RETURNED &&
			     ta->heard - ta->heard_before == 4U + said.length,
		     "an answer that is no result's");
		ta->owner = OWNER_IDLE;
		return;
	}
	fuzz_fail("an answer that nobody waits for");
}

/* What follows belongs to the parameters. */
static void check_outcomes(const uint8_t *body, size_t size)
{
	struct tee_client_param outcomes[TEE_CLIENT_PARAMS];
	size_t head = sizeof(struct tee_client_result) + sizeof(struct tee_client_params);
	uint64_t sum = 0;

	MUST(size >= head + sizeof(outcomes), "a short answer");
	memcpy(outcomes, body + head, sizeof(outcomes));
	for (size_t n = 0; n < TEE_CLIENT_PARAMS; n++) {
		MUST(outcomes[n].c == 0 || outcomes[n].c == outcomes[n].b, "a piece of memory");
		sum += outcomes[n].c;
	}
	MUST(sum == size - head - sizeof(outcomes), "bytes that are no parameter's");
}

static void hear_answers(const uint8_t *bytes, size_t size)
{
	struct tee_client_header header;

	MUST(size <= sizeof(answers) - answers_size, "long answers");
	memcpy(answers + answers_size, bytes, size);
	answers_size += size;
	while (answers_size >= sizeof(header)) {
		memcpy(&header, answers, sizeof(header));
		MUST(header.magic == TEE_CLIENT_MAGIC && header.kind == TEE_CLIENT_KIND_INVOKED &&
			     header.flags == 0 && header.length <= sizeof(answers) - sizeof(header),
		     "no answer");
		if (answers_size < sizeof(header) + header.length) {
			return;
		}
		check_answer(&header);
		check_outcomes(answers + sizeof(header), header.length);
		answers_size -= sizeof(header) + header.length;
		memmove(answers, answers + sizeof(header) + header.length, answers_size);
	}
}

ssize_t world_writev(int fd, const struct iovec *parts, int count)
{
	static uint8_t bytes[1 << 15];
	size_t size = gather(bytes, sizeof(bytes), parts, (size_t)count);

	MUST(fd == OUT_FD, "descriptor %d", fd);
	if ((fuzz_mood & 16) != 0) {
		errno = EAGAIN;
		return -1;
	}
	size = (fuzz_mood & 32) != 0 ? 1 + size / 2 : size;
	hear_answers(bytes, size);
	return (ssize_t)size;
}

ssize_t world_sendmsg(int fd, const struct msghdr *message, int flags)
{
	static uint8_t bytes[1 << 17];
	struct ta *ta;
	size_t size;

	MUST(flags == (MSG_DONTWAIT | MSG_NOSIGNAL), "flags %#x", (unsigned int)flags);
	if (fd == OUT_FD) {
		return world_writev(fd, message->msg_iov, (int)message->msg_iovlen);
	}
	ta = ta_of(fd);
	MUST(ta->owner == OWNER_IDLE, "a call in an instance that is not idle");
	if ((fuzz_mood & 64) != 0) {
		errno = EAGAIN;
		return -1;
	}
	size = gather(bytes, sizeof(bytes), message->msg_iov, message->msg_iovlen);
	check_orders(ta, bytes, size);
	fuzz_calls++;
	fuzz_served += ta->request_size;
	ta->owner = OWNER_EDGE;
	ta->heard_before = ta->heard;
	ta->partial = (fuzz_mood & 128) != 0;
	return (ssize_t)(ta->partial ? size / 2 : size);
}

ssize_t world_write(int fd, const void *bytes, size_t size)
{
	MUST(fd == OUT_FD, "descriptor %d", fd);
	hear_answers(bytes, size);
	return (ssize_t)size;
}

int world_shutdown(int fd, int how)
{
	struct ta *ta = ta_of(fd);

	MUST(ta->partial && how == SHUT_RDWR, "an end without need");
	ta->closed = true;
	return 0;
}

int world_fstat(int fd, struct stat *status)
{
	MUST(fd == OUT_FD, "descriptor %d", fd);
	status->st_mode = fuzz_is_socket ? S_IFSOCK : S_IFIFO;
	return 0;
}

int world_ioctl(int fd, unsigned long request, int *held)
{
	(void)request;
	MUST(fd == OUT_FD, "descriptor %d", fd);
	*held = (fuzz_mood & 8) != 0 ? 1 : 0;
	return 0;
}

int world_fcntl(int fd, int what)
{
	(void)what;
	MUST(fd == OUT_FD, "descriptor %d", fd);
	return 1 << 16;
}

int world_clock(clockid_t clock, struct timespec *now)
{
	MUST(clock == CLOCK_MONOTONIC, "another clock");
	*now = (struct timespec){ now_ms / 1000, now_ms % 1000 * 1000000 };
	return 0;
}
