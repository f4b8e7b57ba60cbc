/* SPDX-License-Identifier: BSD-3-Clause */
/* Marks its memory, waits while its neighbours try what they can, and looks whether it is whole. */
#include "pattern.h"

void payload_main(uint64_t realm)
{
	port_start();
	pattern_fill(realm, PATTERN_PRIVATE_BASE, PATTERN_PRIVATE_END);
	pattern_fill(realm, PATTERN_WINDOW_BASE, PATTERN_WINDOW_END);
	tell("ready");
	say("received", (uint8_t)port_receive());
	say("private words changed",
	    pattern_damage(realm, PATTERN_PRIVATE_BASE, PATTERN_PRIVATE_END));
	say("window words changed", pattern_damage(realm, PATTERN_WINDOW_BASE, PATTERN_WINDOW_END));
	port_send('!');
	say("device status", port_status());
}
