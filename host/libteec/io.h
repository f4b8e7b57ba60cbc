/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* Send all pieces, whose descriptions change; false if the peer is gone. */
bool io_send(int fd, struct iovec *pieces, int count);

/* Receive exactly size bytes; false if the peer is gone. */
bool io_receive(int fd, void *data, size_t size);

/* Connect to the socket that REALMOS_TEE_SOCKET names. Returns -1, having said why. */
int io_connect(void);
