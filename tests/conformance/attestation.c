/* SPDX-License-Identifier: BSD-3-Clause */
/* RSI_ATTESTATION_TOKEN_INIT and RSI_ATTESTATION_TOKEN_CONTINUE, on one PE. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "space.h"
#include "tap.h"
#include "token.h"

#define CHALLENGE	  UINT64_C(0x1122334455667700)
#define CHALLENGE2	  UINT64_C(0x8877665544332200)
#define UNMAPPED	  UINT64_C(0x60000) /* RAM without memory */
#define EMPTY		  UINT64_C(0x200000)
#define HASH_SIZE	  32U
#define FILL		  UINT64_C(0xA5A5A5A5A5A5A5A5)
#define ESR_EC_DATA_ABORT (UINT64_C(0x24) << 26)
#define ESR_FSC_LEVEL(n)  (UINT64_C(4) + (uint64_t)(n))

static struct token first, second;

CASE(token_init_gives_a_bound_that_the_token_keeps, "TOKEN_INIT.success TOKEN_CONTINUE.success")
{
	struct rig_realm *realm = token_realm(1);
	struct call result = token_init(&realm->recs[0], CHALLENGE);

	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	LEAVE_UNLESS(token_fetch(&realm->recs[0], &first));
	EXPECT(first.size != 0U);
	EXPECT(first.size <= result.x[1]);
}

CASE(token_continue_needs_an_init, "TOKEN_CONTINUE.state")
{
	struct rig_realm *realm = token_realm(1);

	EXPECT_EQ(token_continue(&realm->recs[0], TOKEN_BUFFER(&realm->recs[0]), 0, GRANULE_SIZE)
			  .x[0],
		  RSI_ERROR_STATE);
}

CASE(token_continue_after_the_last_byte_needs_another_init, "TOKEN_CONTINUE.state_after")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	(void)token_init(rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(rec, &first));
	EXPECT_EQ(token_continue(rec, TOKEN_BUFFER(rec), 0, GRANULE_SIZE).x[0], RSI_ERROR_STATE);
	EXPECT_EQ(token_continue(rec, TOKEN_BUFFER(rec), 0, 0).x[0], RSI_ERROR_STATE);
	EXPECT_EQ(token_init(rec, CHALLENGE).x[0], RSI_SUCCESS);
	LEAVE_UNLESS(token_fetch(rec, &second));
}

CASE(equal_claims_make_equal_tokens, "TOKEN.deterministic")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	(void)token_init(rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(rec, &first));
	(void)token_init(rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(rec, &second));
	EXPECT(token_equal(&first, &second));
	(void)token_init(rec, CHALLENGE2);
	LEAVE_UNLESS(token_fetch(rec, &second));
	EXPECT(!token_equal(&first, &second));
}

CASE(tokens_in_pieces_of_any_size_and_place_are_the_same, "TOKEN_CONTINUE.incomplete "
							  "TOKEN_CONTINUE.bounds")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];
	struct call result = { .x = { RSI_INCOMPLETE } };

	(void)token_init(rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(rec, &first));
	(void)token_init(rec, CHALLENGE);
	second.size = 0;
	for (uint64_t n = 1; result.x[0] == RSI_INCOMPLETE && !tap_failed(); n++) {
		uint64_t offset = n * 331U % GRANULE_SIZE;
		uint64_t size = 1U + n * 97U % 211U;

		size = size < GRANULE_SIZE - offset ? size : GRANULE_SIZE - offset;
		result = token_first(rec, offset, size);
		EXPECT(result.x[1] <= size);
		token_add(rec, &second, offset, result.x[1]);
	}
	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT(token_equal(&first, &second));
}

CASE(token_continue_writes_where_it_says_and_no_further, "TOKEN_CONTINUE.bounds")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];
	uint64_t buffer = TOKEN_BUFFER(rec);

	hand_write(rec, buffer, FILL);
	hand_write(rec, buffer + 8U, FILL);
	(void)token_init(rec, CHALLENGE);
	EXPECT_EQ(token_first(rec, 3, 4).x[1], 4);
	EXPECT_EQ(hand_read(rec, buffer) & UINT64_C(0xFF00000000FFFFFF),
		  FILL & UINT64_C(0xFF00000000FFFFFF));
	EXPECT_EQ(hand_read(rec, buffer + 8U), FILL);
	hand_write(rec, buffer, FILL);
	EXPECT_EQ(token_first(rec, GRANULE_SIZE - 1U, 1).x[1], 1);
	EXPECT_EQ(hand_read(rec, buffer), FILL);
}

