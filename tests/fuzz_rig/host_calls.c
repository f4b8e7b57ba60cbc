/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "fuzz.h"
#include "granules.h"
#include "tap.h"

#define RARELY	    24U /* of a call that ends things which others live on */
#define UNKNOWN	    UINT64_MAX
#define STATUS_MASK UINT64_C(0xFF)
#define INDEX_LIMIT UINT64_C(0x10000)
#define VMID_FIRST  0x100U
#define STRAY_ROOTS 2U

uint64_t host_tried[HOST_CALL_FIDS], host_succeeded[HOST_CALL_FIDS];

uint64_t host_make(const uint64_t *x, size_t count)
{
	uint64_t index = (x[0] & ~(uint64_t)SMCCC_FID_SVE_HINT) - RMI_FID_FIRST;
	uint64_t status = rmi_with(x, count).x[0];

	if (status != UNKNOWN &&
	    (status >= INDEX_LIMIT || (status & STATUS_MASK) > RMI_ERROR_RTT)) {
		tap_fail("RMI 0x%lx gives 0x%lx", (unsigned long)x[0], (unsigned long)status);
	}
	if (index < HOST_CALL_FIDS) {
		(void)__atomic_fetch_add(&host_tried[index], 1U, __ATOMIC_RELAXED);
		if (status == RMI_SUCCESS) {
			(void)__atomic_fetch_add(&host_succeeded[index], 1U, __ATOMIC_RELAXED);
		}
	}
	return status;
}

static bool rarely(struct fuzzer *fuzzer)
{
	return pick(fuzzer, RARELY) == 0U;
}

/* Parameters that would do, with some bytes of them changed. */
static void spoil(struct fuzzer *fuzzer, void *page)
{
	static const uint64_t places[] = { 0x0,	  0x8,	 0x10,	0x18,  0x20,  0x28,
					   0x30,  0x100, 0x200, 0x400, 0x800, 0x808,
					   0x810, 0x818, 0x820, 0x828, 0xFF8 };
	uint64_t changes = pick(fuzzer, 3);

	for (uint64_t n = 0; n < changes; n++) {
		uint64_t *word =
			(uint64_t *)((uintptr_t)page + places[pick(fuzzer, ARRAY_COUNT(places))]);

		*word ^= pick(fuzzer, 2) == 0U ? bit64((unsigned int)pick(fuzzer, 64))
					       : pick(fuzzer, 16);
	}
}

static void create_realm(struct fuzzer *fuzzer)
{
	struct rmi_realm_params *params = fuzzer->realm_params;
	uint64_t rd = pick_address(fuzzer);

	memset(params, 0, sizeof(*params));
	params->s2sz = 40;
	params->num_bps = 1;
	params->num_wps = 1;
	params->hash_algo = (uint8_t)pick(fuzzer, 2);
	params->vmid = (uint16_t)(VMID_FIRST + pick(fuzzer, 8));
	params->rtt_base = pool[pick(fuzzer, POOL_GRANULES / STRAY_ROOTS) * STRAY_ROOTS];
	params->rtt_level_start = 1;
	params->rtt_num_start = STRAY_ROOTS;
	spoil(fuzzer, params);
	if (fuzzer->stray_count < WORLD_STRAYS &&
	    HOST_MAKE(RMI_REALM_CREATE, rd, (uintptr_t)params) == RMI_SUCCESS) {
		struct stray *stray = &fuzzer->strays[fuzzer->stray_count++];

		memset(&stray->realm, 0, sizeof(stray->realm));
		memcpy(&stray->shape, params, sizeof(stray->shape));
		stray->realm.rd = rd;
		stray->realm.params = &stray->shape;
	}
}

/* An address for the RMM: a granule that it can take if the call is `meant`, or any. */
static uint64_t pick_target(struct fuzzer *fuzzer, bool meant)
{
	uint64_t granule = pick_granule(fuzzer);

	if (!meant) {
		return pick_address(fuzzer);
	}
	(void)HOST_MAKE(RMI_GRANULE_DELEGATE, granule);
	return granule;
}

static bool every_other_time(struct fuzzer *fuzzer)
{
	return pick(fuzzer, 2) == 0U;
}

static void create_rec(struct fuzzer *fuzzer)
{
	struct rmi_rec_params *params = fuzzer->rec_params;
	bool meant = every_other_time(fuzzer);
	uint64_t rec = pick_target(fuzzer, meant);

	memset(params, 0, sizeof(*params));
	params->flags = RMI_REC_CREATE_RUNNABLE_MASK;
	params->mpidr = rec_mpidr((unsigned int)pick(fuzzer, 4));
	params->num_aux = world[0]->recs[0].params->num_aux;
	for (uint64_t n = 0; n < params->num_aux; n++) {
		params->aux[n] = pick_target(fuzzer, meant);
	}
	spoil(fuzzer, params);
	if (fuzzer->rec_count < STRAY_RECS &&
	    HOST_MAKE(RMI_REC_CREATE, pick_rd(fuzzer), rec, (uintptr_t)params) == RMI_SUCCESS) {
		fuzzer->recs[fuzzer->rec_count++] = rec;
	}
}

