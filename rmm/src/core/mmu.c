/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <abi/rmi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "core/mmu.h"
#include "limits.h"
#include "regs.h"

/* Arm ARM D8.3: VMSAv8-64 stage 1 descriptors of the EL2 regime. */
#define DESC_VALID    UINT64_C(0x1)
#define DESC_TABLE    UINT64_C(0x3)
#define DESC_PAGE     UINT64_C(0x3)
#define DESC_BLOCK    UINT64_C(0x1)
#define DESC_DEVICE   (UINT64_C(1) << 2) /* MAIR_EL2.Attr1 */
#define DESC_NS	      (UINT64_C(1) << 5)
#define DESC_AP_RES1  (UINT64_C(1) << 6)
#define DESC_READONLY (UINT64_C(1) << 7)
#define DESC_SH_INNER (UINT64_C(3) << 8)
#define DESC_AF	      (UINT64_C(1) << 10)
#define DESC_XN	      (UINT64_C(1) << 54)
#define DESC_PA_MASK  UINT64_C(0x0000FFFFFFFFF000)

#define MAP_CODE      (DESC_AP_RES1 | DESC_SH_INNER | DESC_AF | DESC_READONLY)
#define MAP_RODATA    (MAP_CODE | DESC_XN)
#define MAP_DATA      (DESC_AP_RES1 | DESC_SH_INNER | DESC_AF | DESC_XN)
#define MAP_NS	      (MAP_DATA | DESC_NS)
#define MAP_DEVICE    (DESC_AP_RES1 | DESC_AF | DESC_XN | DESC_NS | DESC_DEVICE)

#define MAIR_VALUE    UINT64_C(0x04FF) /* 0: Normal WB RWA; 1: Device-nGnRE */
/*
 * T0SZ 25, walks inner-shareable WBWA, 4 KiB, 48-bit PA, RES1 bits 23 and 31. The monitor has the
 * same value, for on an emulator a write of this register drops all translations.
 */
#define TCR_VALUE                                                                                  \
	(UINT64_C(25) | REG_FIELD(1, 8) | REG_FIELD(1, 10) | REG_FIELD(3, 12) | REG_FIELD(5, 16) | \
	 REG_BIT(23) | REG_BIT(31))

#define ENTRIES	    512U
#define LEVEL_FIRST 1U
#define LEVEL_LAST  3U
#define TABLES	    48U

extern const uint8_t image_text_start[], image_text_end[], image_rodata_end[], image_data_end[];
extern const uint8_t stacks_start[];

static _Alignas(GRANULE_SIZE) uint64_t tables[TABLES][ENTRIES];
static uint32_t table_count = 1; /* the first is the root */

static unsigned int level_shift(unsigned int level)
{
	return GRANULE_SHIFT + 9U * (LEVEL_LAST - level);
}

/* The table that `entry` points to, made if there is none; NULL if none is left. */
static uint64_t *next_table(uint64_t *entry)
{
	if ((*entry & DESC_VALID) == 0U) {
		if (table_count == TABLES) {
			return NULL;
		}
		*entry = (uintptr_t)tables[table_count] | DESC_TABLE;
		table_count++;
	}
	return (uint64_t *)(uintptr_t)(*entry & DESC_PA_MASK);
}

/* Maps one page, or the largest block that starts here and ends before `size`; returns its size. */
static uint64_t map_one(uint64_t va, uint64_t pa, uint64_t size, uint64_t attributes)
{
	uint64_t *table = tables[0];

	for (unsigned int level = LEVEL_FIRST; table != NULL; level++) {
		uint64_t step = bit64(level_shift(level));
		uint64_t *entry = &table[(va >> level_shift(level)) % ENTRIES];

		if (level == LEVEL_LAST) {
			*entry = pa | attributes | DESC_PAGE;
			return step;
		}
		if (size >= step && is_aligned(va | pa, step) && (*entry & DESC_VALID) == 0U) {
			*entry = pa | attributes | DESC_BLOCK;
			return step;
		}
		table = next_table(entry);
	}
	return 0;
}

static bool map(uint64_t va, uint64_t pa, uint64_t size, uint64_t attributes)
{
	while (size != 0U) {
		uint64_t done = map_one(va, pa, size, attributes);

		if (done == 0U) {
			return false;
		}
		va += done;
		pa += done;
		size -= done;
	}
	return true;
}

static bool map_own(const uint8_t *start, const uint8_t *end, uint64_t attributes)
{
	uint64_t address = (uintptr_t)start;

	return map(address, address, (uintptr_t)end - address, attributes);
}

static bool map_image(void)
{
	const uint8_t *stack = stacks_start + STACK_HALF_SIZE;

	for (unsigned int n = 0; n < MAX_PES; n++, stack += STACK_SLOT_SIZE) {
		if (!map_own(stack, stack + STACK_HALF_SIZE, MAP_DATA)) {
			return false;
		}
	}
	return map_own(image_text_start, image_text_end, MAP_CODE) &&
	       map_own(image_text_end, image_rodata_end, MAP_RODATA) &&
	       map_own(image_rodata_end, image_data_end, MAP_DATA);
}

/* Both aliases of [base, end). */
static bool map_aliases(uint64_t base, uint64_t end)
{
	if (base >= end) {
		return true;
	}
	return map(MMU_REALM_ALIAS + base, base, end - base, MAP_DATA) &&
	       map(MMU_NS_ALIAS + base, base, end - base, MAP_NS);
}

static bool map_bank(const struct memory_bank *bank)
{
	const uint64_t own_end = QEMU_RMM_BASE + QEMU_RMM_SIZE;
	uint64_t end = bank->base + bank->size;
	uint64_t before = min_u64(end, QEMU_RMM_BASE);
	uint64_t after = bank->base > own_end ? bank->base : own_end;

	return map_aliases(bank->base, before) && map_aliases(after, end);
}

bool mmu_build(const struct boot_info *info)
{
	if (!map_image()) {
		return false;
	}
	if (info->console != 0U && !map(info->console, info->console, GRANULE_SIZE, MAP_DEVICE)) {
		return false;
	}
	if (!map(info->shared_buffer, info->shared_buffer, GRANULE_SIZE, MAP_DATA)) {
		return false;
	}
	for (size_t n = 0; n < info->dram.count; n++) {
		if (!map_bank(&info->dram.bank[n])) {
			return false;
		}
	}
	dsb_ish();
	return true;
}

void mmu_enable(void)
{
	write_sysreg(MAIR_EL2, MAIR_VALUE);
	write_sysreg(TCR_EL2, TCR_VALUE);
	write_sysreg(TTBR0_EL2, (uintptr_t)tables[0]);
	isb();
	/* A PE that was off missed the invalidations of the others: forget the realms' as well. */
	__asm__ volatile("tlbi alle2\n\ttlbi alle1\n\tdsb nsh\n\tisb" ::: "memory");
	write_sysreg(SCTLR_EL2,
		     SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN);
	isb();
}
