/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's calls. A handler reads the arguments X1 to X5 and sets `result`, X0 to X4, where
 * result[0] is the status; result[1..3] are 0 and result[4] is the caller's X4 unless it says
 * otherwise. A command that fails has changed nothing.
 */
#pragma once

#include <abi/rmi.h>
#include <lib/smc.h>
#include <lib/types.h>

#include "granule.h"
#include "realm.h"
#include "rec.h"
#include "rtt.h"

#define RMI_ARGUMENTS 6U /* X0 to X5 */
#define RMI_RESULTS   5U /* X0 to X4 */

struct rmi_call {
	uint64_t x[RMI_ARGUMENTS];
	uint64_t result[RMI_RESULTS];
};

typedef void rmi_handler(struct rmi_call *call);

/* Handles the call in X0 to X7 and replaces X0 to X4 by its results. */
void rmi_handle(struct smc_regs *regs);

/* A status with its index (an RTT level, or a realm's state), as X0 has it. */
static inline uint64_t rmi_status(uint64_t status, int64_t index)
{
	return status | ((uint64_t)index & 0xFFU) << RMI_RESULT_INDEX_SHIFT;
}

rmi_handler rmi_version;
rmi_handler rmi_features;
rmi_handler rmi_granule_delegate;
rmi_handler rmi_granule_undelegate;
rmi_handler rmi_data_create;
rmi_handler rmi_data_create_unknown;
rmi_handler rmi_data_destroy;
rmi_handler rmi_realm_activate;
rmi_handler rmi_realm_create;
rmi_handler rmi_realm_destroy;
rmi_handler rmi_rec_aux_count;
rmi_handler rmi_rec_create;
rmi_handler rmi_rec_destroy;
rmi_handler rmi_rec_enter;
rmi_handler rmi_rtt_create;
rmi_handler rmi_rtt_destroy;
rmi_handler rmi_rtt_fold;
rmi_handler rmi_rtt_read_entry;
rmi_handler rmi_rtt_init_ripas;
rmi_handler rmi_rtt_set_ripas;
rmi_handler rmi_rtt_map_unprotected;
rmi_handler rmi_rtt_unmap_unprotected;
rmi_handler rmi_psci_complete;
