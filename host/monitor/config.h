/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes that C, assembly and the linker script share, and what can be tuned. */
#pragma once

#define PAGE_SIZE  0x1000
#define BLOCK_SIZE 0x200000
#define STACK_SIZE 0x4000
/* The image with its bss and stacks: mapped page by page, so that its parts differ in permission.
 */
#define IMAGE_MAPPED_SIZE BLOCK_SIZE
/*
 * A fault on memory that was never touched fills the aligned piece of this size around it: each
 * exit costs more than a page does, but pages that are never used cost time and memory too.
 */
#define POPULATE_SIZE 0x40000
/* How many times in a row a vCPU may fault on one address before the realm is given up. */
#define MAX_SAME_FAULTS 64
