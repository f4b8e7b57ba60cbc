/* SPDX-License-Identifier: BSD-3-Clause */
/* Two RECs of one realm, the second of which the first turns on. */
#pragma once

#include "ask.h"

struct pair {
	struct rig_rec *first;	/* takes orders */
	struct rig_rec *second; /* off */
};

struct pair pair_make(void);

/* The first asks the host for CPU_ON of the second: true if that is what its REC stopped with. */
bool pair_ask_on(const struct pair *pair, uint64_t entry, uint64_t context);

uint64_t psci_complete(const struct rig_rec *calling, const struct rig_rec *target, int64_t status);

/* CPU_ON, all the way: the second takes orders, too. */
void pair_turn_on(const struct pair *pair);

/* Whether the REC runs at this moment: a command that fails either way tells. */
bool rec_runs(const struct rig_rec *rec);

/* Has the hand of a REC count to `ticks` on another PE, and waits for it to run there. */
void rec_spin_elsewhere(struct rig_rec *rec, unsigned int pe, uint64_t ticks);

/* Has a REC call CPU_OFF. */
void rec_turn_off(struct rig_rec *rec);
