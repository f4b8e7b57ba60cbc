/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stranger's RMM: ours, made to behave as differently as RMM 1.0 (DEN0137 1.0-rel0) allows. The
 * linker puts each __wrap_ function here in the place of the function of that name. What a monitor
 * takes for granted beyond 1.0 fails on it; docs/adr/0017-other-rmms.md lists what that may be.
 */
#include <lib/bits.h>
#include <lib/console.h>
#include <lib/string.h>

#include "memory.h"
#include "pe.h"
#include "rec_run.h"
#include "regs.h"
#include "rmi/rmi.h"
#include "timer.h"

#define GARBAGE	       UINT64_C(0xBAD0BAD0BAD0BAD0)
#define GARBAGE_BYTE   0xA5
#define VERSION_1_1    UINT64_C(0x10001)
#define FEW_RECS_ORDER 4U
#define MAX_RECS       32U
#define SPURIOUS_EVERY 5U

#define WRAP(type, name, ...)                                                                      \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __real_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

/* It says nothing on any console. */
WRAP(void, console_init, const char *prefix, uintptr_t uart)
{
	(void)prefix;
	(void)uart;
}

/* The X registers from 1 on that hold an output, a bit each. */
static unsigned int outputs(uint32_t fid, uint64_t status)
{
	bool failed = (status & RMI_RESULT_STATUS_MASK) != RMI_SUCCESS;
	bool in_tables = (status & RMI_RESULT_STATUS_MASK) == RMI_ERROR_RTT;

	switch (fid) {
	case RMI_VERSION:
		return 1U << 1 | 1U << 2;
	case RMI_DATA_DESTROY:
	case RMI_RTT_DESTROY:
		return (failed ? 0U : 1U << 1) | (failed && !in_tables ? 0U : 1U << 2);
	case RMI_RTT_UNMAP_UNPROTECTED:
		return failed && !in_tables ? 0U : 1U << 1;
	case RMI_RTT_READ_ENTRY:
		return failed ? 0U : 1U << 1 | 1U << 2 | 1U << 3;
	case RMI_FEATURES:
	case RMI_REC_AUX_COUNT:
	case RMI_RTT_FOLD:
	case RMI_RTT_INIT_RIPAS:
	case RMI_RTT_SET_RIPAS:
		return failed ? 0U : 1U << 1;
	default:
		return 0;
	}
}

/* Registers that are no output hold anything. */
WRAP(void, rmi_handle, struct smc_regs *regs)
{
	uint32_t fid = (uint32_t)regs->x[0];
	unsigned int kept;

	__real_rmi_handle(regs);
	kept = outputs(fid, regs->x[0]);
	for (unsigned int n = 1; n <= 3U; n++) {
		if ((kept & 1U << n) == 0U) {
			regs->x[n] = GARBAGE;
		}
	}
}

/* It knows a later version, too. */
WRAP(void, rmi_version, struct rmi_call *call)
{
	__real_rmi_version(call);
	call->result[2] = VERSION_1_1;
}

/* It can do as little as there is to do without. */
WRAP(void, rmi_features, struct rmi_call *call)
{
	const uint64_t less = RMI_FEATURE0_HASH_SHA_512_MASK | RMI_FEATURE0_NUM_BPS_MASK |
			      RMI_FEATURE0_NUM_WPS_MASK | RMI_FEATURE0_GICV3_NUM_LRS_MASK |
			      RMI_FEATURE0_MAX_RECS_ORDER_MASK;

	__real_rmi_features(call);
	if (call->x[1] == 0U) {
		call->result[1] &= ~less;
		call->result[1] |= field_make(1U, RMI_FEATURE0_NUM_BPS_MASK) |
				   field_make(1U, RMI_FEATURE0_NUM_WPS_MASK) |
				   field_make(FEW_RECS_ORDER, RMI_FEATURE0_MAX_RECS_ORDER_MASK);
	}
}

