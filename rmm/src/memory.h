/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the RMM reaches memory that is not its own: through two fixed linear aliases of the tracked
 * DRAM, one that accesses it as Realm memory and one as Non-secure memory. See
 * docs/adr/0010-rmm-memory-aliases.md.
 */
#pragma once

#include <lib/types.h>

/* A granule that is delegated, as Realm memory. The caller holds its lock, or owns it. */
void *memory_realm(struct pa pa);

/*
 * Copies between the RMM and a granule that the host holds: false, with an unknown part of it done,
 * if it is not a tracked, undelegated granule or refuses the access. Offsets and sizes are
 * multiples of 16.
 */
bool memory_read_ns(void *to, struct pa granule, size_t offset, size_t size);
bool memory_write_ns(struct pa granule, size_t offset, const void *from, size_t size);

/* Zeroes a delegated granule; false if there is no memory at this address. */
bool memory_wipe(struct pa pa);

/*
 * What the running realm's own stage 1 says of a read of `va`, as PAR_EL1 has it. False if its
 * tables could not be read: they lie where the realm put them, in memory that the host may choose.
 */
bool memory_translate(uint64_t va, uint64_t *par);
