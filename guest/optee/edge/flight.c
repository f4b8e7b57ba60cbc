/* SPDX-License-Identifier: BSD-3-Clause */
#include "flight.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MILLION 1000000

int64_t flight_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / MILLION;
}

static bool send_orders(struct table *table, const struct instance *instance,
			const struct request *request)
{
	struct request_orders orders;
	struct msghdr message = { 0 };
	ssize_t sent;

	request_order(&orders, request, instance);
	message.msg_iov = orders.parts;
	message.msg_iovlen = orders.part_count;
	if (!table_hold(table, instance)) {
		return false;
	}
	sent = sendmsg(instance->runner, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0 && (size_t)sent < orders.size) {
		/* It does not read what it must have read. Its end is noticed where it would
		 * answer. */
		(void)shutdown(instance->runner, SHUT_RDWR);
	}
	table_let_go(table);
	return sent > 0;
}

bool flight_begin(struct flight *flight, struct table *table,
		  const struct tee_client_header *header, const uint8_t *frame, bool *freed)
{
	struct instance *instance;

	flight->frame_size = sizeof(*header) + header->length;
	memcpy(flight->frame, frame, flight->frame_size);
	if (!request_read(&flight->request, header, flight->frame + sizeof(*header))) {
		return false;
	}
	instance = table_claim(table, flight->request.invoke.session, header->client);
	if (instance == NULL) {
		return false;
	}
	if (!send_orders(table, instance, &flight->request)) {
		*freed |= table_release(table, instance);
		return false;
	}
	flight->instance = instance;
	flight->said_size = 0;
	return true;
}

/* What becomes of a call whose runner has said something. */
static enum flight_end judge(struct flight *flight, struct output *output)
{
	struct tee_run_frame frame;
	struct tee_run_returned returned;
	struct request_answer answer;
	size_t size;

	if (flight->said_size < sizeof(frame)) {
		return FLIGHT_GOES_ON;
	}
	memcpy(&frame, flight->said, sizeof(frame));
	if (frame.type != TEE_RUN_RETURNED ||
	    frame.length < TEE_RUN_LENGTH_MIN + sizeof(returned) ||
	    frame.length > TEE_RUN_LENGTH_MIN + sizeof(returned) + TEE_RUN_RETURNED_MAX) {
		return FLIGHT_IS_CORES;
	}
	size = sizeof(frame) - TEE_RUN_LENGTH_MIN + frame.length;
	if (flight->said_size < size) {
		return FLIGHT_GOES_ON;
	}
	memcpy(&returned, flight->said + sizeof(frame), sizeof(returned));
	if (flight->said_size > size ||
	    !request_answer(&answer, &flight->request, &returned, size - FLIGHT_HEAD) ||
	    !output_try(output, &answer, sizeof(answer), flight->said + FLIGHT_HEAD,
			size - FLIGHT_HEAD)) {
		return FLIGHT_IS_CORES;
	}
	return FLIGHT_ANSWERED;
}

enum flight_end flight_listen(struct flight *flight, struct table *table, struct output *output)
{
	ssize_t got;
	int error;

	if (!table_hold(table, flight->instance)) {
		return FLIGHT_IS_CORES;
	}
	got = recv(flight->instance->runner, flight->said + flight->said_size,
		   sizeof(flight->said) - flight->said_size, MSG_DONTWAIT);
	error = errno;
	table_let_go(table);
	if (got < 0 && (error == EAGAIN || error == EINTR)) {
		return FLIGHT_GOES_ON;
	}
	if (got <= 0) {
		return FLIGHT_IS_CORES;
	}
	flight->said_size += (size_t)got;
	return judge(flight, output);
}

void flight_pass_on(struct flight *flight, struct table *table, struct edge_event *event)
{
	const struct request *request = &flight->request;

	*event = (struct edge_event){
		.kind = EDGE_ADOPT,
		.number = request->invoke.session,
		.bytes = flight->frame,
		.size = flight->frame_size,
		.said = flight->said,
		.said_size = flight->said_size,
	};
	for (uint32_t n = 0; n < request->region_count; n++) {
		event->addresses[n] = flight->instance->window + request->regions[n].at;
	}
	table_pass_on(table, flight->instance);
}
