/* SPDX-License-Identifier: BSD-3-Clause */
/* V0 to V31, FPCR and FPSR: those of the host are its own, and those of a REC are its own. */
#include <abi/gic.h>
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "gic.h"
#include "pe.h"
#include "stop.h"
#include "tap.h"
#include "vector.h"

#define HOSTS	 UINT64_C(0x1111222233334444)
#define OTHERS	 UINT64_C(0x5555666677778888)
#define REALMS	 UINT64_C(0x9999AAAABBBBCCCC)
#define SOON	 UINT64_C(20000000)
#define LONG	 UINT64_C(500000000)
#define OTHER_PE 1U

static uint64_t sum_of(uint64_t word)
{
	vector_fill(word);
	return vector_sum();
}

static uint64_t realms_sum(struct rig_rec *rec)
{
	return hand_do(rec, HAND_SUM).gprs[1];
}

CASE(the_hosts_vectors_survive_a_realm_that_uses_none, "VECTOR.host")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t own = sum_of(HOSTS);

	(void)hand_do(rec, HAND_GET, HAND_REG_CURRENTEL);
	EXPECT_EQ(vector_sum(), own);
}

CASE(the_hosts_vectors_survive_a_realm_that_writes_all, "VECTOR.host")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t own = sum_of(HOSTS);

	(void)hand_do(rec, HAND_FILL, REALMS);
	EXPECT_EQ(vector_sum(), own);
	(void)realms_sum(rec);
	EXPECT_EQ(vector_sum(), own);
}

CASE(a_realm_starts_with_vectors_of_zero, "VECTOR.blind")
{
	struct rig_rec *rec = stop_rec(1);

	vector_fill(HOSTS);
	EXPECT_EQ(realms_sum(rec), 0);
}

CASE(a_realms_vectors_survive_exits, "VECTOR.realm")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t realms = sum_of(REALMS);

	vector_fill(HOSTS);
	(void)hand_do(rec, HAND_FILL, REALMS);
	for (unsigned int n = 0; n < 3U; n++) {
		vector_fill(OTHERS + n);
		EXPECT_EQ(realms_sum(rec), realms);
		(void)hand_do(rec, HAND_GET, HAND_REG_CURRENTEL);
	}
}

CASE(a_realms_vectors_survive_an_interrupt, "VECTOR.realm VECTOR.host")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t realms = sum_of(REALMS);
	uint64_t own;

	(void)hand_do(rec, HAND_FILL, REALMS);
	own = sum_of(HOSTS);
	gic_alarm(SOON);
	EXPECT(!hand_order(rec, HAND_SPIN, LONG).done);
	(void)gic_drain();
	EXPECT_EQ(vector_sum(), own);
	EXPECT(hand_resume(rec).done);
	EXPECT_EQ(realms_sum(rec), realms);
	EXPECT_EQ(vector_sum(), own);
}

CASE(two_realms_have_each_their_vectors, "VECTOR.realm")
{
	struct rig_rec *one = stop_rec(1);
	struct rig_rec *two = stop_rec(1);
	uint64_t ones = sum_of(REALMS);
	uint64_t twos = sum_of(OTHERS);

	(void)hand_do(one, HAND_FILL, REALMS);
	(void)hand_do(two, HAND_FILL, OTHERS);
	EXPECT_EQ(realms_sum(one), ones);
	EXPECT_EQ(realms_sum(two), twos);
}

static uint64_t sum_there;
static uint64_t hosts_there;

static void look_there(void *rec)
{
	vector_fill(OTHERS);
	sum_there = realms_sum((struct rig_rec *)rec);
	hosts_there = vector_sum();
}

CASE(a_realms_vectors_follow_its_rec_to_another_pe, "VECTOR.migration VECTOR.host")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t realms = sum_of(REALMS);
	uint64_t others = sum_of(OTHERS);

	(void)hand_do(rec, HAND_FILL, REALMS);
	pe_send(OTHER_PE, look_there, rec);
	pe_join(OTHER_PE);
	EXPECT_EQ(sum_there, realms);
	EXPECT_EQ(hosts_there, others);
}

CASE(the_rmms_own_vector_code_leaves_the_hosts_alone, "VECTOR.rmm")
{
	uint64_t own = sum_of(HOSTS);

	/* Measures, which hashes. */
	(void)hand_realm(1);
	EXPECT_EQ(vector_sum(), own);
}

CASE(the_rmms_own_vector_code_leaves_the_realms_alone, "VECTOR.rmm")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t realms = sum_of(REALMS);

	(void)hand_do(rec, HAND_FILL, REALMS);
	EXPECT_EQ(hand_smc(rec, RSI_MEASUREMENT_EXTEND, 1, 64, 1, 2, 3, 4, 5, 6, 7, 8).x[0],
		  RSI_SUCCESS);
	EXPECT_EQ(realms_sum(rec), realms);
}
