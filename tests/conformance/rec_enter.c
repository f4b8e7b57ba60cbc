/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_REC_ENTER: what it refuses. */
#include <abi/platform.h>
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "pair.h"
#include "pe.h"
#include "probe.h"
#include "stop.h"
#include "tap.h"

#define ABSENT_DRAM                                                                                \
	UINT64_C(0xF0000000) /* of the manifest's bank, but not of the machine's 2 GiB */
#define SPIN_PE	      1U
#define SPIN_TICKS    UINT64_C(200000000)
#define ERROR_OFF     (RMI_ERROR_REALM | 1U << RMI_RESULT_INDEX_SHIFT)
#define BAD_HCR	      bit64(0)
#define UNKNOWN_FLAGS (~UINT64_C(0x1F))

static struct rig_rec *good;

static uint64_t with_run(uint64_t run)
{
	return rmi_status(RMI_REC_ENTER, good->pa, run);
}

static uint64_t with_rec(uint64_t rec)
{
	return rmi_status(RMI_REC_ENTER, rec, (uintptr_t)good->run);
}

/* The failures of the case left the REC as it was, and wrote nothing. */
static void still_works(void)
{
	struct call result;

	EXPECT(stop_untouched(good));
	result = hand_smc(good, RSI_VERSION, 0x10000);
	EXPECT_EQ(result.x[0], RSI_SUCCESS);
}

static void refuses(uint64_t status)
{
	stop_soil(good);
	EXPECT_EQ(rec_enter(good), status);
	EXPECT(stop_untouched(good));
}

CASE(a_realm_runs_and_answers, "REC_ENTER.success")
{
	struct rig_realm *realm = hand_realm(1);
	struct call result;

	LEAVE_UNLESS(hand_begin(&realm->recs[0]));
	result = hand_smc(&realm->recs[0], RSI_VERSION, 0x10000);
	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT_EQ(result.x[1], 0x10000);
	EXPECT_EQ(result.x[2], 0x10000);
}

CASE(rec_enter_refuses_an_unaligned_run_page, "REC_ENTER.run_align REC_ENTER.no_exit")
{
	good = stop_rec(1);
	refuses_unaligned(with_run, (uintptr_t)good->run);
	still_works();
}

CASE(rec_enter_refuses_a_run_page_that_is_no_memory, "REC_ENTER.run_bound")
{
	good = stop_rec(1);
	refuses_untracked(with_run);
	still_works();
}

CASE(rec_enter_refuses_a_run_page_in_granules_of_realms, "REC_ENTER.run_pas")
{
	good = stop_rec(1);
	refuses_other_states(with_run, ZOO_UNDELEGATED);
	still_works();
}

CASE(rec_enter_survives_a_run_page_in_absent_memory, "REC_ENTER.run_absent")
{
	good = stop_rec(1);
	EXPECT_EQ(with_run(ABSENT_DRAM), RMI_ERROR_INPUT);
	still_works();
}

static uint64_t last_status;

/* Enters until the REC does something else than be interrupted; then the run page may be gone. */
static void enter_on(void *rec)
{
	do {
		last_status = rec_enter(rec);
	} while (last_status == RMI_SUCCESS &&
		 ((struct rig_rec *)rec)->run->exit.exit_reason == RMI_EXIT_IRQ);
}

CASE(rec_enter_survives_the_loss_of_its_run_page, "REC_ENTER.run_taken")
{
	uint64_t run;

	good = stop_rec(1);
	run = (uintptr_t)good->run;
	good->run->enter.gprs[0] = HAND_SPIN;
	good->run->enter.gprs[1] = SPIN_TICKS;
	pe_send(SPIN_PE, enter_on, good);
	while (!rec_runs(good)) {
	}
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, run), RMI_SUCCESS);
	pe_join(SPIN_PE);
	EXPECT_EQ(last_status, RMI_ERROR_INPUT);
	EXPECT(granule_comes_back_wiped(run));
}

CASE(rec_enter_refuses_an_unaligned_rec, "REC_ENTER.rec_align")
{
	good = stop_rec(1);
	refuses_unaligned(with_rec, good->pa);
	still_works();
}

