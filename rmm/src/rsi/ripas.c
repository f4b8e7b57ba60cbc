/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <lib/bits.h>

#include "rsi/rsi.h"

enum rsi_action rsi_ipa_state_set(struct rsi_call *call)
{
	uint64_t base = call->x[1];
	uint64_t top = call->x[2];
	uint64_t ripas = call->x[3];
	struct rec *rec = call->rec;

	if (!rtt_is_protected_range(&rec->s2, base, top) ||
	    (ripas != RMI_RIPAS_EMPTY && ripas != RMI_RIPAS_RAM)) {
		call->result[0] = RSI_ERROR_INPUT;
		return RSI_RETURN;
	}
	rec->ripas = (struct rec_ripas_request){
		.next = base,
		.top = top,
		.ripas = (uint32_t)ripas,
		.change_destroyed = (call->x[4] & RSI_CHANGE_DESTROYED) != 0U,
	};
	rec->pending = REC_PENDING_RIPAS;
	call->exit->exit_reason = RMI_EXIT_RIPAS_CHANGE;
	call->exit->ripas_base = base;
	call->exit->ripas_top = top;
	call->exit->ripas_value = (uint8_t)ripas;
	return RSI_EXIT;
}

/* The host may refuse only to give RAM, and only what it has not given yet. */
void rsi_complete_ripas(struct rec *rec, const struct rmi_rec_enter *enter)
{
	const struct rec_ripas_request *request = &rec->ripas;
	bool refused = request->ripas == RMI_RIPAS_RAM && request->next != request->top &&
		       (enter->flags & RMI_ENTER_RIPAS_REJECT_MASK) != 0U;

	rec->gprs[0] = RSI_SUCCESS;
	rec->gprs[1] = request->next;
	rec->gprs[2] = refused ? RSI_REJECT : RSI_ACCEPT;
	rec->pending = REC_PENDING_NONE;
}

enum rsi_action rsi_ipa_state_get(struct rsi_call *call)
{
	uint64_t base = call->x[1];
	uint64_t top = call->x[2];
	const struct stage2 *s2 = &call->rec->s2;
	struct rtt_walk walk;
	struct rtt_entry first;
	uint64_t size;
	uint64_t end;

	if (!rtt_is_protected_range(s2, base, top)) {
		call->result[0] = RSI_ERROR_INPUT;
		return RSI_RETURN;
	}
	rtt_walk_start(&walk, s2, base, RTT_LEVEL_LAST);
	first = rtt_walk_entry(&walk);
	size = rtt_entry_size(walk.level);
	end = align_down(base, size) + size;
	for (walk.index++; end < top && walk.index < RTT_ENTRY_COUNT; walk.index++, end += size) {
		struct rtt_entry entry = rtt_walk_entry(&walk);

		if (entry.state == RTT_TABLE || entry.ripas != first.ripas) {
			break;
		}
	}
	rtt_walk_end(&walk);
	call->result[0] = RSI_SUCCESS;
	call->result[1] = min_u64(end, top);
	call->result[2] = first.ripas;
	return RSI_RETURN;
}
