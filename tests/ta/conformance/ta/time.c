// SPDX-License-Identifier: BSD-3-Clause
/* Time and chance. */
#include "report.h"

#include <string.h>

static int64_t difference(const TEE_Time *later, const TEE_Time *earlier)
{
	return ((int64_t)later->seconds - earlier->seconds) * 1000 + later->millis -
	       earlier->millis;
}

static void waiting(void)
{
	TEE_Time before = {}, after = {}, now = {};

	TEE_GetSystemTime(&before);
	RESULT(TEE_Wait(0));
	RESULT(TEE_Wait(30));
	TEE_GetSystemTime(&after);
	report("30 ms have gone by: %d", difference(&after, &before) >= 29);
	TEE_GetREETime(&now);
	report("milliseconds are below a thousand: %d", now.millis < 1000 && after.millis < 1000);
}

static void own_time(void)
{
	TEE_Time time = { .seconds = 7, .millis = 8 };

	RESULT(TEE_GetTAPersistentTime(&time));
	report("%u %u", time.seconds, time.millis);
	time.seconds = 1000;
	time.millis = 0;
	RESULT(TEE_SetTAPersistentTime(&time));
	RESULT(TEE_GetTAPersistentTime(&time));
	report("about 1000: %d", time.seconds >= 1000 && time.seconds < 1600);
	time.seconds = UINT32_MAX;
	time.millis = 999;
	RESULT(TEE_SetTAPersistentTime(&time));
	TEE_Wait(20);
	RESULT(TEE_GetTAPersistentTime(&time));
}

static void chance(void)
{
	uint8_t one[32] = {}, other[32] = {};

	TEE_GenerateRandom(one, sizeof(one));
	TEE_GenerateRandom(other, sizeof(other));
	report("the same twice: %d", !memcmp(one, other, sizeof(one)));
	TEE_GenerateRandom(one, 0);
	TEE_GenerateRandom(NULL, 0);
}

static void cancellation(void)
{
	report("cancelled: %d", TEE_GetCancellationFlag());
	report("was masked: %d", TEE_UnmaskCancellation());
	report("was masked: %d", TEE_UnmaskCancellation());
	report("was masked: %d", TEE_MaskCancellation());
	report("was masked: %d", TEE_MaskCancellation());
}

const struct test_case time_cases[] = {
	{ "waiting", waiting },
	{ "a TA's own time", own_time },
	{ "chance", chance },
	{ "masks of cancellation", cancellation },
	{},
};
