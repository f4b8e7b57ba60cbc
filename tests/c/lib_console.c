/* SPDX-License-Identifier: BSD-3-Clause */
/* The console on a PL011 that is two words of memory: the last character, and the flags. */
#include <lib/console.h>
#include <stdint.h>

#include "tap.h"

#define DR   (0x00U / sizeof(uint32_t))
#define FR   (0x18U / sizeof(uint32_t))
#define TXFF 0x20U

static uint32_t uart[16];

static void a_line_ends_with_a_newline(void)
{
	uart[DR] = 0;
	uart[FR] = 0;
	console_init("TEST: ", (uintptr_t)uart);
	console_line("%u", 1U);
	EXPECT_EQ(uart[DR], '\n');
}

static void a_device_that_takes_nothing_does_not_hang(void)
{
	uart[DR] = 0;
	uart[FR] = TXFF;
	console_init("TEST: ", (uintptr_t)uart);
	console_line("%u", 1U);
	EXPECT_EQ(uart[DR], 0);
	/* Nor does it stay silent for good. */
	uart[FR] = 0;
	console_line("%u", 1U);
	EXPECT_EQ(uart[DR], '\n');
}

static const struct tap_case cases[] = {
	TAP_CASE(a_line_ends_with_a_newline),
	TAP_CASE(a_device_that_takes_nothing_does_not_hang),
};

TAP_MAIN(cases)
