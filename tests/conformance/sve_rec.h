/* SPDX-License-Identifier: BSD-3-Clause */
/* Realms with SVE, and the host's own use of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hand_order.h"

#define VECTORS_ZCR_MAX UINT64_C(15)

/* Whether RMI_FEATURES offers SVE; if not, the case has nothing to do, which is noted. */
bool vectors_offered(void);

/* The longest vector that is offered, as RMI has it. */
uint8_t vectors_max(void);

static inline uint64_t vectors_size(uint64_t vl)
{
	return 16U * (vl + 1U);
}

/* Lets the host use SVE, with vectors of this length at most. */
void vectors_host(uint64_t vl);

/* A new realm with SVE, its hand ready and using vectors as long as it may. */
struct rig_rec *vectors_rec(uint8_t vl);

/* Lets the hand use SVE, with vectors of this length at most. */
void vectors_enable(struct rig_rec *rec, uint64_t vl);

void vectors_fill(struct rig_rec *rec, uint64_t seed);

/* Expects what vectors_fill() wrote, of a realm of this vector length. */
bool vectors_hold(struct rig_rec *rec, uint64_t seed, uint64_t vl);
