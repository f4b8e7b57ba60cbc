/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/smccc.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "fp_switch.h"
#include "pe.h"
#include "rmi/rmi.h"

#define INDEX(fid) ((fid)-RMI_FID_FIRST)

static rmi_handler *const handlers[] = {
	[INDEX(RMI_VERSION)] = rmi_version,
	[INDEX(RMI_GRANULE_DELEGATE)] = rmi_granule_delegate,
	[INDEX(RMI_GRANULE_UNDELEGATE)] = rmi_granule_undelegate,
	[INDEX(RMI_DATA_CREATE)] = rmi_data_create,
	[INDEX(RMI_DATA_CREATE_UNKNOWN)] = rmi_data_create_unknown,
	[INDEX(RMI_DATA_DESTROY)] = rmi_data_destroy,
	[INDEX(RMI_REALM_ACTIVATE)] = rmi_realm_activate,
	[INDEX(RMI_REALM_CREATE)] = rmi_realm_create,
	[INDEX(RMI_REALM_DESTROY)] = rmi_realm_destroy,
	[INDEX(RMI_REC_CREATE)] = rmi_rec_create,
	[INDEX(RMI_REC_DESTROY)] = rmi_rec_destroy,
	[INDEX(RMI_REC_ENTER)] = rmi_rec_enter,
	[INDEX(RMI_RTT_CREATE)] = rmi_rtt_create,
	[INDEX(RMI_RTT_DESTROY)] = rmi_rtt_destroy,
	[INDEX(RMI_RTT_MAP_UNPROTECTED)] = rmi_rtt_map_unprotected,
	[INDEX(RMI_RTT_READ_ENTRY)] = rmi_rtt_read_entry,
	[INDEX(RMI_RTT_UNMAP_UNPROTECTED)] = rmi_rtt_unmap_unprotected,
	[INDEX(RMI_PSCI_COMPLETE)] = rmi_psci_complete,
	[INDEX(RMI_FEATURES)] = rmi_features,
	[INDEX(RMI_RTT_FOLD)] = rmi_rtt_fold,
	[INDEX(RMI_REC_AUX_COUNT)] = rmi_rec_aux_count,
	[INDEX(RMI_RTT_INIT_RIPAS)] = rmi_rtt_init_ripas,
	[INDEX(RMI_RTT_SET_RIPAS)] = rmi_rtt_set_ripas,
};
_Static_assert(ARRAY_COUNT(handlers) == INDEX(RMI_RTT_SET_RIPAS) + 1U, "every command is here");

void rmi_handle(struct smc_regs *regs)
{
	uint32_t fid = (uint32_t)regs->x[0];
	uint32_t index = (fid & ~(uint32_t)SMCCC_FID_SVE_HINT) - RMI_FID_FIRST;
	struct pe *pe = pe_this();
	struct rmi_call call = {
		.x = { regs->x[0], regs->x[1], regs->x[2], regs->x[3], regs->x[4], regs->x[5] },
		.result = { [4] = regs->x[4] },
	};

	pe->fp.sve_hint = (fid & SMCCC_FID_SVE_HINT) != 0U;
	if (index < ARRAY_COUNT(handlers) && handlers[index] != NULL) {
		handlers[index](&call);
	} else {
		call.result[0] = (uint64_t)SMCCC_NOT_SUPPORTED;
	}
	if (pe->fp.holder != FP_HOST) {
		fp_give_back();
	}
	memcpy(regs->x, call.result, sizeof(call.result));
}
