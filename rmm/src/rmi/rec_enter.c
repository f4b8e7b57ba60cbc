/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>

#include "gic.h"
#include "memory.h"
#include "pe.h"
#include "rec_run.h"
#include "rmi/rmi.h"

#define INDEX_REALM_NEW	       0
#define INDEX_REALM_SYSTEM_OFF 1

#define COPY_UNIT	       16U /* of memory_read_ns() */

/* Copies the part of the host's record that holds the fields from `start` up to `end`. */
static bool read_part(struct rmi_rec_enter *enter, struct pa run, size_t start, size_t end)
{
	return memory_read_ns((uint8_t *)enter + start, run, start,
			      align_up(end - start, COPY_UNIT));
}

/* What is not copied is reserved. */
static bool read_entry(struct rmi_rec_enter *enter, struct pa run)
{
	return read_part(enter, run, offsetof(struct rmi_rec_enter, flags),
			 offsetof(struct rmi_rec_enter, flags) + sizeof(enter->flags)) &&
	       read_part(enter, run, offsetof(struct rmi_rec_enter, gprs),
			 offsetof(struct rmi_rec_enter, gicv3_lrs) + sizeof(enter->gicv3_lrs));
}

static bool completion_is_valid(const struct rec *rec, uint64_t flags)
{
	bool emulatable = rec->pending == REC_PENDING_EMULATION;

	if ((flags & RMI_ENTER_EMUL_MMIO_MASK) != 0U && !emulatable) {
		return false;
	}
	return (flags & RMI_ENTER_INJECT_SEA_MASK) == 0U || emulatable ||
	       rec->pending == REC_PENDING_SEA;
}

/* The realm cannot be destroyed while the REC, which is locked, exists. */
static uint64_t check_entry(const struct rec *rec, const struct rmi_rec_enter *enter)
{
	if (rec->running) {
		return RMI_ERROR_REC;
	}
	switch (realm_state(realm_of(rec->rd))) {
	case REALM_NEW:
		return rmi_status(RMI_ERROR_REALM, INDEX_REALM_NEW);
	case REALM_SYSTEM_OFF:
		return rmi_status(RMI_ERROR_REALM, INDEX_REALM_SYSTEM_OFF);
	case REALM_ACTIVE:
	default:
		break;
	}
	if (!rec->runnable || rec->pending == REC_PENDING_PSCI || !gic_entry_is_valid(enter) ||
	    !completion_is_valid(rec, enter->flags)) {
		return RMI_ERROR_REC;
	}
	return RMI_SUCCESS;
}

void rmi_rec_enter(struct rmi_call *call)
{
	struct pa pa = pa_make(call->x[1]);
	struct pa run = pa_make(call->x[2]);
	struct rmi_rec_enter *enter = &pe_this()->host.run.enter;
	struct rmi_rec_exit *exit = &pe_this()->host.run.exit;
	struct rec *rec;

	call->result[0] = RMI_ERROR_INPUT;
	if (!read_entry(enter, run)) {
		return;
	}
	rec = rec_lock(pa);
	if (rec == NULL) {
		return;
	}
	call->result[0] = check_entry(rec, enter);
	if (call->result[0] != RMI_SUCCESS) {
		granule_unlock(pa);
		return;
	}
	rec->running = true;
	granule_unlock(pa);

	rec_run(rec, pa, enter, exit);

	granule_lock_known(pa, GRANULE_REC);
	rec->running = false;
	granule_unlock(pa);
	if (!memory_write_ns(run, sizeof(*enter), exit, sizeof(*exit))) {
		call->result[0] = RMI_ERROR_INPUT;
	}
}
