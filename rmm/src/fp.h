/* SPDX-License-Identifier: BSD-3-Clause */
/* Vector registers to and from memory, in assembly. */
#pragma once

#include "fp_switch.h"

void fp_save(struct fp_state *to);
void fp_load(const struct fp_state *from);

/* Z0 to Z31 at the vector length in force, one after the other. */
void sve_save_z(void *to);
void sve_load_z(const void *from);
