/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The monitor's own translation: virtual = physical, 39 bits. Devices below 1 GiB, the image page
 * by page, the rest of DRAM as data that cannot be executed, and the RMM's own blocks not at all.
 */
#pragma once

/*
 * MAIR_EL2, TCR_EL2 and SCTLR_EL2 have the RMM's values. EL3 switches them at each call, and writes
 * what differs; on an emulator a write of TCR_EL2 drops all translations, EL3's own included.
 */
/* MAIR_EL2; attribute 0: Normal write-back, 1: Device-nGnRE */
#define MMU_MAIR 0x04FF
/* TCR_EL2: T0SZ 25, inner-shareable write-back walks, 48-bit PA, 4 KiB granule; RES1 bits. */
#define MMU_TCR 0x80853519
/* SCTLR_EL2: RES1 bits; M, C, SA, I, WXN. */
#define MMU_SCTLR 0x30CD183D

#ifndef __ASSEMBLER__
#include <stdint.h>

/* The end of what the tables can map. */
#define MMU_LIMIT (UINT64_C(1) << 39)

/* Fills the tables; runs once, on the first PE, with the MMU off. */
void mmu_init(void);

extern uint64_t mmu_level1[];

/* Maps DRAM from 4 GiB up to `end`, rounded up to 1 GiB and at most MMU_LIMIT. */
void mmu_map_high_dram(uint64_t end);
#endif
