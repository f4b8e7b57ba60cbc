/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/el3.h>
#include <lib/check.h>

#include "memory.h"
#include "rmi/rmi.h"

static bool el3_change(uint64_t fid, struct pa pa)
{
	struct smc_regs regs = { .x = { fid, pa.value } };

	smc_call(&regs);
	return regs.x[0] == EL3_OK;
}

void rmi_granule_delegate(struct rmi_call *call)
{
	struct pa pa = pa_make(call->x[1]);
	bool done;

	call->result[0] = RMI_ERROR_INPUT;
	if (!granule_lock(pa, GRANULE_UNDELEGATED)) {
		return;
	}
	done = el3_change(EL3_GTSI_DELEGATE, pa);
	if (done && !memory_wipe(pa)) {
		/* EL3 also delegates addresses that the machine has no memory for. */
		CHECK(el3_change(EL3_GTSI_UNDELEGATE, pa));
		done = false;
	}
	granule_unlock_as(pa, done ? GRANULE_DELEGATED : GRANULE_UNDELEGATED);
	if (done) {
		call->result[0] = RMI_SUCCESS;
	}
}

void rmi_granule_undelegate(struct rmi_call *call)
{
	struct pa pa = pa_make(call->x[1]);

	if (!granule_lock(pa, GRANULE_DELEGATED)) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	CHECK(el3_change(EL3_GTSI_UNDELEGATE, pa));
	granule_unlock_as(pa, GRANULE_UNDELEGATED);
	call->result[0] = RMI_SUCCESS;
}
