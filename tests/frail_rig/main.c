/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was read of the host's memory is not read again; and one PE after the other loses its RMM,
 * while what the others do goes on.
 */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <abi/smccc.h>
#include <lib/string.h>

#include "call.h"
#include "frail.h"
#include "granules.h"
#include "hand_order.h"
#include "pe.h"
#include "rig.h"
#include "rim.h"
#include "tap.h"

#define LAST_PE	   7U
#define SPIN_TICKS UINT64_C(1000000000) /* a second: long enough for a panic's report */
#define PAGE	   UINT64_C(0x100000)	/* a page of the realm's, and what it writes there */
#define REALMS_OWN UINT64_C(0x4F776E4F776E4F77)
#define LOCKED	   (RIG_POOL_BASE + RIG_POOL_SIZE) /* of nobody's else, and lost for good */

static bool leaves_granules; /* the case at hand does */

static struct rig_rec *keeper(unsigned int recs)
{
	struct rig_realm *realm = hand_realm(recs);
	struct rig_rec *rec = &realm->recs[0];

	EXPECT_EQ(realm_data_unknown(realm, PAGE), RMI_SUCCESS);
	if (!hand_begin(rec)) {
		rig_give_up("the hand does not begin");
	}
	(void)hand_do(rec, HAND_WRITE, PAGE, 8, REALMS_OWN);
	return rec;
}

/* Every kind of work: commands, another realm from its first granule to its last, and this one. */
static void expect_work(struct rig_rec *rec)
{
	uint64_t granule = granule_take_delegated();
	uint64_t value = UINT64_MAX;
	struct rig_rec *other = keeper(1);

	EXPECT_EQ(rmi_status(RMI_VERSION, RMI_ABI_VERSION_1_0), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, granule), RMI_SUCCESS);
	EXPECT(ns_read(granule, &value));
	EXPECT_EQ(value, 0);
	EXPECT_EQ(hand_smc(other, RSI_VERSION, RSI_ABI_VERSION_1_0).x[0], RSI_SUCCESS);
	EXPECT_EQ(hand_do(other, HAND_READ, PAGE, 8).gprs[1], REALMS_OWN);
	EXPECT_EQ(hand_smc(rec, RSI_VERSION, RSI_ABI_VERSION_1_0).x[0], RSI_SUCCESS);
	EXPECT_EQ(hand_do(rec, HAND_READ, PAGE, 8).gprs[1], REALMS_OWN);
}

static uint64_t order;

static void break_down(void *unused)
{
	(void)unused;
	(void)rmi(RMI_FEATURES, order, LOCKED);
}

/* The realm runs here while the RMM breaks down there. */
static void expect_one_pe_stops(unsigned int pe, uint64_t how)
{
	struct rig_rec *rec = keeper(1);

	order = how;
	pe_send(pe, break_down, NULL);
	(void)hand_do(rec, HAND_SPIN, SPIN_TICKS);
	EXPECT(pe_busy(pe));
	expect_work(rec);
	EXPECT(pe_busy(pe));
}

/* Python compares it with that of another boot. */
CASE(functions_have_a_guard, "")
{
	struct call result = rmi(RMI_FEATURES, FRAIL_TELL_GUARD, 0);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT(result.x[1] != 0U);
	tap_note("guard 0x%lx", (unsigned long)result.x[1]);
}

static void spoil(bool on)
{
	EXPECT_EQ(rmi_status(RMI_FEATURES, on ? FRAIL_SPOIL : FRAIL_DO_NOT, 0), RMI_SUCCESS);
}

static bool is_spoiled(const void *at, size_t size)
{
	const uint8_t *bytes = at;

	while (size > 0U && bytes[size - 1U] == FRAIL_SPOILED) {
		size--;
	}
	return size == 0U;
}

/* A realm with a REC, of structures that were overwritten as soon as they had been read. */
static struct rig_rec *make_of_spoiled(void)
{
	struct rig_realm *realm = realm_prepare();
	struct rmi_realm_params params = *realm->params;
	struct rig_rec *rec;