WRAP(void, rmi_realm_create, struct rmi_call *call)
{
	static struct rmi_realm_params params;

	if (memory_read_ns(&params, pa_make(call->x[2]), 0, sizeof(params)) &&
	    params.hash_algo == RMI_HASH_SHA_512) {
		call->result[0] = RMI_ERROR_INPUT;
		return;
	}
	__real_rmi_realm_create(call);
}

/* RECs are made of as many granules as there may be. Only one command at a time deals with them. */
static struct {
	uint64_t rec;
	unsigned int count; /* of those that our RMM has no use for */
	uint64_t aux[RMI_MAX_REC_AUX];
} made[MAX_RECS];

WRAP(void, rmi_rec_aux_count, struct rmi_call *call)
{
	__real_rmi_rec_aux_count(call);
	if (call->result[0] == RMI_SUCCESS) {
		call->result[1] = RMI_MAX_REC_AUX;
	}
}

static void give_aux(unsigned int slot)
{
	while (made[slot].count > 0U) {
		struct pa aux = pa_make(made[slot].aux[--made[slot].count]);

		granule_lock_known(aux, GRANULE_REC_AUX);
		granule_release(aux);
	}
	made[slot].rec = 0;
}

static bool take_aux(unsigned int slot, const struct rmi_rec_params *params, uint64_t ours)
{
	made[slot].count = 0;
	for (uint64_t n = ours; n < RMI_MAX_REC_AUX; n++) {
		struct pa aux = pa_make(params->aux[n]);

		if (!granule_lock(aux, GRANULE_DELEGATED)) {
			give_aux(slot);
			return false;
		}
		memset(memory_realm(aux), GARBAGE_BYTE, GRANULE_SIZE);
		granule_unlock_as(aux, GRANULE_REC_AUX);
		made[slot].aux[made[slot].count++] = aux.value;
	}
	return true;
}

static unsigned int find_rec(uint64_t rec)
{
	unsigned int slot = 0;

	while (slot < MAX_RECS && made[slot].rec != rec) {
		slot++;
	}
	return slot;
}

WRAP(void, rmi_rec_create, struct rmi_call *call)
{
	static struct rmi_rec_params params;
	struct pa page = pa_make(call->x[3]);
	unsigned int slot = find_rec(0);
	struct rmi_call ours = { .x = { RMI_REC_AUX_COUNT, call->x[1] } };

	call->result[0] = RMI_ERROR_INPUT;
	__real_rmi_rec_aux_count(&ours);
	if (ours.result[0] != RMI_SUCCESS || slot == MAX_RECS ||
	    !memory_read_ns(&params, page, 0, sizeof(params)) ||
	    params.num_aux != RMI_MAX_REC_AUX || !take_aux(slot, &params, ours.result[1])) {
		return;
	}
	params.num_aux = ours.result[1];
	(void)memory_write_ns(page, 0, &params, sizeof(params));
	made[slot].rec = call->x[2];
	__real_rmi_rec_create(call);
	params.num_aux = RMI_MAX_REC_AUX;
	(void)memory_write_ns(page, 0, &params, sizeof(params));
	if (call->result[0] != RMI_SUCCESS) {
		give_aux(slot);
	}
}

WRAP(void, rmi_rec_destroy, struct rmi_call *call)
{
	__real_rmi_rec_destroy(call);
	if (call->result[0] == RMI_SUCCESS) {
		give_aux(find_rec(call->x[1]));
	}
}

/* The end of the entry that holds `base`, or `top` if that comes first. */
static uint64_t one_entry(uint64_t rd, uint64_t base, uint64_t top)
{
	struct rmi_call entry = { .x = { RMI_RTT_READ_ENTRY, rd, base, RTT_LEVEL_LAST } };
	uint64_t size;

	rmi_rtt_read_entry(&entry);
	if (entry.result[0] != RMI_SUCCESS) {
		return top;
	}
	size = rtt_entry_size((int64_t)entry.result[1]);
	return min_u64(top, align_down(base, size) + size);
}

