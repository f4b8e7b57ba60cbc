/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/smccc.h>

#include "pair.h"
#include "pe.h"
#include "rig.h"
#include "tap.h"

struct pair pair_make(void)
{
	struct rig_rec *first = asker(2);

	return (struct pair){ .first = first, .second = &first->realm->recs[1] };
}

bool pair_ask_on(const struct pair *pair, uint64_t entry, uint64_t context)
{
	return ask(pair->first, RMI_EXIT_PSCI, PSCI_CPU_ON_64, 1, entry, context);
}

uint64_t psci_complete(const struct rig_rec *calling, const struct rig_rec *target, int64_t status)
{
	return rmi_status(RMI_PSCI_COMPLETE, calling->pa, target->pa, (uint64_t)status);
}

void pair_turn_on(const struct pair *pair)
{
	if (!pair_ask_on(pair, HAND_BASE, 1) ||
	    psci_complete(pair->first, pair->second, PSCI_SUCCESS) != RMI_SUCCESS ||
	    ask_again(pair->first).x[0] != PSCI_SUCCESS || !hand_begin(pair->second)) {
		rig_give_up("no second REC can be turned on");
	}
}

bool rec_runs(const struct rig_rec *rec)
{
	return rmi_status(RMI_RTT_SET_RIPAS, rec->realm->rd, rec->pa, 0, GRANULE_SIZE) ==
	       RMI_ERROR_REC;
}

static uint64_t spin_ticks;

static void spin(void *argument)
{
	(void)hand_do((struct rig_rec *)argument, HAND_SPIN, spin_ticks);
}

void rec_spin_elsewhere(struct rig_rec *rec, unsigned int pe, uint64_t ticks)
{
	spin_ticks = ticks;
	pe_send(pe, spin, rec);
	while (!rec_runs(rec) && pe_busy(pe)) {
	}
}

void rec_turn_off(struct rig_rec *rec)
{
	if (!ask(rec, RMI_EXIT_PSCI, PSCI_CPU_OFF)) {
		rig_give_up("a REC cannot be turned off");
	}
}
