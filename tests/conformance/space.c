/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "granules.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

uint64_t level_size(int level)
{
	return UINT64_C(1) << (GRANULE_SHIFT + 9U * (unsigned int)(PAGE_LEVEL - level));
}

struct rig_realm *realm_of_shape(unsigned int s2sz, int start_level, unsigned int roots)
{
	struct rig_realm *realm = realm_prepare();

	realm_shape(realm, s2sz, start_level, roots);
	if (realm_create(realm) != RMI_SUCCESS) {
		rig_give_up("no realm of %u bits from level %d with %u tables", s2sz, start_level,
			    roots);
	}
	return realm;
}

struct rig_realm *hand_realm_of_shape(unsigned int s2sz, int start_level, unsigned int roots)
{
	struct rig_realm *realm = realm_of_shape(s2sz, start_level, roots);

	hand_load(realm);
	(void)hand_rec(realm);
	if (realm_activate(realm) != RMI_SUCCESS || !hand_begin(&realm->recs[0])) {
		rig_give_up("the hand does not run in a realm of %u bits", s2sz);
	}
	return realm;
}

uint64_t realm_fill_block(struct rig_realm *realm, uint64_t ipa)
{
	uint64_t pa = granules_take_delegated(TABLE_ENTRIES, BLOCK_SIZE);
	uint64_t status = realm_tables(realm, ipa, PAGE_LEVEL);

	for (uint64_t at = 0; at < BLOCK_SIZE && status == RMI_SUCCESS; at += GRANULE_SIZE) {
		status = rmi_status(RMI_DATA_CREATE_UNKNOWN, realm->rd, pa + at, ipa + at);
	}
	if (status != RMI_SUCCESS) {
		rig_give_up("the memory of a block cannot be mapped");
	}
	return pa;
}

uint64_t realm_make_block(struct rig_realm *realm, uint64_t ipa)
{
	uint64_t pa = realm_fill_block(realm, ipa);

	if (rmi_status(RMI_RTT_FOLD, realm->rd, ipa, PAGE_LEVEL) != RMI_SUCCESS) {
		rig_give_up("no block can be made");
	}
	return pa;
}

bool entry_equal(const struct rig_realm *realm, uint64_t ipa, int at, struct rtt_entry wanted,
		 const char *file, int line)
{
	struct rtt_entry found = realm_entry(realm, ipa, at);

	return tap_equal(found.status, wanted.status, "status of the entry", file, line) &&
	       tap_equal(found.level, wanted.level, "level of the entry", file, line) &&
	       tap_equal(found.state, wanted.state, "state of the entry", file, line) &&
	       tap_equal(found.desc, wanted.desc, "desc of the entry", file, line) &&
	       tap_equal(found.ripas, wanted.ripas, "RIPAS of the entry", file, line);
}

uint64_t hand_read(struct rig_rec *rec, uint64_t ipa)
{
	struct outcome outcome = hand_do(rec, HAND_READ, ipa, sizeof(uint64_t));

	if (outcome.done && outcome.gprs[HAND_FAULTS] != 0U) {
		tap_fail("the realm faults at 0x%lx: ESR 0x%lx", (unsigned long)ipa,
			 (unsigned long)outcome.gprs[HAND_ESR]);
	}
	return outcome.gprs[1];
}

void hand_write(struct rig_rec *rec, uint64_t ipa, uint64_t value)
{
	struct outcome outcome = hand_do(rec, HAND_WRITE, ipa, sizeof(uint64_t), value);

	if (outcome.done && outcome.gprs[HAND_FAULTS] != 0U) {
		tap_fail("the realm faults at 0x%lx: ESR 0x%lx", (unsigned long)ipa,
			 (unsigned long)outcome.gprs[HAND_ESR]);
	}
}

bool ripas_ask(struct rig_rec *rec, uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags)
{
	struct outcome outcome =
		hand_order(rec, HAND_SMC, RSI_IPA_STATE_SET, base, top, ripas, flags);

	while (!outcome.done && rec->run->exit.exit_reason == RMI_EXIT_IRQ && !tap_failed()) {
		outcome = hand_resume(rec);
	}
	return EXPECT(!outcome.done) &&
	       EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_RIPAS_CHANGE) &&
	       EXPECT_EQ(rec->run->exit.ripas_base, base) &&
	       EXPECT_EQ(rec->run->exit.ripas_top, top) &&
	       EXPECT_EQ(rec->run->exit.ripas_value, ripas);
}

bool ripas_grant(struct rig_rec *rec, uint64_t base, uint64_t top)
{
	while (base < top) {
		struct call result = rmi(RMI_RTT_SET_RIPAS, rec->realm->rd, rec->pa, base, top);

		if (!EXPECT_EQ(result.x[0], RMI_SUCCESS) || !EXPECT(result.x[1] > base)) {
			return false;
		}
		base = result.x[1];
	}
	return EXPECT_EQ(base, top);
}

bool ripas_change(struct rig_rec *rec, uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags)
{
	struct outcome outcome;

	if (!ripas_ask(rec, base, top, ripas, flags) || !ripas_grant(rec, base, top)) {
		return false;
	}
	outcome = hand_resume(rec);
	return EXPECT(outcome.done) && EXPECT_EQ(outcome.gprs[1], RSI_SUCCESS) &&
	       EXPECT_EQ(outcome.gprs[2], top) && EXPECT_EQ(outcome.gprs[3], RSI_ACCEPT);
}
