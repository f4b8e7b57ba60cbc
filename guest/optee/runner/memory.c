/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <errno.h>

#include "ta.h"

#define PROT_ALL (TEE_RUN_PROT_READ | TEE_RUN_PROT_WRITE | TEE_RUN_PROT_EXEC | TEE_RUN_PROT_BTI)
#define SVC_MASK UINT32_C(0xffe0001f)
#define SVC	 UINT32_C(0xd4000001)

static bool prot_is_sane(uint32_t prot)
{
	bool writes = (prot & TEE_RUN_PROT_WRITE) != 0;
	bool executes = (prot & TEE_RUN_PROT_EXEC) != 0;

	return (prot & ~(uint32_t)PROT_ALL) == 0 && !(writes && executes) &&
	       (executes || (prot & TEE_RUN_PROT_BTI) == 0) &&
	       (prot == 0 || (prot & TEE_RUN_PROT_READ) != 0);
}

static int system_prot(uint32_t prot)
{
	int out = PROT_NONE;

	out |= (prot & TEE_RUN_PROT_READ) != 0 ? PROT_READ : 0;
	out |= (prot & TEE_RUN_PROT_WRITE) != 0 ? PROT_WRITE : 0;
	out |= (prot & TEE_RUN_PROT_EXEC) != 0 ? PROT_EXEC : 0;
	out |= (prot & TEE_RUN_PROT_BTI) != 0 ? MEMORY_PROT_BTI : 0;
	return out;
}

/* Of whole pages. Each is looked at to its end, whatever is found: that is for vectors to do. */
static bool holds_svc(uint64_t addr, uint64_t size)
{
	for (uint64_t at = addr; at < addr + size; at += MAP_PAGE) {
		const uint32_t *word = ta_pointer(at);
		uint32_t found = 0;

		for (size_t n = 0; n < MAP_PAGE / sizeof(*word); n++) {
			found |= (word[n] & SVC_MASK) == SVC;
		}
		if (found != 0) {
			return true;
		}
	}
	return false;
}

/* Reserve a free range for the TA. */
static int reserve(struct map *map, struct map_range range, int prot)
{
	uint64_t size = range.end - range.start;
	int error = map_add(map, range);
	size_t first;
	size_t count;
	void *got;

	if (error != 0) {
		return error;
	}
	got = mmap(ta_pointer(range.start), size, prot, MEMORY_MAP_FLAGS, -1, 0);
	error = got == MAP_FAILED ? errno : 0;
	if (got != MAP_FAILED && got != ta_pointer(range.start)) {
		/* A kernel, or emulator, that knows MAP_FIXED_NOREPLACE as a mere hint. */
		(void)munmap(got, size);
		error = EEXIST;
	}
	if (error != 0 && map_select(map, range.start, size, &first, &count) == 0) {
		map_remove(map, first, count);
	}
	return error;
}

static int reserve_with_guard(struct map *map, const struct tee_run_map *order, uint32_t flags)
{
	struct map_range range = { order->address, order->address + order->size, order->prot,
				   flags };
	struct map_range guard = { order->address - TEE_RUN_GUARD_SIZE, order->address, 0, 0 };
	int error;

	if ((order->flags & TEE_RUN_FLAG_GUARD) == 0) {
		return reserve(map, range, PROT_READ | PROT_WRITE);
	}
	if (order->address < TEE_RUN_GUARD_SIZE ||
	    !map_range_is_sane(guard.start, TEE_RUN_GUARD_SIZE)) {
		return EINVAL;
	}
	error = reserve(map, range, PROT_READ | PROT_WRITE);
	if (error == 0) {
		error = reserve(map, guard, PROT_NONE);
		if (error != 0) {
			(void)memory_unmap(map, order->address, order->size);
		}
	}
	return error;
}

/* What is mapped is writable till it has its bytes. */
static int settle(uint64_t addr, uint64_t size, uint32_t prot)
{
	if ((prot & TEE_RUN_PROT_EXEC) != 0) {
		if (holds_svc(addr, size)) {
			return EACCES;
		}
		__builtin___clear_cache(ta_pointer(addr), ta_pointer(addr + size));
	}
	return mprotect(ta_pointer(addr), size, system_prot(prot)) == 0 ? 0 : errno;
}

bool memory_map(struct map *map, struct frame_in *in, const struct tee_run_map *order, int *error)
{
	if (!map_range_is_sane(order->address, order->size) ||
	    (order->flags & ~(uint32_t)TEE_RUN_FLAG_GUARD) != 0 || in->left > order->size) {
		*error = EINVAL;
	} else if (!prot_is_sane(order->prot)) {
		*error = EACCES;
	} else {
		*error = reserve_with_guard(map, order, 0);
	}
	if (*error != 0) {
		return frame_skip(in, in->left);
	}
	if (!frame_take(in, ta_pointer(order->address), in->left)) {
		return false;
	}
	*error = settle(order->address, order->size, order->prot);
	if (*error != 0) {
		(void)memory_unmap(map, order->address, order->size);
	}
	return true;
}

bool memory_region(struct map *map, struct frame_in *in, const struct tee_run_map *order,
		   int *error)
{
	uint64_t below = order->address % MAP_PAGE;
	struct tee_run_map pages = *order;

	pages.address -= below;
	if (order->size == 0 || order->size > UINT64_MAX - 2 * MAP_PAGE ||
	    (order->flags & ~(uint32_t)TEE_RUN_FLAG_NONSECURE) != 0 || in->left > order->size) {
		*error = EINVAL;
	} else if (!prot_is_sane(order->prot) || (order->prot & TEE_RUN_PROT_EXEC) != 0) {
		*error = EACCES;
	} else {
		pages.size = (order->size + below + MAP_PAGE - 1) / MAP_PAGE * MAP_PAGE;
		*error = EINVAL;
		if (map_range_is_sane(pages.address, pages.size)) {
			*error = reserve_with_guard(map, &pages, MAP_FLAG_REGION | order->flags);
		}
	}
	if (*error != 0) {
		return frame_skip(in, in->left);
	}
	if (!frame_take(in, ta_pointer(order->address), in->left)) {
		return false;
	}
	*error = settle(pages.address, pages.size, order->prot);
	return true;
}

void memory_drop_regions(struct map *map)
{
	size_t n = 0;

	while (n < map->count) {
		const struct map_range *range = &map->ranges[n];

		if ((range->flags & MAP_FLAG_REGION) == 0) {
			n++;
			continue;
		}
		(void)munmap(ta_pointer(range->start), range->end - range->start);
		map_remove(map, n, 1);
	}
}

int memory_unmap(struct map *map, uint64_t addr, uint64_t size)
{
	size_t first;
	size_t count;
	int error;

	if (!map_range_is_sane(addr, size)) {
		return EINVAL;
	}
	error = map_select(map, addr, size, &first, &count);
	if (error == 0) {
		error = munmap(ta_pointer(addr), size) == 0 ? 0 : errno;
	}
	if (error == 0) {
		map_remove(map, first, count);
	}
	return error;
}
