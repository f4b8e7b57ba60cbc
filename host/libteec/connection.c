// SPDX-License-Identifier: BSD-3-Clause
/*
 * Connections, and the calls that are on. Locks, in this order: the registry's, one connection's.
 * Nobody holds either while sending or receiving. `sending` is held while a whole frame is sent.
 *
 * Whichever thread waits for an answer and finds nobody receiving receives for all, one frame at a
 * time; so the library needs no thread of its own, and a program that forks has none to lose.
 */
#include "connection.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "complain.h"
#include "io.h"

/* An operation's `started` once it was cancelled, until it is used: no value that chance leaves. */
#define STARTED_CANCELLED 0x4C434E43

struct connection {
	struct connection *next; /* registry's, as are these three */
	unsigned int users;
	pid_t owner;
	int fd;

	pthread_mutex_t sending;

	pthread_mutex_t lock;
	pthread_cond_t news;
	struct call *calls;
	uint64_t last_request;
	bool receiving;
	bool dead;
};

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct connection *connections;

static void hold_registry(void)
{
	pthread_mutex_lock(&registry);
}

static void let_registry_go(void)
{
	pthread_mutex_unlock(&registry);
}

static void prepare_for_forks(void)
{
	pthread_atfork(hold_registry, let_registry_go, let_registry_go);
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
	pthread_mutex_lock(&registry);
	made->next = connections;
	connections = made;
	pthread_mutex_unlock(&registry);
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
 * Registry held: put a connection of this process in place of its parent's. That one's locks may be
 * held by threads that this process does not have, so nothing of it is touched again.
 */
static struct connection *replace(struct connection **at)
{
	int fd = (*at)->fd;
	int fresh = io_connect();

	if (fresh < 0) {
		return NULL;
	}

	struct connection *made = dup3(fresh, fd, O_CLOEXEC) == fd ? connection_new(fd) : NULL;

	close(fresh);
	if (made != NULL) {
		made->next = (*at)->next;
		*at = made;
	}
	return made;
}

struct connection *connection_get(int fd)
{
	pthread_mutex_lock(&registry);

	struct connection **at = find(fd);
	struct connection *found = *at;

	if (found != NULL && found->owner != getpid()) {
		found = replace(at);
	}
	if (found != NULL) {
		found->users++;
	}
	pthread_mutex_unlock(&registry);
	return found;
}

void connection_put(struct connection *connection)
{
	pthread_mutex_lock(&registry);

	bool last = --connection->users == 0;

	pthread_mutex_unlock(&registry);
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
	pthread_mutex_lock(&registry);

	struct connection **at = find(fd);
	struct connection *found = *at;

	if (found != NULL) {
		*at = found->next;
	}
	pthread_mutex_unlock(&registry);
	if (found == NULL) {
		return;
	}
	if (found->owner != getpid()) {
		close(fd);
		return;
	}
	connection_put(found);
}

static void set_unanswered(struct call *call)
{
	memset(&call->answer, 0, sizeof(call->answer));
	call->answer.result.result = TEEC_ERROR_COMMUNICATION;
	call->answer.result.origin = TEEC_ORIGIN_COMMS;
}

/*
 * Lock held, by who receives, for nobody may write to a call that is done: end every call that
 * waits. None will be answered.
 */
static void break_off(struct connection *connection, const char *why)
{
	complain("the connection to the TEE is of no use any more: %s", why);
	connection->dead = true;
	for (struct call *call = connection->calls; call != NULL; call = call->next) {
		if (!call->done) {
			set_unanswered(call);
			call->done = true;
		}
	}
}

static const char *check_header(const struct tee_client_header *header)
{
	if (header->magic != TEE_CLIENT_MAGIC || header->flags != 0 || header->client != 0 ||
	    header->length > TEE_CLIENT_LENGTH_MAX) {
		return "what it sends is not the tee wire";
	}
	return NULL;
}

static struct call *find_call(struct connection *connection, uint64_t request)
{
	struct call *call = connection->calls;

	while (call != NULL && call->request != request) {
		call = call->next;
	}
	return call;
}

static bool is_memory(uint32_t type)
{
	return (type & 4) != 0;
}

static bool is_output(uint32_t type)
{
	return (type & 2) != 0;
}

/* Check what an answer says of one parameter; count what follows of it. */
static bool check_param(const struct tee_client_param *param, uint32_t type, size_t capacity,
			uint64_t *total)
{
	if (!is_output(type)) {
		return param->a == 0 && param->b == 0 && param->c == 0;
	}
	if (!is_memory(type)) {
		return param->a <= UINT32_MAX && param->b <= UINT32_MAX && param->c == 0;
	}
	*total += param->c;
	return param->a == 0 && param->c <= capacity;
}

/* Check the fixed part of an answer, of which `rest` bytes follow. */
static const char *check_answer(const struct call *call, uint64_t rest)
{
	const struct tee_client_result *result = &call->answer.result;
	const struct tee_client_params *head = &call->answer.head;
	uint64_t total = 0;

	if (result->origin < TEEC_ORIGIN_API || result->origin > TEEC_ORIGIN_TRUSTED_APP ||
	    result->reserved != 0) {
		return "an answer has a result that there cannot be";
	}
	if (result->session != 0 &&
	    (result->result != TEEC_SUCCESS || call->kind != TEE_CLIENT_KIND_OPEN)) {
		return "an answer names a session where there is none";
	}
	if (head->region_count != 0 ||
	    (head->types != call->types && (head->types != 0 || result->result == TEEC_SUCCESS))) {
		return "an answer is not one to the parameters that were sent";
	}
	for (unsigned int i = 0; i < TEE_CLIENT_PARAMS; i++) {
		if (!check_param(&call->answer.params[i], TEEC_PARAM_TYPE_GET(head->types, i),
				 call->outputs[i].capacity, &total)) {
			return "an answer has values or bytes for a parameter that cannot have "
			       "them";
		}
	}
	return total == rest ? NULL : "an answer has another length than its parameters";
}

/* Receive the body of an answer; its call stays where it is until it is done. */
static const char *receive_body(int fd, struct call *call, uint64_t length)
{
	static const char closed[] = "it was closed within an answer";

	if (call->answer_kind == TEE_CLIENT_KIND_CLOSED) {
		return length == 0 ? NULL : "an answer to a closing has contents";
	}
	if (length < sizeof(call->answer)) {
		return "an answer is cut short";
	}
	if (!io_receive(fd, &call->answer, sizeof(call->answer))) {
		return closed;
	}

	const char *wrong = check_answer(call, length - sizeof(call->answer));

	for (unsigned int i = 0; i < TEE_CLIENT_PARAMS && wrong == NULL; i++) {
		if (!io_receive(fd, call->outputs[i].data, call->answer.params[i].c)) {
			wrong = closed;
		}
	}
	return wrong;
}

/* Receive one frame and deliver it. Returns what is wrong, if anything is. */
static const char *receive(struct connection *connection)
{
	struct tee_client_header header;

	if (!io_receive(connection->fd, &header, sizeof(header))) {
		return "it was closed";
	}

	const char *wrong = check_header(&header);

	if (wrong != NULL) {
		return wrong;
	}
	pthread_mutex_lock(&connection->lock);

	struct call *call = find_call(connection, header.request);
	bool awaited = call != NULL && !call->done && call->answer_kind == header.kind;

	pthread_mutex_unlock(&connection->lock);
	if (!awaited) {
		return "it sent an answer to what was not asked";
	}
	wrong = receive_body(connection->fd, call, header.length);
	if (wrong == NULL) {
		pthread_mutex_lock(&connection->lock);
		call->done = true;
		pthread_mutex_unlock(&connection->lock);
	}
	return wrong;
}

/* Lock held: wait until a call is done, receiving for everybody if nobody else does. */
static void await(struct connection *connection, const struct call *call)
{
	while (!call->done) {
		if (connection->receiving) {
			pthread_cond_wait(&connection->news, &connection->lock);
			continue;
		}
		connection->receiving = true;
		pthread_mutex_unlock(&connection->lock);

		const char *wrong = receive(connection);

		pthread_mutex_lock(&connection->lock);
		connection->receiving = false;
		if (wrong != NULL) {
			break_off(connection, wrong);
		}
		pthread_cond_broadcast(&connection->news);
	}
}

static bool send_frame(struct connection *connection, struct iovec *pieces, int count)
{
	pthread_mutex_lock(&connection->sending);

	bool sent = io_send(connection->fd, pieces, count);

	pthread_mutex_unlock(&connection->sending);
	return sent;
}

static void send_cancel(struct connection *connection, uint64_t request)
{
	struct {
		struct tee_client_header header;
		struct tee_client_cancel cancel;
	} frame = {
		.header = { .magic = TEE_CLIENT_MAGIC,
			    .length = sizeof(frame.cancel),
			    .kind = TEE_CLIENT_KIND_CANCEL },
		.cancel = { .request = request },
	};
	struct iovec piece = { .iov_base = &frame, .iov_len = sizeof(frame) };

	/* If this fails, so does receiving: who waits for the request is told then. */
	(void)send_frame(connection, &piece, 1);
}

static void link_call(struct connection *connection, struct call *call)
{
	pthread_mutex_lock(&connection->lock);
	call->request = ++connection->last_request;
	call->next = connection->calls;
	connection->calls = call;
	call->done = connection->dead;
	pthread_mutex_unlock(&connection->lock);
}

/* Begin an operation; false if it was cancelled before. Nobody can cancel it unseen in between. */
static bool begin(struct connection *connection, struct call *call, TEEC_Operation *operation)
{
	bool cancelled = false;

	pthread_mutex_lock(&registry);
	if (operation != NULL) {
		cancelled = operation->started == STARTED_CANCELLED;
		operation->started = 1;
	}
	if (!cancelled) {
		link_call(connection, call);
	}
	pthread_mutex_unlock(&registry);
	return !cancelled;
}

/* Lock held. */
static void unlink_call(struct connection *connection, struct call *call)
{
	struct call **at = &connection->calls;

	while (*at != call) {
		at = &(*at)->next;
	}
	*at = call->next;
}

static void transact(struct connection *connection, struct call *call)
{
	struct tee_client_header header;

	memcpy(&header, call->head, sizeof(header));
	header.request = call->request;
	memcpy(call->head, &header, sizeof(header));

	/* Then receiving fails too, and who receives tells whoever waits. */
	if (!send_frame(connection, call->pieces, call->piece_count)) {
		shutdown(connection->fd, SHUT_RDWR);
	}
	pthread_mutex_lock(&connection->lock);
	call->sent = true;

	bool cancelled = call->cancelled && !call->done;

	pthread_mutex_unlock(&connection->lock);
	if (cancelled) {
		send_cancel(connection, call->request);
	}
	pthread_mutex_lock(&connection->lock);
	await(connection, call);
	unlink_call(connection, call);
	pthread_mutex_unlock(&connection->lock);
}

bool call_run(struct connection *connection, struct call *call, TEEC_Operation *operation)
{
	int state;

	call->operation = operation;
	set_unanswered(call);
	if (!begin(connection, call, operation)) {
		return false;
	}
	/* A thread that ended in here would leave the others waiting, and its call in the list. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	transact(connection, call);
	pthread_setcancelstate(state, NULL);
	return true;
}

/* Registry held: the call of an operation, noted as cancelled, and its connection. */
static struct connection *find_operation(const TEEC_Operation *operation, uint64_t *request)
{
	for (struct connection *at = connections; at != NULL; at = at->next) {
		if (at->owner != getpid()) {
			continue;
		}
		pthread_mutex_lock(&at->lock);
		for (struct call *call = at->calls; call != NULL; call = call->next) {
			if (call->operation == operation) {
				call->cancelled = true;
				*request = call->sent ? call->request : 0;
				pthread_mutex_unlock(&at->lock);
				return at;
			}
		}
		pthread_mutex_unlock(&at->lock);
	}
	return NULL;
}

void call_cancel(TEEC_Operation *operation)
{
	uint64_t request = 0;

	pthread_mutex_lock(&registry);

	struct connection *connection = find_operation(operation, &request);

	if (connection != NULL) {
		connection->users++;
	} else if (operation->started == 0) {
		operation->started = STARTED_CANCELLED;
	}
	pthread_mutex_unlock(&registry);
	if (connection == NULL) {
		return;
	}
	/* Before the request is sent, who sends it cancels it too. */
	if (request != 0) {
		send_cancel(connection, request);
	}
	connection_put(connection);
}
