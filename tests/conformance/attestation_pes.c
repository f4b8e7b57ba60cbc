/* SPDX-License-Identifier: BSD-3-Clause */
/* Attestation tokens under interrupts, on several PEs, and of several RECs. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "gic.h"
#include "pe.h"
#include "tap.h"
#include "token.h"

#define CHALLENGE	UINT64_C(0x0102030405060708)
#define ALARM_TICKS	UINT64_C(1000000) /* a millisecond; to sign takes several */
#define MANY_CALLS	1000U
#define ATTEMPTS	20U /* the emulator may be late with a timer, or with a realm */
#define ROUNDS		4U
#define OTHER_PE	1U
#define OUTCOME_STATUS	1U
#define OUTCOME_WRITTEN 2U

static struct token first, second, third;

/* One call under an alarm, and what it met. */
struct signing {
	struct rig_rec *rec;
	struct outcome outcome;
	unsigned int interrupts;
};

static void sign_under_alarm(void *argument)
{
	struct signing *signing = argument;
	struct rig_rec *rec = signing->rec;

	(void)gic_drain();
	gic_alarm(ALARM_TICKS);
	signing->outcome = hand_order(rec, HAND_SMC, RSI_ATTESTATION_TOKEN_CONTINUE,
				      TOKEN_BUFFER(rec), 0, GRANULE_SIZE);
	while (!signing->outcome.done && rec->run->exit.exit_reason == RMI_EXIT_IRQ) {
		signing->interrupts++;
		(void)gic_drain();
		signing->outcome = hand_resume(rec);
	}
	gic_alarm_off();
	(void)gic_drain();
}

/*
 * Signs with a host that interrupts all the time, by calls that `run` carries out in turn; counts
 * those that wrote nothing. Then the token is there.
 */
static unsigned int sign_with(struct signing *signing, struct token *token,
			      void (*run)(struct signing *signing, unsigned int turn))
{
	for (unsigned int turn = 0; turn < MANY_CALLS && !tap_failed(); turn++) {
		run(signing, turn);
		if (!EXPECT(signing->outcome.done)) {
			break;
		}
		if (signing->outcome.gprs[OUTCOME_WRITTEN] != 0U) {
			EXPECT_EQ(signing->outcome.gprs[OUTCOME_STATUS], RSI_SUCCESS);
			token->size = 0;
			token_add(signing->rec, token, 0, signing->outcome.gprs[OUTCOME_WRITTEN]);
			return turn;
		}
		EXPECT_EQ(signing->outcome.gprs[OUTCOME_STATUS], RSI_INCOMPLETE);
	}
	tap_fail("no token comes");
	return 0;
}

static void run_here(struct signing *signing, unsigned int turn)
{
	(void)turn;
	sign_under_alarm(signing);
}

static void run_on_two_pes(struct signing *signing, unsigned int turn)
{
	if (turn % 2U == 0U) {
		sign_under_alarm(signing);
	} else {
		pe_send(OTHER_PE, sign_under_alarm, signing);
		pe_join(OTHER_PE);
	}
}

static void expect_same_token_by(void (*run)(struct signing *signing, unsigned int turn))
{
	struct rig_realm *realm = token_realm(1);
	struct signing signing = { .rec = &realm->recs[0] };
	unsigned int turns = 0;

	(void)token_init(signing.rec, CHALLENGE);
	LEAVE_UNLESS(token_fetch(signing.rec, &first));
	for (unsigned int n = 0; n < ATTEMPTS && turns < 2U && !tap_failed(); n++) {
		signing.interrupts = 0;
		(void)token_init(signing.rec, CHALLENGE);
		turns = sign_with(&signing, &second, run);
		EXPECT(token_equal(&first, &second));
	}
	EXPECT(turns >= 2U);
	EXPECT(signing.interrupts > 0U);
}

CASE(interrupts_are_not_held_off_by_signing, "TOKEN_CONTINUE.interrupt")
{
	expect_same_token_by(run_here);
}

CASE(signing_goes_on_when_its_rec_moves, "TOKEN.migration TOKEN_CONTINUE.interrupt")
{
	expect_same_token_by(run_on_two_pes);
}

CASE(destroyed_recs_take_a_half_signed_token_with_them, "TOKEN.per_rec")
{
	struct rig_realm *realm = token_realm(1);
	struct signing signing = { .rec = &realm->recs[0] };
	struct rig_rec *rec = signing.rec;
	uint64_t value = 0;

	(void)token_init(rec, CHALLENGE);
	sign_under_alarm(&signing);
	EXPECT_EQ(rmi_status(RMI_REC_DESTROY, rec->pa), RMI_SUCCESS);
	for (uint64_t n = 0; n < rec->params->num_aux; n++) {
		EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, rec->params->aux[n]), RMI_SUCCESS);
		for (uint64_t at = 0; at < GRANULE_SIZE; at += sizeof(value)) {
			EXPECT(ns_read(rec->params->aux[n] + at, &value));
			EXPECT_EQ(value, 0);
		}
	}
}

/* A whole token, for the other PE. */
struct fetching {
	struct rig_rec *rec;
	struct token *token;
	uint64_t challenge;
	bool done;
};

static void fetch(void *argument)
{
	struct fetching *fetching = argument;

	fetching->done = token_init(fetching->rec, fetching->challenge).x[0] == RSI_SUCCESS &&
			 token_fetch(fetching->rec, fetching->token);
}

CASE(two_recs_sign_at_once, "TOKEN.per_rec TOKEN.deterministic")
{
	struct rig_realm *realm = token_realm(2);
	struct fetching here = { &realm->recs[0], &first, CHALLENGE, false };
	struct fetching there = { &realm->recs[1], &second, CHALLENGE + 0x100U, false };
	struct fetching alone = { &realm->recs[0], &third, CHALLENGE, false };

	for (unsigned int round = 0; round < ROUNDS && !tap_failed(); round++) {
		pe_send(OTHER_PE, fetch, &there);
		fetch(&here);
		pe_join(OTHER_PE);
		LEAVE_UNLESS(EXPECT(here.done && there.done));
		alone.challenge = here.challenge;
		fetch(&alone);
		EXPECT(alone.done && token_equal(&first, &third));
		alone.challenge = there.challenge;
		fetch(&alone);
		EXPECT(alone.done && token_equal(&second, &third));
		here.challenge++;
		there.challenge++;
	}
}

CASE(one_rec_does_not_end_the_generation_of_another, "TOKEN.per_rec")
{
	struct rig_realm *realm = token_realm(2);
	struct rig_rec *one = &realm->recs[0];
	struct rig_rec *other = &realm->recs[1];

	(void)token_init(one, CHALLENGE);
	EXPECT_EQ(token_continue(other, TOKEN_BUFFER(other), 0, 8).x[0], RSI_ERROR_STATE);
	(void)token_init(other, CHALLENGE + 0x100U);
	LEAVE_UNLESS(token_fetch(other, &second));
	LEAVE_UNLESS(token_fetch(one, &first));
	EXPECT(!token_equal(&first, &second));
	EXPECT_EQ(token_continue(one, TOKEN_BUFFER(one), 0, 8).x[0], RSI_ERROR_STATE);
}