CASE(a_piece_of_no_bytes_is_incomplete, "TOKEN_CONTINUE.incomplete")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	(void)token_init(rec, CHALLENGE);
	EXPECT_EQ(token_first(rec, 0, 8).x[1], 8);
	for (uint64_t offset = 0; offset < GRANULE_SIZE; offset += GRANULE_SIZE - 1U) {
		struct call result = token_continue(rec, TOKEN_BUFFER(rec), offset, 0);

		EXPECT_EQ(result.x[0], RSI_INCOMPLETE);
		EXPECT_EQ(result.x[1], 0);
	}
}

/* What RSI_ATTESTATION_TOKEN_CONTINUE refuses, with and without a token to deliver. */
static void refuses(struct rig_rec *rec, uint64_t addr, uint64_t offset, uint64_t size)
{
	(void)token_init(rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(rec, &first));
	(void)token_init(rec, CHALLENGE);
	EXPECT_EQ(token_continue(rec, addr, offset, size).x[0], RSI_ERROR_INPUT);
	second.size = 0;
	token_add(rec, &second, 0, token_first(rec, 0, 100).x[1]);
	EXPECT_EQ(token_continue(rec, addr, offset, size).x[0], RSI_ERROR_INPUT);
	for (struct call result = { .x = { RSI_INCOMPLETE } };
	     result.x[0] == RSI_INCOMPLETE && !tap_failed();) {
		result = token_first(rec, 0, GRANULE_SIZE);
		token_add(rec, &second, 0, result.x[1]);
	}
	EXPECT(token_equal(&first, &second));
}

CASE(token_continue_refuses_an_unaligned_address, "TOKEN_CONTINUE.addr_align TOKEN_CONTINUE.failed")
{
	struct rig_rec *rec = &token_realm(1)->recs[0];

	refuses(rec, TOKEN_BUFFER(rec) + 1U, 0, 16);
	refuses(rec, TOKEN_BUFFER(rec) + 8U, 0, 16);
	refuses(rec, TOKEN_BUFFER(rec) + GRANULE_SIZE / 2U, 0, 16);
}

CASE(token_continue_refuses_an_unprotected_address, "TOKEN_CONTINUE.addr_bound "
						    "TOKEN_CONTINUE.failed")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	refuses(rec, RIG_UNPROTECTED | TOKEN_BUFFER(rec), 0, 16);
	refuses(rec, RIG_UNPROTECTED, 0, 16);
	refuses(rec, RIG_UNPROTECTED << 1, 0, 16);
	refuses(rec, ~(GRANULE_SIZE - 1U), 0, 16);
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, granule_take(), PAGE_LEVEL), RMI_SUCCESS);
	refuses(rec, RIG_UNPROTECTED, 0, 16);
}

CASE(token_continue_refuses_empty_memory, "TOKEN_CONTINUE.addr_empty TOKEN_CONTINUE.failed")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	refuses(rec, EMPTY, 0, 16);
	EXPECT(ripas_change(rec, TOKEN_BUFFER(rec) + GRANULE_SIZE,
			    TOKEN_BUFFER(rec) + 2U * GRANULE_SIZE, RMI_RIPAS_EMPTY, 0));
	refuses(rec, TOKEN_BUFFER(rec) + GRANULE_SIZE, 0, 16);
}

CASE(token_continue_refuses_an_offset_outside_the_granule, "TOKEN_CONTINUE.offset_bound "
							   "TOKEN_CONTINUE.failed")
{
	struct rig_rec *rec = &token_realm(1)->recs[0];

	refuses(rec, TOKEN_BUFFER(rec), GRANULE_SIZE, 0);
	refuses(rec, TOKEN_BUFFER(rec), GRANULE_SIZE + 1U, 1);
	refuses(rec, TOKEN_BUFFER(rec), UINT64_MAX, 0);
}

CASE(token_continue_refuses_sizes_that_wrap, "TOKEN_CONTINUE.size_overflow TOKEN_CONTINUE.failed")
{
	struct rig_rec *rec = &token_realm(1)->recs[0];

	refuses(rec, TOKEN_BUFFER(rec), 1, UINT64_MAX);
	refuses(rec, TOKEN_BUFFER(rec), GRANULE_SIZE - 1U, UINT64_MAX - GRANULE_SIZE + 2U);
}

CASE(token_continue_refuses_sizes_beyond_the_granule, "TOKEN_CONTINUE.size_bound "
						      "TOKEN_CONTINUE.failed")
{
	struct rig_rec *rec = &token_realm(1)->recs[0];

	refuses(rec, TOKEN_BUFFER(rec), 0, GRANULE_SIZE + 1U);
	refuses(rec, TOKEN_BUFFER(rec), 1, GRANULE_SIZE);
	refuses(rec, TOKEN_BUFFER(rec), GRANULE_SIZE - 1U, 2);
	refuses(rec, TOKEN_BUFFER(rec), 0, UINT64_MAX);
}

