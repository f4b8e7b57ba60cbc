/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The realm's calls: RSI, PSCI and SMCCC_VERSION. A handler reads the arguments X1 to X10, puts
 * results into `result` (all 0 before) and says what happens next. Results reach the realm's
 * registers unless the action is RSI_AGAIN.
 */
#pragma once

#include "realm.h"
#include "rec.h"

#define RSI_RESULTS 9U /* X0 to X8 */

enum rsi_action {
	RSI_RETURN, /* back to the realm */
	RSI_EXIT,   /* to the host; the realm goes on after the call */
	RSI_AGAIN,  /* to the host; the realm makes the call again */
};

struct rsi_call {
	struct rec *rec;
	const uint64_t *x; /* the realm's registers */
	uint64_t result[RSI_RESULTS];
	uint32_t result_count; /* registers overwritten: 4 unless the command has more results */
	uint32_t fid;	       /* without the SVE hint */
	struct rmi_rec_exit *exit;
};

typedef enum rsi_action rsi_handler(struct rsi_call *call);

/* Handles an SMC of the running REC; true if the host is needed. */
bool rsi_handle(struct rec *rec, struct rmi_rec_exit *exit);

rsi_handler rsi_version;
rsi_handler rsi_features;
rsi_handler rsi_realm_config;
rsi_handler rsi_measurement_read;
rsi_handler rsi_measurement_extend;
rsi_handler rsi_ipa_state_set;
rsi_handler rsi_ipa_state_get;
rsi_handler rsi_host_call;
rsi_handler rsi_attestation_token_init;
rsi_handler rsi_attestation_token_continue;

rsi_handler psci_version;
rsi_handler psci_features;
rsi_handler psci_cpu_suspend;
rsi_handler psci_cpu_off;
rsi_handler psci_cpu_on;
rsi_handler psci_affinity_info;
rsi_handler psci_system_off;

/* Whether a PSCI or SMCCC function is implemented for realms. */
bool rsi_is_psci_function(uint32_t fid);

/* At the next entry: gives the realm what the host answered. The first may have to exit again. */
bool rsi_complete_host_call(struct rec *rec, const struct rmi_rec_enter *enter,
			    struct rmi_rec_exit *exit);
void rsi_complete_ripas(struct rec *rec, const struct rmi_rec_enter *enter);
