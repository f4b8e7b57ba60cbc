/* SPDX-License-Identifier: BSD-3-Clause */
#include <libfdt.h>

#include <abi/platform.h>

#include "dram.h"

/* The regions of one memory node: two cells of address and two of size each. */
#define REGION_SIZE 16

static uint64_t u64_at(const uint8_t *at)
{
	uint64_t value = 0;

	for (unsigned int n = 0; n < 8U; n++) {
		value = value << 8 | at[n];
	}
	return value;
}

/* Where a region of the node ends that begins at `base`; or `base`. */
static uint64_t follow(const void *tree, int node, uint64_t base)
{
	int length;
	const uint8_t *reg = fdt_getprop(tree, node, "reg", &length);

	for (int at = 0; reg != NULL && at + REGION_SIZE <= length; at += REGION_SIZE) {
		if (u64_at(reg + at) == base) {
			return base + u64_at(reg + at + 8);
		}
	}
	return base;
}

static bool is_memory(const void *tree, int node)
{
	int length;
	const char *type = fdt_getprop(tree, node, "device_type", &length);

	return type != NULL && length == sizeof("memory") &&
	       memcmp(type, "memory", sizeof("memory")) == 0;
}

uint64_t dram_end_of(const void *tree, size_t size)
{
	uint64_t end = QEMU_DRAM_BASE;
	uint64_t before;
	int node;

	if (fdt_check_header(tree) != 0 || fdt_totalsize(tree) > size) {
		return 0;
	}
	/* With NUMA there is a node for each piece, in any order. */
	do {
		before = end;
		fdt_for_each_subnode(node, tree, 0)
		{
			if (is_memory(tree, node)) {
				end = follow(tree, node, end);
			}
		}
	} while (end > before);
	return end;
}
