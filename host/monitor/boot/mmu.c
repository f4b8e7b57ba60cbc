/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <arch/barrier.h>
#include <lib/bits.h>

#include "boot/mmu.h"
#include "config.h"

/* Translation table descriptors, Arm ARM DDI 0487, D8.3; attributes index MMU_MAIR. */
#define DESC_BLOCK	 UINT64_C(1)
#define DESC_TABLE	 UINT64_C(3)
#define DESC_PAGE	 UINT64_C(3)
#define DESC_ATTR_NORMAL UINT64_C(0)
#define DESC_ATTR_DEVICE (UINT64_C(1) << 2)
#define DESC_AP_EL2	 (UINT64_C(1) << 6)
#define DESC_READ_ONLY	 (UINT64_C(1) << 7)
#define DESC_SHARE_INNER (UINT64_C(3) << 8)
#define DESC_ACCESSED	 (UINT64_C(1) << 10)
#define DESC_NO_EXECUTE	 (UINT64_C(1) << 54)

#define DEVICE		 (DESC_ATTR_DEVICE | DESC_AP_EL2 | DESC_ACCESSED | DESC_NO_EXECUTE)
#define CODE		 (DESC_ATTR_NORMAL | DESC_AP_EL2 | DESC_SHARE_INNER | DESC_ACCESSED | DESC_READ_ONLY)
#define CONST		 (CODE | DESC_NO_EXECUTE)
#define DATA		 (CONST & ~DESC_READ_ONLY)

#define ENTRIES		 512U
#define GIB		 UINT64_C(0x40000000)
#define LEVEL1(pa)	 ((pa) / GIB)
#define LEVEL2(pa)	 (((pa) / BLOCK_SIZE) % ENTRIES)
#define LEVEL3(pa)	 (((pa) / PAGE_SIZE) % ENTRIES)

extern const char image_start[];
extern const char image_rodata_start[];
extern const char image_data_start[];
extern const char image_end[];

uint64_t mmu_level1[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static uint64_t level2[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static uint64_t level3[ENTRIES] __attribute__((aligned(PAGE_SIZE)));

_Static_assert(LEVEL1(QEMU_BL33_BASE) == 1 && LEVEL1(QEMU_RMM_BASE) == 1, "level2 maps 1 to 2 GiB");
_Static_assert(QEMU_BL33_BASE % BLOCK_SIZE == 0 && IMAGE_MAPPED_SIZE == BLOCK_SIZE,
	       "level3 maps the image");

static void map_image(void)
{
	uint64_t rodata = (uintptr_t)image_rodata_start;
	uint64_t data = (uintptr_t)image_data_start;

	for (uint64_t at = (uintptr_t)image_start; at < (uintptr_t)image_end; at += PAGE_SIZE) {
		uint64_t attributes = at < rodata ? CODE : at < data ? CONST : DATA;

		level3[LEVEL3(at)] = at | attributes | DESC_PAGE;
	}
}

void mmu_init(void)
{
	uint64_t rmm_end = QEMU_RMM_BASE + QEMU_RMM_SIZE;

	mmu_level1[0] = DEVICE | DESC_BLOCK;
	mmu_level1[1] = (uintptr_t)level2 | DESC_TABLE;
	for (uint64_t at = 2U * GIB; at < QEMU_TRACKED_DRAM_END; at += GIB) {
		mmu_level1[LEVEL1(at)] = at | DATA | DESC_BLOCK;
	}
	/* QEMU's device tree shares its block with the RMM's start. */
	level2[LEVEL2(QEMU_DTB_BASE)] = QEMU_DTB_BASE | CONST | DESC_BLOCK;
	/* The block that holds the RMM's end also holds the start of a pool: it is mapped. */
	for (uint64_t at = align_down(rmm_end, BLOCK_SIZE); at < 2U * GIB; at += BLOCK_SIZE) {
		level2[LEVEL2(at)] = at | DATA | DESC_BLOCK;
	}
	level2[LEVEL2(QEMU_BL33_BASE)] = (uintptr_t)level3 | DESC_TABLE;
	map_image();
	dsb_sy();
}

void mmu_map_high_dram(uint64_t end)
{
	for (uint64_t at = QEMU_TRACKED_DRAM_END; at < min_u64(end, MMU_LIMIT); at += GIB) {
		mmu_level1[LEVEL1(at)] = at | DATA | DESC_BLOCK;
	}
	dsb_ishst();
	isb();
}
