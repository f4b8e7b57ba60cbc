/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver of the realm's virtio-serial device: port 0, rings at the start of the shared window. */
#pragma once

#include "payload.h"

#define PORT_RX		0U
#define PORT_TX		1U
#define PORT_QUEUE_SIZE 8U
/* The rings and buffers of both queues end here. */
#define PORT_WINDOW_BASE   (PAYLOAD_SHARED | REALM_RAM_BASE)
#define PORT_WINDOW_END	   (PORT_WINDOW_BASE + UINT64_C(0x4000))
#define PORT_WINDOW_BUFFER UINT64_C(0x800)

struct port_descriptor {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

uint32_t port_status(void);
uint64_t port_ring(unsigned int queue);
uint64_t port_buffer(unsigned int queue);

/* Resets the device and brings it up as far as its queues. */
void port_reset(void);
void port_start_queue(unsigned int queue, uint64_t ring);
/* Reset, both queues, DRIVER_OK. */
void port_start(void);

void port_set_descriptor(unsigned int queue, unsigned int index,
			 const struct port_descriptor *descriptor);
/* Makes `head` available, and the index `by` more than it was; tells the device. */
void port_offer(unsigned int queue, uint16_t head, uint16_t by);

void port_send(char c);
/* Waits for a byte and returns it. */
char port_receive(void);
