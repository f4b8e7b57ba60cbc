/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "measure.h"
#include "rmi/rmi.h"
#include "tlb.h"

/*
 * Both commands change entries of the one table that the walk for `base` reaches, in ascending
 * order, for as long as an entry lies wholly below `top` and allows the change.
 */

static bool init_entry(struct rtt_walk *walk)
{
	struct rtt_entry entry = rtt_walk_entry(walk);

	if (entry.state != RTT_UNASSIGNED || entry.ripas == RMI_RIPAS_DESTROYED) {
		return false;
	}
	entry.ripas = RMI_RIPAS_RAM;
	walk->entries[walk->index] = rtt_encode(&entry, walk->level);
	return true;
}

static uint64_t init_entries(struct realm *realm, struct rtt_walk *walk, uint64_t base,
			     uint64_t top)
{
	uint64_t size = rtt_entry_size(walk->level);
	uint64_t at = base;

	for (; walk->index < RTT_ENTRY_COUNT && top - at >= size; walk->index++, at += size) {
		if (!init_entry(walk)) {
			break;
		}
		measure_ripas(realm, at, at + size);
	}
	tlb_publish();
	return at;
}

static uint64_t init_ripas(struct realm *realm, uint64_t base, uint64_t top, uint64_t *out_top)
{
	struct rtt_walk walk;
	uint64_t status = RMI_SUCCESS;

	if (!rtt_is_protected_range(&realm->s2, base, top)) {
		return RMI_ERROR_INPUT;
	}
	if (realm_state(realm) != REALM_NEW) {
		return RMI_ERROR_REALM;
	}
	rtt_walk_start(&walk, &realm->s2, base, RTT_LEVEL_LAST);
	*out_top = base;
	if (is_aligned(base, rtt_entry_size(walk.level))) {
		*out_top = init_entries(realm, &walk, base, top);
	}
	if (*out_top == base) {
		status = rmi_status(RMI_ERROR_RTT, walk.level);
	}
	rtt_walk_end(&walk);
	return status;
}

void rmi_rtt_init_ripas(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct realm *realm = realm_lock(rd);
	uint64_t out_top = 0;

	if (realm == NULL) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	call->result[0] = init_ripas(realm, call->x[2], call->x[3], &out_top);
	granule_unlock(rd);
	if (call->result[0] == RMI_SUCCESS) {
		call->result[1] = out_top;
	}
}

/* Changes one entry as the realm asked; false if it cannot be. `unmapped` tells whether a mapping
 * went. */
static bool set_entry(const struct rtt_walk *walk, const struct rec_ripas_request *request,
		      bool *unmapped)
{
	uint64_t *at = &walk->entries[walk->index];
	struct rtt_entry entry = rtt_walk_entry(walk);

	*unmapped = false;
	if (entry.state != RTT_UNASSIGNED && entry.state != RTT_ASSIGNED) {
		return false;
	}
	if (entry.ripas == RMI_RIPAS_DESTROYED && !request->change_destroyed) {
		return false;
	}
	if (entry.ripas == request->ripas) {
		return true;
	}
	*unmapped = rtt_is_valid(*at);
	entry.ripas = request->ripas;
	__atomic_store_n(at, rtt_encode(&entry, walk->level), __ATOMIC_RELEASE);
	return true;
}

static uint64_t set_entries(struct rtt_walk *walk, const struct stage2 *s2,
			    const struct rec_ripas_request *request, uint64_t top)
{
	uint64_t size = rtt_entry_size(walk->level);
	uint64_t base = request->next;
	uint64_t at = base;
	uint64_t last_unmapped = 0;
	uint32_t unmapped_count = 0;
	bool unmapped;

	for (; walk->index < RTT_ENTRY_COUNT && top - at >= size; walk->index++, at += size) {
		if (!set_entry(walk, request, &unmapped)) {
			break;
		}
		if (unmapped) {
			unmapped_count++;
			last_unmapped = at;
		}
	}
	/* One flush of everything costs less than many of one entry each. */
	if (unmapped_count > 1U) {
		tlb_flush_realm(s2);
	} else if (unmapped_count == 1U) {
		tlb_flush_entry(s2, last_unmapped);
	} else {
		tlb_publish();
	}
	return at;
}

static uint64_t set_ripas(struct rec *rec, const struct rmi_call *call, uint64_t *out_top)
{
	struct pa rd = pa_make(call->x[1]);
	uint64_t base = call->x[3];
	uint64_t top = call->x[4];
	struct rtt_walk walk;
	uint64_t status = RMI_SUCCESS;

	if (rec->running || rec->rd.value != rd.value) {
		return RMI_ERROR_REC;
	}
	if (rec->pending != REC_PENDING_RIPAS || base != rec->ripas.next || top > rec->ripas.top ||
	    !rtt_is_protected_range(&rec->s2, base, top)) {
		return RMI_ERROR_INPUT;
	}
	rtt_walk_start(&walk, &rec->s2, base, RTT_LEVEL_LAST);
	*out_top = base;
	if (is_aligned(base, rtt_entry_size(walk.level))) {
		*out_top = set_entries(&walk, &rec->s2, &rec->ripas, top);
	}
	rec->ripas.next = *out_top;
	if (*out_top == base) {
		status = rmi_status(RMI_ERROR_RTT, walk.level);
	}
	rtt_walk_end(&walk);
	return status;
}

void rmi_rtt_set_ripas(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct pa rec_pa = pa_make(call->x[2]);
	struct rec *rec;
	uint64_t out_top = 0;

	call->result[0] = RMI_ERROR_INPUT;
	if (call->x[4] <= call->x[3] || realm_lock(rd) == NULL) {
		return;
	}
	rec = rec_lock(rec_pa);
	granule_unlock(rd);
	if (rec == NULL) {
		return;
	}
	call->result[0] = set_ripas(rec, call, &out_top);
	granule_unlock(rec_pa);
	if (call->result[0] == RMI_SUCCESS) {
		call->result[1] = out_top;
	}
}
