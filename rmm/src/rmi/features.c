/* SPDX-License-Identifier: BSD-3-Clause */
#include "cpu_features.h"
#include "rmi/rmi.h"

void rmi_version(struct rmi_call *call)
{
	call->result[0] = call->x[1] == RMI_ABI_VERSION_1_0 ? RMI_SUCCESS : RMI_ERROR_INPUT;
	call->result[1] = RMI_ABI_VERSION_1_0;
	call->result[2] = RMI_ABI_VERSION_1_0;
}

void rmi_features(struct rmi_call *call)
{
	call->result[0] = RMI_SUCCESS;
	call->result[1] = call->x[1] == 0U ? cpu_features_rmi() : 0U;
}
