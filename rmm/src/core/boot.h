/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <lib/types.h>

/* From core/entry.S, on this PE's stack; `warm` is 0 on the one cold boot. */
_Noreturn void boot(uint32_t index, uint64_t version, uint64_t pe_count, uintptr_t shared_buffer,
		    uint32_t warm);
