/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <lib/check.h>

_Noreturn void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("panic: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	abort();
}
