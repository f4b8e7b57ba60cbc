/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls and answers on a socket: the length of what follows, 32 bits, then that. */

/* Read what has a length of at most `room`; false at the end, or if it is longer. */
bool stream_read(int fd, void *data, size_t room, size_t *size);

/* Write a head and what follows it. */
bool stream_write(int fd, const void *head, size_t head_size, const void *data, size_t size);
