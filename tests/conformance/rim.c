/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/string.h>

#include "call.h"
#include "hand_order.h"
#include "rim.h"
#include "tap.h"

struct rim rim_read(struct rig_rec *rec)
{
	struct call result = hand_smc(rec, RSI_MEASUREMENT_READ, 0);
	struct rim rim;

	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	memcpy(rim.word, &result.x[1], sizeof(rim.word));
	return rim;
}

struct rim rim_of(params_step *set, realm_step *build)
{
	struct rig_realm *realm = realm_prepare();
	struct rim none = { { 0 } };

	if (set != NULL) {
		set(realm->params);
	}
	if (!EXPECT_EQ(realm_create(realm), RMI_SUCCESS)) {
		return none;
	}
	hand_load(realm);
	(void)hand_rec(realm);
	if (build != NULL) {
		build(realm);
	}
	if (!EXPECT_EQ(realm_activate(realm), RMI_SUCCESS) || !hand_begin(&realm->recs[0])) {
		return none;
	}
	return rim_read(&realm->recs[0]);
}

bool rim_equal(struct rim a, struct rim b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}
