/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/platform.h>
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <arch/sysreg.h>
#include <lib/bits.h>
#include <lib/console.h>
#include <lib/string.h>

#include "call.h"
#include "fuzz.h"
#include "granules.h"
#include "hand_order.h"
#include "pe.h"
#include "rig.h"
#include "tap.h"

#define EPOCH_CALLS   1000U /* of both PEs; then the world is made anew */
#define REALM_SHARE   3U    /* one call of so many enters a REC */
#define CALLS_FOR_ALL 100000U
#define OTHER_PE      1U
#define SILENCE	      UINT64_C(20000000000) /* ticks of 1 ns after which a PE is lost */
#define FNV_OFFSET    UINT64_C(0xCBF29CE484222325)
#define FNV_PRIME     UINT64_C(0x100000001B3)
#define SEED_DEFAULT  UINT64_C(1)

/* Python finds it by its first words, and puts in what it wants. */
static volatile struct {
	char magic[16];
	uint64_t seed;
	uint64_t calls;
} settings = { "REALMOS-FUZZ-RIG", SEED_DEFAULT, EPOCH_CALLS };

extern const char rig_entry[], cases_end[];

static uint64_t checksum(void)
{
	uint64_t sum = FNV_OFFSET;

	for (const char *at = rig_entry; at != cases_end; at++) {
		sum = (sum ^ (uint8_t)*at) * FNV_PRIME;
	}
	return sum;
}

static void fuzz(void *argument)
{
	struct fuzzer *fuzzer = argument;

	while (fuzzer->calls != 0U) {
		if (pick(fuzzer, REALM_SHARE) == 0U) {
			realm_call(fuzzer);
		} else {
			host_call(fuzzer);
		}
		__atomic_store_n(&fuzzer->calls, fuzzer->calls - 1U, __ATOMIC_RELEASE);
	}
}

static void wait_for_other(uint64_t epoch)
{
	uint64_t last = UINT64_MAX;
	uint64_t until = 0;

	while (pe_busy(OTHER_PE)) {
		uint64_t left = __atomic_load_n(&fuzzers[OTHER_PE].calls, __ATOMIC_ACQUIRE);

		if (left != last) {
			last = left;
			until = read_sysreg(CNTPCT_EL0) + SILENCE;
		} else if (read_sysreg(CNTPCT_EL0) > until) {
			rig_give_up("PE %u is silent in epoch %lu of seed %lu", OTHER_PE,
				    (unsigned long)epoch, (unsigned long)settings.seed);
		}
	}
}

static bool run_epoch(uint64_t epoch, uint64_t calls)
{
	world_make(epoch);
	for (unsigned int n = 0; n < FUZZ_PES; n++) {
		fuzzers[n].random = settings.seed * FNV_PRIME + epoch * FUZZ_PES + n;
		fuzzers[n].calls = calls / FUZZ_PES;
	}
	pe_send(OTHER_PE, fuzz, &fuzzers[OTHER_PE]);
	fuzz(&fuzzers[0]);
	wait_for_other(epoch);
	if (!world_unmake()) {
		tap_fail("the RMM kept granules of epoch %lu", (unsigned long)epoch);
	}
	return !tap_failed();
}

/* RMI_VERSION succeeds for one revision of 2^64 only; three FIDs of the range are none. */
static bool rmi_is_command(unsigned int n)
{
	uint64_t fid = RMI_FID_FIRST + n;

	return fid != RMI_VERSION && fid != 0xC4000156U && fid != 0xC4000160U && fid != 0xC4000163U;
}

static void report(void)
{
	for (unsigned int n = 0; n < HOST_CALL_FIDS; n++) {
		if (host_tried[n] != 0U) {
			tap_note("RMI 0x%lx: %lu of %lu succeeded",
				 (unsigned long)(RMI_FID_FIRST + n),
				 (unsigned long)host_succeeded[n], (unsigned long)host_tried[n]);
		}
	}
	for (unsigned int n = 0; n <= RMI_EXIT_SERROR; n++) {
		tap_note("exit %u: %lu times", n, (unsigned long)realm_exits[n]);
	}
}

/* So that a pool or a parameter gone wrong does not leave a command without its inner half. */
static void expect_everything_happened(void)
{
	for (unsigned int n = 0; n < HOST_CALL_FIDS; n++) {
		if (host_tried[n] != 0U && host_succeeded[n] == 0U && rmi_is_command(n)) {
			tap_fail("RMI 0x%lx never succeeded", (unsigned long)(RMI_FID_FIRST + n));
		}
	}
	EXPECT(realm_exits[RMI_EXIT_SYNC] != 0U);
	EXPECT(realm_exits[RMI_EXIT_IRQ] != 0U);
	EXPECT(realm_exits[RMI_EXIT_PSCI] != 0U);
	EXPECT(realm_exits[RMI_EXIT_RIPAS_CHANGE] != 0U);
	EXPECT(realm_exits[RMI_EXIT_HOST_CALL] != 0U);
}

CASE(random_calls_leave_the_rmm_sound, "")
{
	uint64_t before = checksum();
	uint64_t epochs = (settings.calls + EPOCH_CALLS - 1U) / EPOCH_CALLS;

	tap_note("seed %lu, %lu calls", (unsigned long)settings.seed,
		 (unsigned long)settings.calls);
	for (uint64_t epoch = 0; epoch < epochs && run_epoch(epoch, EPOCH_CALLS); epoch++) {
	}
	report();
	if (settings.calls >= CALLS_FOR_ALL) {
		expect_everything_happened();
	}
	EXPECT_EQ(checksum(), before);
}

CASE(an_ordinary_realm_still_runs, "")
{
	struct rig_realm *realm = hand_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	EXPECT_EQ(rmi_status(RMI_VERSION, RMI_ABI_VERSION_1_0), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT_EQ(hand_smc(rec, RSI_VERSION, RSI_ABI_VERSION_1_0).x[0], RSI_SUCCESS);
}

static void clean_up(void)
{
	realms_reset();
	if (!granules_reset()) {
		tap_fail("granules stayed with the RMM");
	}
}

void rig_main(void)
{
	if (!pe_start(OTHER_PE)) {
		rig_give_up("the fuzzer needs %u PEs", FUZZ_PES);
	}
	tap_run(clean_up);
}
