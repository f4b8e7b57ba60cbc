/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose values the vector registers hold, and SVE in realms. */
#include "cpu_features.h"
#include "pe.h"
#include "rmm_fixture.h"

#define HOST_ZCR_EL1 UINT64_C(4)
#define HOST_ZCR_EL2 UINT64_C(2)
#define AUX(n)	     PAGE(600 + (n))
#define OTHER_RD     PAGE(40)
#define OTHER_REC    PAGE(41)
#define OTHER_ROOTS  PAGE(44)

static const struct fake_vectors host = { 0x1111, 0x2222, 0x3333 };
static struct fake_vectors wanted; /* what the realm finds */
static struct fake_vectors left;   /* what it leaves */
static uint64_t trap;		   /* of the realm's first instruction; 0 for none */
static unsigned int runs;
static bool found;

/* Uses the vector registers, then takes an IRQ. */
static enum realm_vector use_vectors(uint64_t gprs[RMI_GPRS])
{
	(void)gprs;
	if (trap != 0U && runs++ == 0U) {
		write_sysreg(ESR_EL2, ESR_EC(trap) | ESR_IL);
		return REALM_VECTOR_SYNC;
	}
	found = memcmp(&fake_vectors, &wanted, sizeof(wanted)) == 0;
	fake_vectors = left;
	return REALM_VECTOR_IRQ;
}

static void run(uint64_t rec, uint64_t hint, struct fake_vectors wants, struct fake_vectors leaves)
{
	wanted = wants;
	left = leaves;
	trap = EC_SVE;
	runs = 0;
	found = false;
	fake_realm = use_vectors;
	(void)rmi(RMI_REC_ENTER | hint, rec, RUN, 0, 0, 0);
}

static void create_sve_realm(uint64_t rd, uint64_t roots, uint16_t vmid, uint8_t vl)
{
	struct rmi_realm_params *params = realm_params();

	(void)delegate(rd);
	for (unsigned int n = 0; n < ROOT_COUNT; n++) {
		(void)delegate(roots + n * GRANULE_SIZE);
	}
	params->flags = RMI_REALM_FLAG_SVE_MASK;
	params->sve_vl = vl;
	params->rtt_base = roots;
	params->vmid = vmid;
	(void)rmi(RMI_REALM_CREATE, rd, PARAMS, 0, 0, 0);
}

static uint64_t create_rec(uint64_t rd, uint64_t rec, unsigned int first_aux)
{
	struct rmi_rec_params *params = rec_params();

	(void)delegate(rec);
	(void)rmi(RMI_REC_AUX_COUNT, rd, 0, 0, 0, 0);
	params->num_aux = regs.x[1];
	for (unsigned int n = 0; n < params->num_aux; n++) {
		params->aux[n] = AUX(first_aux + n);
		(void)delegate(AUX(first_aux + n));
	}
	return rmi(RMI_REC_CREATE, rd, rec, PARAMS, 0, 0);
}

/* A running host, and a realm of vectors of `vl` with one REC. */
static void start_sve(uint8_t vl)
{
	fake_reset();
	create_sve_realm(RD, ROOTS, 1, vl);
	(void)create_rec(RD, REC, 0);
	(void)rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0);
	fake_vectors = host;
	write_sysreg(ZCR_EL1, HOST_ZCR_EL1);
	write_sysreg(ZCR_EL2, HOST_ZCR_EL2);
}

static bool host_is_as_before(void)
{
	return memcmp(&fake_vectors, &host, sizeof(host)) == 0 &&
	       read_sysreg(ZCR_EL1) == HOST_ZCR_EL1 && read_sysreg(ZCR_EL2) == HOST_ZCR_EL2 &&
	       pe_this()->fp.holder == FP_HOST;
}

static void vectors_need_a_granule_or_two(void)
{
	static const struct {
		uint8_t vl;
		uint64_t count;
	} lengths[] = { { 0, 2 }, { 1, 2 }, { 7, 2 }, { 8, 3 }, { 15, 3 } };

	start_realm();
	EXPECT_EQ(rmi(RMI_REC_AUX_COUNT, RD, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], 2);
	for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
		fake_reset();
		create_sve_realm(RD, ROOTS, 1, lengths[n].vl);
		EXPECT_EQ(rmi(RMI_REC_AUX_COUNT, RD, 0, 0, 0, 0), RMI_SUCCESS);
		EXPECT_EQ(regs.x[1], lengths[n].count);
	}
}

