/* SPDX-License-Identifier: BSD-3-Clause */
/* Drives its virtio device with rings that point where it may not. The victim is the next realm. */
#include <abi/virtio.h>

#include "pattern.h"

#define WINDOW	     PORT_WINDOW_BASE
#define WINDOW_END   (WINDOW + PAYLOAD_RAM_SIZE)
#define NEXT_WINDOW  WINDOW_END
#define BUFFER	     port_buffer(PORT_TX)
#define ATTACK_BYTES 64U
/* Rests in which the device could write, for there is input: the test sends more than is read. */
#define PATIENCE 20U

struct attack {
	const char *name;
	unsigned int queue;
	uint16_t head;
	uint16_t by;
	struct port_descriptor descriptor;
};

static void attempt(const struct attack *attack)
{
	port_start();
	port_set_descriptor(attack->queue, 0, &attack->descriptor);
	port_offer(attack->queue, attack->head, attack->by);
	say(attack->name, port_status());
}

static void read_from(const char *name, uint64_t address, uint32_t length)
{
	struct attack attack = {
		.name = name,
		.queue = PORT_TX,
		.by = 1,
		.descriptor = { .addr = address, .len = length },
	};

	attempt(&attack);
}

static void write_to(const char *name, uint64_t address)
{
	struct attack attack = {
		.name = name,
		.queue = PORT_RX,
		.by = 1,
		.descriptor = { .addr = address, .len = ATTACK_BYTES, .flags = VIRTQ_DESC_F_WRITE },
	};

	attempt(&attack);
	for (unsigned int n = 0; n < PATIENCE; n++) {
		rest();
	}
}

static void addresses(uint64_t victim)
{
	read_from("read the next window", NEXT_WINDOW + 0x8000U, ATTACK_BYTES);
	read_from("read the next window unshared", PAYLOAD_RAM_END + 0x8000U, ATTACK_BYTES);
	read_from("read across the end", WINDOW_END - 32U, ATTACK_BYTES);
	read_from("read before the window", WINDOW - 32U, ATTACK_BYTES);
	read_from("read by physical address",
		  MONITOR_WINDOW_BASE + victim * PAYLOAD_RAM_SIZE + 0x8000U, ATTACK_BYTES);
	read_from("read private memory", MONITOR_POOL_B_BASE, ATTACK_BYTES);
	read_from("read more private memory", MONITOR_POOL_A_BASE, ATTACK_BYTES);
	read_from("read the monitor", QEMU_BL33_BASE, ATTACK_BYTES);
	read_from("length that wraps", WINDOW + 0x1000U, UINT32_MAX);
	read_from("address that wraps", UINT64_MAX - 15U, ATTACK_BYTES);
	read_from("no length", BUFFER, 0);
	write_to("write the next window", NEXT_WINDOW + 0x8000U);
	write_to("write across the end", WINDOW_END - 32U);
	write_to("write private memory", MONITOR_POOL_B_BASE);
	write_to("write the monitor", QEMU_BL33_BASE);
}

static void rings(void)
{
	struct port_descriptor own = { .addr = BUFFER, .len = ATTACK_BYTES };
	struct attack attack = { .queue = PORT_TX, .by = 1, .descriptor = own };

	attack.name = "chain that loops";
	attack.descriptor.flags = VIRTQ_DESC_F_NEXT;
	attempt(&attack);
	attack.name = "chain out of the table";
	attack.descriptor.next = PORT_QUEUE_SIZE;
	attempt(&attack);
	attack.name = "indirect descriptor";
	attack.descriptor = own;
	attack.descriptor.flags = VIRTQ_DESC_F_INDIRECT;
	attempt(&attack);
	attack.name = "head out of the table";
	attack.descriptor = own;
	attack.head = 0xFFFF;
	attempt(&attack);
	attack.name = "available index jumps";
	attack.head = 0;
	attack.by = 300;
	attempt(&attack);

	port_reset();
	port_start_queue(PORT_TX, NEXT_WINDOW + 0x8000U);
	say("rings in the next window", port_status());
	port_reset();
	port_start_queue(PORT_TX, WINDOW_END - 0x300U);
	say("rings across the end", port_status());
}

void payload_main(uint64_t realm)
{
	port_start();
	tell("ready");
	(void)port_receive();
	say("fair before", port_status());
	addresses(realm + 1U);
	rings();
	/* A reset mends it. */
	port_start();
	port_send('.');
	say("fair after", port_status());
	tell("done");
}
