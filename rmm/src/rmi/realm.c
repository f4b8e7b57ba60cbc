/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/bits.h>
#include <lib/console.h>
#include <lib/string.h>

#include "cpu_features.h"
#include "measure.h"
#include "memory.h"
#include "pe.h"
#include "rmi/rmi.h"
#include "tlb.h"

#define S2SZ_MIN	32U
#define START_LEVEL_MIN 0
#define START_LEVEL_MAX 2 /* level 3 with its 16 tables maps less than S2SZ_MIN */
#define LEVEL_BITS	9U

static bool features_are_supported(const struct rmi_realm_params *params)
{
	const struct cpu_features *features = cpu_features();

	if ((params->flags & RMI_REALM_FLAG_SVE_MASK) != 0U &&
	    (!features->sve || params->sve_vl > features->sve_vl)) {
		return false;
	}
	/* LPA2 and the PMU are not offered; sve_vl and pmu_num_ctrs mean nothing without. */
	return (params->flags & ~(uint64_t)RMI_REALM_FLAG_SVE_MASK) == 0U &&
	       params->num_bps >= 1U && params->num_bps <= features->num_bps &&
	       params->num_wps >= 1U && params->num_wps <= features->num_wps &&
	       (params->hash_algo == RMI_HASH_SHA_256 || params->hash_algo == RMI_HASH_SHA_512);
}

/* Arm ARM D8.2.8: one start-level table, or up to 16 concatenated ones, none of them unused. */
static bool geometry_is_legal(const struct rmi_realm_params *params)
{
	uint64_t max = field_get(cpu_features_rmi(), RMI_FEATURE0_S2SZ_MASK);
	uint64_t bits = params->s2sz;
	uint64_t one_table; /* bits that one start-level table resolves */
	uint64_t count;

	if (bits < S2SZ_MIN || bits > max || params->rtt_level_start < START_LEVEL_MIN ||
	    params->rtt_level_start > START_LEVEL_MAX) {
		return false;
	}
	one_table = GRANULE_SHIFT + LEVEL_BITS * (uint64_t)(4 - params->rtt_level_start);
	if (bits <= one_table - LEVEL_BITS) {
		return false;
	}
	count = bits <= one_table ? 1U : bit64((unsigned int)(bits - one_table));
	if (count > RTT_MAX_NUM_START || (count > 1U && params->rtt_level_start == 0)) {
		return false;
	}
	return params->rtt_num_start == count;
}

static bool roots_are_legal(const struct rmi_realm_params *params, struct pa rd)
{
	uint64_t size = (uint64_t)params->rtt_num_start * GRANULE_SIZE;

	return is_aligned(params->rtt_base, size) && rd.value - params->rtt_base >= size;
}

static uint32_t lock_roots(struct pa base, uint32_t count)
{
	uint32_t locked = 0;

	while (locked < count &&
	       granule_lock(pa_make(base.value + locked * GRANULE_SIZE), GRANULE_DELEGATED)) {
		locked++;
	}
	return locked;
}

static void unlock_roots(struct pa base, uint32_t count, enum granule_state state)
{
	for (uint32_t n = 0; n < count; n++) {
		granule_unlock_as(pa_make(base.value + n * GRANULE_SIZE), state);
	}
}

/* Locks the RD and the start-level tables in ascending order, or nothing. */
static bool lock_all(struct pa rd, struct pa base, uint32_t count)
{
	bool rd_first = rd.value < base.value;
	uint32_t locked;

	if (rd_first && !granule_lock(rd, GRANULE_DELEGATED)) {
		return false;
	}
	locked = lock_roots(base, count);
	if (locked == count && (rd_first || granule_lock(rd, GRANULE_DELEGATED))) {
		return true;
	}
	unlock_roots(base, locked, GRANULE_DELEGATED);
	if (rd_first) {
		granule_unlock(rd);
	}
	return false;
}