static void a_rec_takes_its_auxiliary_granules_in_any_order_but_none_twice(void)
{
	static const uint64_t aliases[][3] = {
		{ AUX(0), AUX(1), AUX(1) }, { AUX(0), AUX(1), AUX(0) }, { REC, AUX(0), AUX(1) },
		{ AUX(0), AUX(1), REC },    { AUX(0), RD, AUX(1) },	{ AUX(0), AUX(1), 0 },
	};
	struct rmi_rec_params *params;

	start();
	create_sve_realm(RD, ROOTS, 1, SVE_MAX_VL);
	params = rec_params();
	params->num_aux = 3;
	for (unsigned int n = 0; n < 3U; n++) {
		(void)delegate(AUX(n));
	}
	for (size_t n = 0; n < sizeof(aliases) / sizeof(aliases[0]); n++) {
		memcpy(params->aux, aliases[n], sizeof(aliases[n]));
		EXPECT_EQ(rmi(RMI_REC_CREATE, RD, REC, PARAMS, 0, 0), RMI_ERROR_INPUT);
		EXPECT(granule_is(pa_make(REC), GRANULE_DELEGATED));
		EXPECT(granule_is(pa_make(AUX(0)), GRANULE_DELEGATED));
		EXPECT(granule_is(pa_make(AUX(1)), GRANULE_DELEGATED));
	}
	params->aux[0] = AUX(2);
	params->aux[1] = AUX(0);
	params->aux[2] = AUX(1);
	params->num_aux = 2;
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, REC, PARAMS, 0, 0), RMI_ERROR_INPUT);
	params->num_aux = 17;
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, REC, PARAMS, 0, 0), RMI_ERROR_INPUT);
	params->num_aux = 3;
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, REC, PARAMS, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC, 0, 0, 0, 0), RMI_SUCCESS);
	for (unsigned int n = 0; n < 3U; n++) {
		EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, AUX(n), 0, 0, 0, 0), RMI_SUCCESS);
	}
}

static void longer_vectors_than_the_pe_has_are_refused(void)
{
	fake_reset();
	create_sve_realm(RD, ROOTS, 1, SVE_MAX_VL + 1U);
	EXPECT_EQ(regs.x[0], RMI_ERROR_INPUT);
	create_sve_realm(RD, ROOTS, 1, SVE_MAX_VL);
	EXPECT_EQ(regs.x[0], RMI_SUCCESS);
}

static void a_pe_without_sve_offers_none(void)
{
	const char *missing;

	fake_reset();
	write_sysreg(ID_AA64PFR0_EL1, UINT64_C(0x1311001021112222));
	EXPECT(cpu_features_probe(&missing));
	EXPECT_EQ(cpu_features_rmi() & (RMI_FEATURE0_SVE_EN_MASK | RMI_FEATURE0_SVE_VL_MASK), 0);
	create_sve_realm(RD, ROOTS, 1, 0);
	EXPECT_EQ(regs.x[0], RMI_ERROR_INPUT);
}

static void a_realm_begins_with_zeros_and_keeps_what_it_writes(void)
{
	const struct fake_vectors nothing = { 0, 0, 0 };
	const struct fake_vectors own = { 0x77, 0x88, 0x99 };

	start_sve(SVE_MAX_VL);
	run(REC, 0, nothing, own);
	EXPECT(found);
	EXPECT(host_is_as_before());
	run(REC, 0, own, own);
	EXPECT(found);
	EXPECT(host_is_as_before());
}

static void realms_of_different_lengths_keep_theirs_on_one_pe(void)
{
	const struct fake_vectors nothing = { 0, 0, 0 };
	const struct fake_vectors first = { 1, 2, 3 };
	const struct fake_vectors second = { 4, 5, 6 };

	start_sve(3);
	create_sve_realm(OTHER_RD, OTHER_ROOTS, 2, SVE_MAX_VL);
	EXPECT_EQ(create_rec(OTHER_RD, OTHER_REC, 3), RMI_SUCCESS);
	(void)rmi(RMI_REALM_ACTIVATE, OTHER_RD, 0, 0, 0, 0);
	run(REC, 0, nothing, first);
	run(OTHER_REC, 0, nothing, second);
	EXPECT(found);
	run(REC, 0, first, first);
	EXPECT(found);
	run(OTHER_REC, 0, second, second);
	EXPECT(found);
	EXPECT(host_is_as_before());
}

static void a_host_that_gives_the_hint_finds_nothing_of_the_realms(void)
{
	const struct fake_vectors nothing = { 0, 0, 0 };
	const struct fake_vectors own = { 0x77, 0x88, 0x99 };

	start_sve(SVE_MAX_VL);
	run(REC, SMCCC_FID_SVE_HINT, nothing, own);
	EXPECT_EQ(fake_vectors.v, host.v);
	EXPECT_EQ(fake_vectors.upper, 0);
	EXPECT_EQ(fake_vectors.predicates, 0);
	EXPECT_EQ(read_sysreg(ZCR_EL2), HOST_ZCR_EL2);
	EXPECT_EQ(read_sysreg(ZCR_EL1), HOST_ZCR_EL1);
}

