/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses to memory that may not be ours: false, and nothing done, if they fault. */
#pragma once

#include <lib/types.h>

bool guarded_read64(uintptr_t address, uint64_t *value);
bool guarded_write64(uintptr_t address, uint64_t value);
