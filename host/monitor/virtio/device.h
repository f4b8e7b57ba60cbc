/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A realm's virtio-mmio window in front of one real transport. Registers are forwarded, except ring
 * addresses, notification and interrupt registers, which end here. The same for every device type.
 *
 * A driver that breaks its rings gets DEVICE_NEEDS_RESET, and the real device is stopped.
 */
#pragma once

#include <lib/spinlock.h>

#include "virtio/queue.h"

/* Of virtio-serial with its 31 ports. */
#define VIRTIO_MAX_QUEUES 64U

struct virtio_device;

/* Raises the realm's interrupt (a new event even if it is up), or lowers it. Called locked. */
typedef void virtio_interrupt(struct virtio_device *device, bool raise);
/* The driver has broken the device: says so somewhere. Called locked. */
typedef void virtio_complain(struct virtio_device *device, const char *what);

struct virtio_device {
	/* Taken before the vGIC's. */
	struct spinlock lock;
	/* Set by the owner before use. */
	const struct window *window;
	uintptr_t transport;
	virtio_interrupt *interrupt;
	virtio_complain *complain;
	void *owner;
	unsigned int number;

	bool is_broken;
	uint32_t status;
	uint32_t interrupt_status;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	/* One more than the highest queue that was ever ready. */
	unsigned int queue_limit;
	struct queue queues[VIRTIO_MAX_QUEUES];
};

/* What the realm reads or writes at `offset` of the window; 1, 2, 4 or 8 bytes. */
uint64_t virtio_device_read(struct virtio_device *device, uint64_t offset, unsigned int size);
void virtio_device_write(struct virtio_device *device, uint64_t offset, unsigned int size,
			 uint64_t value);

/* The real device has raised its interrupt. */
void virtio_device_service(struct virtio_device *device);

/* Stops the real device and gives back the memory of the shadow rings. */
void virtio_device_shut_down(struct virtio_device *device);
