/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases that report by the Test Anything Protocol (version 14) on the console. A case is one
 * function; a failed expectation is noted, and the case goes on unless it says EXPECT_OR_LEAVE.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tap_case {
	const char *name;
	void (*run)(void);
};

/*
 * Defines a case, in the order of the files at the link. `conditions` are the identifiers of
 * tests/conformance/conditions/ that it covers, which the Python side reads from the source.
 */
#define CASE(name, conditions)                                                                     \
	static void name(void);                                                                    \
	static const struct tap_case case_##name                                                   \
		__attribute__((used, section(".cases"), aligned(8))) = { #name, name };            \
	static void name(void)

/* Runs every case of the image; `after` cleans up behind each and may fail it. */
void tap_run(void (*after)(void));

void tap_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool tap_failed(void);

bool tap_equal(uint64_t found, uint64_t wanted, const char *what, const char *file, int line);

/* Each is true if the expectation holds. */
#define EXPECT_EQ(found, wanted)                                                                   \
	tap_equal((uint64_t)(found), (uint64_t)(wanted), #found, __FILE__, __LINE__)
#define EXPECT(condition) tap_equal((condition) ? 1U : 0U, 1U, #condition, __FILE__, __LINE__)

#define LEAVE_UNLESS(expectation)                                                                  \
	do {                                                                                       \
		if (!(expectation)) {                                                              \
			return;                                                                    \
		}                                                                                  \
	} while (0)
