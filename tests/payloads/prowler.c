/* SPDX-License-Identifier: BSD-3-Clause */
/* Goes through every address it can name, in search of memory that another realm has marked. */
#include "pattern.h"

#define BLOCK  UINT64_C(0x200000)
#define RAM    ((uint64_t)REALM_RAM_BASE)
#define WINDOW PORT_WINDOW_BASE

/* Every block of the IPA space: what answers, and how many do not. */
static void scan(void)
{
	uint64_t refused = 0;

	for (uint64_t at = 0; at < UINT64_C(1) << REALM_IPA_WIDTH; at += BLOCK) {
		uint64_t value;

		if (try_read(at, &value)) {
			say("answers", at);
		} else {
			refused++;
		}
	}
	say("refused", refused);
}

static uint64_t count(uint64_t realm, bool own)
{
	return pattern_count(realm, own, PAYLOAD_END, PAYLOAD_RAM_END) +
	       pattern_count(realm, own, WINDOW, WINDOW + BLOCK);
}

void payload_main(uint64_t realm)
{
	port_start();
	tell("ready");
	(void)port_receive();
	scan();
	say("foreign words before", count(realm, false));
	pattern_fill(realm, PATTERN_PRIVATE_BASE, PATTERN_PRIVATE_END);
	pattern_fill(realm, PATTERN_WINDOW_BASE, PATTERN_WINDOW_END);
	say("own words", count(realm, true));
	say("foreign words after", count(realm, false));
	tell("done");
}
