/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes that C, assembly and the linker script share. */
#pragma once

/* EL3 numbers PEs below this (TF-A PLATFORM_CORE_COUNT of QEMU virt). */
#define MAX_PES 32

/*
 * Each PE has a slot: the lower half is an unmapped guard, the upper half its stack. So bit
 * STACK_HALF_SHIFT of a valid stack pointer is 1, which the exception entry tests.
 */
#define STACK_HALF_SHIFT 14
#define STACK_HALF_SIZE	 (1 << STACK_HALF_SHIFT)
#define STACK_SLOT_SIZE	 (2 << STACK_HALF_SHIFT)

/* Tracked memory: at most 4 GiB in at most four banks. */
#define MAX_BANKS    4
#define MAX_GRANULES 0x100000

/* Physical addresses have at most so many bits, or the aliases of core/mmu.h would overlap. */
#define TRACKED_PA_BITS 37
