/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RMM's own address space: its image where it was loaded, the console, the buffer shared with
 * EL3, and two linear aliases of the tracked DRAM. Made once at cold boot, then the same for good
 * on every PE.
 */
#pragma once

#include "limits.h"
#include "manifest.h"

#define MMU_REALM_ALIAS (UINT64_C(1) << TRACKED_PA_BITS)
#define MMU_NS_ALIAS	(UINT64_C(2) << TRACKED_PA_BITS)

/* Builds the tables, with the MMU off; false if they do not fit. */
bool mmu_build(const struct boot_info *info);

/* Turns this PE's MMU and caches on. */
void mmu_enable(void);
