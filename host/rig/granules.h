/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The granules that a case uses. Whatever a case takes and delegates is given back behind it; what
 * the RMM does not let go is reported as the case's failure and never used again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An undelegated granule of zeros. */
uint64_t granule_take(void);

/* `count` undelegated granules of zeros, aligned to `align` (a power of two of bytes). */
uint64_t granules_take(unsigned int count, uint64_t align);

/* The same, delegated. */
uint64_t granule_take_delegated(void);
uint64_t granules_take_delegated(unsigned int count, uint64_t align);

/* Gives everything back: true if the RMM let go of it all. */
bool granules_reset(void);

/* An address of DRAM that no bank of the boot manifest holds, one of a device, one that is odd. */
#define GRANULE_OUTSIDE UINT64_C(0x100000000)
#define GRANULE_DEVICE	UINT64_C(0x09000000)
#define GRANULE_ODD	UINT64_C(0x61000800)
