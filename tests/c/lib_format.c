/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <lib/console.h>

#include "tap.h"

/* The functions under test are declared as printf-like; odd formats are tested on purpose. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"

static char text[64];

static void unknown_conversion_prints_percent_and_takes_no_argument(void)
{
	EXPECT_EQ(format_text(text, sizeof(text), "a%qb%%c"), 5);
	EXPECT(strcmp(text, "a%b%c") == 0);
}

static void lone_percent_at_the_end_is_safe(void)
{
	EXPECT_EQ(format_text(text, sizeof(text), "a%"), 2);
	EXPECT_EQ(format_text(text, sizeof(text), "a%08ll"), 2);
}

static void long_output_is_cut_and_terminated(void)
{
	memset(text, 'z', sizeof(text));
	EXPECT_EQ(format_text(text, 4, "abcdef"), 6);
	EXPECT(strcmp(text, "abc") == 0);
	EXPECT_EQ(text[4], 'z');
}

static void no_room_writes_nothing(void)
{
	EXPECT_EQ(format_text(NULL, 0, "abc %u", 12U), 6);
}

static void numbers_at_their_limits(void)
{
	(void)format_text(text, sizeof(text), "%lld", (long long)INT64_MIN);
	EXPECT(strcmp(text, "-9223372036854775808") == 0);
	(void)format_text(text, sizeof(text), "%llu", (unsigned long long)UINT64_MAX);
	EXPECT(strcmp(text, "18446744073709551615") == 0);
	(void)format_text(text, sizeof(text), "%d %u %lx", -1, 0xFFFFFFFFU, 0xABCDEFUL);
	EXPECT(strcmp(text, "-1 4294967295 abcdef") == 0);
}

static void width_and_zero_padding(void)
{
	(void)format_text(text, sizeof(text), "[%4u][%04x][%05d][%5d][%3s][%c]", 7U, 0xABU, -12,
			  -12, "x", 'y');
	EXPECT(strcmp(text, "[   7][00ab][-0012][  -12][  x][y]") == 0);
}

static void pointers_have_0x(void)
{
	(void)format_text(text, sizeof(text), "%p", (void *)0x1234);
	EXPECT(strcmp(text, "0x1234") == 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(unknown_conversion_prints_percent_and_takes_no_argument),
	TAP_CASE(lone_percent_at_the_end_is_safe),
	TAP_CASE(long_output_is_cut_and_terminated),
	TAP_CASE(no_room_writes_nothing),
	TAP_CASE(numbers_at_their_limits),
	TAP_CASE(width_and_zero_padding),
	TAP_CASE(pointers_have_0x),
};

TAP_MAIN(cases)
