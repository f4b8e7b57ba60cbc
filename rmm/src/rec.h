/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A realm execution context, kept in its REC granule. Its members are read and changed under the
 * granule's lock while `running` is false. While it is true they belong to the PE that runs the
 * REC, except `running`, which changes under the lock only, and what is constant from
 * RMI_REC_CREATE on (rd, aux, index, s2, has_sve, sve_vl). `runnable` is cleared by the running PE
 * and looked at by others.
 */
#pragma once

#include <abi/rmi.h>
#include <lib/types.h>

#include "context.h"
#include "debug.h"
#include "fp_switch.h"
#include "realm.h"
#include "rtt.h"

/* What the host has to do, or did, before the realm's instruction is complete. */
enum rec_pending {
	REC_PENDING_NONE,
	REC_PENDING_PSCI,      /* RMI_PSCI_COMPLETE must come before the next entry */
	REC_PENDING_DENIED_ON, /* as before, but the entry may come: its answer is ALREADY_ON */
	REC_PENDING_HOST_CALL, /* the entry's gprs go to the realm's structure */
	REC_PENDING_RIPAS,     /* RMI_RTT_SET_RIPAS may come; the entry gives the response */
	REC_PENDING_EMULATION, /* emulatable data abort: the entry may complete it */
	REC_PENDING_SEA,       /* other data abort at an unprotected IPA: SEA may be injected */
};

struct rec_ripas_request {
	uint64_t next; /* first address that was not handled yet */
	uint64_t top;
	uint32_t ripas;
	bool change_destroyed;
};

/* A PSCI call that RMI_PSCI_COMPLETE completes. */
struct rec_psci_request {
	uint32_t fid;
	uint64_t target; /* REC index */
	uint64_t entry;	 /* CPU_ON */
	uint64_t context;
};

/* What a REC's auxiliary granules hold; without SVE there are none for Z registers. */
enum rec_aux {
	REC_AUX_TOKEN, /* a struct token */
	REC_AUX_Z_LOW,
	REC_AUX_Z_HIGH, /* only if the first has no room for all */
	REC_AUX_MAX,
	REC_AUX_MIN = 2, /* hosts take it that there are two, whether they are used or not */
};

struct rec_gic {
	uint64_t vmcr;
	uint64_t ap0r[4];
	uint64_t ap1r[4];
};

struct rec {
	uint64_t gprs[RMI_GPRS];
	uint64_t pc;
	uint64_t pstate;
	struct fp_state fp;
	struct sve_state sve;
	struct shared_registers shared;
	struct realm_registers registers;
	struct timer_registers timers;
	struct rec_debug debug;
	struct rec_gic gic;

	struct pa rd;
	struct pa aux[REC_AUX_MAX];
	uint32_t aux_count;
	struct stage2 s2;
	uint32_t index;
	uint32_t last_pe;
	bool has_sve;
	uint8_t sve_vl; /* its longest vector, as RMI and ZCR_ELx have it */

	bool runnable;
	bool running;
	bool serror_pending;
	bool cntv_reported; /* asserted at the last exit */
	bool cntp_reported;
	enum rec_pending pending;
	uint64_t abort_esr; /* of a data abort that the next entry may complete */
	uint64_t abort_far;
	uint64_t host_call_ipa;
	struct rec_ripas_request ripas;
	struct rec_psci_request psci;
};
_Static_assert(sizeof(struct rec) <= GRANULE_SIZE, "a REC fits its granule");

#define REC_NO_INDEX UINT64_MAX

/* Locks `pa` if it is a REC and returns it; NULL otherwise. */
struct rec *rec_lock(struct pa pa);

/* How many auxiliary granules a REC of the realm has. */
uint32_t rec_aux_count(const struct realm *realm);

/* Sets the state that a REC starts from, at creation and at PSCI CPU_ON. */
void rec_reset(struct rec *rec, uint64_t pc);

/* Steps over the (A64) instruction that the RMM or the host carried out for the realm. */
void rec_skip_instruction(struct rec *rec);

/* REC index of an RmiRecMpidr, or REC_NO_INDEX if other bits are set. */
uint64_t rec_index_of_rmi_mpidr(uint64_t mpidr);

/* REC index of an MPIDR_EL1 affinity as PSCI passes it, or REC_NO_INDEX. */
uint64_t rec_index_of_affinity(uint64_t affinity);

/* The REC's affinity as PSCI and MPIDR_EL1 show it, without MPIDR_EL1's other bits. */
uint64_t rec_affinity(const struct rec *rec);

/* General register n of the realm; 31 is the zero register. */
uint64_t rec_gpr(const struct rec *rec, unsigned int n);
void rec_set_gpr(struct rec *rec, unsigned int n, uint64_t value);
