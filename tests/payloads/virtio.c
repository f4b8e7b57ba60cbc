/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtio.h"

#include <abi/virtio.h>

#define DEVICE	     (PAYLOAD_SHARED | REALM_VIRTIO_BASE)
#define RING_SIZE    UINT64_C(0x1000)
#define AVAIL_OFFSET UINT64_C(0x200)
#define USED_OFFSET  UINT64_C(0x400)
#define FEATURES     (1U << (VIRTIO_F_VERSION_1 - 32U) | 1U << (VIRTIO_F_ACCESS_PLATFORM - 32U))

/* What the driver has made available, and has seen used. */
static uint16_t offered[2];
static uint16_t taken[2];

static void set(uint64_t offset, uint32_t value)
{
	mmio_write32(DEVICE + offset, value);
}

static void set_address(uint64_t offset, uint64_t address)
{
	set(offset, (uint32_t)address);
	set(offset + 4U, (uint32_t)(address >> 32));
}

uint32_t port_status(void)
{
	return mmio_read32(DEVICE + VIRTIO_MMIO_STATUS);
}

uint64_t port_ring(unsigned int queue)
{
	return PORT_WINDOW_BASE + queue * RING_SIZE;
}

uint64_t port_buffer(unsigned int queue)
{
	return port_ring(queue) + PORT_WINDOW_BUFFER;
}

void port_reset(void)
{
	set(VIRTIO_MMIO_STATUS, 0);
	set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(VIRTIO_MMIO_DRIVER_FEATURES, FEATURES);
	set(VIRTIO_MMIO_STATUS,
	    VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK);
	for (uint64_t at = PORT_WINDOW_BASE; at < PORT_WINDOW_END; at += 8U) {
		*(volatile uint64_t *)at = 0;
	}
	offered[PORT_RX] = offered[PORT_TX] = 0;
	taken[PORT_RX] = taken[PORT_TX] = 0;
}

void port_start_queue(unsigned int queue, uint64_t ring)
{
	set(VIRTIO_MMIO_QUEUE_SEL, queue);
	set(VIRTIO_MMIO_QUEUE_NUM, PORT_QUEUE_SIZE);
	set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, ring);
	set_address(VIRTIO_MMIO_QUEUE_DRIVER_LOW, ring + AVAIL_OFFSET);
	set_address(VIRTIO_MMIO_QUEUE_DEVICE_LOW, ring + USED_OFFSET);
	set(VIRTIO_MMIO_QUEUE_READY, 1);
}

void port_start(void)
{
	port_reset();
	port_start_queue(PORT_RX, port_ring(PORT_RX));
	port_start_queue(PORT_TX, port_ring(PORT_TX));
	set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
					VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
}

void port_set_descriptor(unsigned int queue, unsigned int index,
			 const struct port_descriptor *descriptor)
{
	volatile struct port_descriptor *table = (void *)port_ring(queue);

	table[index].addr = descriptor->addr;
	table[index].len = descriptor->len;
	table[index].flags = descriptor->flags;
	table[index].next = descriptor->next;
}

void port_offer(unsigned int queue, uint16_t head, uint16_t by)
{
	volatile uint16_t *avail = (void *)(port_ring(queue) + AVAIL_OFFSET);

	avail[2U + offered[queue] % PORT_QUEUE_SIZE] = head;
	offered[queue] = (uint16_t)(offered[queue] + by);
	__asm__ volatile("dsb sy" : : : "memory");
	avail[1] = offered[queue];
	__asm__ volatile("dsb sy" : : : "memory");
	set(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static void wait_until_used(unsigned int queue)
{
	volatile uint16_t *used = (void *)(port_ring(queue) + USED_OFFSET);

	taken[queue]++;
	while (used[1] != taken[queue]) {
		rest();
	}
	__asm__ volatile("dsb sy" : : : "memory");
}

void port_send(char c)
{
	struct port_descriptor descriptor = { .addr = port_buffer(PORT_TX), .len = 1 };

	*(volatile char *)port_buffer(PORT_TX) = c;
	port_set_descriptor(PORT_TX, 0, &descriptor);
	port_offer(PORT_TX, 0, 1);
	wait_until_used(PORT_TX);
}

char port_receive(void)
{
	struct port_descriptor descriptor = {
		.addr = port_buffer(PORT_RX),
		.len = 1,
		.flags = VIRTQ_DESC_F_WRITE,
	};

	port_set_descriptor(PORT_RX, 0, &descriptor);
	port_offer(PORT_RX, 0, 1);
	wait_until_used(PORT_RX);
	return *(volatile char *)port_buffer(PORT_RX);
}
