/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void output_begin(struct output *output, int fd)
{
	struct stat status;

	output->fd = fd;
	output->is_socket = fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
	(void)pthread_mutex_init(&output->lock, NULL);
}

void output_end(struct output *output)
{
	(void)pthread_mutex_destroy(&output->lock);
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = write(fd, bytes, size);

		if (sent < 0 && errno != EINTR) {
			return errno;
		}
		if (sent > 0) {
			bytes += sent;
			size -= (size_t)sent;
		}
	}
	return 0;
}

int output_send(struct output *output, const void *bytes, size_t size)
{
	int error;

	(void)pthread_mutex_lock(&output->lock);
	error = write_all(output->fd, bytes, size);
	(void)pthread_mutex_unlock(&output->lock);
	return error;
}

/* Whether a pipe has room for so many bytes: one page of it, or all, is sure to be free. */
static bool pipe_has_room(int fd, size_t size)
{
	struct pollfd polled = { .fd = fd, .events = POLLOUT };
	int held;
	int most;

	if (size <= PIPE_BUF) {
		return poll(&polled, 1, 0) == 1 && polled.revents == POLLOUT;
	}
	most = fcntl(fd, F_GETPIPE_SZ);
	return ioctl(fd, FIONREAD, &held) == 0 && held == 0 && most > 0 && size <= (size_t)most;
}

static bool send_now(const struct output *output, struct iovec *parts, size_t size)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	size_t sent;
	ssize_t got;

	if (output->is_socket) {
		got = sendmsg(output->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else if (pipe_has_room(output->fd, size)) {
		got = writev(output->fd, parts, 2);
	} else {
		return false;
	}
	if (got <= 0) {
		return false;
	}
	/* A frame that has begun must come to its end, even if that takes its time. */
	sent = (size_t)got;
	for (size_t n = 0; n < 2; n++) {
		size_t gone = sent < parts[n].iov_len ? sent : parts[n].iov_len;

		if (write_all(output->fd, (const uint8_t *)parts[n].iov_base + gone,
			      parts[n].iov_len - gone) != 0) {
			break;
		}
		sent -= gone;
	}
	return true;
}

bool output_try(struct output *output, const void *head, size_t head_size, const void *rest,
		size_t rest_size)
{
	/* They are read only. */
	struct iovec parts[] = {
		{ (void *)(uintptr_t)head, head_size },
		{ (void *)(uintptr_t)rest, rest_size },
	};
	bool sent;

	if (pthread_mutex_trylock(&output->lock) != 0) {
		return false;
	}
	sent = send_now(output, parts, head_size + rest_size);
	(void)pthread_mutex_unlock(&output->lock);
	return sent;
}
