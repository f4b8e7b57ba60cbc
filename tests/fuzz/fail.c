/* SPDX-License-Identifier: BSD-3-Clause */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fuzz_fail(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	(void)fputs("fuzz: ", stderr);
	(void)vfprintf(stderr, format, values);
	(void)fputc('\n', stderr);
	va_end(values);
	abort();
}
