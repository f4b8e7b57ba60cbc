/* SPDX-License-Identifier: BSD-3-Clause */
/* EL3's boot manifest, checked and copied: which DRAM can become realm memory, and the console. */
#pragma once

#include <lib/types.h>

#include "limits.h"

struct memory_bank {
	uint64_t base;
	uint64_t size;
};

struct memory_banks {
	size_t count;
	struct memory_bank bank[MAX_BANKS];
};

struct boot_info {
	struct memory_banks dram;
	uint64_t console; /* PA of a PL011, or 0 */
	uint64_t shared_buffer;
};

/*
 * Reads the manifest in the shared buffer, which is one granule at `buffer`. Returns an
 * EL3_BOOT_ code; `info` is complete only with EL3_BOOT_OK.
 */
int manifest_parse(uintptr_t buffer, struct boot_info *info);
