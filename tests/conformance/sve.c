/* SPDX-License-Identifier: BSD-3-Clause */
/* SVE as a realm sees it; the host's side is in sve_host.c. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <arch/sysreg.h>

#include "call.h"
#include "code.h"
#include "gic.h"
#include "granules.h"
#include "pe.h"
#include "stop.h"
#include "sve.h"
#include "sve_rec.h"
#include "tap.h"

#define PFR0_SVE      (UINT64_C(0xF) << 32)
#define PFR1_SME      (UINT64_C(0xF) << 24)
#define HOST_SEED     UINT64_C(0x4057)
#define REALM_SEED    UINT64_C(0x4EA1)
#define OTHER_SEED    UINT64_C(0x07E4)
#define OTHER_PE      2U
#define MEASURED_SIZE 32U
#define CPACR_ALL     UINT64_C(0x3330000) /* FPEN, ZEN, SMEN */
#define SOON	      UINT64_C(20000000)  /* ticks of the counter */
#define LONG	      UINT64_C(500000000)

CODE(read_length, "rdvl x0, #1");
CODE(read_zcr, "mrs x0, s3_0_c1_c2_0");
CODE(read_ffr, "rdffr p0.b");
CODE(read_svcr, "mrs x0, s3_3_c4_c2_2");
CODE(start_sme, "smstart");
CODE(read_smfr0, "mrs x0, s3_0_c0_c4_5");

static uint64_t read_register(struct rig_rec *rec, uint64_t number)
{
	return hand_do(rec, HAND_GET, number).gprs[1];
}

CASE(features_tell_the_longest_vectors_of_the_host, "SVE.features")
{
	LEAVE_UNLESS(vectors_offered());
	vectors_host(VECTORS_ZCR_MAX);
	EXPECT_EQ(vectors_size(vectors_max()), sve_size());
}

CASE(a_realm_has_the_vector_length_that_was_negotiated, "SVE.length")
{
	LEAVE_UNLESS(vectors_offered());
	for (uint8_t vl = 0; vl <= vectors_max() && !tap_failed(); vl++) {
		struct rig_rec *rec = vectors_rec(vl);

		EXPECT_EQ(hand_run(rec, read_length, 0).gprs[1], vectors_size(vl));
		vectors_enable(rec, 0);
		EXPECT_EQ(hand_run(rec, read_length, 0).gprs[1], vectors_size(0));
		EXPECT_EQ(hand_run(rec, read_zcr, 0).gprs[1], 0);
		realms_reset();
		EXPECT(granules_reset());
	}
}

CASE(a_rec_begins_with_empty_vectors, "SVE.reset")
{
	struct outcome outcome;

	LEAVE_UNLESS(vectors_offered());
	vectors_host(VECTORS_ZCR_MAX);
	sve_fill(HOST_SEED);
	outcome = hand_do(vectors_rec(vectors_max()), HAND_SVE_SUM);
	EXPECT_EQ(outcome.gprs[1], sve_sum_of_zeros(vectors_size(vectors_max())));
}

CASE(a_rec_keeps_its_vectors_over_exits_at_each_length, "SVE.realm_kept")
{
	LEAVE_UNLESS(vectors_offered());
	vectors_host(VECTORS_ZCR_MAX);
	for (uint8_t vl = 0; vl <= vectors_max() && !tap_failed(); vl++) {
		struct rig_rec *rec = vectors_rec(vl);

		vectors_fill(rec, REALM_SEED + vl);
		sve_fill(HOST_SEED);
		EXPECT(vectors_hold(rec, REALM_SEED + vl, vl));
		EXPECT(vectors_hold(rec, REALM_SEED + vl, vl));
		realms_reset();
		EXPECT(granules_reset());
	}
}

CASE(a_rec_keeps_its_vectors_over_an_interrupt, "SVE.realm_kept")
{
	struct rig_rec *rec;

	LEAVE_UNLESS(vectors_offered());
	vectors_host(VECTORS_ZCR_MAX);
	rec = vectors_rec(vectors_max());
	vectors_fill(rec, REALM_SEED);
	gic_alarm(SOON);
	EXPECT(!hand_order(rec, HAND_SPIN, LONG).done);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_IRQ);
	gic_alarm_off();
	(void)gic_drain();
	sve_fill(HOST_SEED);
	while (!hand_resume(rec).done && !tap_failed()) {
	}
	EXPECT(vectors_hold(rec, REALM_SEED, vectors_max()));
}

CASE(a_rec_keeps_the_length_that_it_chose, "SVE.realm_kept")
{
	struct rig_rec *rec;

	LEAVE_UNLESS(vectors_offered());
	rec = vectors_rec(vectors_max());
	vectors_enable(rec, 0);
	vectors_fill(rec, REALM_SEED);
	EXPECT_EQ(hand_run(rec, read_zcr, 0).gprs[1], 0);
	EXPECT(vectors_hold(rec, REALM_SEED, 0));
}

struct look {
	struct rig_rec *rec;
	uint64_t seed;
	uint8_t vl;
};

