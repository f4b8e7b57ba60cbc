/* SPDX-License-Identifier: BSD-3-Clause */
/* CHECK() is for our own invariants; outside input gets a status code instead. */
#pragma once

/* Prints "<image>: panic: <message>" and a backtrace, and stops this PE for good. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			panic("check failed: %s at %s:%d", #condition, __FILE__, __LINE__);        \
		}                                                                                  \
	} while (0)
