/* SPDX-License-Identifier: BSD-3-Clause */
/* Lives on beside a realm that is killed. */
#include "virtio.h"

void payload_main(uint64_t realm)
{
	(void)realm;
	port_start();
	tell("ready");
	(void)port_receive();
	port_send('!');
	tell("alive");
}
