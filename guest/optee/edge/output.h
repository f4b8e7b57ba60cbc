/* SPDX-License-Identifier: BSD-3-Clause */
/* Where answers go: a socket or a pipe that threads share. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct output {
	int fd;
	bool is_socket;
	/* Held while something is sent. */
	pthread_mutex_t lock;
};

void output_begin(struct output *output, int fd);
void output_end(struct output *output);

/*
 * Send bytes, however long that takes. Returns 0 or an errno.
 */
int output_send(struct output *output, const void *bytes, size_t size);

/*
 * Send two pieces, all of them at once or nothing. Returns false if that is not possible without
 * waiting, for whatever reason.
 */
bool output_try(struct output *output, const void *head, size_t head_size, const void *rest,
		size_t rest_size);
