/* SPDX-License-Identifier: BSD-3-Clause */
/* Vector registers to and from memory, in assembly. */
#pragma once

#include "fp_switch.h"

/* V0 to V31, FPCR and FPSR. */
void fp_save(struct fp_state *to);
void fp_load(const struct fp_state *from);

/* Z0 to Z15, Z16 to Z31, and P0 to P15, perhaps with FFR, at the vector length in force. */
void sve_save(void *low, void *high, void *predicates, bool ffr);
void sve_load(const void *low, const void *high, const void *predicates, bool ffr);

/* Makes P0 to P15 and FFR false. */
void sve_clear_predicates(void);

/* Bytes of a vector at the length in force. */
uint64_t sve_vector_size(void);
