/* SPDX-License-Identifier: BSD-3-Clause */
/* Which instances and sessions the edge may serve. All of it is under the lock of the table. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* As many as the core has. */
#define TABLE_INSTANCES 256
/* One a number modulo this: a session that finds another in its place is served by the core. */
#define TABLE_SESSIONS 1024

enum instance_state {
	INSTANCE_NONE,
	INSTANCE_CORES,
	INSTANCE_IDLE,
	/* A call of the edge's runs in it. */
	INSTANCE_EDGES,
	/* And the core has dropped it. */
	INSTANCE_ORPHAN,
};

struct instance {
	enum instance_state state;
	/* Of those that had this place before, and this one. */
	uint32_t generation;
	/* The core waits for it. */
	bool wanted;
	int runner;
	uint64_t entry;
	uint64_t stack_top;
	uint64_t window;
};

/* Number 0 is no session's. */
struct session {
	uint32_t number;
	uint32_t client;
	struct instance *instance;
};

struct table {
	pthread_mutex_t lock;
	struct instance instances[TABLE_INSTANCES];
	struct session sessions[TABLE_SESSIONS];
};

/*
 * Claim the idle instance of a client's session for a call of the edge's. NULL if it is not to be
 * had.
 */
struct instance *table_claim(struct table *table, uint32_t session, uint32_t client);

/*
 * Its call is over, or is the core's. Returns whether the core waits for it and must be told.
 */
bool table_release(struct table *table, struct instance *instance);
void table_pass_on(struct table *table, struct instance *instance);

/*
 * Hold the table if a call of the edge's runs in an instance: its socket is not closed meanwhile,
 * for the core drops it first. What is done then must not wait. Returns false, and holds nothing,
 * if the core has dropped it.
 */
bool table_hold(struct table *table, const struct instance *instance);
void table_let_go(struct table *table);

/* The core's side: see edge.h. */
int64_t table_lend(struct table *table, const struct instance *lent);
bool table_take(struct table *table, int64_t instance);
void table_give(struct table *table, int64_t instance);
void table_drop(struct table *table, int64_t instance);
void table_add(struct table *table, uint32_t session, uint32_t client, int64_t instance);
void table_forget(struct table *table, uint32_t session);
void table_forget_client(struct table *table, uint32_t client);
