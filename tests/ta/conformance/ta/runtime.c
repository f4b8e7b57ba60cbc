// SPDX-License-Identifier: BSD-3-Clause
/* What a C program expects around itself: floating point, long jumps, stack, initialisers. */
#include "report.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <tee_internal_api_extensions.h>
#include <utee_syscalls.h>

static int initialised;
static const char *const pointers[] = { "relocated", "twice" };

static void __attribute__((constructor)) initialise(void)
{
	initialised = 42;
}

static void floating_point(void)
{
	volatile double x = 1.0;
	volatile float y = 0.1f;

	for (int i = 0; i < 50; i++) {
		x = x * 1.0625 + 1.0 / (i + 1);
		y += 0.1f;
	}
	TEE_Wait(1);
	report("double %lld", (long long)(x * 1000.0));
	report("float %d", (int)(y * 1000.0f));
	report("not a number: %d", x / 0.0 > 1e300 && !(0.0 / (x - x) == 0.0));
}

static void long_jump(void)
{
	jmp_buf place;
	volatile int count = 0;
	const int value = setjmp(place);

	count++;
	report("%d after %d", value, count);
	if (value < 3) {
		longjmp(place, value + 1);
	}
}

static unsigned int __attribute__((noinline)) recurse(unsigned int depth)
{
	volatile uint8_t bytes[1024];

	bytes[depth % 1024] = (uint8_t)depth;
	return depth == 0 ? 0 : recurse(depth - 1) + bytes[depth % 1024];
}

static void deep_stack(void)
{
	report("%u", recurse(100));
}

static void image(void)
{
	char text[64];

	report("constructor: %d", initialised);
	report("pointers: %s %s", pointers[0], pointers[1]);
	snprintf(text, sizeof(text), "%5d|%-5s|%05x|%lld|%c|%%|%.3s", -42, "ab", 0xbeef,
		 (long long)INT64_MIN, 'x', "abcdef");
	report("formatted: %s", text);
}

static void unknown_calls(void)
{
	TEE_UUID uuid = {};

	RESULT(_utee_cache_operation(&uuid, sizeof(uuid), 0));
	RESULT(tee_uuid_from_str(&uuid, "2f31d606-03b1-4c53-9bdd-17867f847b79"));
	report_bytes("uuid", &uuid, sizeof(uuid));
	RESULT(tee_uuid_from_str(&uuid, "2f31d606-03b1-4c53-9bdd-17867f847b7"));
	RESULT(TEE_CacheFlush((char *)&uuid, sizeof(uuid)));
}

const struct test_case runtime_cases[] = {
	{ "floating point", floating_point },
	{ "long jumps", long_jump },
	{ "a deep stack", deep_stack },
	{ "the image", image },
	{ "calls that are not there", unknown_calls },
	{},
};
