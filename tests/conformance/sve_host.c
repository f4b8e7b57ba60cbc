/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host finds in its vector registers behind a command. */
#include <abi/rmi.h>
#include <abi/smccc.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "stop.h"
#include "sve.h"
#include "sve_rec.h"
#include "tap.h"

#define HOST_SEED  UINT64_C(0x4057)
#define REALM_SEED UINT64_C(0x4EA1)
#define HOST_ZCR   UINT64_C(5)
#define V_SIZE	   16U
#define PFR1_SME   (UINT64_C(0xF) << 24)
#define CPTR_TSM   (UINT64_C(1) << 12)
#define SVCR_SM	   UINT64_C(1)
#define SMCR_LEN   UINT64_C(1)

static const uint8_t lengths[] = { 15, 0, 6 };

/* All that SVE has, one register after the other. */
struct snapshot {
	_Alignas(16) uint8_t z[SVE_VECTORS][SVE_SIZE_MAX];
	_Alignas(16) uint8_t p[SVE_PREDICATES + 1U][SVE_SIZE_MAX / 8U];
};

static struct snapshot before, after;

static void take_snapshot_but_ffr(struct snapshot *to)
{
	memset(to, 0, sizeof(*to));
	for (uint32_t n = 0; n < SVE_VECTORS; n++) {
		sve_get_z(n, to->z[n]);
	}
	for (uint32_t n = 0; n < SVE_PREDICATES; n++) {
		sve_get_p(n, to->p[n]);
	}
}

static void take_snapshot(struct snapshot *to)
{
	take_snapshot_but_ffr(to);
	sve_get_ffr(to->p[SVE_PREDICATES]);
}

/* Byte for byte, for a PE may drop only what is beyond the length that the host had chosen. */
static bool own_or_zero(const uint8_t *found, const uint8_t *own, size_t size)
{
	for (size_t n = 0; n < size; n++) {
		if (found[n] != 0U && found[n] != own[n]) {
			return false;
		}
	}
	return true;
}

/* The low 128 bits are the host's own, the rest of each register too, or zero. */
static bool nothing_foreign(void)
{
	for (uint32_t n = 0; n < SVE_VECTORS; n++) {
		if (memcmp(after.z[n], before.z[n], V_SIZE) != 0 ||
		    !own_or_zero(after.z[n], before.z[n], sizeof(after.z[n]))) {
			tap_fail("Z%u is not the host's", (unsigned int)n);
			return false;
		}
	}
	for (uint32_t n = 0; n <= SVE_PREDICATES; n++) {
		if (!own_or_zero(after.p[n], before.p[n], sizeof(after.p[n]))) {
			tap_fail("P%u (16: FFR) is not the host's", (unsigned int)n);
			return false;
		}
	}
	return true;
}

/* The host finds its own after an order to a realm, at each length that it may choose. */
static void expect_kept(struct rig_rec *rec, const uint64_t *order, size_t count)
{
	for (size_t n = 0; n < sizeof(lengths) && !tap_failed(); n++) {
		uint64_t sum;

		vectors_host(lengths[n]);
		write_sysreg(ZCR_EL1, HOST_ZCR);
		sve_fill(HOST_SEED + n);
		sum = sve_sum();
		(void)hand_do_with(rec, order, count);
		EXPECT_EQ(read_sysreg(ZCR_EL2), lengths[n]);
		EXPECT_EQ(read_sysreg(ZCR_EL1), HOST_ZCR);
		EXPECT_EQ(sve_sum(), sum);
	}
}

CASE(the_host_keeps_its_vectors_over_a_realm_with_sve, "SVE.host_kept")
{
	LEAVE_UNLESS(vectors_offered());
	expect_kept(vectors_rec(vectors_max()), RIG_WORDS(HAND_SVE_FILL, REALM_SEED));
}

CASE(the_host_keeps_its_vectors_over_a_realm_with_shorter_ones, "SVE.host_kept")
{
	LEAVE_UNLESS(vectors_offered());
	expect_kept(vectors_rec(0), RIG_WORDS(HAND_SVE_FILL, REALM_SEED));
}

CASE(the_host_keeps_its_vectors_over_a_realm_that_has_no_sve, "SVE.host_kept")
{
	LEAVE_UNLESS(vectors_offered());
	expect_kept(stop_rec(1), RIG_WORDS(HAND_FILL, REALM_SEED));
}

CASE(the_host_keeps_its_vectors_over_a_realm_that_uses_none, "SVE.host_kept")
{
	LEAVE_UNLESS(vectors_offered());
	expect_kept(vectors_rec(vectors_max()), RIG_WORDS(HAND_SPIN, 1));
}

