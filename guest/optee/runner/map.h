/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of the address space is the TA's. Each pointer that comes from a TA is looked up here before
 * it is used, so that the runner reads and writes nothing else on a TA's behalf. Ranges are sorted,
 * do not overlap, and are whole pages.
 */
#pragma once

#include <abi/tee_run.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_PAGE UINT64_C(4096)

/* Mapped for one call, and so not the TA's own. */
#define MAP_FLAG_REGION UINT32_C(0x80000000)

struct map_range {
	uint64_t start;
	uint64_t end;
	uint32_t prot;
	uint32_t flags;
};

struct map {
	size_t count;
	struct map_range ranges[TEE_RUN_RANGES_MAX];
};

/*
 * Whether a range is whole pages, not empty, and of addresses that a process can have.
 */
bool map_range_is_sane(uint64_t start, uint64_t size);

/*
 * Add a range that is sane. Returns 0, EEXIST if it overlaps one that is there, or ENOMEM.
 */
int map_add(struct map *map, struct map_range range);

/*
 * Have range boundaries at both ends of a sane range. Returns 0, ENOENT unless ranges cover all of
 * it, or ENOMEM. The ranges inside are *first to *first + *count then.
 */
int map_select(struct map *map, uint64_t start, uint64_t size, size_t *first, size_t *count);

/*
 * Remove ranges that map_select() gave.
 */
void map_remove(struct map *map, size_t first, size_t count);

/*
 * Whether the TA may use all bytes with all of `prot`; none of them needs no right. `own`: none of
 * them may be in a region.
 */
bool map_allows(const struct map *map, uint64_t start, uint64_t size, uint32_t prot, bool own);

/*
 * Whether all bytes lie in ranges that have all of `flags`.
 */
bool map_has_flags(const struct map *map, uint64_t start, uint64_t size, uint32_t flags);

/*
 * Whether all bytes lie in ranges that have none of `flags`.
 */
bool map_lacks_flags(const struct map *map, uint64_t start, uint64_t size, uint32_t flags);
