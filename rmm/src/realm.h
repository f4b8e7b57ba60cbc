/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A realm, kept in its RD granule. Everything is read and changed under the RD's lock, except:
 * - what is constant from RMI_REALM_CREATE on (s2, hash_algorithm, num_bps, num_wps, has_sve,
 *   sve_vl, rpv) and what
 *   is constant from RMI_REALM_ACTIVATE on (rec_count, the RIM) is read without it by the realm's
 *   running RECs, since a realm with RECs cannot be destroyed;
 * - `state` is read without it by RMI_REC_ENTER.
 */
#pragma once

#include <lib/types.h>

#include "hash.h"
#include "rtt.h"

enum realm_state {
	REALM_NEW,
	REALM_ACTIVE,
	REALM_SYSTEM_OFF,
};

#define REALM_MEASUREMENTS (1U + 4U) /* RIM, then the REMs */

struct realm {
	struct stage2 s2;
	uint32_t state; /* enum realm_state */
	uint32_t hash_algorithm;
	uint32_t rec_count; /* RECs ever created: the next REC's index */
	uint32_t rec_live;  /* RECs that exist now */
	uint8_t num_bps;
	uint8_t num_wps;
	bool has_sve;
	uint8_t sve_vl;
	uint8_t rpv[RMM_RPV_SIZE];
	_Alignas(16) struct digest measurement[REALM_MEASUREMENTS];
};
_Static_assert(sizeof(struct realm) <= GRANULE_SIZE, "a realm fits its granule");

/* Locks `rd` if it is a realm's RD and returns the realm; NULL otherwise. */
struct realm *realm_lock(struct pa rd);

/* The realm of a REC that exists. */
struct realm *realm_of(struct pa rd);

enum realm_state realm_state(const struct realm *realm);
void realm_set_state(struct realm *realm, enum realm_state state);

/* VMIDs in use, on all PEs: false if `vmid` is taken or wider than the PEs' VMIDs. */
bool realm_reserve_vmid(uint32_t vmid);
void realm_free_vmid(uint32_t vmid);
