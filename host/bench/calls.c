/* SPDX-License-Identifier: BSD-3-Clause */
/* RSI calls: from the realm's SMC to its next instruction. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "bench.h"
#include "hand_order.h"
#include "realm.h"

#define HASH_BYTES 32U
#define REM	   1U
#define PAGE	   UINT64_C(0x100000)
#define GPR_ANSWER 1U
#define GPR_TICKS  19U

/* A call that the RMM answers by itself. */
static void measure_call(struct rig_rec *rec, const char *name, const uint64_t *x, size_t count)
{
	uint64_t order[1U + CALL_REGS] = { HAND_TIME };

	for (size_t n = 0; n < count; n++) {
		order[1U + n] = x[n];
	}
	series_begin(name);
	for (unsigned int n = 0; n < BENCH_SAMPLES; n++) {
		struct outcome outcome = hand_do_with(rec, order, 1U + CALL_REGS);

		if (!outcome.done || outcome.gprs[GPR_ANSWER] != RSI_SUCCESS) {
			series_failed("answer", outcome.gprs[GPR_ANSWER]);
		}
		series_add(outcome.gprs[GPR_TICKS]);
	}
	series_end();
}

/* The exit, what the host must do for it, and the REC's return to the call. */
static bool change_ripas(const struct rig_rec *rec, uint64_t *ticks)
{
	struct call nothing = { .clobbered = 0 };
	struct call set = { .x = { RMI_RTT_SET_RIPAS, rec->realm->rd, rec->pa, PAGE,
				   PAGE + GRANULE_SIZE } };

	*ticks = timed_smc(&set) - timed_nothing(&nothing) - HAND_REPEAT_RIPAS_LENGTH;
	if (set.x[0] != RMI_SUCCESS) {
		series_failed("answer", set.x[0]);
	}
	*ticks += enter_timed(rec);
	if (exit_came(rec, RMI_EXIT_RIPAS_CHANGE)) {
		return true;
	}
	enter_until(rec, RMI_EXIT_RIPAS_CHANGE);
	return false;
}

/* The turns alternate, so every other one counts. */
static void measure_ripas(const char *name, unsigned int first)
{
	struct rig_rec *rec;

	series_begin(name);
	rec = fresh_rec();
	if (realm_data_unknown(rec->realm, PAGE) != RMI_SUCCESS) {
		series_failed("no page at", PAGE);
	}
	begin_turns(rec, HAND_REPEAT_RIPAS, PAGE, 2U * BENCH_SAMPLES + 1U, RMI_EXIT_RIPAS_CHANGE);
	for (unsigned int n = 0; n < 2U * BENCH_SAMPLES; n++) {
		uint64_t ticks;

		if (change_ripas(rec, &ticks) && n % 2U == first) {
			series_add(ticks);
		}
	}
	series_end();
	clean_up();
}

void measure_calls(void)
{
	struct rig_rec *rec;

	series_begin("RSI calls");
	rec = fresh_rec();
	measure_call(rec, "RSI_VERSION", RIG_WORDS(RSI_VERSION, RSI_ABI_VERSION_1_0));
	measure_call(rec, "RSI_MEASUREMENT_READ", RIG_WORDS(RSI_MEASUREMENT_READ, REM));
	measure_call(rec, "RSI_MEASUREMENT_EXTEND",
		     RIG_WORDS(RSI_MEASUREMENT_EXTEND, REM, HASH_BYTES));
	clean_up();
	measure_ripas("RSI_IPA_STATE_SET:empty", 0);
	measure_ripas("RSI_IPA_STATE_SET:ram", 1);
}
