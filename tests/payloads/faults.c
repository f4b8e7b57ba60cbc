/* SPDX-License-Identifier: BSD-3-Clause */
/* Touches what a realm does not have. Each time its own vector is told, and it lives on. */
#include "payload.h"

static void report(const char *name, bool came_through)
{
	if (came_through) {
		say("came through:", last_fault.count);
	}
	say(name, last_fault.esr);
}

static void read(const char *name, uint64_t ipa)
{
	uint64_t value;
	bool came_through = try_read(ipa, &value);

	report(name, came_through || value != UNTOUCHED || last_fault.far != ipa);
}

static void write(const char *name, uint64_t ipa)
{
	report(name, try_write(ipa, 0));
}

static void fetch(const char *name, uint64_t ipa)
{
	uint64_t before = last_fault.count;

	fetch_from(ipa);
	report(name, last_fault.count == before);
}

/* An access of two registers is one that a hypervisor is not told enough about to emulate. */
static void read_pair(const char *name, uint64_t ipa)
{
	uint64_t before = last_fault.count;

	__asm__ volatile("ldp x9, x10, [%0]" : : "r"(ipa) : "x9", "x10", "memory");
	report(name, last_fault.count == before);
}

void payload_main(uint64_t realm)
{
	(void)realm;
	read("read of an empty hole", REALM_UART_BASE);
	write("write to an empty hole", REALM_UART_BASE);
	fetch("fetch from an empty hole", REALM_UART_BASE);
	read("read beyond RAM", PAYLOAD_RAM_END);
	write("write beyond RAM", PAYLOAD_SHARED - 8U);
	read("shared read beyond RAM", PAYLOAD_SHARED | PAYLOAD_RAM_END);
	read_pair("paired read of a device", PAYLOAD_SHARED | REALM_UART_BASE);
	fetch("fetch from shared memory", PAYLOAD_SHARED | PAYLOAD_END);
	read("read above the IPA width", UINT64_C(1) << REALM_IPA_WIDTH);
	write("write above the IPA width", UINT64_C(1) << 40);
	fetch("fetch above the IPA width", UINT64_C(1) << REALM_IPA_WIDTH);
	say("faults", last_fault.count);
}
