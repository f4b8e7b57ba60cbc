// SPDX-License-Identifier: BSD-3-Clause
#include "stream.h"

#include <errno.h>
#include <sys/socket.h>

static bool read_all(int fd, void *data, size_t size)
{
	char *at = data;

	while (size > 0) {
		ssize_t count = recv(fd, at, size, MSG_WAITALL);

		if (count == 0 || (count < 0 && errno != EINTR)) {
			return false;
		}
		if (count > 0) {
			at += count;
			size -= (size_t)count;
		}
	}
	return true;
}

static bool write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t count = send(fd, at, size, MSG_NOSIGNAL);

		if (count < 0 && errno != EINTR) {
			return false;
		}
		if (count > 0) {
			at += count;
			size -= (size_t)count;
		}
	}
	return true;
}

bool stream_read(int fd, void *data, size_t room, size_t *size)
{
	uint32_t length;

	if (!read_all(fd, &length, sizeof(length)) || length > room) {
		return false;
	}
	*size = length;
	return read_all(fd, data, length);
}

bool stream_write(int fd, const void *head, size_t head_size, const void *data, size_t size)
{
	uint32_t length = (uint32_t)(head_size + size);

	return write_all(fd, &length, sizeof(length)) && write_all(fd, head, head_size) &&
	       write_all(fd, data, size);
}
