/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole attestation token: RSI_ATTESTATION_TOKEN_INIT, and _CONTINUE until all of it is there. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>

#include "bench.h"
#include "hand_order.h"
#include "realm.h"

#define NAME	    "RSI_ATTESTATION_TOKEN"
#define BUFFER	    UINT64_C(0x100000)
#define PAGES	    8U
#define SAMPLES	    2U
#define GPR_ANSWER  1U
#define GPR_RESULT  2U
#define GPR_TICKS   19U
#define CALLS_LIMIT 10000U

static struct outcome begin(struct rig_rec *rec)
{
	const uint64_t order[1U + CALL_REGS] = { HAND_TIME, RSI_ATTESTATION_TOKEN_INIT };

	return hand_do_with(rec, order, 1U + CALL_REGS);
}

/* The rest after TOKEN_INIT, and its ticks. */
static uint64_t read_token(struct rig_rec *rec, uint64_t max_size)
{
	uint64_t ticks = 0;
	uint64_t done = 0;

	if (max_size > PAGES * (uint64_t)GRANULE_SIZE) {
		series_failed("bytes of the token", max_size);
	}
	for (unsigned int n = 0; n < CALLS_LIMIT; n++) {
		uint64_t offset = done % GRANULE_SIZE;
		struct outcome outcome =
			hand_do(rec, HAND_TIME, RSI_ATTESTATION_TOKEN_CONTINUE,
				BUFFER + done - offset, offset, GRANULE_SIZE - offset);

		ticks += outcome.gprs[GPR_TICKS];
		done += outcome.gprs[GPR_RESULT];
		if (outcome.gprs[GPR_ANSWER] == RSI_SUCCESS) {
			return ticks;
		}
		if (!outcome.done || outcome.gprs[GPR_ANSWER] != RSI_INCOMPLETE ||
		    done > max_size) {
			series_failed("answer", outcome.gprs[GPR_ANSWER]);
		}
	}
	series_failed("calls without an end", CALLS_LIMIT);
}

void measure_token(void)
{
	struct rig_rec *rec;

	series_begin(NAME);
	rec = fresh_rec();
	for (uint64_t n = 0; n < PAGES; n++) {
		(void)realm_data_unknown(rec->realm, BUFFER + n * GRANULE_SIZE);
	}
	for (unsigned int n = 0; n < SAMPLES; n++) {
		struct outcome outcome = begin(rec);

		if (outcome.gprs[GPR_ANSWER] == (uint64_t)SMCCC_NOT_SUPPORTED) {
			series_not_offered(NAME);
			clean_up();
			return;
		}
		if (outcome.gprs[GPR_ANSWER] != RSI_SUCCESS) {
			series_failed("answer", outcome.gprs[GPR_ANSWER]);
		}
		series_add(outcome.gprs[GPR_TICKS] + read_token(rec, outcome.gprs[GPR_RESULT]));
	}
	series_end();
	clean_up();
}