CASE(rec_enter_refuses_an_untracked_rec, "REC_ENTER.rec_bound")
{
	good = stop_rec(1);
	refuses_untracked(with_rec);
	still_works();
}

CASE(rec_enter_refuses_what_is_no_rec, "REC_ENTER.rec_state")
{
	good = stop_rec(1);
	refuses_other_states(with_rec, ZOO_REC);
	still_works();
}

CASE(rec_enter_refuses_a_rec_that_runs, "REC_ENTER.running REC_ENTER.no_exit")
{
	struct pair pair = pair_make();
	uint64_t other = granule_take();

	rec_spin_elsewhere(pair.first, SPIN_PE, SPIN_TICKS);
	EXPECT_EQ(rmi_status(RMI_REC_ENTER, pair.first->pa, other), RMI_ERROR_REC);
	EXPECT_EQ(((struct rmi_rec_exit *)(uintptr_t)(other + sizeof(struct rmi_rec_enter)))->imm,
		  0);
	pe_join(SPIN_PE);
}

CASE(rec_enter_refuses_a_new_realm, "REC_ENTER.realm_new")
{
	good = rec_prepare(realm_make(), 0, true);
	EXPECT_EQ(rec_create(good), RMI_SUCCESS);
	refuses(RMI_ERROR_REALM);
}

CASE(rec_enter_refuses_a_realm_that_is_off, "REC_ENTER.realm_off")
{
	struct pair pair = pair_make();

	(void)hand_order(pair.first, HAND_SMC, PSCI_SYSTEM_OFF);
	good = pair.first;
	refuses(ERROR_OFF);
	good = pair.second;
	refuses(ERROR_OFF);
}

CASE(rec_enter_refuses_a_rec_that_is_off, "REC_ENTER.runnable")
{
	struct pair pair = pair_make();

	good = pair.second;
	refuses(RMI_ERROR_REC);
	good = pair.first;
	(void)hand_order(good, HAND_SMC, PSCI_CPU_OFF);
	EXPECT_EQ(good->run->exit.exit_reason, RMI_EXIT_PSCI);
	refuses(RMI_ERROR_REC);
}

CASE(rec_enter_refuses_a_rec_that_waits_for_psci, "REC_ENTER.psci_pending REC_ENTER.no_effect")
{
	struct pair pair = pair_make();
	struct outcome outcome;

	good = pair.first;
	EXPECT(pair_ask_on(&pair, HAND_BASE, 1));
	refuses(RMI_ERROR_REC);
	refuses(RMI_ERROR_REC);
	EXPECT_EQ(psci_complete(pair.first, pair.second, PSCI_SUCCESS), RMI_SUCCESS);
	outcome = hand_resume(good);
	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[1], PSCI_SUCCESS);
}

CASE(rec_enter_refuses_an_invalid_gic_state, "REC_ENTER.gic REC_ENTER.no_effect")
{
	good = stop_rec(1);
	good->run->enter.gicv3_hcr = BAD_HCR;
	refuses(RMI_ERROR_REC);
	good->run->enter.gicv3_hcr = 0;
	still_works();
}

CASE(rec_enter_emulates_only_what_can_be_emulated, "REC_ENTER.emul_mmio REC_ENTER.no_effect")
{
	good = stop_rec(1);
	good->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	refuses(RMI_ERROR_REC);
	good->run->enter.flags = 0;
	EXPECT(!hand_order(good, HAND_READ_PAIR, STOP_UNPROTECTED).done);
	good->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	refuses(RMI_ERROR_REC);
	good->run->enter.flags = 0;
	EXPECT(!hand_order(good, HAND_READ, STOP_RAM, 4).done);
	good->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	refuses(RMI_ERROR_REC);
	good->run->enter.flags = 0;
}

CASE(rec_enter_emulates_an_access_once, "REC_ENTER.emul_mmio")
{
	good = stop_rec(1);
	EXPECT(!hand_order(good, HAND_READ, STOP_UNPROTECTED, 4).done);
	EXPECT(stop_resume_with(good, RMI_ENTER_EMUL_MMIO_MASK).done);
	good->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	refuses(RMI_ERROR_REC);
	good->run->enter.flags = 0;
}