/* The REC stopped because the RMM needs `ipa`, and shows nothing else. */
static void expect_missing(const struct rig_rec *rec, uint64_t ipa)
{
	const struct rmi_rec_exit *exit = &rec->run->exit;

	EXPECT_EQ(exit->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(exit->esr, ESR_EC_DATA_ABORT | ESR_FSC_LEVEL(PAGE_LEVEL));
	EXPECT_EQ(exit->hpfar, ipa >> 8);
	EXPECT_EQ(exit->far, 0);
	EXPECT_EQ(exit->gprs[0] | exit->gprs[1] | exit->gprs[2] | exit->gprs[3], 0);
}

CASE(token_continue_waits_for_memory_that_the_host_has_to_map, "TOKEN_CONTINUE.addr_missing")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];
	struct outcome outcome;

	(void)token_init(rec, CHALLENGE);
	EXPECT_EQ(token_first(rec, 0, 8).x[1], 8);
	outcome = hand_order(rec, HAND_SMC, RSI_ATTESTATION_TOKEN_CONTINUE, UNMAPPED, 0, 8);
	EXPECT(!outcome.done);
	expect_missing(rec, UNMAPPED);
	EXPECT(!hand_resume(rec).done);
	expect_missing(rec, UNMAPPED);
	LEAVE_UNLESS(EXPECT_EQ(realm_data_unknown(realm, UNMAPPED), RMI_SUCCESS));
	outcome = hand_resume(rec);
	LEAVE_UNLESS(EXPECT(outcome.done));
	EXPECT_EQ(outcome.gprs[1], RSI_INCOMPLETE);
	EXPECT_EQ(outcome.gprs[2], 8);
}

CASE(token_continue_stops_at_destroyed_memory, "TOKEN_CONTINUE.addr_missing")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	(void)token_init(rec, CHALLENGE);
	EXPECT_EQ(token_first(rec, 0, 8).x[1], 8);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, TOKEN_BUFFER(rec)), RMI_SUCCESS);
	EXPECT(!hand_order(rec, HAND_SMC, RSI_ATTESTATION_TOKEN_CONTINUE, TOKEN_BUFFER(rec), 0, 8)
			.done);
	expect_missing(rec, TOKEN_BUFFER(rec));
}

CASE(token_init_aborts_what_runs_and_what_is_half_delivered, "TOKEN_INIT.abort")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];

	(void)token_init(rec, CHALLENGE2);
	LEAVE_UNLESS(token_fetch(rec, &first));
	(void)token_init(rec, CHALLENGE);
	(void)token_init(rec, CHALLENGE2);
	LEAVE_UNLESS(token_fetch(rec, &second));
	EXPECT(token_equal(&first, &second));
	(void)token_init(rec, CHALLENGE);
	EXPECT_EQ(token_first(rec, 0, 1000).x[1], 1000);
	(void)token_init(rec, CHALLENGE2);
	LEAVE_UNLESS(token_fetch(rec, &second));
	EXPECT(token_equal(&first, &second));
}

/* Each in the token as often as RSI_MEASUREMENT_READ gives it. */
static void expect_measurement(struct rig_rec *rec, const struct token *token, uint64_t index)
{
	struct call result = hand_smc(rec, RSI_MEASUREMENT_READ, index);

	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT(token_holds(token, &result.x[1], HASH_SIZE));
}

CASE(tokens_hold_challenge_and_measurements, "TOKEN.claims")
{
	struct rig_realm *realm = token_realm(1);
	struct rig_rec *rec = &realm->recs[0];
	uint64_t challenge[CHALLENGE_WORDS];

	for (uint64_t n = 0; n < CHALLENGE_WORDS; n++) {
		challenge[n] = CHALLENGE + n;
	}
	for (uint64_t index = 1; index <= 4U; index++) {
		(void)hand_smc(rec, RSI_MEASUREMENT_EXTEND, index, 8, CHALLENGE2 + index);
	}
	(void)token_init(rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(rec, &first));
	EXPECT(token_holds(&first, challenge, sizeof(challenge)));
	for (uint64_t index = 0; index <= 4U; index++) {
		expect_measurement(rec, &first, index);
	}
}

CASE(tokens_hold_the_personalization_value, "TOKEN.rpv")
{
	struct rig_realm *realm = realm_prepare();
	struct rig_rec *rec = &realm->recs[0];
	uint8_t rpv[64];

	for (size_t n = 0; n < sizeof(rpv); n++) {
		rpv[n] = (uint8_t)(0xFFU - n);
	}
	memcpy(realm->params->rpv, rpv, sizeof(rpv));
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
	hand_load(realm);
	(void)hand_rec(realm);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT_EQ(realm_data_unknown(realm, TOKEN_BUFFER(rec)), RMI_SUCCESS);
	(void)token_init(rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(rec, &first));
	EXPECT(token_holds(&first, rpv, sizeof(rpv)));
}
