/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hub, runners and a core that do what an input's bytes say, with the edge between them. Every
 * byte string is an input. Hub and runners are hostile; the core is not, but comes at any time.
 *
 *   target.c  what the input says, and what the core is told
 *   world.c   in place of Linux's calls: what the edge reads comes from here, and what it sends is
 *             checked
 */
#pragma once

#include <abi/tee_client.h>
#include <abi/tee_run.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "driver.h"
#include "edge.h"
#include "fail.h"

#define IN_FD	   1000
#define OUT_FD	   1001
#define RUNNER_FD  2000
#define TAS	   3U
#define SESSIONS   5U
#define STREAM_MAX ((size_t)1 << 18)
#define SAID_MAX   ((size_t)1 << 17)

enum owner {
	OWNER_NOBODY,
	OWNER_CORE,
	OWNER_IDLE,
	OWNER_EDGE
};

struct ta {
	int64_t number;
	enum owner owner;
	uint64_t window;
	bool closed;
	bool partial;
	/* What its runner says, and how much of it was heard, and before the call. */
	uint8_t said[SAID_MAX];
	size_t said_size;
	size_t heard;
	size_t heard_before;
	/* The request of the edge's call. */
	size_t request_at;
	size_t request_size;
};

/* Whose session a number was last, with which TA. */
struct known {
	uint32_t client;
	size_t ta;
};

extern struct edge *fuzz_edge;
extern struct known fuzz_sessions[SESSIONS];
extern struct ta fuzz_tas[TAS];
/* What the hub sends: how much there is, was read, and was served or given to the core. */
extern uint8_t fuzz_stream[STREAM_MAX];
extern size_t fuzz_sent, fuzz_read, fuzz_served;
/* How the next calls of Linux fare. */
extern uint8_t fuzz_mood;
extern bool fuzz_is_socket;

void world_begin(void);
void world_pass(int64_t milliseconds);

ssize_t world_read(int fd, void *to, size_t size);
int world_poll(struct pollfd *polled, nfds_t count, int timeout);
ssize_t world_recv(int fd, void *to, size_t size, int flags);
ssize_t world_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t world_writev(int fd, const struct iovec *parts, int count);
ssize_t world_write(int fd, const void *bytes, size_t size);
int world_shutdown(int fd, int how);
int world_fstat(int fd, struct stat *status);
int world_ioctl(int fd, unsigned long request, int *held);
int world_fcntl(int fd, int what);
int world_clock(clockid_t clock, struct timespec *now);
