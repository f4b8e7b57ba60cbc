/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>

#include <lib/console.h>

#include "tap.h"

#define MESSAGE_SIZE 256U

extern const struct tap_case cases_start[], cases_end[];

static bool failed;

static void note(const char *format, va_list args)
{
	char message[MESSAGE_SIZE];

	(void)format_text_v(message, sizeof(message), format, args);
	console_line("# %s", message);
}

void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(format, args);
	va_end(args);
}

void tap_fail(const char *format, ...)
{
	va_list args;

	failed = true;
	va_start(args, format);
	note(format, args);
	va_end(args);
}

bool tap_failed(void)
{
	return failed;
}

bool tap_equal(uint64_t found, uint64_t wanted, const char *what, const char *file, int line)
{
	if (found == wanted) {
		return true;
	}
	tap_fail("%s:%d: %s is 0x%lx, not 0x%lx", file, line, what, (unsigned long)found,
		 (unsigned long)wanted);
	return false;
}

void tap_run(void (*after)(void))
{
	unsigned int number = 0;

	console_line("TAP version 14");
	console_line("1..%u", (unsigned int)(cases_end - cases_start));
	for (const struct tap_case *each = cases_start; each != cases_end; each++) {
		failed = false;
		number++;
		each->run();
		after();
		console_line("%s %u - %s", failed ? "not ok" : "ok", number, each->name);
	}
}
