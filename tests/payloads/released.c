/* SPDX-License-Identifier: BSD-3-Clause */
/* Has the monitor destroy pages that hold a secret. It never comes back, and the realm is told. */
#include <abi/monitor.h>

#include "payload.h"

#define PAGE   (REALM_RAM_BASE + UINT64_C(0x100000))
#define OTHER  (PAGE + 16U * PAYLOAD_PAGE_SIZE)
#define SECRET UINT64_C(0x5EC12E75EC12E700)

static void release(uint64_t page)
{
	if (!try_write(page, SECRET)) {
		tell("the page cannot be written");
		power_off();
	}
	say("release", host_call(MONITOR_CALL_RELEASE_PAGE, page));
}

static void change(const char *name, uint64_t flags)
{
	struct call call = {
		.x = { RSI_IPA_STATE_SET, PAGE, PAGE + PAYLOAD_PAGE_SIZE, RMI_RIPAS_RAM, flags },
	};

	smc(&call);
	say(name, call.x[0]);
	say("bytes changed", call.x[1] - PAGE);
	say("response", call.x[2]);
}

void payload_main(uint64_t realm)
{
	struct call get = { .x = { RSI_IPA_STATE_GET, PAGE, PAGE + PAYLOAD_PAGE_SIZE } };
	uint64_t value;

	(void)realm;
	say("release of no page", host_call(MONITOR_CALL_RELEASE_PAGE, PAYLOAD_RAM_END));
	say("release unaligned", host_call(MONITOR_CALL_RELEASE_PAGE, PAGE + 8U));
	release(PAGE);
	smc(&get);
	say("state", get.x[2]);
	change("change without consent", RSI_NO_CHANGE_DESTROYED);
	change("change with consent", RSI_CHANGE_DESTROYED);
	say("read after consent", try_read(PAGE, &value));
	say("value", value);
	release(OTHER);
	say("touching", OTHER);
	say("it read", try_read(OTHER, &value));
	say("data", value);
}
