/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <stddef.h>

static void lock(struct table *table)
{
	(void)pthread_mutex_lock(&table->lock);
}

static void unlock(struct table *table)
{
	(void)pthread_mutex_unlock(&table->lock);
}

static struct session *place(struct table *table, uint32_t session)
{
	return &table->sessions[session % TABLE_SESSIONS];
}

/* The instance that the core has a number of, or NULL if it has dropped it. Locked. */
static struct instance *find(struct table *table, int64_t number)
{
	struct instance *found;

	if (number < 0) {
		return NULL;
	}
	found = &table->instances[number % TABLE_INSTANCES];
	if (found->state == INSTANCE_NONE || found->state == INSTANCE_ORPHAN ||
	    found->generation != number / TABLE_INSTANCES) {
		return NULL;
	}
	return found;
}

struct instance *table_claim(struct table *table, uint32_t session, uint32_t client)
{
	struct instance *found = NULL;
	const struct session *known;

	lock(table);
	known = place(table, session);
	if (session != 0 && known->number == session && known->client == client &&
	    known->instance->state == INSTANCE_IDLE && !known->instance->wanted) {
		found = known->instance;
		found->state = INSTANCE_EDGES;
	}
	unlock(table);
	return found;
}

bool table_release(struct table *table, struct instance *instance)
{
	bool wanted;

	lock(table);
	instance->state = instance->state == INSTANCE_ORPHAN ? INSTANCE_NONE : INSTANCE_IDLE;
	wanted = instance->wanted;
	unlock(table);
	return wanted;
}

void table_pass_on(struct table *table, struct instance *instance)
{
	lock(table);
	instance->state = instance->state == INSTANCE_ORPHAN ? INSTANCE_NONE : INSTANCE_CORES;
	unlock(table);
}

bool table_hold(struct table *table, const struct instance *instance)
{
	lock(table);
	if (instance->state == INSTANCE_EDGES) {
		return true;
	}
	unlock(table);
	return false;
}

void table_let_go(struct table *table)
{
	unlock(table);
}

int64_t table_lend(struct table *table, const struct instance *lent)
{
	int64_t number = -1;

	lock(table);
	for (uint32_t n = 0; n < TABLE_INSTANCES && number < 0; n++) {
		struct instance *slot = &table->instances[n];
		uint32_t generation = slot->generation + 1;

		if (slot->state == INSTANCE_NONE) {
			*slot = *lent;
			slot->state = INSTANCE_CORES;
			slot->generation = generation;
			number = (int64_t)generation * TABLE_INSTANCES + n;
		}
	}
	unlock(table);
	return number;
}

bool table_take(struct table *table, int64_t instance)
{
	struct instance *wanted;
	bool taken;

	lock(table);
	wanted = find(table, instance);
	taken = wanted == NULL || wanted->state == INSTANCE_IDLE;
	if (wanted != NULL) {
		wanted->state = taken ? INSTANCE_CORES : wanted->state;
		wanted->wanted = !taken;
	}
	unlock(table);
	return taken;
}

void table_give(struct table *table, int64_t instance)
{
	struct instance *given;

	lock(table);
	given = find(table, instance);
	if (given != NULL && given->state == INSTANCE_CORES) {
		given->state = INSTANCE_IDLE;
		given->wanted = false;
	}
	unlock(table);
}

void table_drop(struct table *table, int64_t instance)
{
	struct instance *dropped;

	lock(table);
	dropped = find(table, instance);
	for (size_t n = 0; dropped != NULL && n < TABLE_SESSIONS; n++) {
		if (table->sessions[n].instance == dropped) {
			table->sessions[n] = (struct session){ 0 };
		}
	}
	if (dropped != NULL) {
		dropped->state = dropped->state == INSTANCE_EDGES ? INSTANCE_ORPHAN : INSTANCE_NONE;
	}
	unlock(table);
}

void table_add(struct table *table, uint32_t session, uint32_t client, int64_t instance)
{
	struct instance *used;

	lock(table);
	used = find(table, instance);
	if (used != NULL && session != 0) {
		*place(table, session) = (struct session){ session, client, used };
	}
	unlock(table);
}

void table_forget(struct table *table, uint32_t session)
{
	lock(table);
	if (place(table, session)->number == session) {
		*place(table, session) = (struct session){ 0 };
	}
	unlock(table);
}

void table_forget_client(struct table *table, uint32_t client)
{
	lock(table);
	for (size_t n = 0; n < TABLE_SESSIONS; n++) {
		if (table->sessions[n].client == client) {
			table->sessions[n] = (struct session){ 0 };
		}
	}
	unlock(table);
}
