/* SPDX-License-Identifier: BSD-3-Clause */
#include <arch/barrier.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "virtio/queue.h"

#define AVAIL_RING sizeof(struct virtq_avail_head)
#define USED_RING  sizeof(struct virtq_used_head)

/* The realm writes these at any time: each is loaded exactly once. */
static uint16_t load16(const uint8_t *from)
{
	return __atomic_load_n((const uint16_t *)(const void *)from, __ATOMIC_RELAXED);
}

static struct virtq_desc load_desc(const uint8_t *table, unsigned int index)
{
	const uint64_t *from = (const uint64_t *)(const void *)(table + 16U * index);
	uint64_t addr = __atomic_load_n(&from[0], __ATOMIC_RELAXED);
	uint64_t rest = __atomic_load_n(&from[1], __ATOMIC_RELAXED);

	return (struct virtq_desc){
		.addr = addr,
		.len = (uint32_t)rest,
		.flags = (uint16_t)(rest >> 32),
		.next = (uint16_t)(rest >> 48),
	};
}

static bool locate(const struct window *window, uint64_t address, uint64_t size, uint64_t alignment,
		   uint8_t **where)
{
	uint64_t offset;

	if (!is_aligned(address, alignment) || !window_offset(window, address, size, &offset)) {
		return false;
	}
	*where = window->memory + offset;
	return true;
}

static void reset_shadow(struct queue_shadow *shadow, unsigned int size)
{
	(void)memset(shadow, 0, sizeof(*shadow));
	for (unsigned int n = 0; n < size; n++) {
		shadow->free[n] = (uint16_t)(size - 1U - n);
	}
	shadow->free_count = size;
}

queue_fault queue_start(struct queue *queue, const struct window *window)
{
	uint64_t size = queue->size;
	uint8_t *desc;
	uint8_t *avail;
	uint8_t *used;

	if (queue->was_ready) {
		return "queue enabled again without a reset";
	}
	if (size == 0U || size > QUEUE_MAX_SIZE || !is_aligned(size, size)) {
		return "queue size not allowed";
	}
	if (!locate(window, queue->desc_address, size * sizeof(struct virtq_desc), VIRTQ_DESC_ALIGN,
		    &desc) ||
	    !locate(window, queue->avail_address, AVAIL_RING + size * sizeof(uint16_t),
		    VIRTQ_AVAIL_ALIGN, &avail) ||
	    !locate(window, queue->used_address, USED_RING + size * sizeof(struct virtq_used_elem),
		    VIRTQ_USED_ALIGN, &used)) {
		return "ring outside the shared window";
	}
	queue->desc = desc;
	queue->avail = avail;
	queue->used = used;
	queue->next_avail = 0;
	queue->next_used = 0;
	queue->shadow_used = 0;
	reset_shadow(queue->shadow, queue->size);
	queue->was_ready = true;
	queue->ready = true;
	return NULL;
}

/* Reads the chain at `head` into `chain`, translated; its descriptors' `next` are not set. */
static queue_fault read_chain(const struct queue *queue, const struct window *window,
			      unsigned int head, struct virtq_desc *chain, unsigned int *count)
{
	unsigned int limit = queue->shadow->free_count;
	unsigned int index = head;
	uint16_t seen = 0;

	for (*count = 0; *count < limit; (*count)++) {
		struct virtq_desc desc;
		uint64_t offset;

		if (index >= queue->size) {
			return "descriptor index outside the queue";
		}
		desc = load_desc(queue->desc, index);
		if ((desc.flags & VIRTQ_DESC_F_INDIRECT) != 0U) {
			return "indirect descriptor that was not negotiated";
		}
		if (desc.len == 0U || !window_offset(window, desc.addr, desc.len, &offset)) {
			return "buffer outside the shared window";
		}
		seen |= desc.flags;
		if ((seen & VIRTQ_DESC_F_WRITE) != (desc.flags & VIRTQ_DESC_F_WRITE)) {
			return "readable buffer after a writable one";
		}
		chain[*count] = (struct virtq_desc){
			.addr = window->pa + offset,
			.len = desc.len,
			.flags = desc.flags & (VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE),
		};
		if ((desc.flags & VIRTQ_DESC_F_NEXT) == 0U) {
			(*count)++;
			return NULL;
		}
		index = desc.next;
	}
	return "descriptor chain without end";
}