	spoil(true);
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
	EXPECT(is_spoiled(realm->params, sizeof(params)));
	*realm->params = params;
	hand_load(realm);
	rec = hand_rec(realm);
	EXPECT(is_spoiled(rec->params, sizeof(*rec->params)));
	spoil(false);
	return rec;
}

CASE(what_was_read_may_change_at_once, "")
{
	struct rig_rec *rec = make_of_spoiled();
	struct outcome outcome;

	EXPECT_EQ(realm_data_unknown(rec->realm, PAGE), RMI_SUCCESS);
	EXPECT_EQ(realm_activate(rec->realm), RMI_SUCCESS);
	LEAVE_UNLESS(hand_begin(rec));
	(void)hand_do(rec, HAND_WRITE, PAGE, 8, REALMS_OWN);
	spoil(true);
	outcome = hand_order(rec, HAND_READ, PAGE, 8);
	spoil(false);
	EXPECT(is_spoiled(rec->run->enter.gprs, sizeof(rec->run->enter.gprs)));
	memset(&rec->run->enter, 0, sizeof(rec->run->enter));
	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[1], REALMS_OWN);
	EXPECT(rim_equal(rim_read(rec), rim_of(NULL, NULL)));
}

CASE(a_null_pointer_stops_one_pe, "")
{
	expect_one_pe_stops(1, FRAIL_READ_NULL);
}

CASE(a_write_to_the_code_stops_one_pe, "")
{
	expect_one_pe_stops(2, FRAIL_WRITE_CODE);
}

CASE(a_write_to_constants_stops_one_pe, "")
{
	expect_one_pe_stops(3, FRAIL_WRITE_CONST);
}

CASE(a_branch_to_data_stops_one_pe, "")
{
	expect_one_pe_stops(4, FRAIL_RUN_DATA);
}

CASE(a_stack_used_up_stops_one_pe, "")
{
	expect_one_pe_stops(5, FRAIL_USE_UP);
}

/* The lock is lost with its PE: nobody else asks for that granule. */
CASE(a_check_that_fails_under_a_lock_stops_one_pe, "")
{
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, LOCKED), RMI_SUCCESS);
	expect_one_pe_stops(6, FRAIL_KEEP_LOCK);
}

static void break_down_in_realm(void *rec)
{
	(void)hand_order((struct rig_rec *)rec, HAND_SMC, RSI_VERSION, FRAIL_IN_REALM);
}

static void turn_on(struct rig_rec *caller, const struct rig_rec *target)
{
	EXPECT(!hand_order(caller, HAND_SMC, PSCI_CPU_ON_64, 1, HAND_BASE, 0).done);
	EXPECT_EQ(rmi_status(RMI_PSCI_COMPLETE, caller->pa, target->pa, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT(hand_resume(caller).done);
}

/* It counts as running for good, and nothing of it comes back to the host. */
CASE(a_rec_that_lost_its_pe_stays_closed, "")
{
	struct rig_rec *first = keeper(2);
	struct rig_rec *second = first + 1;
	uint64_t value;

	leaves_granules = true;
	turn_on(first, second);
	LEAVE_UNLESS(hand_begin(second));
	pe_send(LAST_PE, break_down_in_realm, second);
	(void)hand_do(first, HAND_SPIN, SPIN_TICKS);
	EXPECT(pe_busy(LAST_PE));
	EXPECT_EQ(rec_enter(second), RMI_ERROR_REC);
	EXPECT_EQ(rmi_status(RMI_REC_DESTROY, second->pa), RMI_ERROR_REC);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, second->pa), RMI_ERROR_INPUT);
	EXPECT(!ns_read(second->pa, &value));
	EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, first->realm->rd), RMI_ERROR_REALM);
	expect_work(first);
}

static void clean_up(void)
{
	realms_reset();
	if (granules_reset() == leaves_granules) {
		tap_fail("granules %s", leaves_granules ? "came back" : "stayed with the RMM");
	}
}

void rig_main(void)
{
	for (unsigned int pe = 1; pe <= LAST_PE; pe++) {
		if (!pe_start(pe)) {
			rig_give_up("PE %u does not start", pe);
		}
	}
	tap_run(clean_up);
}
