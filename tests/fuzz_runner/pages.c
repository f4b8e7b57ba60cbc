/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sys/mman.h>

#include "fuzz_runner.h"
#include "memory.h"

#define ABSENT (-1)

/* What Linux was told of each page of the window; 0 is absent, so that nothing is to be set up. */
static int told[WINDOW_PAGES];

static uint64_t changes;

uint64_t pages_version(void)
{
	return changes;
}

static int prot_of(size_t page)
{
	return told[page] + ABSENT;
}

static void tell(uint64_t addr, size_t size, int prot)
{
	changes++;
	for (size_t n = 0; n < size / MAP_PAGE; n++) {
		told[(addr - WINDOW_FIRST) / MAP_PAGE + n] = prot - ABSENT;
	}
}

bool pages_in_window(uint64_t addr)
{
	return addr >= WINDOW_FIRST && addr < WINDOW_END;
}

static bool is_range(uint64_t addr, uint64_t size)
{
	return addr % MAP_PAGE == 0 && size % MAP_PAGE == 0 && pages_in_window(addr) &&
	       size <= WINDOW_END - addr;
}

static bool is_mapped(uint64_t addr, uint64_t size)
{
	for (uint64_t at = addr; at < addr + size; at += MAP_PAGE) {
		if (prot_of((at - WINDOW_FIRST) / MAP_PAGE) == ABSENT) {
			return false;
		}
	}
	return true;
}

/* Code is not run here, and need not be executable. */
static int here(int prot)
{
	return prot & ~PROT_EXEC;
}

void *pages_map(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	uint64_t addr = (uintptr_t)at;
	void *got;

	MUST(flags == MEMORY_MAP_FLAGS && fd == -1 && offset == 0, "mmap with flags %#x", flags);
	MUST((prot & PROT_EXEC) == 0, "mmap with PROT_EXEC");
	/* As if there were something of the process's own, and no memory for the rest. */
	if (!is_range(addr, size)) {
		errno = pages_in_window(addr) ? ENOMEM : EEXIST;
		return MAP_FAILED;
	}
	got = mmap(at, size, here(prot), flags, -1, 0);
	if (got == at) {
		tell(addr, size, prot);
	}
	return got;
}

int pages_unmap(void *at, size_t size)
{
	uint64_t addr = (uintptr_t)at;

	MUST(is_range(addr, size) && is_mapped(addr, size), "munmap of %#lx bytes at %p", size, at);
	tell(addr, size, ABSENT);
	return munmap(at, size);
}

int pages_protect(void *at, size_t size, int prot)
{
	uint64_t addr = (uintptr_t)at;

	MUST(is_range(addr, size) && is_mapped(addr, size), "mprotect of %#lx bytes at %p", size,
	     at);
	MUST((prot & PROT_WRITE) == 0 || (prot & PROT_EXEC) == 0, "writable and executable");
	tell(addr, size, prot);
	return mprotect(at, size, here(prot));
}

bool pages_allow(uint64_t addr, uint64_t size, int prot)
{
	if (!pages_in_window(addr) || size > WINDOW_END - addr) {
		return false;
	}
	for (uint64_t at = addr & -MAP_PAGE; at < addr + size; at += MAP_PAGE) {
		if (prot_of((at - WINDOW_FIRST) / MAP_PAGE) == ABSENT ||
		    (prot_of((at - WINDOW_FIRST) / MAP_PAGE) & prot) != prot) {
			return false;
		}
	}
	return true;
}

static int meaning_of(uint32_t prot)
{
	return ((prot & TEE_RUN_PROT_READ) != 0 ? PROT_READ : 0) |
	       ((prot & TEE_RUN_PROT_WRITE) != 0 ? PROT_WRITE : 0) |
	       ((prot & TEE_RUN_PROT_EXEC) != 0 ? PROT_EXEC : 0);
}

void pages_check(void)
{
	const struct map *map = &fuzz_runner.map;
	size_t mapped = 0;
	size_t known = 0;

	for (size_t n = 0; n < map->count; n++) {
		const struct map_range *range = &map->ranges[n];

		MUST(is_range(range->start, range->end - range->start), "a range at %#lx",
		     range->start);
		MUST(n == 0 || map->ranges[n - 1].end <= range->start, "ranges that overlap");
		for (uint64_t at = range->start; at < range->end; at += MAP_PAGE) {
			int prot = prot_of((at - WINDOW_FIRST) / MAP_PAGE);

			MUST(prot == meaning_of(range->prot), "prot %d of page %#lx, not %d", prot,
			     at, meaning_of(range->prot));
			known++;
		}
	}
	for (size_t n = 0; n < WINDOW_PAGES; n++) {
		mapped += prot_of(n) != ABSENT ? 1 : 0;
	}
	MUST(mapped == known, "%zu pages mapped, %zu known", mapped, known);
}

void pages_end(void)
{
	for (size_t n = 0; n < WINDOW_PAGES; n++) {
		if (prot_of(n) != ABSENT) {
			(void)munmap((void *)(uintptr_t)(WINDOW_FIRST + n * MAP_PAGE), MAP_PAGE);
			told[n] = 0;
		}
	}
}
