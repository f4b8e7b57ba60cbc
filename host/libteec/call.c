// SPDX-License-Identifier: BSD-3-Clause
/*
 * Calls: sent by the thread that makes them, received by whichever waits. A thread that waits for
 * an answer and finds nobody receiving receives for all, one frame at a time; so the library needs
 * no thread of its own, and a program that forks has none to lose.
 */
#include "call.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "complain.h"
#include "connection.h"
#include "io.h"

/* An operation's `started` once it was cancelled, until it is used: no value that chance leaves. */
#define STARTED_CANCELLED 0x4C434E43

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

static struct call *find_call(struct connection *connection, uint64_t request)
{
	struct call *call = connection->calls;

	while (call != NULL && call->request != request) {
		call = call->next;
	}
	return call;
}

/* Receive one frame and deliver it. Returns what is wrong, if anything is. */
static const char *receive(struct connection *connection)
{
	struct tee_client_header header;

	if (!io_receive(connection->fd, &header, sizeof(header))) {
		return "it was closed";
	}

	const char *wrong = answer_check_header(&header);

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
	wrong = answer_receive(connection->fd, call, header.length);
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

	registry_lock();
	if (operation != NULL) {
		cancelled = operation->started == STARTED_CANCELLED;
		operation->started = 1;
	}
	if (!cancelled) {
		link_call(connection, call);
	}
	registry_unlock();
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
	for (struct connection *at = registry_first(); at != NULL; at = at->next) {
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

static void cancel_operation(TEEC_Operation *operation)
{
	uint64_t request = 0;

	registry_lock();

	struct connection *connection = find_operation(operation, &request);

	if (connection != NULL) {
		connection->users++;
	} else if (operation->started == 0) {
		operation->started = STARTED_CANCELLED;
	}
	registry_unlock();
	if (connection == NULL) {
		return;
	}
	/* Before the request is sent, who sends it cancels it too. */
	if (request != 0) {
		send_cancel(connection, request);
	}
	connection_put(connection);
}

void call_cancel(TEEC_Operation *operation)
{
	int state;

	/* A thread that ended in here would leave locks behind. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	cancel_operation(operation);
	pthread_setcancelstate(state, NULL);
}
