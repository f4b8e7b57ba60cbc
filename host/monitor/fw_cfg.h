/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading QEMU's fw_cfg by DMA. Used by the first PE only, while it builds. */
#pragma once

#include <lib/types.h>

struct fw_cfg_file {
	uint16_t select;
	uint32_t size;
};

/* False if there is no fw_cfg with DMA. */
bool fw_cfg_init(void);
/* Looks a file up by its whole name. */
bool fw_cfg_find(const char *name, struct fw_cfg_file *file);
/* Reads [offset, offset + size), which must lie in the file; false also if QEMU reports an error.
 */
bool fw_cfg_read(const struct fw_cfg_file *file, uint64_t offset, void *to, size_t size);