/* It changes one entry at a time. */
WRAP(void, rmi_rtt_init_ripas, struct rmi_call *call)
{
	call->x[3] = one_entry(call->x[1], call->x[2], call->x[3]);
	__real_rmi_rtt_init_ripas(call);
}

WRAP(void, rmi_rtt_set_ripas, struct rmi_call *call)
{
	call->x[4] = one_entry(call->x[1], call->x[3], call->x[4]);
	__real_rmi_rtt_set_ripas(call);
}

/* Mappings of the host's own memory keep a table alive, too. */
static bool maps_anything(uint64_t rd, uint64_t base)
{
	for (uint64_t n = 0; n < RTT_ENTRY_COUNT; n++) {
		struct rmi_call entry = { .x = { RMI_RTT_READ_ENTRY, rd, base + n * GRANULE_SIZE,
						 RTT_LEVEL_LAST } };

		rmi_rtt_read_entry(&entry);
		if (entry.result[0] == RMI_SUCCESS && entry.result[1] == RTT_LEVEL_LAST &&
		    entry.result[2] == RMI_ASSIGNED) {
			return true;
		}
	}
	return false;
}

WRAP(void, rmi_rtt_destroy, struct rmi_call *call)
{
	if (call->x[3] == RTT_LEVEL_LAST && maps_anything(call->x[1], call->x[2])) {
		call->result[0] = rmi_status(RMI_ERROR_RTT, RTT_LEVEL_LAST);
		call->result[2] = call->x[2];
		return;
	}
	__real_rmi_rtt_destroy(call);
}

/* What is in a page of unknown contents is not zero. */
WRAP(void, rmi_data_create_unknown, struct rmi_call *call)
{
	struct pa data = pa_make(call->x[2]);

	if (granule_lock(data, GRANULE_DELEGATED)) {
		memset(memory_realm(data), GARBAGE_BYTE, GRANULE_SIZE);
		granule_unlock(data);
	}
	__real_rmi_data_create_unknown(call);
}

/* It comes back from a REC for no reason that anybody could see. */
WRAP(bool, timer_changed, const struct rec *rec)
{
	static unsigned int runs;

	return __atomic_add_fetch(&runs, 1U, __ATOMIC_RELAXED) % SPURIOUS_EVERY == 0U ||
	       __real_timer_changed(rec);
}

/* What the reason of an exit gives no meaning holds anything. */
static void spoil(struct rmi_rec_exit *exit)
{
	bool has_gprs = exit->exit_reason == RMI_EXIT_SYNC || exit->exit_reason == RMI_EXIT_PSCI ||
			exit->exit_reason == RMI_EXIT_HOST_CALL;

	if (exit->exit_reason != RMI_EXIT_HOST_CALL) {
		exit->imm = (uint16_t)GARBAGE;
	}
	if (exit->exit_reason != RMI_EXIT_RIPAS_CHANGE) {
		exit->ripas_base = GARBAGE;
		exit->ripas_top = GARBAGE;
		exit->ripas_value = (uint8_t)GARBAGE;
	}
	if (exit->exit_reason != RMI_EXIT_SYNC && exit->exit_reason != RMI_EXIT_SERROR) {
		exit->esr = GARBAGE;
		exit->far = GARBAGE;
		exit->hpfar = GARBAGE;
	} else {
		exit->esr |= ESR_IL;
	}
	for (unsigned int n = 0; n < RMI_GPRS && !has_gprs; n++) {
		exit->gprs[n] = GARBAGE;
	}
	if ((exit->esr & (ESR_ISV | ESR_WNR | ESR_SAS_MASK)) ==
	    (ESR_ISV | ESR_WNR | REG_FIELD(2, ESR_SAS_SHIFT))) {
		exit->gprs[0] |= GARBAGE << 32;
	}
}

WRAP(void, rec_run, struct rec *rec, struct pa pa, const struct rmi_rec_enter *enter,
     struct rmi_rec_exit *exit)
{
	__real_rec_run(rec, pa, enter, exit);
	spoil(exit);
}
