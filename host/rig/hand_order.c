/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/rsi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "hand_order.h"
#include "rig.h"
#include "tap.h"

#define RAM_TOP	    UINT64_C(0x200000)
#define RESULT_REGS 4U

extern const uint8_t hand_image_start[], hand_image_end[];

static void load_image(struct rig_realm *realm, uint64_t flags)
{
	size_t size = (size_t)(hand_image_end - hand_image_start);

	for (uint64_t offset = 0; offset < HAND_IMAGE_SIZE; offset += GRANULE_SIZE) {
		uint64_t source = granule_take();

		if (offset < size) {
			memcpy((void *)(uintptr_t)source, hand_image_start + offset,
			       min_u64(size - offset, GRANULE_SIZE));
		}
		if (realm_data(realm, HAND_BASE + offset, source, flags) != RMI_SUCCESS) {
			rig_give_up("the hand cannot be loaded");
		}
	}
}

void hand_load_with(struct rig_realm *realm, uint64_t flags)
{
	if (realm_ram(realm, 0, RAM_TOP, true) != RMI_SUCCESS) {
		rig_give_up("the hand's realm gets no RAM");
	}
	load_image(realm, flags);
}

void hand_load(struct rig_realm *realm)
{
	hand_load_with(realm, RMI_DATA_MEASURE);
}

struct rig_rec *hand_rec(struct rig_realm *realm)
{
	uint64_t page = (uint64_t)realm->rec_count * GRANULE_SIZE;
	struct rig_rec *rec = rec_prepare(realm, HAND_BASE, realm->rec_count == 0U);

	if (realm_data_unknown(realm, HAND_STACKS + page) != RMI_SUCCESS ||
	    realm_data_unknown(realm, HAND_CALLS + page) != RMI_SUCCESS ||
	    rec_create(rec) != RMI_SUCCESS) {
		rig_give_up("the hand gets no REC");
	}
	return rec;
}

struct rig_realm *hand_realm(unsigned int recs)
{
	struct rig_realm *realm = realm_make();

	hand_load(realm);
	for (unsigned int n = 0; n < recs; n++) {
		(void)hand_rec(realm);
	}
	if (realm_activate(realm) != RMI_SUCCESS) {
		rig_give_up("the hand's realm cannot be activated");
	}
	return realm;
}

static bool reports(const struct rig_rec *rec)
{
	return rec->run->exit.exit_reason == RMI_EXIT_HOST_CALL && rec->run->exit.imm == HAND_IMM;
}

struct outcome hand_resume(struct rig_rec *rec)
{
	struct outcome outcome = { .done = false };
	uint64_t status = rec_enter(rec);

	if (status != RMI_SUCCESS) {
		tap_fail("REC_ENTER gave 0x%lx", (unsigned long)status);
	} else if (reports(rec)) {
		outcome.done = true;
		memcpy(outcome.gprs, rec->run->exit.gprs, sizeof(outcome.gprs));
	}
	return outcome;
}

bool hand_begin(struct rig_rec *rec)
{
	bool done = hand_resume(rec).done;

	if (!done) {
		tap_fail("the hand does not answer: exit %u, ESR 0x%lx", rec->run->exit.exit_reason,
			 (unsigned long)rec->run->exit.esr);
	}
	return done;
}

static void put_order(struct rig_rec *rec, const uint64_t *words, size_t count)
{
	for (size_t n = 0; n < RMI_GPRS; n++) {
		rec->run->enter.gprs[n] = n < count ? words[n] : call_fill(n);
	}
}

struct outcome hand_order_with(struct rig_rec *rec, const uint64_t *words, size_t count)
{
	put_order(rec, words, count);
	return hand_resume(rec);
}

struct outcome hand_do_with(struct rig_rec *rec, const uint64_t *words, size_t count)
{
	struct outcome outcome = hand_order_with(rec, words, count);

	while (!outcome.done && rec->run->exit.exit_reason == RMI_EXIT_IRQ && !tap_failed()) {
		outcome = hand_resume(rec);
	}
	if (!outcome.done) {
		tap_fail("order %lu ended with exit %u, ESR 0x%lx, HPFAR 0x%lx",
			 (unsigned long)words[0], rec->run->exit.exit_reason,
			 (unsigned long)rec->run->exit.esr, (unsigned long)rec->run->exit.hpfar);
	}
	return outcome;
}

static void check_preserved(const struct call *before, const struct call *after, size_t outputs)
{
	for (size_t n = outputs; n < CALL_REGS; n++) {
		if (after->x[n] != before->x[n]) {
			tap_fail("SMC 0x%lx of the realm changed X%u to 0x%lx",
				 (unsigned long)before->x[0], (unsigned int)n,
				 (unsigned long)after->x[n]);
		}
	}
	if (after->clobbered != 0U) {
		tap_fail("SMC 0x%lx of the realm changed X18 to X28", (unsigned long)before->x[0]);
	}
}

struct call hand_smc_with(struct rig_rec *rec, const uint64_t *words, size_t count)
{
	uint64_t order[1U + CALL_REGS] = { HAND_SMC };
	struct call before = { .clobbered = 0 };
	struct call after = { .clobbered = 0 };
	struct outcome outcome;

	for (size_t n = 0; n < CALL_REGS; n++) {
		before.x[n] = n < count ? words[n] : call_fill(n);
		order[1U + n] = before.x[n];
	}
	outcome = hand_do_with(rec, order, 1U + CALL_REGS);
	if (outcome.done) {
		memcpy(after.x, &outcome.gprs[1], sizeof(after.x));
		after.clobbered = outcome.gprs[1U + CALL_REGS];
		check_preserved(&before, &after,
				words[0] == RSI_MEASUREMENT_READ ? 9U : RESULT_REGS);
	}
	return after;
}
