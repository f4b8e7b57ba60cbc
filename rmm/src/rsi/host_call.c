/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "abort.h"
#include "rsi/realm_memory.h"
#include "rsi/rsi.h"

enum rsi_action rsi_host_call(struct rsi_call *call)
{
	uint64_t ipa = call->x[1];
	struct rec *rec = call->rec;
	struct realm_memory memory;
	const struct rsi_host_call *host_call;
	enum rsi_action instead;

	call->result[0] = RSI_ERROR_INPUT;
	if (!is_aligned(ipa, RSI_HOST_CALL_ALIGN) || !rtt_is_protected(&rec->s2, ipa)) {
		return RSI_RETURN;
	}
	if (!realm_memory_open_for(call, ipa, &memory, &instead)) {
		return instead;
	}
	/* Each member is read once: another REC of the realm may write it meanwhile. */
	host_call = (const struct rsi_host_call *)memory.at;
	call->exit->imm = host_call->imm;
	memcpy(call->exit->gprs, host_call->gprs, sizeof(call->exit->gprs));
	realm_memory_close(&memory);
	rec->host_call_ipa = ipa;
	rec->pending = REC_PENDING_HOST_CALL;
	call->exit->exit_reason = RMI_EXIT_HOST_CALL;
	call->result[0] = RSI_SUCCESS;
	return RSI_EXIT;
}

bool rsi_complete_host_call(struct rec *rec, const struct rmi_rec_enter *enter,
			    struct rmi_rec_exit *exit)
{
	struct realm_memory memory;

	if (realm_memory_open(&memory, &rec->s2, rec->host_call_ipa) != REALM_MEMORY_OK) {
		/* The call stays pending until the host has mapped the page again. */
		abort_report_missing(rec->host_call_ipa, memory.walk.level, exit);
		return true;
	}
	memcpy(memory.at + offsetof(struct rsi_host_call, gprs), enter->gprs, sizeof(enter->gprs));
	realm_memory_close(&memory);
	rec->pending = REC_PENDING_NONE;
	return false;
}