CASE(the_host_keeps_its_vectors_over_commands_that_measure, "SVE.host_kept_rmi")
{
	struct rig_realm *realm;
	uint64_t sum;

	LEAVE_UNLESS(vectors_offered());
	vectors_host(VECTORS_ZCR_MAX);
	sve_fill(HOST_SEED);
	sum = sve_sum();
	realm = realm_make();
	EXPECT_EQ(sve_sum(), sum);
	hand_load(realm);
	EXPECT_EQ(sve_sum(), sum);
	(void)hand_rec(realm);
	EXPECT_EQ(sve_sum(), sum);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(sve_sum(), sum);
	EXPECT_EQ(read_sysreg(ZCR_EL2), VECTORS_ZCR_MAX);
}

static void fill_in_realm_with_hint(struct rig_rec *rec)
{
	rec->run->enter.gprs[0] = HAND_SVE_FILL;
	rec->run->enter.gprs[1] = REALM_SEED;
	EXPECT_EQ(rmi_status(RMI_REC_ENTER | SMCCC_FID_SVE_HINT, rec->pa, (uintptr_t)rec->run),
		  RMI_SUCCESS);
	EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
}

CASE(with_the_hint_the_host_finds_nothing_of_the_realms, "SVE.host_hint")
{
	struct rig_rec *rec;

	LEAVE_UNLESS(vectors_offered());
	rec = vectors_rec(vectors_max());
	for (size_t n = 0; n < sizeof(lengths) && !tap_failed(); n++) {
		vectors_host(VECTORS_ZCR_MAX);
		sve_fill(HOST_SEED);
		take_snapshot(&before);
		vectors_host(lengths[n]);
		fill_in_realm_with_hint(rec);
		EXPECT_EQ(read_sysreg(ZCR_EL2), lengths[n]);
		vectors_host(VECTORS_ZCR_MAX);
		take_snapshot(&after);
		EXPECT(nothing_foreign());
		EXPECT(vectors_hold(rec, REALM_SEED, vectors_max()));
	}
}

CASE(a_host_that_narrowed_its_vectors_finds_nothing_foreign, "SVE.host_narrow")
{
	LEAVE_UNLESS(vectors_offered());
	vectors_host(VECTORS_ZCR_MAX);
	sve_fill(HOST_SEED);
	take_snapshot(&before);
	vectors_host(0);
	vectors_fill(vectors_rec(vectors_max()), REALM_SEED);
	vectors_host(VECTORS_ZCR_MAX);
	take_snapshot(&after);
	EXPECT(nothing_foreign());
}

/* FFR does not exist in streaming mode. */
static void start_streaming(void)
{
	static struct snapshot pattern;

	vectors_host(HOST_ZCR);
	write_sysreg(CPTR_EL2, read_sysreg(CPTR_EL2) & ~CPTR_TSM);
	isb();
	write_sysreg(SMCR_EL2, SMCR_LEN);
	isb();
	write_sysreg(SVCR, SVCR_SM);
	for (size_t n = 0; n < sizeof(pattern); n++) {
		((uint8_t *)&pattern)[n] = (uint8_t)(n * 7U + 1U);
	}
	for (uint32_t n = 0; n < SVE_VECTORS; n++) {
		sve_put_z(n, pattern.z[n]);
	}
	for (uint32_t n = 0; n < SVE_PREDICATES; n++) {
		sve_put_p(n, pattern.p[n]);
	}
	take_snapshot_but_ffr(&before);
}

static void stop_streaming(void)
{
	take_snapshot_but_ffr(&after);
	EXPECT(memcmp(&before, &after, sizeof(before)) == 0);
	EXPECT_EQ(read_sysreg(SVCR), SVCR_SM);
	EXPECT_EQ(read_sysreg(SMCR_EL2), SMCR_LEN);
	EXPECT_EQ(read_sysreg(ZCR_EL2), HOST_ZCR);
	write_sysreg(SVCR, 0);
}

static bool pe_has_sme(void)
{
	bool has = (read_sysreg(ID_AA64PFR1_EL1) & PFR1_SME) != 0U;

	if (!has) {
		tap_note("this PE has no SME");
	}
	return has && vectors_offered();
}

CASE(a_host_in_streaming_mode_keeps_its_vectors_over_realms, "SVE.host_streams")
{
	struct rig_rec *wide;
	struct rig_rec *plain;

	LEAVE_UNLESS(pe_has_sme());
	wide = vectors_rec(vectors_max());
	plain = stop_rec(1);
	start_streaming();
	vectors_fill(wide, REALM_SEED);
	EXPECT(vectors_hold(wide, REALM_SEED, vectors_max()));
	EXPECT_EQ(hand_do(plain, HAND_FILL, REALM_SEED).gprs[HAND_FAULTS], 0);
	fill_in_realm_with_hint(wide);
	stop_streaming();
}

CASE(a_host_in_streaming_mode_keeps_its_vectors_over_measuring, "SVE.host_streams")
{
	struct rig_realm *realm;

	LEAVE_UNLESS(pe_has_sme());
	start_streaming();
	realm = hand_realm(1);
	EXPECT(hand_begin(&realm->recs[0]));
	stop_streaming();
}