static void change_tables(struct fuzzer *fuzzer)
{
	uint64_t rd = pick_rd(fuzzer);
	uint64_t ipa = pick_ipa(fuzzer);
	uint64_t level = pick_level(fuzzer);
	uint64_t attributes = pick(fuzzer, 4) != 0U ? UNPROTECTED_RW : pick_word(fuzzer) & 0xFFFU;

	switch (pick(fuzzer, 6)) {
	case 0:
		(void)HOST_MAKE(RMI_RTT_CREATE, rd, pick_address(fuzzer), ipa, level);
		break;
	case 1:
		(void)HOST_MAKE(RMI_RTT_DESTROY, rd, ipa, level);
		break;
	case 2:
		(void)HOST_MAKE(RMI_RTT_FOLD, rd, ipa, level);
		break;
	case 3:
		(void)HOST_MAKE(RMI_RTT_READ_ENTRY, rd, ipa, level);
		break;
	case 4:
		(void)HOST_MAKE(RMI_RTT_MAP_UNPROTECTED, rd, ipa, level,
				pick_address(fuzzer) | attributes);
		break;
	default:
		(void)HOST_MAKE(RMI_RTT_UNMAP_UNPROTECTED, rd, ipa, level);
		break;
	}
}

static void change_memory(struct fuzzer *fuzzer)
{
	uint64_t rd = pick_rd(fuzzer);
	uint64_t ipa = pick_ipa(fuzzer);
	uint64_t top = pick(fuzzer, 2) == 0U ? ipa + GRANULE_SIZE : pick_ipa(fuzzer);

	switch (pick(fuzzer, 5)) {
	case 0:
		(void)HOST_MAKE(RMI_DATA_CREATE, rd, pick_target(fuzzer, every_other_time(fuzzer)),
				ipa, pick_address(fuzzer), pick(fuzzer, 3));
		break;
	case 1:
		(void)HOST_MAKE(RMI_DATA_CREATE_UNKNOWN, rd, pick_address(fuzzer), ipa);
		break;
	case 2:
		(void)HOST_MAKE(RMI_DATA_DESTROY, rd, ipa);
		break;
	case 3:
		(void)HOST_MAKE(RMI_RTT_INIT_RIPAS, rd, ipa, top);
		break;
	default:
		(void)HOST_MAKE(RMI_RTT_SET_RIPAS, rd, pick_rec(fuzzer), ipa, top);
		break;
	}
}

/* The world's realms rarely, for others live on them. */
static uint64_t pick_mortal(struct fuzzer *fuzzer)
{
	if (rarely(fuzzer)) {
		return pick_rd(fuzzer);
	}
	return fuzzer->stray_count != 0U && pick(fuzzer, 2) == 0U
		       ? fuzzer->strays[pick(fuzzer, fuzzer->stray_count)].realm.rd
		       : pick_address(fuzzer);
}

static void change_life(struct fuzzer *fuzzer)
{
	switch (pick(fuzzer, 7)) {
	case 0:
		create_realm(fuzzer);
		break;
	case 1:
		create_rec(fuzzer);
		break;
	case 2:
		(void)HOST_MAKE(RMI_REALM_DESTROY, pick_mortal(fuzzer));
		break;
	case 3:
		(void)HOST_MAKE(RMI_REC_DESTROY,
				rarely(fuzzer) ? pick_rec(fuzzer) : pick_address(fuzzer));
		break;
	case 4:
		(void)HOST_MAKE(RMI_REALM_ACTIVATE, pick_mortal(fuzzer));
		break;
	case 5:
		(void)HOST_MAKE(RMI_REC_AUX_COUNT, pick_rd(fuzzer));
		break;
	default:
		(void)HOST_MAKE(RMI_PSCI_COMPLETE, pick_rec(fuzzer), pick_rec(fuzzer),
				0U - pick(fuzzer, 5));
		break;
	}
}

/* Any FID of the range, with arguments of any kind, but for those that have parts of their own. */
static void anything(struct fuzzer *fuzzer)
{
	uint64_t x[6] = { RMI_FID_FIRST + pick(fuzzer, RMI_FID_LAST - RMI_FID_FIRST + 1U) };

	for (size_t n = 1; n < ARRAY_COUNT(x); n++) {
		switch (pick(fuzzer, 5)) {
		case 0:
			x[n] = pick_word(fuzzer);
			break;
		case 1:
			x[n] = pick_ipa(fuzzer);
			break;
		case 2:
			x[n] = pick(fuzzer, 5);
			break;
		default:
			x[n] = pick_address(fuzzer);
			break;
		}
	}
	if (x[0] == RMI_REALM_CREATE || x[0] == RMI_REC_CREATE || x[0] == RMI_REC_ENTER) {
		return;
	}
	if (pick(fuzzer, 4) == 0U) {
		x[0] |= SMCCC_FID_SVE_HINT;
	}
	(void)host_make(x, ARRAY_COUNT(x));
}

void host_call(struct fuzzer *fuzzer)
{
	switch (pick(fuzzer, 8)) {
	case 0:
	case 1:
		(void)HOST_MAKE(RMI_GRANULE_DELEGATE, pick_address(fuzzer));
		break;
	case 2:
		(void)HOST_MAKE(RMI_GRANULE_UNDELEGATE, pick_address(fuzzer));
		break;
	case 3:
	case 4:
		change_tables(fuzzer);
		break;
	case 5:
		change_memory(fuzzer);
		break;
	case 6:
		change_life(fuzzer);
		break;
	default:
		anything(fuzzer);
		break;
	}
}
