// SPDX-License-Identifier: BSD-3-Clause
/* The registry of connections, by descriptor: a context has room for no more than that. */
#include "connection.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct connection *connections;

void registry_lock(void)
{
	pthread_mutex_lock(&registry);
}

void registry_unlock(void)
{
	pthread_mutex_unlock(&registry);
}

struct connection *registry_first(void)
{
	return connections;
}

static void prepare_for_forks(void)
{
	pthread_atfork(registry_lock, registry_unlock, registry_unlock);
}

static struct connection *connection_new(int fd)
{
	struct connection *made = calloc(1, sizeof(*made));

	if (made == NULL) {
		return NULL;
	}
	made->users = 1;
	made->owner = getpid();
	made->fd = fd;
	pthread_mutex_init(&made->sending, NULL);
	pthread_mutex_init(&made->lock, NULL);
	pthread_cond_init(&made->news, NULL);
	return made;
}

int connection_open(void)
{
	pthread_once(&once, prepare_for_forks);

	int fd = io_connect();

	if (fd < 0) {
		return -1;
	}

	struct connection *made = connection_new(fd);

	if (made == NULL) {
		close(fd);
		return -1;
	}
	registry_lock();
	made->next = connections;
	connections = made;
	registry_unlock();
	return fd;
}

/* Registry held: where the connection of a descriptor is linked. */
static struct connection **find(int fd)
{
	struct connection **at = &connections;

	while (*at != NULL && (*at)->fd != fd) {
		at = &(*at)->next;
	}
	return at;
}

/*
 * Registry held: put a connection of this process, `fresh`, in place of its parent's. That one's
 * locks may be held by threads that this process does not have, so nothing of it is touched again.
 */
static struct connection *replace(struct connection **at, int fresh)
{
	int fd = (*at)->fd;
	struct connection *made = dup3(fresh, fd, O_CLOEXEC) == fd ? connection_new(fd) : NULL;

	if (made != NULL) {
		made->next = (*at)->next;
		*at = made;
	}
	return made;
}

static bool is_parents(const struct connection *connection)
{
	return connection != NULL && connection->owner != getpid();
}

/* Returns the connection of a descriptor for a process that may be a child of who opened it. */
static struct connection *get(int fd, int fresh)
{
	registry_lock();

	struct connection **at = find(fd);
	struct connection *found = *at;

	if (is_parents(found) && fresh >= 0) {
		found = replace(at, fresh);
	}
	if (found != NULL && !is_parents(found)) {
		found->users++;
	}
	registry_unlock();
	return found;
}

struct connection *connection_get(int fd)
{
	struct connection *found = get(fd, -1);

	if (!is_parents(found)) {
		return found;
	}

	/* Not with the registry locked, for the hub may let this wait. */
	int fresh = io_connect();

	if (fresh < 0) {
		return NULL;
	}
	found = get(fd, fresh);
	close(fresh);
	return found;
}

void connection_put(struct connection *connection)
{
	registry_lock();

	bool last = --connection->users == 0;

	registry_unlock();
	if (last) {
		close(connection->fd);
		pthread_cond_destroy(&connection->news);
		pthread_mutex_destroy(&connection->lock);
		pthread_mutex_destroy(&connection->sending);
		free(connection);
	}
}

void connection_close(int fd)
{
	registry_lock();

	struct connection **at = find(fd);
	struct connection *found = *at;

	if (found != NULL) {
		*at = found->next;
	}
	registry_unlock();
	if (found == NULL) {
		return;
	}
	if (found->owner != getpid()) {
		close(fd);
		return;
	}
	connection_put(found);
}
