/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashing as measurements need it: one run of bytes, and a result padded with zeros to 64 bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/rmi.h>

struct digest {
	uint8_t bytes[RMM_MEASUREMENT_SIZE];
};

/* Bytes of a digest of `algorithm` (RMI_HASH_SHA_256 or RMI_HASH_SHA_512). */
size_t hash_size(uint32_t algorithm);

/* `data` is 16-byte aligned. `out` may be part of `data`. */
void hash_bytes(uint32_t algorithm, const void *data, size_t size, struct digest *out);

/* Checks both algorithms against a published vector; false means that nothing can be trusted. */
bool hash_self_test(void);