CASE(rec_enter_injects_only_after_an_abort_at_an_unprotected_ipa, "REC_ENTER.inject_sea")
{
	good = stop_rec(1);
	good->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK;
	refuses(RMI_ERROR_REC);
	good->run->enter.flags = 0;
	EXPECT(!hand_order(good, HAND_READ, STOP_RAM, 4).done);
	good->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK;
	refuses(RMI_ERROR_REC);
	good->run->enter.flags = 0;
}

CASE(rec_enter_that_fails_keeps_an_emulation_open, "REC_ENTER.no_effect")
{
	struct outcome outcome;

	good = stop_rec(1);
	EXPECT(!hand_order(good, HAND_READ, STOP_UNPROTECTED, 4).done);
	good->run->enter.gicv3_hcr = BAD_HCR;
	good->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	refuses(RMI_ERROR_REC);
	good->run->enter.gicv3_hcr = 0;
	good->run->enter.gprs[0] = 0x1234;
	outcome = hand_resume(good);
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], 0x1234);
	good->run->enter.flags = 0;
}

CASE(rec_enter_looks_at_the_run_page_before_the_states, "REC_ENTER.run_before_realm")
{
	struct pair pair = pair_make();

	good = rec_prepare(realm_make(), 0, true);
	EXPECT_EQ(rec_create(good), RMI_SUCCESS);
	refuses_unaligned(with_run, (uintptr_t)good->run);
	refuses_untracked(with_run);
	good = pair.second;
	refuses_unaligned(with_run, (uintptr_t)good->run);
	refuses_untracked(with_run);
	(void)hand_order(pair.first, HAND_SMC, PSCI_SYSTEM_OFF);
	good = pair.first;
	refuses_unaligned(with_run, (uintptr_t)good->run);
	refuses_untracked(with_run);
}

CASE(rec_enter_looks_at_the_rec_before_the_gic, "REC_ENTER.rec_before_gic")
{
	good = stop_rec(1);
	good->run->enter.gicv3_hcr = BAD_HCR;
	refuses_unaligned(with_rec, good->pa);
	refuses_untracked(with_rec);
	refuses_other_states(with_rec, ZOO_REC);
	good->run->enter.gicv3_hcr = 0;
}

CASE(rec_enter_looks_at_the_realm_before_the_rec, "REC_ENTER.realm_before_rec")
{
	struct pair pair = pair_make();

	good = rec_prepare(realm_make(), 0, false);
	EXPECT_EQ(rec_create(good), RMI_SUCCESS);
	good->run->enter.gicv3_hcr = BAD_HCR;
	good->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	refuses(RMI_ERROR_REALM);
	(void)hand_order(pair.first, HAND_SMC, PSCI_SYSTEM_OFF);
	good = pair.second;
	good->run->enter.gicv3_hcr = BAD_HCR;
	good->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK;
	refuses(ERROR_OFF);
}

CASE(rec_enter_ignores_unknown_flags, "REC_ENTER.flags")
{
	good = stop_rec(1);
	good->run->enter.flags = UNKNOWN_FLAGS;
	EXPECT_EQ(hand_smc(good, RSI_VERSION, 0x10000).x[0], RSI_SUCCESS);
	good->run->enter.flags = 0;
}

CASE(the_entrys_registers_do_not_become_the_recs, "REC_ENTER.gprs REC_ENTER.enter_kept")
{
	static struct rmi_rec_enter before;
	struct outcome outcome;

	good = stop_rec(1);
	EXPECT(!hand_order(good, HAND_READ_PAIR, STOP_UNPROTECTED).done);
	memset(good->run->enter.gprs, 0x77, sizeof(good->run->enter.gprs));
	memcpy(&before, &good->run->enter, sizeof(before));
	EXPECT(!hand_resume(good).done);
	EXPECT_EQ(good->run->exit.hpfar, STOP_UNPROTECTED >> 8);
	EXPECT_EQ(memcmp(&before, &good->run->enter, sizeof(before)), 0);
	outcome = stop_resume_with(good, RMI_ENTER_INJECT_SEA_MASK);
	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[HAND_FAULTS], 1);
}
