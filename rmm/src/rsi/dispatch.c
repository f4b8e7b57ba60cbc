/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "rsi/rsi.h"

#define RESULTS_BY_DEFAULT 4U
#define INDEX(fid)	   ((fid)-RSI_VERSION)

struct function {
	uint32_t fid;
	rsi_handler *handler;
};

static rsi_handler smccc_version;

static rsi_handler *const rsi_handlers[] = {
	[INDEX(RSI_VERSION)] = rsi_version,
	[INDEX(RSI_FEATURES)] = rsi_features,
	[INDEX(RSI_MEASUREMENT_READ)] = rsi_measurement_read,
	[INDEX(RSI_MEASUREMENT_EXTEND)] = rsi_measurement_extend,
	[INDEX(RSI_ATTESTATION_TOKEN_INIT)] = rsi_attestation_token_init,
	[INDEX(RSI_ATTESTATION_TOKEN_CONTINUE)] = rsi_attestation_token_continue,
	[INDEX(RSI_REALM_CONFIG)] = rsi_realm_config,
	[INDEX(RSI_IPA_STATE_SET)] = rsi_ipa_state_set,
	[INDEX(RSI_IPA_STATE_GET)] = rsi_ipa_state_get,
	[INDEX(RSI_HOST_CALL)] = rsi_host_call,
};
_Static_assert(ARRAY_COUNT(rsi_handlers) == INDEX(RSI_HOST_CALL) + 1U, "every command is here");

static const struct function psci_functions[] = {
	{ SMCCC_VERSION, smccc_version },
	{ PSCI_VERSION, psci_version },
	{ PSCI_FEATURES, psci_features },
	{ PSCI_CPU_SUSPEND_32, psci_cpu_suspend },
	{ PSCI_CPU_SUSPEND_64, psci_cpu_suspend },
	{ PSCI_CPU_OFF, psci_cpu_off },
	{ PSCI_CPU_ON_32, psci_cpu_on },
	{ PSCI_CPU_ON_64, psci_cpu_on },
	{ PSCI_AFFINITY_INFO_32, psci_affinity_info },
	{ PSCI_AFFINITY_INFO_64, psci_affinity_info },
	{ PSCI_SYSTEM_OFF, psci_system_off },
	{ PSCI_SYSTEM_RESET, psci_system_off },
};

static enum rsi_action smccc_version(struct rsi_call *call)
{
	call->result[0] = SMCCC_VERSION_1_2;
	return RSI_RETURN;
}

static rsi_handler *find_psci(uint32_t fid)
{
	for (size_t n = 0; n < ARRAY_COUNT(psci_functions); n++) {
		if (psci_functions[n].fid == fid) {
			return psci_functions[n].handler;
		}
	}
	return NULL;
}

static rsi_handler *find(uint32_t fid)
{
	return INDEX(fid) < ARRAY_COUNT(rsi_handlers) ? rsi_handlers[INDEX(fid)] : find_psci(fid);
}

bool rsi_is_psci_function(uint32_t fid)
{
	return find_psci(fid) != NULL;
}

bool rsi_handle(struct rec *rec, struct rmi_rec_exit *exit)
{
	uint32_t fid = (uint32_t)rec->gprs[0] & ~(uint32_t)SMCCC_FID_SVE_HINT;
	struct rsi_call call = {
		.rec = rec,
		.fid = fid,
		.x = rec->gprs,
		.result_count = RESULTS_BY_DEFAULT,
		.exit = exit,
	};
	enum rsi_action action = RSI_RETURN;
	rsi_handler *handler = find(fid);

	if (handler != NULL) {
		action = handler(&call);
	} else {
		call.result[0] = (uint64_t)SMCCC_NOT_SUPPORTED;
	}
	if (action != RSI_AGAIN) {
		memcpy(rec->gprs, call.result, call.result_count * sizeof(call.result[0]));
		rec_skip_instruction(rec);
	}
	return action != RSI_RETURN;
}
