/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/fw_cfg.h>
#include <abi/platform.h>
#include <arch/barrier.h>
#include <lib/bits.h>
#include <lib/mmio.h>
#include <lib/string.h>

#include "fw_cfg.h"

/* QEMU is told where this lies; it clears `control` when it is done. */
static volatile struct fw_cfg_dma_access access;

static bool transfer(uint32_t control, void *to, uint32_t size)
{
	uint64_t where = (uintptr_t)&access;
	uint32_t result;

	access.control = __builtin_bswap32(control);
	access.length = __builtin_bswap32(size);
	access.address = __builtin_bswap64((uintptr_t)to);
	dsb_sy();
	/* The low half starts the transfer. */
	mmio_write32(QEMU_FW_CFG_BASE + FW_CFG_REG_DMA, __builtin_bswap32((uint32_t)(where >> 32)));
	mmio_write32(QEMU_FW_CFG_BASE + FW_CFG_REG_DMA + 4U, __builtin_bswap32((uint32_t)where));
	do {
		dsb_sy();
		result = __builtin_bswap32(access.control);
	} while ((result & ~(uint32_t)FW_CFG_DMA_ERROR) != 0U);
	return result == 0U;
}

static uint32_t select_bits(uint16_t key)
{
	return ((uint32_t)key << 16) | FW_CFG_DMA_SELECT;
}

bool fw_cfg_init(void)
{
	uint32_t signature = 0;
	uint32_t id = 0;

	/* Without fw_cfg these reads give 0, and a transfer would never end. */
	if (mmio_read64(QEMU_FW_CFG_BASE + FW_CFG_REG_DMA) == 0U) {
		return false;
	}
	return transfer(select_bits(FW_CFG_ITEM_SIGNATURE) | FW_CFG_DMA_READ, &signature,
			sizeof(signature)) &&
	       signature == FW_CFG_SIGNATURE_VALUE &&
	       transfer(select_bits(FW_CFG_ITEM_ID) | FW_CFG_DMA_READ, &id, sizeof(id)) &&
	       (id & FW_CFG_ID_DMA) != 0U;
}

bool fw_cfg_find(const char *name, struct fw_cfg_file *file)
{
	struct fw_cfg_dir_entry entry;
	uint32_t count = 0;

	if (!transfer(select_bits(FW_CFG_ITEM_FILE_DIR) | FW_CFG_DMA_READ, &count, sizeof(count))) {
		return false;
	}
	/* Without a selection the reads go on where the last one ended. */
	for (uint32_t n = __builtin_bswap32(count); n != 0U; n--) {
		if (!transfer(FW_CFG_DMA_READ, &entry, sizeof(entry))) {
			return false;
		}
		entry.name[FW_CFG_FILE_NAME_SIZE - 1] = 0;
		if (strcmp((const char *)entry.name, name) == 0) {
			file->select = __builtin_bswap16(entry.select);
			file->size = __builtin_bswap32(entry.size);
			return true;
		}
	}
	return false;
}

bool fw_cfg_read(const struct fw_cfg_file *file, uint64_t offset, void *to, size_t size)
{
	if (!range_within(offset, size, 0, file->size)) {
		return false;
	}
	return transfer(select_bits(file->select) | FW_CFG_DMA_SKIP, NULL, (uint32_t)offset) &&
	       transfer(FW_CFG_DMA_READ, to, (uint32_t)size);
}
