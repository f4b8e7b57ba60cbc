/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "measure.h"
#include "memory.h"
#include "rmi/rmi.h"
#include "rmi/walk.h"

/* RMI_SUCCESS if a granule can be put where the walk is. */
static uint64_t check_free(const struct rtt_walk *walk)
{
	if (walk->level == RTT_LEVEL_LAST && rtt_walk_entry(walk).state == RTT_UNASSIGNED) {
		return RMI_SUCCESS;
	}
	return rmi_status(RMI_ERROR_RTT, walk->level);
}

/*
 * The realm is locked, and stays so: its RIM moves with the mapping or not at all. `data` is
 * locked; on success it is unlocked as DATA, before anybody can find it in the tables.
 */
static uint64_t create_measured(struct realm *realm, struct pa data, const struct rmi_call *call)
{
	const struct rtt_entry mapped = { .state = RTT_ASSIGNED,
					  .ripas = RMI_RIPAS_RAM,
					  .pa = data };
	struct pa source = pa_make(call->x[4]);
	uint64_t ipa = call->x[3];
	struct rtt_walk walk;
	uint64_t status;

	if (!is_aligned(ipa, GRANULE_SIZE) || !rtt_is_protected(&realm->s2, ipa)) {
		return RMI_ERROR_INPUT;
	}
	if (realm_state(realm) != REALM_NEW) {
		return RMI_ERROR_REALM;
	}
	rtt_walk_start(&walk, &realm->s2, ipa, RTT_LEVEL_LAST);
	status = check_free(&walk);
	if (status == RMI_SUCCESS && !memory_read_ns(memory_realm(data), source, 0, GRANULE_SIZE)) {
		status = RMI_ERROR_INPUT;
	}
	if (status == RMI_SUCCESS) {
		measure_data(realm, ipa, call->x[5], memory_realm(data));
		rtt_walk_set(&walk, &realm->s2, ipa, &mapped);
		granule_unlock_as(data, GRANULE_DATA);
	}
	rtt_walk_end(&walk);
	return status;
}

void rmi_data_create(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct pa data = pa_make(call->x[2]);
	uint64_t flags = call->x[5];
	struct realm *realm;

	call->result[0] = RMI_ERROR_INPUT;
	if ((flags != RMI_DATA_NO_MEASURE && flags != RMI_DATA_MEASURE) ||
	    !granule_is(pa_make(call->x[4]), GRANULE_UNDELEGATED) ||
	    !granule_lock(data, GRANULE_DELEGATED)) {
		return;
	}
	realm = realm_lock(rd);
	if (realm != NULL) {
		call->result[0] = create_measured(realm, data, call);
		granule_unlock(rd);
	}
	if (call->result[0] != RMI_SUCCESS) {
		/* Part of the source may have been copied. */
		granule_release(data);
	}
}

/*
 * The granule is mapped as the RIPAS of its IPA says: a realm sees it only if that is RAM. `data`
 * is unlocked as in create_measured().
 */
static uint64_t create_unknown(struct pa rd, struct pa data, uint64_t ipa)
{
	struct rtt_entry entry;
	struct rtt_walk walk;
	struct stage2 s2;
	uint64_t status;

	if (!rmi_walk(rd, ipa, RTT_LEVEL_LAST, RMI_PART_PROTECTED, &s2, &walk)) {
		return RMI_ERROR_INPUT;
	}
	status = check_free(&walk);
	if (status == RMI_SUCCESS) {
		entry = rtt_walk_entry(&walk);
		entry.state = RTT_ASSIGNED;
		entry.pa = data;
		rtt_walk_set(&walk, &s2, ipa, &entry);
		granule_unlock_as(data, GRANULE_DATA);
	}
	rtt_walk_end(&walk);
	return status;
}

void rmi_data_create_unknown(struct rmi_call *call)
{
	struct pa data = pa_make(call->x[2]);

	call->result[0] = RMI_ERROR_INPUT;
	if (!granule_lock(data, GRANULE_DELEGATED)) {
		return;
	}
	call->result[0] = create_unknown(pa_make(call->x[1]), data, call->x[3]);
	if (call->result[0] != RMI_SUCCESS) {
		granule_unlock(data);
	}
}

void rmi_data_destroy(struct rmi_call *call)
{
	uint64_t ipa = call->x[2];
	struct rtt_entry entry;
	struct rtt_walk walk;
	struct stage2 s2;

	if (!rmi_walk(pa_make(call->x[1]), ipa, RTT_LEVEL_LAST, RMI_PART_PROTECTED, &s2, &walk)) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	entry = rtt_walk_entry(&walk);
	if (walk.level < RTT_LEVEL_LAST || entry.state != RTT_ASSIGNED) {
		call->result[0] = rmi_status(RMI_ERROR_RTT, walk.level);
	} else {
		struct pa data = entry.pa;

		granule_lock_known(data, GRANULE_DATA);
		entry = (struct rtt_entry){
			.state = RTT_UNASSIGNED,
			.ripas = entry.ripas == RMI_RIPAS_EMPTY ? RMI_RIPAS_EMPTY
								: RMI_RIPAS_DESTROYED,
		};
		rtt_walk_set(&walk, &s2, ipa, &entry);
		granule_release(data);
		call->result[0] = RMI_SUCCESS;
		call->result[1] = data.value;
	}
	call->result[2] = rtt_walk_next_live(&walk, ipa);
	rtt_walk_end(&walk);
}
