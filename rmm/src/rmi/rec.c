/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/string.h>

#include "cpu_features.h"
#include "measure.h"
#include "memory.h"
#include "pe.h"
#include "rmi/rmi.h"

/* A REC fits its own granule; its attestation token is made in another. */
#define REC_AUX_COUNT 1U
#define NO_PE	      UINT32_MAX

void rmi_rec_aux_count(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);

	if (realm_lock(rd) == NULL) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	granule_unlock(rd);
	call->result[0] = RMI_SUCCESS;
	call->result[1] = REC_AUX_COUNT;
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
	    params->num_aux != REC_AUX_COUNT) {
		return RMI_ERROR_INPUT;
	}
	return RMI_SUCCESS;
}

static void init_rec(struct rec *rec, const struct realm *realm, struct pa rd,
		     const struct rmi_rec_params *params)
{
	rec_reset(rec, params->pc);
	memcpy(rec->gprs, params->gprs, sizeof(params->gprs));
	rec->rd = rd;
	rec->aux = pa_make(params->aux[0]);
	rec->s2 = realm->s2;
	rec->index = realm->rec_count;
	rec->last_pe = NO_PE;
	rec->runnable = (params->flags & RMI_REC_CREATE_RUNNABLE_MASK) != 0U;
}

/* Locks what the REC is to be made of: both granules or, if the number is wrong, the REC's alone.
 */
static bool lock_delegated(struct pa rec, const struct rmi_rec_params *params)
{
	struct pa aux = pa_make(params->aux[0]);
	bool ascending = rec.value < aux.value;
	struct pa first = ascending ? rec : aux;

	if (params->num_aux != REC_AUX_COUNT) {
		return granule_lock(rec, GRANULE_DELEGATED);
	}
	/* With the same granule twice this would wait for itself. */
	if (rec.value == aux.value || !granule_lock(first, GRANULE_DELEGATED)) {
		return false;
	}
	if (!granule_lock(ascending ? aux : rec, GRANULE_DELEGATED)) {
		granule_unlock(first);
		return false;
	}
	return true;
}

static void unlock(struct pa rec, const struct rmi_rec_params *params, bool created)
{
	granule_unlock_as(rec, created ? GRANULE_REC : GRANULE_DELEGATED);
	if (params->num_aux == REC_AUX_COUNT) {
		granule_unlock_as(pa_make(params->aux[0]),
				  created ? GRANULE_REC_AUX : GRANULE_DELEGATED);
	}
}

void rmi_rec_create(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct pa rec = pa_make(call->x[2]);
	const struct rmi_rec_params *params = &pe_this()->host.rec_params;
	struct realm *realm;

	call->result[0] = RMI_ERROR_INPUT;
	if (!memory_read_ns(&pe_this()->host.rec_params, pa_make(call->x[3]), sizeof(*params)) ||
	    !lock_delegated(rec, params)) {
		return;
	}
	realm = realm_lock(rd);
	if (realm == NULL) {
		unlock(rec, params, false);
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
	unlock(rec, params, call->result[0] == RMI_SUCCESS);
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
	granule_lock_known(rec->aux, GRANULE_REC_AUX);
	granule_release(rec->aux);
	granule_release(pa);
	/* Until now the REC was counted, so the realm is still there. */
	granule_lock_known(rd, GRANULE_RD);
	realm_of(rd)->rec_live--;
	granule_unlock(rd);
	call->result[0] = RMI_SUCCESS;
}
