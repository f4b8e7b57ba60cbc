/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>

#include "call.h"
#include "fuzz.h"
#include "gic.h"
#include "hand/hand.h"
#include "tap.h"

#define PATIENCE     1000000U /* ticks of 1 ns that a run may take */
#define RARELY	     256U     /* of what ends a REC or a realm */
#define SMC_OPERANDS 12U

uint64_t realm_exits[RMI_EXIT_SERROR + 1U];

static uint64_t pick_fid(struct fuzzer *fuzzer)
{
	static const uint64_t calls[] = {
		PSCI_VERSION,	      PSCI_CPU_SUSPEND_32,   PSCI_CPU_SUSPEND_64,   PSCI_CPU_ON_32,
		PSCI_CPU_ON_64,	      PSCI_AFFINITY_INFO_32, PSCI_AFFINITY_INFO_64, PSCI_FEATURES,
		SMCCC_VERSION,	      SMCCC_ARCH_FEATURES,   PSCI_CPU_ON_64,	    RMI_REC_ENTER,
		RMI_GRANULE_DELEGATE,
	};
	static const uint64_t ends[] = { PSCI_CPU_OFF, PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET };

	if (pick(fuzzer, RARELY) == 0U) {
		return ends[pick(fuzzer, ARRAY_COUNT(ends))];
	}
	switch (pick(fuzzer, 4)) {
	case 0:
		return calls[pick(fuzzer, ARRAY_COUNT(calls))];
	case 1:
		return RSI_IPA_STATE_SET;
	default:
		return RSI_VERSION + pick(fuzzer, RSI_HOST_CALL - RSI_VERSION + 2U);
	}
}

static uint64_t pick_operand(struct fuzzer *fuzzer)
{
	switch (pick(fuzzer, 4)) {
	case 0:
		return pick(fuzzer, 6);
	case 1:
		return pick_word(fuzzer);
	default:
		return pick_ipa(fuzzer);
	}
}

static void order_smc(struct fuzzer *fuzzer)
{
	uint64_t *gprs = fuzzer->run->enter.gprs;

	gprs[0] = HAND_SMC;
	gprs[1] = pick_fid(fuzzer);
	for (unsigned int n = 0; n < SMC_OPERANDS; n++) {
		gprs[2U + n] = pick_operand(fuzzer);
	}
	if ((gprs[1] == PSCI_CPU_ON_64 || gprs[1] == PSCI_AFFINITY_INFO_64) &&
	    pick(fuzzer, 4) != 0U) {
		gprs[2] = pick(fuzzer, WORLD_RECS);
		gprs[3] = gprs[1] == PSCI_CPU_ON_64 ? HAND_BASE : 0U;
		gprs[4] = gprs[2];
	}
	if (gprs[1] == RSI_IPA_STATE_SET && pick(fuzzer, 4) != 0U) {
		gprs[2] = align_down(gprs[2], GRANULE_SIZE);
		gprs[3] = gprs[2] + (1U + pick(fuzzer, 8)) * GRANULE_SIZE;
		gprs[4] = pick(fuzzer, 2);
		gprs[5] = pick(fuzzer, 2);
	}
}

/* A hand that loses itself by what it writes or jumps to is stopped by the alarm. */
static void order(struct fuzzer *fuzzer)
{
	uint64_t *gprs = fuzzer->run->enter.gprs;

	switch (pick(fuzzer, 8)) {
	case 0:
		gprs[0] = HAND_READ;
		break;
	case 1:
		gprs[0] = HAND_WRITE;
		break;
	case 2:
		gprs[0] = pick(fuzzer, HAND_WFE + 1U);
		break;
	default:
		order_smc(fuzzer);
		return;
	}
	gprs[1] = gprs[0] == HAND_GET || gprs[0] == HAND_SET ? pick(fuzzer, 64) : pick_ipa(fuzzer);
	gprs[2] = bit64((unsigned int)pick(fuzzer, 4));
	gprs[3] = pick_word(fuzzer);
}

