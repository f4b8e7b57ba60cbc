/* SPDX-License-Identifier: BSD-3-Clause */
/* The RIM of realms made in one way or another. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "realm.h"

#define RIM_WORDS 8U

struct rim {
	uint64_t word[RIM_WORDS];
};

typedef void params_step(struct rmi_realm_params *params);
typedef void realm_step(struct rig_realm *realm);

/* The RIM of a realm whose hand takes orders in `rec`. */
struct rim rim_read(struct rig_rec *rec);

/* The RIM of an ordinary realm with the hand in it, made with these steps, each of which may be 0.
 */
struct rim rim_of(params_step *set, realm_step *build);

bool rim_equal(struct rim a, struct rim b);
