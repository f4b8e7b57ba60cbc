/* SPDX-License-Identifier: BSD-3-Clause */
/* The compression functions of SHA-256 and SHA-512: instructions of the PE, or C on the fake arch.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK_SIZE 64U
#define SHA512_BLOCK_SIZE 128U

extern const uint32_t sha256_initial[8];
extern const uint64_t sha512_initial[8];
extern const uint32_t sha256_constants[64];
extern const uint64_t sha512_constants[80];

/* `state` and `data` are 16-byte aligned, and fp_take() came before. */
void sha256_blocks(uint32_t state[8], const void *data, size_t block_count);
void sha512_blocks(uint64_t state[8], const void *data, size_t block_count);
