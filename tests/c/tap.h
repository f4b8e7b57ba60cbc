/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Test Anything Protocol for unit tests: one line a case. A test program is an array of cases and
 * TAP_MAIN(cases); a case is a function that uses EXPECT() and returns at the first failure.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct tap_case {
	const char *name;
	void (*run)(void);
};

static bool tap_failed;

/* clang-format off */
#define TAP_CASE(function) { #function, function }
/* clang-format on */

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("# %s:%d: expected %s\n", __FILE__, __LINE__, #condition);          \
			tap_failed = true;                                                         \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* Compares integers and shows both; the values are evaluated once. */
#define EXPECT_EQ(actual, expected)                                                                \
	do {                                                                                       \
		unsigned long long actual_ = (unsigned long long)(actual);                         \
		unsigned long long expected_ = (unsigned long long)(expected);                     \
		if (actual_ != expected_) {                                                        \
			printf("# %s:%d: %s is %#llx, expected %#llx\n", __FILE__, __LINE__,       \
			       #actual, actual_, expected_);                                       \
			tap_failed = true;                                                         \
			return;                                                                    \
		}                                                                                  \
	} while (0)

static inline int tap_run(const struct tap_case *cases, size_t count)
{
	bool any_failed = false;

	printf("1..%zu\n", count);
	for (size_t n = 0; n < count; n++) {
		tap_failed = false;
		cases[n].run();
		printf("%s %zu - %s\n", tap_failed ? "not ok" : "ok", n + 1U, cases[n].name);
		(void)fflush(stdout);
		any_failed = any_failed || tap_failed;
	}
	return any_failed ? 1 : 0;
}

#define TAP_MAIN(cases)                                                                            \
	int main(void)                                                                             \
	{                                                                                          \
		return tap_run((cases), sizeof(cases) / sizeof((cases)[0]));                       \
	}
