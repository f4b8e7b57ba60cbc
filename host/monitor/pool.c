/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <lib/bits.h>
#include <lib/spinlock.h>

#include "config.h"
#include "pool.h"

/* A free page holds the address of the next one. */
struct free_page {
	struct free_page *next;
};

struct range {
	uint64_t next;
	uint64_t end;
};

static struct {
	struct spinlock lock;
	struct free_page *free;
	struct range ranges[2];
} pool;

void pool_init(uint64_t dram_end)
{
	pool.ranges[0] =
		(struct range){ MONITOR_POOL_A_BASE, min_u64(MONITOR_POOL_A_END, dram_end) };
	pool.ranges[1] = (struct range){ MONITOR_POOL_B_BASE, MONITOR_POOL_B_END };
}

static void put(uint64_t page)
{
	struct free_page *free = (struct free_page *)(uintptr_t)page;

	free->next = pool.free;
	pool.free = free;
}

static bool cut(struct range *range, uint64_t size, uint64_t alignment, uint64_t *base)
{
	uint64_t start = align_up(range->next, alignment);

	if (!range_within(start, size, range->next, range->end - range->next)) {
		return false;
	}
	for (uint64_t skipped = range->next; skipped < start; skipped += PAGE_SIZE) {
		put(skipped);
	}
	range->next = start + size;
	*base = start;
	return true;
}

static bool cut_any(uint64_t size, uint64_t alignment, uint64_t *base)
{
	for (size_t n = 0; n < ARRAY_COUNT(pool.ranges); n++) {
		if (cut(&pool.ranges[n], size, alignment, base)) {
			return true;
		}
	}
	return false;
}

bool pool_take(struct pa *page)
{
	bool found = true;

	spin_lock(&pool.lock);
	if (pool.free != NULL) {
		page->value = (uintptr_t)pool.free;
		pool.free = pool.free->next;
	} else {
		found = cut_any(PAGE_SIZE, PAGE_SIZE, &page->value);
	}
	spin_unlock(&pool.lock);
	return found;
}

bool pool_take_contiguous(size_t count, struct pa *base)
{
	uint64_t alignment = PAGE_SIZE;
	bool found;

	while (alignment < count * PAGE_SIZE) {
		alignment *= 2U;
	}
	spin_lock(&pool.lock);
	found = cut_any(count * PAGE_SIZE, alignment, &base->value);
	spin_unlock(&pool.lock);
	return found;
}

void pool_give_back(struct pa page)
{
	spin_lock(&pool.lock);
	put(page.value);
	spin_unlock(&pool.lock);
}
