/* SPDX-License-Identifier: BSD-3-Clause */
/* V0 to V31, FPCR and FPSR of this PE, which compiled code does not use. */
#pragma once

#include <stdint.h>

/* Fills each with something else that `word` gives; and a digest of all. Of zeros it is 0. */
void vector_fill(uint64_t word);
uint64_t vector_sum(void);
