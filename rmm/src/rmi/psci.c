/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/smccc.h>

#include "regs.h"
#include "rmi/rmi.h"

static bool is_on(const struct rec *target)
{
	return target->running || __atomic_load_n(&target->runnable, __ATOMIC_ACQUIRE);
}

static bool is_cpu_on(const struct rec *calling)
{
	return calling->psci.fid == PSCI_CPU_ON_32 || calling->psci.fid == PSCI_CPU_ON_64;
}

static bool awaits_completion(const struct rec *calling)
{
	return calling->pending == REC_PENDING_PSCI || calling->pending == REC_PENDING_DENIED_ON;
}

static bool status_is_permitted(const struct rec *calling, const struct rec *target, int64_t status)
{
	if (status == PSCI_SUCCESS) {
		return true;
	}
	return status == PSCI_DENIED && is_cpu_on(calling) && !is_on(target);
}

static int64_t turn_on(const struct rec *calling, struct rec *target, int64_t status)
{
	if (is_on(target)) {
		return PSCI_ALREADY_ON;
	}
	if (status == PSCI_DENIED) {
		return PSCI_DENIED;
	}
	rec_reset(target, calling->psci.entry);
	target->gprs[0] = calling->psci.context;
	target->shared.SCTLR_EL1_ |= calling->shared.SCTLR_EL1_ & SCTLR_EE;
	target->runnable = true;
	return PSCI_SUCCESS;
}

static uint64_t complete(struct rec *calling, struct rec *target, int64_t status)
{
	int64_t result;

	if (calling->running || !awaits_completion(calling) ||
	    calling->rd.value != target->rd.value || calling->psci.target != target->index) {
		return RMI_ERROR_INPUT;
	}
	if (!status_is_permitted(calling, target, status)) {
		/* Hosts take it that this denial, although an error, is an answer. */
		if (status == PSCI_DENIED && is_cpu_on(calling)) {
			calling->pending = REC_PENDING_DENIED_ON;
		}
		return RMI_ERROR_INPUT;
	}
	if (is_cpu_on(calling)) {
		result = turn_on(calling, target, status);
	} else {
		result = is_on(target) ? PSCI_AFFINITY_ON : PSCI_AFFINITY_OFF;
	}
	calling->gprs[0] = (uint64_t)result;
	calling->pending = REC_PENDING_NONE;
	return RMI_SUCCESS;
}

void rmi_psci_complete(struct rmi_call *call)
{
	struct pa calling_pa = pa_make(call->x[1]);
	struct pa target_pa = pa_make(call->x[2]);
	bool ascending = calling_pa.value < target_pa.value;
	struct pa first = ascending ? calling_pa : target_pa;
	struct pa second = ascending ? target_pa : calling_pa;
	struct rec *first_rec;
	struct rec *second_rec;

	call->result[0] = RMI_ERROR_INPUT;
	first_rec = rec_lock(first);
	if (first_rec == NULL) {
		return;
	}
	/* With the same REC twice this would wait for itself. */
	second_rec = first.value != second.value ? rec_lock(second) : NULL;
	if (second_rec != NULL) {
		call->result[0] = complete(ascending ? first_rec : second_rec,
					   ascending ? second_rec : first_rec, (int64_t)call->x[3]);
		granule_unlock(second);
	}
	granule_unlock(first);
}