static enum realm_vector idle(uint64_t gprs[RMI_GPRS])
{
	(void)gprs;
	found = (read_sysreg(CPTR_EL2) & (CPTR_TFP | CPTR_TZ)) == (CPTR_TFP | CPTR_TZ);
	fake_vectors.upper++;
	return REALM_VECTOR_IRQ;
}

static void nothing_moves_unless_the_realm_uses_it(void)
{
	start_sve(SVE_MAX_VL);
	fake_realm = idle;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT(found);
	/* What the fake realm could not have done was not undone. */
	EXPECT_EQ(fake_vectors.upper, host.upper + 1U);
}

static void hashing_leaves_the_hosts_as_they_were(void)
{
	start_realm();
	fake_vectors = host;
	write_sysreg(ZCR_EL1, HOST_ZCR_EL1);
	write_sysreg(ZCR_EL2, HOST_ZCR_EL2);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + BLOCK, 0, 0), RMI_SUCCESS);
	EXPECT(host_is_as_before());
}

static enum realm_vector extend_amid_vectors(uint64_t gprs[RMI_GPRS])
{
	switch (runs++) {
	case 0:
	case 2:
		write_sysreg(ESR_EL2, ESR_EC(EC_SVE) | ESR_IL);
		return REALM_VECTOR_SYNC;
	case 1:
		fake_vectors = left;
		gprs[0] = RSI_MEASUREMENT_EXTEND;
		gprs[1] = 1;
		gprs[2] = 32;
		write_sysreg(ESR_EL2, ESR_EC(EC_SMC64));
		return REALM_VECTOR_SYNC;
	default:
		found = memcmp(&fake_vectors, &left, sizeof(left)) == 0;
		return REALM_VECTOR_IRQ;
	}
}

static void hashing_leaves_the_realms_as_they_were(void)
{
	start_sve(SVE_MAX_VL);
	left = (struct fake_vectors){ 0x77, 0x88, 0x99 };
	runs = 0;
	fake_realm = extend_amid_vectors;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(runs, 4);
	EXPECT(found);
	EXPECT(host_is_as_before());
}

static enum realm_vector note_mode(uint64_t gprs[RMI_GPRS])
{
	(void)gprs;
	found = (read_sysreg(SVCR) & SVCR_SM) == 0U;
	return REALM_VECTOR_IRQ;
}

static void a_host_in_streaming_mode_finds_itself_there_again(void)
{
	const char *missing;

	start_sve(SVE_MAX_VL);
	write_sysreg(ID_AA64PFR1_EL1, read_sysreg(ID_AA64PFR1_EL1) | UINT64_C(1) << 24);
	EXPECT(cpu_features_probe(&missing));
	write_sysreg(SVCR, SVCR_SM | 2U);
	write_sysreg(SMCR_EL2, 1);
	fake_realm = note_mode;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT(found);
	EXPECT_EQ(read_sysreg(SVCR), SVCR_SM | 2U);
	EXPECT_EQ(read_sysreg(SMCR_EL2), 1);
	EXPECT(host_is_as_before());
}

static void sve_is_undefined_in_a_realm_without(void)
{
	start_active();
	((struct rec *)fake_memory(REC))->shared.VBAR_EL1_ = 0x40000;
	fake_vectors = host;
	run(REC, 0, host, host);
	EXPECT_EQ(((struct rec *)fake_memory(REC))->shared.ESR_EL1_, ESR_EC(EC_UNKNOWN) | ESR_IL);
	EXPECT_EQ(((struct rec *)fake_memory(REC))->pc, 0x40200);
}

static const struct tap_case cases[] = {
	TAP_CASE(vectors_need_a_granule_or_two),
	TAP_CASE(a_rec_takes_its_auxiliary_granules_in_any_order_but_none_twice),
	TAP_CASE(longer_vectors_than_the_pe_has_are_refused),
	TAP_CASE(a_pe_without_sve_offers_none),
	TAP_CASE(a_realm_begins_with_zeros_and_keeps_what_it_writes),
	TAP_CASE(realms_of_different_lengths_keep_theirs_on_one_pe),
	TAP_CASE(a_host_that_gives_the_hint_finds_nothing_of_the_realms),
	TAP_CASE(nothing_moves_unless_the_realm_uses_it),
	TAP_CASE(hashing_leaves_the_hosts_as_they_were),
	TAP_CASE(hashing_leaves_the_realms_as_they_were),
	TAP_CASE(a_host_in_streaming_mode_finds_itself_there_again),
	TAP_CASE(sve_is_undefined_in_a_realm_without),
};

TAP_MAIN(cases)