static void look_there(void *argument)
{
	const struct look *look = argument;

	(void)gic_drain();
	EXPECT(vectors_hold(look->rec, look->seed, look->vl));
	vectors_fill(look->rec, OTHER_SEED);
}

CASE(vectors_follow_their_rec_to_another_pe, "SVE.realm_migrates")
{
	struct look look = { .seed = REALM_SEED };

	LEAVE_UNLESS(vectors_offered());
	look.vl = vectors_max();
	look.rec = vectors_rec(look.vl);
	vectors_fill(look.rec, REALM_SEED);
	pe_send(OTHER_PE, look_there, &look);
	pe_join(OTHER_PE);
	EXPECT(vectors_hold(look.rec, OTHER_SEED, look.vl));
}

CASE(realms_of_different_vector_lengths_take_turns, "SVE.realms_apart")
{
	struct rig_rec *wide;
	struct rig_rec *narrow;
	struct rig_rec *plain;
	uint64_t sum;

	LEAVE_UNLESS(vectors_offered());
	wide = vectors_rec(vectors_max());
	narrow = vectors_rec(0);
	plain = &hand_realm(1)->recs[0];
	LEAVE_UNLESS(hand_begin(plain));
	(void)hand_do(plain, HAND_FILL, HOST_SEED);
	sum = hand_do(plain, HAND_SUM).gprs[1];
	for (uint64_t turn = 0; turn < 3U && !tap_failed(); turn++) {
		vectors_fill(wide, REALM_SEED + turn);
		vectors_fill(narrow, OTHER_SEED + turn);
		EXPECT_EQ(hand_do(plain, HAND_SUM).gprs[1], sum);
		EXPECT(vectors_hold(wide, REALM_SEED + turn, vectors_max()));
		EXPECT(vectors_hold(narrow, OTHER_SEED + turn, 0));
	}
}

CASE(a_rec_keeps_its_vectors_while_the_rmm_hashes, "SVE.realm_kept_rsi")
{
	struct rig_rec *rec;

	LEAVE_UNLESS(vectors_offered());
	rec = vectors_rec(vectors_max());
	vectors_fill(rec, REALM_SEED);
	EXPECT_EQ(hand_smc(rec, RSI_MEASUREMENT_EXTEND, 1, MEASURED_SIZE, 1, 2, 3, 4).x[0],
		  RSI_SUCCESS);
	EXPECT(vectors_hold(rec, REALM_SEED, vectors_max()));
	EXPECT_EQ(hand_smc(rec, RSI_ATTESTATION_TOKEN_INIT, 1, 2, 3, 4, 5, 6, 7, 8).x[0],
		  RSI_SUCCESS);
	EXPECT(vectors_hold(rec, REALM_SEED, vectors_max()));
}

CASE(sve_is_undefined_and_hidden_without_the_flag, "SVE.hidden")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	(void)hand_do(rec, HAND_SET, HAND_REG_CPACR_EL1, UINT64_C(0x330000));
	outcome = hand_run(rec, read_length, 0);
	EXPECT(took_exception(&outcome, ESR_UNKNOWN, VECTOR_SAME));
	outcome = hand_run(rec, read_ffr, 0);
	EXPECT(took_exception(&outcome, ESR_UNKNOWN, VECTOR_SAME));
	outcome = hand_run(rec, read_zcr, 0);
	EXPECT(took_exception(&outcome, ESR_UNKNOWN, VECTOR_SAME));
	EXPECT_EQ(read_register(rec, HAND_REG_ID_AA64PFR0_EL1) & PFR0_SVE, 0);
	EXPECT_EQ(read_register(rec, HAND_REG_ID_AA64ZFR0_EL1), 0);
}

CASE(sve_is_shown_with_the_flag, "SVE.shown")
{
	struct rig_rec *rec;

	LEAVE_UNLESS(vectors_offered());
	rec = vectors_rec(0);
	EXPECT_EQ(read_register(rec, HAND_REG_ID_AA64PFR0_EL1) & PFR0_SVE,
		  read_sysreg(ID_AA64PFR0_EL1) & PFR0_SVE);
	EXPECT_EQ(read_register(rec, HAND_REG_ID_AA64ZFR0_EL1), read_sysreg(ID_AA64ZFR0_EL1));
}

CASE(sme_is_undefined_and_hidden, "SVE.sme")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	(void)hand_do(rec, HAND_SET, HAND_REG_CPACR_EL1, CPACR_ALL);
	outcome = hand_run(rec, read_svcr, 0);
	EXPECT(took_exception(&outcome, ESR_UNKNOWN, VECTOR_SAME));
	outcome = hand_run(rec, start_sme, 0);
	EXPECT(took_exception(&outcome, ESR_UNKNOWN, VECTOR_SAME));
	EXPECT_EQ(read_register(rec, HAND_REG_ID_AA64PFR1_EL1) & PFR1_SME, 0);
	EXPECT_EQ(hand_run(rec, read_smfr0, 0).gprs[1], 0);
}
