/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <lib/bits.h>

#include "call.h"
#include "code.h"
#include "rig.h"
#include "sve.h"
#include "sve_rec.h"
#include "tap.h"

#define CPTR_EL2_TFP	   (UINT64_C(1) << 10)
#define CPTR_EL2_TZ	   (UINT64_C(1) << 8)
#define CPACR_EL1_FPEN_ZEN UINT64_C(0x330000)

CODE(set_zcr, "msr s3_0_c1_c2_0, x0; isb");

static uint64_t features(void)
{
	return rmi(RMI_FEATURES, 0).x[1];
}

bool vectors_offered(void)
{
	bool offered = (features() & RMI_FEATURE0_SVE_EN_MASK) != 0U;

	if (!offered) {
		tap_note("SVE is not offered");
	}
	return offered;
}

uint8_t vectors_max(void)
{
	return (uint8_t)field_get(features(), RMI_FEATURE0_SVE_VL_MASK);
}

void vectors_host(uint64_t vl)
{
	write_sysreg(CPTR_EL2, read_sysreg(CPTR_EL2) & ~(CPTR_EL2_TFP | CPTR_EL2_TZ));
	isb();
	write_sysreg(ZCR_EL2, vl);
	isb();
}

void vectors_enable(struct rig_rec *rec, uint64_t vl)
{
	(void)hand_do(rec, HAND_SET, HAND_REG_CPACR_EL1, CPACR_EL1_FPEN_ZEN);
	EXPECT_EQ(hand_run(rec, set_zcr, vl).gprs[HAND_FAULTS], 0);
}

struct rig_rec *vectors_rec(uint8_t vl)
{
	struct rig_realm *realm = realm_prepare();

	realm->params->flags = RMI_REALM_FLAG_SVE_MASK;
	realm->params->sve_vl = vl;
	if (realm_create(realm) != RMI_SUCCESS) {
		rig_give_up("no realm with vectors of length %u", vl);
	}
	hand_load(realm);
	(void)hand_rec(realm);
	if (realm_activate(realm) != RMI_SUCCESS || !hand_begin(&realm->recs[0])) {
		rig_give_up("a realm with SVE does not run");
	}
	vectors_enable(&realm->recs[0], VECTORS_ZCR_MAX);
	return &realm->recs[0];
}

void vectors_fill(struct rig_rec *rec, uint64_t seed)
{
	EXPECT_EQ(hand_do(rec, HAND_SVE_FILL, seed).gprs[HAND_FAULTS], 0);
}

bool vectors_hold(struct rig_rec *rec, uint64_t seed, uint64_t vl)
{
	struct outcome outcome = hand_do(rec, HAND_SVE_SUM);

	return EXPECT_EQ(outcome.gprs[HAND_FAULTS], 0) &&
	       EXPECT_EQ(outcome.gprs[2], vectors_size(vl)) &&
	       EXPECT_EQ(outcome.gprs[1], sve_sum_of(seed, vectors_size(vl)));
}
