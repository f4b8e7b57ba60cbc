/* SPDX-License-Identifier: BSD-3-Clause */
/* The monitor's probe has mapped a page of this realm where shared memory goes: it must not serve.
 */
#include "payload.h"

#define SPARE_IPA (2U * PAYLOAD_SHARED - PAYLOAD_PAGE_SIZE)

void payload_main(uint64_t realm)
{
	uint64_t value;

	(void)realm;
	say("read came through", try_read(SPARE_IPA, &value));
	say("read", last_fault.esr);
	say("read value", value);
	say("write came through", try_write(SPARE_IPA, 0));
	say("write", last_fault.esr);
	say("faults", last_fault.count);
}