/* Puts a checked chain on the device's ring. */
static void post_chain(struct queue *queue, unsigned int realm_head, const struct virtq_desc *chain,
		       unsigned int count)
{
	struct queue_shadow *shadow = queue->shadow;
	const uint16_t *taken = &shadow->free[shadow->free_count - count];
	uint64_t writable = 0;
	unsigned int head;

	for (unsigned int n = 0; n < count; n++) {
		/* The free list is a stack: its top comes first. */
		unsigned int at = taken[count - 1U - n];

		shadow->desc[at] = chain[n];
		if (n + 1U < count) {
			shadow->desc[at].next = taken[count - 2U - n];
		}
		if ((chain[n].flags & VIRTQ_DESC_F_WRITE) != 0U) {
			writable += chain[n].len;
		}
	}
	head = taken[count - 1U];
	shadow->free_count -= count;
	shadow->chains[head] = (struct queue_chain){
		.realm_head = (uint16_t)realm_head,
		.count = (uint16_t)count,
		.writable = (uint32_t)min_u64(writable, UINT32_MAX),
	};
	shadow->avail_ring[shadow->avail.idx % queue->size] = (uint16_t)head;
	dmb_ish();
	__atomic_store_n(&shadow->avail.idx, (uint16_t)(shadow->avail.idx + 1U), __ATOMIC_RELAXED);
}

queue_fault queue_push(struct queue *queue, const struct window *window, bool *added)
{
	struct virtq_desc chain[QUEUE_MAX_SIZE];
	uint16_t idx = load16(queue->avail + offsetof(struct virtq_avail_head, idx));
	unsigned int count = (uint16_t)(idx - queue->next_avail);

	*added = count != 0U;
	if (count > queue->size) {
		return "available index jumped";
	}
	/* The entries that the index covers were written before it. */
	dmb_ish();
	for (; count != 0U; count--) {
		const uint8_t *slot = queue->avail + AVAIL_RING +
				      (queue->next_avail % queue->size) * sizeof(uint16_t);
		unsigned int head = load16(slot);
		unsigned int chain_count;
		queue_fault fault = read_chain(queue, window, head, chain, &chain_count);

		if (fault != NULL) {
			return fault;
		}
		post_chain(queue, head, chain, chain_count);
		queue->next_avail++;
	}
	return NULL;
}

static void free_chain(struct queue_shadow *shadow, unsigned int head)
{
	unsigned int at = head;

	for (unsigned int n = shadow->chains[head].count; n != 0U; n--) {
		shadow->free[shadow->free_count++] = (uint16_t)at;
		at = shadow->desc[at].next;
	}
	shadow->chains[head].count = 0;
}

static void return_chain(struct queue *queue, const struct queue_chain *chain, uint32_t length)
{
	struct virtq_used_elem *slot = (struct virtq_used_elem *)(void *)(queue->used + USED_RING) +
				       queue->next_used % queue->size;

	__atomic_store_n(&slot->id, (uint32_t)chain->realm_head, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->len, (uint32_t)min_u64(length, chain->writable), __ATOMIC_RELAXED);
	queue->next_used++;
}

queue_fault queue_pull(struct queue *queue, bool *interrupt)
{
	struct queue_shadow *shadow = queue->shadow;
	uint16_t idx = __atomic_load_n(&shadow->used.idx, __ATOMIC_RELAXED);
	unsigned int count = (uint16_t)(idx - queue->shadow_used);

	*interrupt = false;
	if (count == 0U) {
		return NULL;
	}
	if (count > queue->size) {
		return "device's used index jumped";
	}
	dmb_ish();
	for (; count != 0U; count--) {
		struct virtq_used_elem used = shadow->used_ring[queue->shadow_used % queue->size];
		struct queue_chain chain;

		if (used.id >= queue->size || shadow->chains[used.id].count == 0U) {
			return "device used a buffer it did not have";
		}
		chain = shadow->chains[used.id];
		return_chain(queue, &chain, used.len);
		free_chain(shadow, used.id);
		queue->shadow_used++;
	}
	dmb_ish();
	__atomic_store_n((uint16_t *)(void *)(queue->used + offsetof(struct virtq_used_head, idx)),
			 queue->next_used, __ATOMIC_RELAXED);
	/* Either the driver sees the index, or we see that it wants an interrupt. */
	dmb_ish();
	*interrupt = (load16(queue->avail) & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0U;
	return NULL;
}
