/* SPDX-License-Identifier: BSD-3-Clause */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256
#define OPEN_TRIES     2000
#define OPEN_PAUSE_NS  1000000

/* Severe enough to be shown with "quiet" on the kernel's command line. */
#define LOG_PREFIX "<3>"

static bool console_is_open;

void console_open(void)
{
	const struct timespec pause = { .tv_nsec = OPEN_PAUSE_NS };
	int fd = -1;

	for (int i = 0; i < OPEN_TRIES && fd < 0; i++) {
		fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (fd < 0) {
			nanosleep(&pause, NULL);
		}
	}
	if (fd < 0) {
		console_complain("no console");
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} else {
		console_is_open = true;
	}
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		dup2(fd, i);
	}
	if (fd > STDERR_FILENO) {
		close(fd);
	}
}

static void console_write(const char *line, size_t size)
{
	int fd = STDERR_FILENO;

	if (!console_is_open) {
		fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	}
	if (fd >= 0 && write(fd, line, size) < 0) {
		/* There is nowhere left to say so. */
	}
	if (!console_is_open && fd >= 0) {
		close(fd);
	}
}

static void console_print(const char *format, va_list args, const char *reason)
{
	char line[LINE_MAX_BYTES];
	const char *prefix = console_is_open ? "" : LOG_PREFIX;
	/* The last byte is kept for the end of the line. */
	const size_t room = sizeof(line) - 1;
	size_t used = (size_t)snprintf(line, room, "%sinit: ", prefix);
	int more = vsnprintf(line + used, room - used, format, args);

	if (more > 0) {
		used += (size_t)more;
	}
	if (used < room && reason != NULL) {
		more = snprintf(line + used, room - used, ": %s", reason);
		used += more > 0 ? (size_t)more : 0;
	}
	if (used >= room) {
		used = room - 1;
	}
	line[used++] = '\n';
	console_write(line, used);
}

void console_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	console_print(format, args, NULL);
	va_end(args);
}

void console_complain(const char *format, ...)
{
	const char *reason = strerror(errno);
	va_list args;

	va_start(args, format);
	console_print(format, args, reason);
	va_end(args);
}
