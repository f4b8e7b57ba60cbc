/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/string.h>

#include "cpu_features.h"
#include "measure.h"
#include "memory.h"
#include "pe.h"
#include "rmi/rmi.h"

#define NO_PE UINT32_MAX

void rmi_rec_aux_count(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	const struct realm *realm = realm_lock(rd);

	if (realm == NULL) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	call->result[0] = RMI_SUCCESS;
	call->result[1] = rec_aux_count(realm);
	granule_unlock(rd);
}

static uint64_t check_realm(const struct realm *realm, const struct rmi_rec_params *params)
{
	uint64_t order = field_get(cpu_features_rmi(), RMI_FEATURE0_MAX_RECS_ORDER_MASK);

	if (realm_state(realm) != REALM_NEW) {
		return RMI_ERROR_REALM;
	}
	if (realm->rec_count >= bit64((unsigned int)order) - 1U) {
		return RMI_ERROR_REALM;
	}
	if (rec_index_of_rmi_mpidr(params->mpidr) != realm->rec_count ||
	    params->num_aux != rec_aux_count(realm)) {
		return RMI_ERROR_INPUT;
	}
	return RMI_SUCCESS;
}

static void init_rec(struct rec *rec, const struct realm *realm, struct pa rd,
		     const struct rmi_rec_params *params)
{
	rec->rd = rd;
	rec->aux_count = rec_aux_count(realm);
	for (uint32_t n = 0; n < rec->aux_count; n++) {
		rec->aux[n] = pa_make(params->aux[n]);
	}
	rec->s2 = realm->s2;
	rec->has_sve = realm->has_sve;
	rec->sve_vl = realm->sve_vl;
	rec->index = realm->rec_count;
	rec->last_pe = NO_PE;
	rec->runnable = (params->flags & RMI_REC_CREATE_RUNNABLE_MASK) != 0U;
	rec_reset(rec, params->pc);
	memcpy(rec->gprs, params->gprs, sizeof(params->gprs));
}

/* The granules that a REC is made of, ascending. */
struct rec_granules {
	struct pa pa[1U + REC_AUX_MAX];
	uint32_t count;
};

static void add_granule(struct rec_granules *all, struct pa pa)
{
	uint32_t at = all->count++;

	while (at > 0U && all->pa[at - 1U].value > pa.value) {
		all->pa[at] = all->pa[at - 1U];
		at--;
	}
	all->pa[at] = pa;
}

/* The REC's granule alone if there are more auxiliary ones than any realm has: what says so
 * follows.
 */
static struct rec_granules list_granules(struct pa rec, const struct rmi_rec_params *params)
{
	struct rec_granules all = { .count = 0 };

	add_granule(&all, rec);
	if (params->num_aux <= REC_AUX_MAX) {
		for (uint64_t n = 0; n < params->num_aux; n++) {
			add_granule(&all, pa_make(params->aux[n]));
		}
	}
	return all;
}

static void unlock(const struct rec_granules *all, struct pa rec, bool created)
{
	for (uint32_t n = 0; n < all->count; n++) {
		if (!created) {
			granule_unlock(all->pa[n]);
		} else {
			granule_unlock_as(all->pa[n], all->pa[n].value == rec.value
							      ? GRANULE_REC
							      : GRANULE_REC_AUX);
		}
	}
}

static bool lock_delegated(const struct rec_granules *all)
{
	struct rec_granules locked = { .count = 0 };

	while (locked.count < all->count) {
		struct pa next = all->pa[locked.count];

		/* A granule named twice would wait for itself. */
		if ((locked.count > 0U && locked.pa[locked.count - 1U].value == next.value) ||
		    !granule_lock(next, GRANULE_DELEGATED)) {
			unlock(&locked, pa_make(0), false);
			return false;
		}
		locked.pa[locked.count++] = next;
	}
	return true;
}

void rmi_rec_create(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct pa rec = pa_make(call->x[2]);
	const struct rmi_rec_params *params = &pe_this()->host.rec_params;
	struct rec_granules granules;
	struct realm *realm;

	call->result[0] = RMI_ERROR_INPUT;
	if (!memory_read_ns(&pe_this()->host.rec_params, pa_make(call->x[3]), 0, sizeof(*params))) {
		return;
	}
	granules = list_granules(rec, params);
	if (!lock_delegated(&granules)) {
		return;
	}
	realm = realm_lock(rd);
	if (realm == NULL) {
		unlock(&granules, rec, false);
		return;
	}
	call->result[0] = check_realm(realm, params);
	if (call->result[0] == RMI_SUCCESS) {
		init_rec(memory_realm(rec), realm, rd, params);
		realm->rec_count++;
		realm->rec_live++;
		if ((params->flags & RMI_REC_CREATE_RUNNABLE_MASK) != 0U) {
			measure_rec(realm, params);
		}
	}
	granule_unlock(rd);
	unlock(&granules, rec, call->result[0] == RMI_SUCCESS);
}

void rmi_rec_destroy(struct rmi_call *call)
{
	struct pa pa = pa_make(call->x[1]);
	struct rec *rec = rec_lock(pa);
	struct pa rd;

	if (rec == NULL) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	if (rec->running) {
		granule_unlock(pa);
		call->result[0] = RMI_ERROR_REC;
		return;
	}
	rd = rec->rd;
	for (uint32_t n = 0; n < rec->aux_count; n++) {
		granule_lock_known(rec->aux[n], GRANULE_REC_AUX);
		granule_release(rec->aux[n]);
	}
	granule_release(pa);
	/* Until now the REC was counted, so the realm is still there. */
	granule_lock_known(rd, GRANULE_RD);
	realm_of(rd)->rec_live--;
	granule_unlock(rd);
	call->result[0] = RMI_SUCCESS;
}
