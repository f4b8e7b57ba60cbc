/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RMI_REC_ENTER to the next exit and back: the realm stops at once, always for the same reason, and
 * the few instructions of its own are taken off.
 */
#include <abi/rmi.h>

#include "bench.h"
#include "gic.h"
#include "hand_order.h"
#include "realm.h"
#include "rig.h"

/* RAM without a page, and nothing at all beyond the bit that divides the IPA space. */
#define NO_PAGE UINT64_C(0x100000)

/* One more than the samples: the turn that begins a series is not one. */
#define TURNS (BENCH_SAMPLES + 1U)

struct run {
	const char *name;
	uint64_t what;	  /* HAND_REPEAT_… */
	uint64_t address; /* its argument */
	uint64_t length;  /* instructions of a turn */
	uint64_t flags;	  /* of each entry */
	uint64_t reason;  /* of each exit */
	bool is_shared;	  /* the address is one beyond the dividing bit */
};

static const struct run runs[] = {
	{ .name = "RMI_REC_ENTER:host-call",
	  .what = HAND_REPEAT_CALL,
	  .address = HAND_CALLS,
	  .length = HAND_REPEAT_CALL_LENGTH,
	  .reason = RMI_EXIT_HOST_CALL },
	{ .name = "RMI_REC_ENTER:host-call-fp",
	  .what = HAND_REPEAT_CALL_FP,
	  .address = HAND_CALLS,
	  .length = HAND_REPEAT_CALL_LENGTH,
	  .reason = RMI_EXIT_HOST_CALL },
	{ .name = "RMI_REC_ENTER:emulated-read",
	  .what = HAND_REPEAT_READ,
	  .is_shared = true,
	  .length = HAND_REPEAT_ACCESS_LENGTH,
	  .flags = RMI_ENTER_EMUL_MMIO_MASK,
	  .reason = RMI_EXIT_SYNC },
	{ .name = "RMI_REC_ENTER:emulated-write",
	  .what = HAND_REPEAT_WRITE,
	  .is_shared = true,
	  .length = HAND_REPEAT_ACCESS_LENGTH,
	  .flags = RMI_ENTER_EMUL_MMIO_MASK,
	  .reason = RMI_EXIT_SYNC },
	{ .name = "RMI_REC_ENTER:wfi",
	  .what = HAND_REPEAT_WFI,
	  .length = HAND_REPEAT_ACCESS_LENGTH,
	  .flags = RMI_ENTER_TRAP_WFI_MASK,
	  .reason = RMI_EXIT_SYNC },
	/* Nothing is done about the fault: the access is tried again, and again. */
	{ .name = "RMI_REC_ENTER:page-fault",
	  .what = HAND_REPEAT_READ,
	  .address = NO_PAGE,
	  .length = 1,
	  .reason = RMI_EXIT_SYNC },
};

static uint64_t enter(const struct rig_rec *rec, uint64_t reason)
{
	struct call nothing = { .clobbered = 0 };
	struct call regs = { .x = { RMI_REC_ENTER, rec->pa, (uintptr_t)rec->run } };
	uint64_t ticks = timed_smc(&regs) - timed_nothing(&nothing);

	if (regs.x[0] != RMI_SUCCESS) {
		series_failed("answer", regs.x[0]);
	}
	if (rec->run->exit.exit_reason != reason) {
		series_failed("exit", rec->run->exit.exit_reason);
	}
	return ticks;
}

static struct rig_rec *fresh_rec(void)
{
	struct rig_realm *realm = hand_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	if (!hand_begin(rec)) {
		series_failed("exit", rec->run->exit.exit_reason);
	}
	return rec;
}

static void measure_run(const struct run *run)
{
	struct rig_rec *rec;
	uint64_t address = run->address;

	series_begin(run->name);
	rec = fresh_rec();
	if (run->is_shared) {
		address = realm_shared_bit(rec->realm);
	}
	rec->run->enter.flags = run->flags & ~(uint64_t)RMI_ENTER_EMUL_MMIO_MASK;
	(void)hand_order(rec, HAND_REPEAT, run->what, address, TURNS);
	rec->run->enter.flags = run->flags;
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		series_add(enter(rec, run->reason) - run->length);
	}
	series_end();
	clean_up();
}

/* The interrupt is pending when the REC is entered: it stops before its first instruction. */
static void measure_irq(void)
{
	struct rig_rec *rec;

	series_begin("RMI_REC_ENTER:irq");
	rec = fresh_rec();
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		gic_kick(0);
		series_add(enter(rec, RMI_EXIT_IRQ));
		(void)gic_drain();
	}
	series_end();
	clean_up();
}

void measure_runs(void)
{
	measure_irq();
	for (size_t n = 0; n < sizeof(runs) / sizeof(runs[0]); n++) {
		measure_run(&runs[n]);
	}
}
