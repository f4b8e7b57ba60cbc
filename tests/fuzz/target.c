/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

unsigned long fuzz_calls;

_Noreturn void fuzz_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("fuzz: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	host_begin();
	while (input_is_left()) {
		host_step();
	}
	teardown();
	return 0;
}
