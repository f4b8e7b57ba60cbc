/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shadow virtqueue: a split ring of the monitor's own, which the real device works on, filled
 * from the realm's ring. Each thing in the realm's memory is read once, checked, and only then
 * used; what the realm changes afterwards changes nothing. Buffers are not copied: their addresses
 * are translated and lie in the realm's shared window, so the device reaches nothing else.
 *
 * The caller serialises the calls for one queue.
 */
#pragma once

#include <abi/virtio.h>
#include <lib/types.h>

#include "virtio/window.h"

#define QUEUE_MAX_SIZE 64U

struct queue_chain {
	uint16_t realm_head;
	uint16_t count;
	/* Bytes that the device may write. */
	uint32_t writable;
};

/* The device sees the rings alone. */
struct queue_shadow {
	struct virtq_desc desc[QUEUE_MAX_SIZE];
	struct virtq_avail_head avail;
	uint16_t avail_ring[QUEUE_MAX_SIZE];
	struct virtq_used_head used;
	struct virtq_used_elem used_ring[QUEUE_MAX_SIZE];

	/* By the chain's first descriptor; count 0: no such chain is with the device. */
	struct queue_chain chains[QUEUE_MAX_SIZE];
	uint16_t free[QUEUE_MAX_SIZE];
	unsigned int free_count;
};

struct queue {
	bool ready;
	/* Since the last reset; the device's own indices do not start again before the next. */
	bool was_ready;
	uint16_t size;
	/* As the driver wrote them. */
	uint64_t desc_address;
	uint64_t avail_address;
	uint64_t used_address;

	/* The realm's ring in the window. */
	const uint8_t *desc;
	const uint8_t *avail;
	uint8_t *used;
	uint16_t next_avail;
	uint16_t next_used;

	struct queue_shadow *shadow;
	uint16_t shadow_used;
};

/* What is wrong with a ring, as a phrase, or NULL. */
typedef const char *queue_fault;

/* Checks size and ring addresses and starts an empty queue; `queue->shadow` is set already. */
queue_fault queue_start(struct queue *queue, const struct window *window);

/* Takes the buffers that the driver has made available; `*added` if there were any. */
queue_fault queue_push(struct queue *queue, const struct window *window, bool *added);

/* Gives back the buffers that the device has used; `*interrupt` if the driver wants to hear of it.
 */
queue_fault queue_pull(struct queue *queue, bool *interrupt);
