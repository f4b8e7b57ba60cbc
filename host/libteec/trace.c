// SPDX-License-Identifier: BSD-3-Clause
/* Messages of this library, and two functions of OP-TEE's that libckteec calls. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "complain.h"
#include "export.h"

#define MESSAGE_MAX 512
#define LEVEL_COUNT 5

EXPORT int _dprintf(const char *function, int line, int level, const char *prefix,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));
EXPORT void dump_buffer(const char *name, const uint8_t *buffer, size_t size);

void complain(const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	/* In one piece: several threads, or processes, may have something to complain about. */
	fprintf(stderr, "libteec: %s\n", message);
}

int _dprintf(const char *function, int line, int level, const char *prefix, const char *format, ...)
{
	static const char *const names[LEVEL_COUNT] = { "NON", "ERR", "INF", "DBG", "FLW" };
	const char *name = names[level >= 0 && level < LEVEL_COUNT ? level : 0];
	char message[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	int size = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (size < 0) {
		return size;
	}
	return fprintf(stdout, "%s [%d] %s:%s:%d: %s", name, (int)gettid(), prefix, function, line,
		       message);
}

/* Debian's does nothing either: only builds for debugging dump buffers. */
void dump_buffer(const char *name, const uint8_t *buffer, size_t size)
{
	(void)name;
	(void)buffer;
	(void)size;
}
