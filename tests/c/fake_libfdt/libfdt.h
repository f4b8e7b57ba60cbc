/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of libfdt's interface that the monitor uses, over a table of nodes instead of a blob:
 * what is tested is what we make of a tree, not libfdt. Offsets are indices; the root is node 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FDT_ERR_NOTFOUND     1
#define FDT_ERR_BADSTRUCTURE 11

#define FAKE_FDT_NODES	     12
#define FAKE_FDT_PROPERTIES  12

struct fdt_header {
	uint32_t magic;
};

struct fake_property {
	const char *name;
	const void *value;
	int length;
};

struct fake_node {
	const char *name;
	struct fake_property properties[FAKE_FDT_PROPERTIES];
};

struct fake_tree {
	struct fdt_header header;
	uint32_t total_size;
	/* Given instead of a next node at the end. */
	int end_error;
	int node_count;
	struct fake_node nodes[FAKE_FDT_NODES];
};

int fdt_check_header(const void *fdt);
uint32_t fdt_totalsize(const void *fdt);
int fdt_node_check_compatible(const void *fdt, int node, const char *compatible);
const void *fdt_getprop(const void *fdt, int node, const char *name, int *length);
const char *fdt_get_name(const void *fdt, int node, int *length);
int fdt_first_subnode(const void *fdt, int parent);
int fdt_next_subnode(const void *fdt, int node);

#define fdt_for_each_subnode(node, fdt, parent)                                                    \
	for ((node) = fdt_first_subnode((fdt), (parent)); (node) >= 0;                             \
	     (node) = fdt_next_subnode((fdt), (node)))
