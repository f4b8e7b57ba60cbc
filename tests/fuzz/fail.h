/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Says what is wrong, and aborts. */
_Noreturn void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define MUST(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fuzz_fail(__VA_ARGS__);                                                    \
		}                                                                                  \
	} while (0)
