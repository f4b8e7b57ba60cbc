/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns in everything that SVE has, FPCR and FPSR excepted; for the rig (EL2) and the hand
 * (EL1), who enable SVE first.
 */
#pragma once

#include <stdint.h>

#define SVE_VECTORS    32U
#define SVE_PREDICATES 16U
#define SVE_SIZE_MAX   256U

/* From sve_registers.S. */
void sve_get_z(uint32_t n, void *to);
void sve_put_z(uint32_t n, const void *from);
void sve_get_p(uint32_t n, void *to);
void sve_put_p(uint32_t n, const void *from);
void sve_get_ffr(void *to);
void sve_put_ffr(const void *from);
uint64_t sve_size(void);

/* Fills Z0 to Z31, P0 to P15 and FFR at the vector length in force with what `seed` gives. */
void sve_fill(uint64_t seed);

/* A digest of them, and what it is after sve_fill() with vectors of `size` bytes. */
uint64_t sve_sum(void);
uint64_t sve_sum_of(uint64_t seed, uint64_t size);

/* The digest of registers that are all zero. */
uint64_t sve_sum_of_zeros(uint64_t size);
