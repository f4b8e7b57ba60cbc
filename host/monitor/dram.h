/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory the machine has, from the device tree that QEMU makes. */
#pragma once

#include <lib/types.h>

/*
 * The end of the memory that begins at QEMU_DRAM_BASE without a gap; 0 if the tree of at most
 * `size` bytes does not tell.
 */
uint64_t dram_end_of(const void *tree, size_t size);
