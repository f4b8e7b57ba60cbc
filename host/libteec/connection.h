/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct call;

/*
 * A socket connected to the hub. Locks, in this order: the registry's, one connection's. Nobody
 * holds either while sending or receiving.
 */
struct connection {
	/* The registry's. */
	struct connection *next;
	unsigned int users;
	pid_t owner;
	int fd;

	/* Held while a whole frame is sent. */
	pthread_mutex_t sending;

	/* Of all that follows; news: a call is done, or nobody receives any more. */
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct call *calls;
	uint64_t last_request;
	bool receiving;
	bool dead;
};

/* Connect, as the environment says. Returns the descriptor that the connection is known by, or -1.
 */
int connection_open(void);

/*
 * The connection of a descriptor, to be given back; NULL if there is none. In a process that was
 * forked off, the first use makes a connection of its own: the parent's carries the parent's
 * frames.
 */
struct connection *connection_get(int fd);
void connection_put(struct connection *connection);

/* Forget a descriptor; it is closed when the last user of its connection has given it back. */
void connection_close(int fd);

/* The registry of all connections: what was forked off must pass over those of other owners. */
void registry_lock(void);
void registry_unlock(void);
struct connection *registry_first(void);
