/* SPDX-License-Identifier: BSD-3-Clause */
#include "map.h"

#include <errno.h>
#include <string.h>

/* No process maps the lowest addresses; and the highest bit of 48 is left to other machines'
 * kernels. */
#define LOWEST UINT64_C(0x10000)
#define LIMIT  (UINT64_C(1) << 47)

bool map_range_is_sane(uint64_t start, uint64_t size)
{
	return start % MAP_PAGE == 0 && size % MAP_PAGE == 0 && size > 0 && start >= LOWEST &&
	       size <= LIMIT && start <= LIMIT - size;
}

/* The first range that ends after an address, or map->count. */
static size_t find(const struct map *map, uint64_t addr)
{
	size_t low = 0;
	size_t high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->ranges[middle].end > addr) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

static int insert(struct map *map, size_t at, struct map_range range)
{
	if (map->count == TEE_RUN_RANGES_MAX) {
		return ENOMEM;
	}
	memmove(&map->ranges[at + 1], &map->ranges[at], (map->count - at) * sizeof(range));
	map->ranges[at] = range;
	map->count++;
	return 0;
}

int map_add(struct map *map, struct map_range range)
{
	size_t at = find(map, range.start);

	if (at < map->count && map->ranges[at].start < range.end) {
		return EEXIST;
	}
	return insert(map, at, range);
}

/* Whether ranges that have all of `prot` and `flags`, and none of `without`, cover so many bytes.
 */
static bool covered(const struct map *map, uint64_t start, uint64_t size, uint32_t prot,
		    uint32_t flags, uint32_t without)
{
	uint64_t end = start + size;

	if (size > UINT64_MAX - start) {
		return false;
	}
	for (size_t n = find(map, start); start < end; n++) {
		const struct map_range *range = &map->ranges[n];

		if (n == map->count || range->start > start || (range->prot & prot) != prot ||
		    (range->flags & flags) != flags || (range->flags & without) != 0) {
			return false;
		}
		start = range->end;
	}
	return true;
}

/* Have a boundary at an address. */
static int split(struct map *map, uint64_t addr)
{
	size_t at = find(map, addr);
	struct map_range lower;
	int error;

	if (at == map->count || map->ranges[at].start >= addr) {
		return 0;
	}
	lower = map->ranges[at];
	lower.end = addr;
	error = insert(map, at, lower);
	if (error == 0) {
		map->ranges[at + 1].start = addr;
	}
	return error;
}

int map_select(struct map *map, uint64_t start, uint64_t size, size_t *first, size_t *count)
{
	int error;

	if (!covered(map, start, size, 0, 0, 0)) {
		return ENOENT;
	}
	error = split(map, start);
	if (error == 0) {
		error = split(map, start + size);
	}
	*first = find(map, start);
	*count = find(map, start + size - 1) + 1 - *first;
	return error;
}

void map_remove(struct map *map, size_t first, size_t count)
{
	size_t after = first + count;

	memmove(&map->ranges[first], &map->ranges[after],
		(map->count - after) * sizeof(map->ranges[0]));
	map->count -= count;
}

bool map_allows(const struct map *map, uint64_t start, uint64_t size, uint32_t prot, bool own)
{
	return covered(map, start, size, prot, 0, own ? MAP_FLAG_REGION : 0);
}

bool map_has_flags(const struct map *map, uint64_t start, uint64_t size, uint32_t flags)
{
	return covered(map, start, size, 0, flags, 0);
}

bool map_lacks_flags(const struct map *map, uint64_t start, uint64_t size, uint32_t flags)
{
	return covered(map, start, size, 0, 0, flags);
}
