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

/* More than samples: the first turn is none, nor is one in which an interrupt came. */
#define TURNS (4U * BENCH_SAMPLES)

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

uint64_t enter_timed(const struct rig_rec *rec)
{
	struct call nothing = { .clobbered = 0 };
	struct call regs = { .x = { RMI_REC_ENTER, rec->pa, (uintptr_t)rec->run } };
	uint64_t ticks = timed_smc(&regs) - timed_nothing(&nothing);

	if (regs.x[0] != RMI_SUCCESS) {
		series_failed("answer", regs.x[0]);
	}
	return ticks;
}

bool exit_came(const struct rig_rec *rec, uint64_t reason)
{
	uint64_t came = rec->run->exit.exit_reason;

	if (came != reason && came != RMI_EXIT_IRQ) {
		series_failed("exit", came);
	}
	return came == reason;
}

void enter_until(const struct rig_rec *rec, uint64_t reason)
{
	/* What the last exit asked for was done by the entry that was interrupted. */
	rec->run->enter.flags &= ~(uint64_t)RMI_ENTER_EMUL_MMIO_MASK;
	do {
		(void)gic_drain();
		(void)enter_timed(rec);
	} while (!exit_came(rec, reason));
}

struct rig_rec *fresh_rec(void)
{
	struct rig_rec *rec = &hand_realm(1)->recs[0];

	enter_until(rec, RMI_EXIT_HOST_CALL);
	return rec;
}

void begin_turns(struct rig_rec *rec, uint64_t what, uint64_t address, uint64_t turns,
		 uint64_t reason)
{
	if (!hand_order(rec, HAND_REPEAT, what, address, turns).done && !exit_came(rec, reason)) {
		enter_until(rec, reason);
	}
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
	begin_turns(rec, run->what, address, TURNS, run->reason);
	for (unsigned int n = 0; n < BENCH_SAMPLES;) {
		uint64_t ticks;

		rec->run->enter.flags = run->flags;
		ticks = enter_timed(rec);
		if (exit_came(rec, run->reason)) {
			series_add(ticks - run->length);
			n++;
		} else {
			enter_until(rec, run->reason);
		}
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
		series_add(enter_timed(rec));
		(void)exit_came(rec, RMI_EXIT_IRQ);
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