static void spoil_entry(struct fuzzer *fuzzer)
{
	struct rmi_rec_enter *enter = &fuzzer->run->enter;

	enter->flags = pick(fuzzer, 8) == 0U ? pick(fuzzer, 32) : 0U;
	enter->gicv3_hcr = pick(fuzzer, 64) == 0U ? pick_word(fuzzer) : 0U;
	for (size_t n = 0; n < ARRAY_COUNT(enter->gicv3_lrs); n++) {
		enter->gicv3_lrs[n] = 0;
	}
	if (pick(fuzzer, 16) == 0U) {
		enter->gicv3_lrs[pick(fuzzer, ARRAY_COUNT(enter->gicv3_lrs))] = pick_word(fuzzer);
	}
}

static void answer_ripas(struct fuzzer *fuzzer, const struct rig_rec *rec)
{
	const struct rmi_rec_exit *exit = &fuzzer->run->exit;

	(void)HOST_MAKE(RMI_RTT_SET_RIPAS, rec->realm->rd, rec->pa, exit->ripas_base,
			exit->ripas_top);
}

static void answer_psci(struct fuzzer *fuzzer, const struct rig_rec *rec)
{
	const struct rig_rec *target = &rec->realm->recs[fuzzer->run->exit.gprs[1] % WORLD_RECS];

	(void)HOST_MAKE(RMI_PSCI_COMPLETE, rec->pa, target->pa,
			pick(fuzzer, 4) == 0U ? (uint64_t)PSCI_DENIED : PSCI_SUCCESS);
}

static void answer_abort(struct fuzzer *fuzzer, const struct rig_rec *rec)
{
	uint64_t ipa = (fuzzer->run->exit.hpfar & ~UINT64_C(0xF)) << 8;
	uint64_t granule = pick_granule(fuzzer);

	(void)HOST_MAKE(RMI_GRANULE_DELEGATE, granule);
	(void)HOST_MAKE(RMI_RTT_CREATE, rec->realm->rd, pick_granule(fuzzer),
			align_down(ipa, UINT64_C(0x200000)), 3);
	if ((ipa & realm_shared_bit(rec->realm)) == 0U) {
		(void)HOST_MAKE(RMI_DATA_CREATE_UNKNOWN, rec->realm->rd, granule, ipa);
	} else {
		(void)HOST_MAKE(RMI_RTT_MAP_UNPROTECTED, rec->realm->rd, ipa, 3,
				pick_granule(fuzzer) | UNPROTECTED_RW);
	}
}

static void do_hosts_part(struct fuzzer *fuzzer, const struct rig_rec *rec)
{
	uint64_t reason = fuzzer->run->exit.exit_reason;

	if (reason > RMI_EXIT_SERROR) {
		tap_fail("REC_ENTER tells of exit %lu", (unsigned long)reason);
		return;
	}
	(void)__atomic_fetch_add(&realm_exits[reason], 1U, __ATOMIC_RELAXED);
	if (pick(fuzzer, 4) == 0U) {
		return;
	}
	if (reason == RMI_EXIT_RIPAS_CHANGE) {
		answer_ripas(fuzzer, rec);
	} else if (reason == RMI_EXIT_PSCI) {
		answer_psci(fuzzer, rec);
	} else if (reason == RMI_EXIT_SYNC) {
		answer_abort(fuzzer, rec);
	}
}

void realm_call(struct fuzzer *fuzzer)
{
	const struct rig_realm *realm = world[pick(fuzzer, WORLD_REALMS)];
	const struct rig_rec *rec = &realm->recs[pick(fuzzer, 4) == 0U ? 1U : 0U];
	uint64_t run = (uintptr_t)fuzzer->run;
	uint64_t status;

	order(fuzzer);
	spoil_entry(fuzzer);
	if (pick(fuzzer, 32) == 0U) {
		run = pick_address(fuzzer);
	}
	gic_alarm(PATIENCE);
	status = HOST_MAKE(RMI_REC_ENTER, rec->pa, run);
	gic_alarm_off();
	(void)gic_drain();
	if (status == RMI_SUCCESS && run == (uintptr_t)fuzzer->run) {
		do_hosts_part(fuzzer, rec);
	}
}
