/* SPDX-License-Identifier: BSD-3-Clause */
#include "console.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256
#define WAIT_TRIES     2000
#define WAIT_PAUSE_NS  1000000
#define PORTS	       "/sys/class/virtio-ports"

/* Severe enough to be shown with "quiet" on the kernel's command line. */
#define LOG_PREFIX "<3>"

static bool console_is_open;

static bool port_is_named(int ports, const char *port)
{
	char name[LINE_MAX_BYTES];

	return snprintf(name, sizeof(name), "%s/name", port) < LINE_MAX_BYTES &&
	       faccessat(ports, name, F_OK, 0) == 0;
}

/*
 * Linux up to 7.3 mishandles an open of hvc0 after the terminal layer has learned of the console
 * and before the virtio driver has: the open fails, the terminal is freed once too often, and the
 * kernel dies of it later. The host tells of a port's name behind its console, and the driver takes
 * one message after the other, so a name means that the console is whole.
 */
static bool console_is_whole(void)
{
	DIR *ports = opendir(PORTS);
	bool found = false;

	if (ports == NULL) {
		return false;
	}
	for (struct dirent *port = readdir(ports); port != NULL && !found; port = readdir(ports)) {
		found = port_is_named(dirfd(ports), port->d_name);
	}
	closedir(ports);
	return found;
}

void console_open(void)
{
	const struct timespec pause = { .tv_nsec = WAIT_PAUSE_NS };
	int fd = -1;

	for (int i = 0; i < WAIT_TRIES && !console_is_whole(); i++) {
		nanosleep(&pause, NULL);
	}
	for (int i = 0; i < WAIT_TRIES && fd < 0; i++) {
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

void console_use_stderr(void)
{
	console_is_open = true;
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
