/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/check.h>
#include <lib/string.h>

#include "attest/heap.h"
#include "pe.h"

#define ALIGNMENT 8U

/* Blocks follow each other without gaps; the arena ends with the last one. */
struct block {
	uint32_t size; /* of what follows this header */
	uint32_t used;
};
_Static_assert(sizeof(struct block) == ALIGNMENT, "a block's memory is aligned");

static struct block *first_block(struct heap *heap)
{
	return (struct block *)(void *)heap->bytes;
}

/* NULL behind the last. */
static struct block *next_block(struct heap *heap, struct block *block)
{
	uint8_t *end = (uint8_t *)(block + 1) + block->size;

	return end < heap->bytes + HEAP_SIZE ? (struct block *)(void *)end : NULL;
}

void heap_init(struct heap *heap)
{
	memset(heap, 0, sizeof(*heap));
	first_block(heap)->size = HEAP_SIZE - (uint32_t)sizeof(struct block);
}

void heap_use(struct heap *heap)
{
	pe_this()->heap = heap;
}

/* Makes one block of a free one and the free ones behind it. */
static void merge(struct heap *heap, struct block *block)
{
	struct block *next = next_block(heap, block);

	while (next != NULL && next->used == 0U) {
		block->size += (uint32_t)sizeof(*next) + next->size;
		next = next_block(heap, block);
	}
}

/* Takes the first `size` bytes of a free block that has so many. */
static void *take(struct block *block, uint32_t size)
{
	if (block->size - size > sizeof(*block)) {
		struct block *rest = (struct block *)(void *)((uint8_t *)(block + 1) + size);

		rest->size = block->size - size - (uint32_t)sizeof(*rest);
		rest->used = 0;
		block->size = size;
	}
	block->used = 1;
	memset(block + 1, 0, block->size);
	return block + 1;
}

void *heap_calloc(size_t count, size_t size)
{
	struct heap *heap = pe_this()->heap;
	size_t wanted;

	CHECK(heap != NULL);
	if (__builtin_mul_overflow(count, size, &wanted) || wanted == 0U || wanted > HEAP_SIZE) {
		return NULL;
	}
	wanted = align_up(wanted, ALIGNMENT);
	for (struct block *block = first_block(heap); block != NULL;
	     block = next_block(heap, block)) {
		if (block->used == 0U) {
			merge(heap, block);
			if (block->size >= wanted) {
				return take(block, (uint32_t)wanted);
			}
		}
	}
	return NULL;
}

void heap_free(void *memory)
{
	const struct heap *heap = pe_this()->heap;
	struct block *block;

	if (memory == NULL) {
		return;
	}
	block = (struct block *)memory - 1;
	CHECK(heap != NULL);
	CHECK(range_within((uintptr_t)block, sizeof(*block), (uintptr_t)heap->bytes, HEAP_SIZE));
	CHECK(block->used == 1U);
	block->used = 0;
}
