/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pages that the monitor gives to realms or uses itself beside its image: Non-secure DRAM that
 * the RMM tracks. A page in the pool is not delegated. Thread-safe.
 */
#pragma once

#include <lib/types.h>

/* Makes the pool of the MONITOR_POOL_* ranges below `dram_end`. */
void pool_init(uint64_t dram_end);

/* One page of unknown content; false if there is none. */
bool pool_take(struct pa *page);
/* `count` pages in a row, aligned to their size rounded up to a power of two. */
bool pool_take_contiguous(size_t count, struct pa *base);
void pool_give_back(struct pa page);
