// SPDX-License-Identifier: BSD-3-Clause
#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "complain.h"

#define VARIABLE "REALMOS_TEE_SOCKET"
#define FIX	 "start this program with `realmos ta run FILE.ta -- PROGRAM`, which sets it"

static void advance(struct iovec **pieces, int *count, size_t size)
{
	while (*count > 0 && size >= (*pieces)->iov_len) {
		size -= (*pieces)->iov_len;
		(*pieces)++;
		(*count)--;
	}
	if (*count > 0) {
		(*pieces)->iov_base = (char *)(*pieces)->iov_base + size;
		(*pieces)->iov_len -= size;
	}
}

bool io_send(int fd, struct iovec *pieces, int count)
{
	advance(&pieces, &count, 0);
	while (count > 0) {
		struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)count };
		ssize_t size = sendmsg(fd, &message, MSG_NOSIGNAL);

		if (size < 0 && errno != EINTR) {
			return false;
		}
		if (size > 0) {
			advance(&pieces, &count, (size_t)size);
		}
	}
	return true;
}

bool io_receive(int fd, void *data, size_t size)
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

int io_connect(void)
{
	const char *path = secure_getenv(VARIABLE);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (path == NULL || path[0] == '\0') {
		complain("there is no TEE: " VARIABLE " is not set; " FIX);
		return -1;
	}
	if (strlen(path) >= sizeof(address.sun_path)) {
		complain("the path in " VARIABLE " is too long for a socket: %s", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		complain("no socket can be made: %s", strerror(errno));
		return -1;
	}
	int failed;

	do {
		failed = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	} while (failed != 0 && errno == EINTR);
	if (failed != 0) {
		complain("no TEE answers at %s (" VARIABLE "): %s; " FIX, path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}
