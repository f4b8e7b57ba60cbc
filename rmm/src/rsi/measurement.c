/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <lib/check.h>
#include <lib/string.h>

#include "granule.h"
#include "measure.h"
#include "rsi/rsi.h"

#define VALUE_FIRST_ARGUMENT 3U

static struct realm *lock_realm(const struct rsi_call *call)
{
	granule_lock_known(call->rec->rd, GRANULE_RD);
	return realm_of(call->rec->rd);
}

enum rsi_action rsi_measurement_read(struct rsi_call *call)
{
	uint64_t index = call->x[1];
	const struct realm *realm;

	if (index >= REALM_MEASUREMENTS) {
		call->result[0] = RSI_ERROR_INPUT;
		return RSI_RETURN;
	}
	realm = lock_realm(call);
	memcpy(&call->result[1], &realm->measurement[index], RMM_MEASUREMENT_SIZE);
	granule_unlock(call->rec->rd);
	call->result[0] = RSI_SUCCESS;
	call->result_count = RSI_RESULTS;
	return RSI_RETURN;
}

enum rsi_action rsi_measurement_extend(struct rsi_call *call)
{
	uint64_t index = call->x[1];
	uint64_t size = call->x[2];

	if (index == MEASURE_RIM || index >= REALM_MEASUREMENTS || size > RMM_MEASUREMENT_SIZE) {
		call->result[0] = RSI_ERROR_INPUT;
		return RSI_RETURN;
	}
	measure_extend(lock_realm(call), (uint32_t)index, &call->x[VALUE_FIRST_ARGUMENT], size);
	granule_unlock(call->rec->rd);
	call->result[0] = RSI_SUCCESS;
	return RSI_RETURN;
}
