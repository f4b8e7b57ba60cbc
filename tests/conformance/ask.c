/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/string.h>

#include "ask.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

#define RESULTS		    4U
#define ESR_EC_SHIFT	    26U
#define EC_DATA_LOWER	    UINT64_C(0x24)
#define DFSC_TRANSLATION_L0 UINT64_C(0x04)
#define HPFAR_OF(ipa)	    ((ipa) >> 8 & ~UINT64_C(0xF))

static struct call asked[REALM_MAX_RECS];

static struct call *asked_by(const struct rig_rec *rec)
{
	return &asked[rec - rec->realm->recs];
}

struct rig_rec *asker(unsigned int recs)
{
	struct rig_realm *realm = hand_realm(recs);

	if (!hand_begin(&realm->recs[0])) {
		rig_give_up("the hand does not begin");
	}
	return &realm->recs[0];
}

bool ask_with(struct rig_rec *rec, uint8_t reason, const uint64_t *words, size_t count)
{
	uint64_t order[1U + CALL_REGS] = { HAND_SMC };
	struct call *before = asked_by(rec);
	struct outcome outcome;

	for (size_t n = 0; n < CALL_REGS; n++) {
		before->x[n] = n < count ? words[n] : call_fill(n);
		order[1U + n] = before->x[n];
	}
	outcome = hand_order_with(rec, order, 1U + CALL_REGS);
	while (!outcome.done && rec->run->exit.exit_reason == RMI_EXIT_IRQ && !tap_failed()) {
		outcome = hand_resume(rec);
	}
	if (outcome.done) {
		tap_fail("SMC 0x%lx of the realm came back with 0x%lx", (unsigned long)words[0],
			 (unsigned long)outcome.gprs[1]);
		return false;
	}
	return EXPECT_EQ(rec->run->exit.exit_reason, reason);
}

struct call ask_again(struct rig_rec *rec)
{
	const struct call *before = asked_by(rec);
	struct outcome outcome = hand_resume(rec);
	struct call after = { .clobbered = 0 };

	while (!outcome.done && rec->run->exit.exit_reason == RMI_EXIT_IRQ && !tap_failed()) {
		outcome = hand_resume(rec);
	}
	if (!EXPECT(outcome.done)) {
		return after;
	}
	memcpy(after.x, &outcome.gprs[1], sizeof(after.x));
	EXPECT_EQ(outcome.gprs[1U + CALL_REGS], 0);
	EXPECT_EQ(outcome.gprs[HAND_FAULTS], 0);
	for (size_t n = RESULTS; n < CALL_REGS; n++) {
		EXPECT_EQ(after.x[n], before->x[n]);
	}
	return after;
}

bool exit_is_missing(const struct rig_rec *rec, uint64_t ipa, unsigned int level)
{
	return EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC) &&
	       EXPECT_EQ(rec->run->exit.esr,
			 EC_DATA_LOWER << ESR_EC_SHIFT | (DFSC_TRANSLATION_L0 + level)) &&
	       EXPECT_EQ(rec->run->exit.far, 0) && EXPECT_EQ(rec->run->exit.hpfar, HPFAR_OF(ipa)) &&
	       EXPECT_EQ(rec->run->exit.gprs[0], 0);
}

bool exit_shows_no_more(const struct rig_rec *rec, unsigned int first)
{
	uint64_t any = rec->run->exit.esr | rec->run->exit.far | rec->run->exit.hpfar;

	for (unsigned int n = first; n < RMI_GPRS; n++) {
		any |= rec->run->exit.gprs[n];
	}
	return EXPECT_EQ(any, 0);
}

bool ripas_force(struct rig_rec *rec, uint64_t base, uint64_t top, uint64_t ripas)
{
	return ripas_change(rec, base, top, ripas, RSI_CHANGE_DESTROYED);
}
