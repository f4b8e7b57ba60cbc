/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads and extends measurements; a test computes what they must be. */
#include "payload.h"

#define SLOT_WORDS (RMM_MEASUREMENT_SIZE / 8U)

static const char *const names[] = { "rim", "rem1", "rem2", "rem3", "rem4" };

static void read_all(void)
{
	for (uint64_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
		struct call call = { .x = { RSI_MEASUREMENT_READ, index } };

		smc(&call);
		say("read", call.x[0]);
		for (unsigned int n = 0; n < SLOT_WORDS; n++) {
			say(names[index], call.x[1U + n]);
		}
	}
}

static uint64_t extend(uint64_t index, uint64_t size)
{
	struct call call = { .x = { RSI_MEASUREMENT_EXTEND, index, size } };

	/* What lies beyond `size` bytes must not count. */
	for (unsigned int n = 0; n < SLOT_WORDS; n++) {
		call.x[3U + n] = UINT64_C(0x0706050403020100) + n * UINT64_C(0x0808080808080808);
	}
	smc(&call);
	return call.x[0];
}

void payload_main(uint64_t realm)
{
	(void)realm;
	say("extend", extend(1, 32));
	say("extend", extend(2, 64));
	say("extend", extend(2, 5));
	say("extend", extend(4, 0));
	say("extend of the RIM", extend(0, 32));
	say("extend of a fifth", extend(5, 32));
	say("extend by too much", extend(3, 65));
	say("read of a fifth", smc4(RSI_MEASUREMENT_READ, 5, 0, 0, 0));
	read_all();
}
