/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/smccc.h>
#include <lib/bits.h>

#include "granule.h"
#include "regs.h"
#include "rsi/rsi.h"

#define FID_SMC64 REG_BIT(30)

static enum rsi_action answer(struct rsi_call *call, int64_t result)
{
	call->result[0] = (uint64_t)result;
	return RSI_RETURN;
}

static enum rsi_action tell_host(struct rsi_call *call)
{
	call->exit->exit_reason = RMI_EXIT_PSCI;
	call->exit->gprs[0] = call->fid;
	call->result[0] = PSCI_SUCCESS;
	return RSI_EXIT;
}

/* The host finds the target REC and answers by RMI_PSCI_COMPLETE. */
static enum rsi_action ask_host(struct rsi_call *call, uint64_t affinity)
{
	call->rec->pending = REC_PENDING_PSCI;
	call->exit->gprs[1] = affinity;
	return tell_host(call);
}

/* The arguments of a 32-bit call are the low halves of the registers. */
static uint64_t argument(const struct rsi_call *call, unsigned int n)
{
	return (call->fid & FID_SMC64) != 0U ? call->x[n] : (uint32_t)call->x[n];
}

static bool is_rec_index(const struct rsi_call *call, uint64_t index)
{
	return index < realm_of(call->rec->rd)->rec_count;
}

enum rsi_action psci_version(struct rsi_call *call)
{
	return answer(call, PSCI_VERSION_1_1);
}

enum rsi_action psci_features(struct rsi_call *call)
{
	return answer(call, rsi_is_psci_function((uint32_t)call->x[1]) ? PSCI_SUCCESS
								       : PSCI_NOT_SUPPORTED);
}

enum rsi_action psci_cpu_suspend(struct rsi_call *call)
{
	return tell_host(call);
}

static void set_runnable(struct rsi_call *call, bool runnable)
{
	/* RMI_PSCI_COMPLETE on another PE may look; `running` is still true, so it sees "on". */
	__atomic_store_n(&call->rec->runnable, runnable, __ATOMIC_RELEASE);
}

enum rsi_action psci_cpu_off(struct rsi_call *call)
{
	set_runnable(call, false);
	return tell_host(call);
}

enum rsi_action psci_cpu_on(struct rsi_call *call)
{
	uint64_t affinity = argument(call, 1);
	uint64_t entry = argument(call, 2);
	uint64_t target = rec_index_of_affinity(affinity);

	if (!rtt_is_protected(&call->rec->s2, entry)) {
		return answer(call, PSCI_INVALID_ADDRESS);
	}
	if (!is_rec_index(call, target)) {
		return answer(call, PSCI_INVALID_PARAMETERS);
	}
	if (target == call->rec->index) {
		return answer(call, PSCI_ALREADY_ON);
	}
	call->rec->psci = (struct rec_psci_request){
		.fid = call->fid,
		.target = target,
		.entry = entry,
		.context = argument(call, 3),
	};
	return ask_host(call, affinity);
}

enum rsi_action psci_affinity_info(struct rsi_call *call)
{
	uint64_t affinity = argument(call, 1);
	uint64_t target = rec_index_of_affinity(affinity);

	if (argument(call, 2) != 0U || !is_rec_index(call, target)) {
		return answer(call, PSCI_INVALID_PARAMETERS);
	}
	if (target == call->rec->index) {
		return answer(call, PSCI_AFFINITY_ON);
	}
	call->rec->psci = (struct rec_psci_request){
		.fid = call->fid,
		.target = target,
	};
	return ask_host(call, affinity);
}

/* A reset is a SYSTEM_OFF to the RMM: a realm cannot be measured anew. */
enum rsi_action psci_system_off(struct rsi_call *call)
{
	granule_lock_known(call->rec->rd, GRANULE_RD);
	realm_set_state(realm_of(call->rec->rd), REALM_SYSTEM_OFF);
	granule_unlock(call->rec->rd);
	return tell_host(call);
}