static void init_realm(struct realm *realm, const struct rmi_realm_params *params)
{
	realm->s2 = (struct stage2){
		.root = pa_make(params->rtt_base),
		.root_count = params->rtt_num_start,
		.start_level = (int32_t)params->rtt_level_start,
		.ipa_bits = params->s2sz,
		.vmid = params->vmid,
	};
	realm->hash_algorithm = params->hash_algo;
	realm->num_bps = params->num_bps;
	realm->num_wps = params->num_wps;
	realm->has_sve = (params->flags & RMI_REALM_FLAG_SVE_MASK) != 0U;
	realm->sve_vl = realm->has_sve ? params->sve_vl : 0U;
	memcpy(realm->rpv, params->rpv, sizeof(realm->rpv));
	realm_set_state(realm, REALM_NEW);
	rtt_init_roots(&realm->s2);
	measure_realm(realm, params);
}

void rmi_realm_create(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct rmi_realm_params *params = &pe_this()->host.realm_params;

	call->result[0] = RMI_ERROR_INPUT;
	if (!memory_read_ns(params, pa_make(call->x[2]), 0, sizeof(*params)) ||
	    !features_are_supported(params) || !geometry_is_legal(params) ||
	    !roots_are_legal(params, rd) ||
	    !lock_all(rd, pa_make(params->rtt_base), params->rtt_num_start)) {
		return;
	}
	if (!realm_reserve_vmid(params->vmid)) {
		unlock_roots(pa_make(params->rtt_base), params->rtt_num_start, GRANULE_DELEGATED);
		granule_unlock(rd);
		return;
	}
	init_realm(memory_realm(rd), params);
	unlock_roots(pa_make(params->rtt_base), params->rtt_num_start, GRANULE_RTT);
	granule_unlock_as(rd, GRANULE_RD);
	call->result[0] = RMI_SUCCESS;
}

static void print_rim(const struct realm *realm)
{
	const uint8_t *rim = realm->measurement[MEASURE_RIM].bytes;
	char hex[2U * RMM_MEASUREMENT_SIZE + 1U];
	size_t size = hash_size(realm->hash_algorithm);

	for (size_t n = 0; n < size; n++) {
		(void)format_text(&hex[2U * n], 3, "%02x", rim[n]);
	}
	console_line("realm %u active: rim %s %s", realm->s2.vmid,
		     realm->hash_algorithm == RMI_HASH_SHA_512 ? "sha-512" : "sha-256", hex);
}

void rmi_realm_activate(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct realm *realm = realm_lock(rd);

	if (realm == NULL) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	if (realm_state(realm) == REALM_NEW) {
		realm_set_state(realm, REALM_ACTIVE);
		print_rim(realm);
		call->result[0] = RMI_SUCCESS;
	} else {
		call->result[0] = RMI_ERROR_REALM;
	}
	granule_unlock(rd);
}

static bool table_is_live(const struct stage2 *s2, uint32_t table)
{
	const uint64_t *entries = memory_realm(pa_make(s2->root.value + table * GRANULE_SIZE));

	for (uint32_t n = 0; n < RTT_ENTRY_COUNT; n++) {
		enum rtt_state state = rtt_decode(entries[n], s2->start_level).state;

		if (state == RTT_TABLE || state == RTT_ASSIGNED) {
			return true;
		}
	}
	return false;
}

/* Locks every start-level table; whether none of them holds anything alive. */
static bool lock_dead_roots(const struct stage2 *s2)
{
	bool live = false;

	for (uint32_t n = 0; n < s2->root_count; n++) {
		granule_lock_known(pa_make(s2->root.value + n * GRANULE_SIZE), GRANULE_RTT);
		live = live || table_is_live(s2, n);
	}
	if (live) {
		unlock_roots(s2->root, s2->root_count, GRANULE_RTT);
	}
	return !live;
}

void rmi_realm_destroy(struct rmi_call *call)
{
	struct pa rd = pa_make(call->x[1]);
	struct realm *realm = realm_lock(rd);
	struct stage2 s2;

	if (realm == NULL) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	s2 = realm->s2;
	if (realm->rec_live != 0U || !lock_dead_roots(&s2)) {
		granule_unlock(rd);
		call->result[0] = RMI_ERROR_REALM;
		return;
	}
	/* The VMID may be another realm's next: nothing tagged with it may be left in a TLB. */
	tlb_flush_realm(&s2);
	for (uint32_t n = 0; n < s2.root_count; n++) {
		granule_release(pa_make(s2.root.value + n * GRANULE_SIZE));
	}
	granule_release(rd);
	realm_free_vmid(s2.vmid);
	call->result[0] = RMI_SUCCESS;
}
