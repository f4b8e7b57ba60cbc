/* SPDX-License-Identifier: BSD-3-Clause */
/* Every transition that a realm's request can bring about, page by page. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "granules.h"
#include "space.h"
#include "tap.h"

#define PAGE  UINT64_C(0x100000) /* unassigned RAM of the hand's realm */
#define TOP   (PAGE + GRANULE_SIZE)
#define VALUE UINT64_C(0x5A5A)
#define DFSC  0x3FU
#define SEA   0x10U

static struct rig_realm *realm;
static struct rig_rec *rec;
static uint64_t data; /* of PAGE, if it is ASSIGNED */

/* Brings PAGE to a state. What is ASSIGNED as RAM holds VALUE. */
static bool prepare(uint64_t state, uint64_t ripas)
{
	realm = hand_realm(1);
	rec = &realm->recs[0];
	data = 0;
	if (!hand_begin(rec)) {
		return false;
	}
	if (ripas == RMI_RIPAS_DESTROYED) {
		EXPECT_EQ(realm_data_unknown(realm, PAGE), RMI_SUCCESS);
		EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, PAGE), RMI_SUCCESS);
	} else if (ripas == RMI_RIPAS_EMPTY) {
		EXPECT(ripas_change(rec, PAGE, TOP, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED));
	}
	if (state == RMI_ASSIGNED) {
		EXPECT_EQ(realm_data_unknown(realm, PAGE), RMI_SUCCESS);
		data = realm_entry(realm, PAGE, PAGE_LEVEL).desc;
		if (ripas == RMI_RIPAS_RAM) {
			hand_write(rec, PAGE, VALUE);
		}
	}
	return EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = state,
			    .desc = data, .ripas = ripas);
}

/* What the realm gets when it goes there. */
static void expect_access(uint64_t state, uint64_t ripas)
{
	struct outcome outcome = hand_order(rec, HAND_READ, PAGE, 8);

	if (ripas == RMI_RIPAS_EMPTY) {
		EXPECT(outcome.done);
		EXPECT_EQ(outcome.gprs[HAND_FAULTS], 1);
		EXPECT_EQ(outcome.gprs[HAND_ESR] & DFSC, SEA);
	} else if (ripas == RMI_RIPAS_RAM && state == RMI_ASSIGNED) {
		EXPECT(outcome.done);
		EXPECT_EQ(outcome.gprs[HAND_FAULTS], 0);
	} else {
		EXPECT(!outcome.done);
		EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
		EXPECT_EQ(rec->run->exit.hpfar, PAGE >> 8U);
	}
}

static void expect_state(uint64_t state, uint64_t ripas)
{
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = state, .desc = data,
		     .ripas = ripas);
	expect_access(state, ripas);
}

static void becomes(uint64_t state, uint64_t from, uint64_t to, uint64_t flags)
{
	LEAVE_UNLESS(prepare(state, from));
	LEAVE_UNLESS(ripas_change(rec, PAGE, TOP, to, flags));
	expect_state(state, to);
}

static void stays_destroyed(uint64_t state, uint64_t to)
{
	struct outcome outcome;

	LEAVE_UNLESS(prepare(state, RMI_RIPAS_DESTROYED));
	LEAVE_UNLESS(ripas_ask(rec, PAGE, TOP, to, RSI_NO_CHANGE_DESTROYED));
	EXPECT_EQ(rmi_status(RMI_RTT_SET_RIPAS, realm->rd, rec->pa, PAGE, TOP),
		  rmi_rtt_error(PAGE_LEVEL));
	outcome = hand_resume(rec);
	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[2], PAGE);
	expect_state(state, RMI_RIPAS_DESTROYED);
}

CASE(unassigned_empty_stays_empty, "RIPAS.set_empty_unassigned RIPAS.set_same")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_EMPTY, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED);
}

CASE(unassigned_empty_becomes_ram, "RIPAS.set_ram_unassigned")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_EMPTY, RMI_RIPAS_RAM, RSI_NO_CHANGE_DESTROYED);
}

CASE(unassigned_empty_becomes_ram_of_any_request, "RIPAS.set_ram_unassigned")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_EMPTY, RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED);
}

CASE(unassigned_ram_becomes_empty, "RIPAS.set_empty_unassigned")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_RAM, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED);
}

CASE(unassigned_ram_becomes_empty_of_any_request, "RIPAS.set_empty_unassigned")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_RAM, RMI_RIPAS_EMPTY, RSI_CHANGE_DESTROYED);
}

CASE(unassigned_ram_stays_ram, "RIPAS.set_ram_unassigned RIPAS.set_same")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_RAM, RMI_RIPAS_RAM, RSI_NO_CHANGE_DESTROYED);
}

CASE(unassigned_destroyed_becomes_empty_if_the_realm_says_so, "RIPAS.set_empty_destroyed")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_DESTROYED, RMI_RIPAS_EMPTY, RSI_CHANGE_DESTROYED);
}

CASE(unassigned_destroyed_does_not_become_empty_otherwise,
     "RIPAS.set_empty_destroyed RTT_SET_RIPAS.destroyed")
{
	stays_destroyed(RMI_UNASSIGNED, RMI_RIPAS_EMPTY);
}

CASE(unassigned_destroyed_becomes_ram_if_the_realm_says_so, "RIPAS.set_ram_destroyed")
{
	becomes(RMI_UNASSIGNED, RMI_RIPAS_DESTROYED, RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED);
}

CASE(unassigned_destroyed_does_not_become_ram_otherwise,
     "RIPAS.set_ram_destroyed RTT_SET_RIPAS.destroyed")
{
	stays_destroyed(RMI_UNASSIGNED, RMI_RIPAS_RAM);
}

CASE(assigned_empty_stays_empty, "RIPAS.set_same")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_EMPTY, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED);
}

CASE(assigned_empty_becomes_ram, "RIPAS.set_ram_assigned")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_EMPTY, RMI_RIPAS_RAM, RSI_NO_CHANGE_DESTROYED);
}

CASE(assigned_empty_becomes_ram_of_any_request, "RIPAS.set_ram_assigned")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_EMPTY, RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED);
}

CASE(assigned_ram_becomes_empty, "RIPAS.set_empty_assigned")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_RAM, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED);
}

CASE(assigned_ram_becomes_empty_of_any_request, "RIPAS.set_empty_assigned")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_RAM, RMI_RIPAS_EMPTY, RSI_CHANGE_DESTROYED);
}

CASE(assigned_ram_stays_ram, "RIPAS.set_same")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_RAM, RMI_RIPAS_RAM, RSI_NO_CHANGE_DESTROYED);
}

CASE(assigned_destroyed_becomes_empty_if_the_realm_says_so, "RIPAS.set_empty_destroyed")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_DESTROYED, RMI_RIPAS_EMPTY, RSI_CHANGE_DESTROYED);
}

CASE(assigned_destroyed_does_not_become_empty_otherwise,
     "RIPAS.set_empty_destroyed RTT_SET_RIPAS.destroyed")
{
	stays_destroyed(RMI_ASSIGNED, RMI_RIPAS_EMPTY);
}

CASE(assigned_destroyed_becomes_ram_if_the_realm_says_so, "RIPAS.set_ram_destroyed")
{
	becomes(RMI_ASSIGNED, RMI_RIPAS_DESTROYED, RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED);
}

CASE(assigned_destroyed_does_not_become_ram_otherwise,
     "RIPAS.set_ram_destroyed RTT_SET_RIPAS.destroyed")
{
	stays_destroyed(RMI_ASSIGNED, RMI_RIPAS_RAM);
}

/* Nobody but this realm had the granule meanwhile. */
CASE(memory_that_was_empty_for_a_while_can_be_used_again,
     "RIPAS.set_ram_assigned RIPAS.set_empty_assigned")
{
	LEAVE_UNLESS(prepare(RMI_ASSIGNED, RMI_RIPAS_RAM));
	LEAVE_UNLESS(ripas_change(rec, PAGE, TOP, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED));
	LEAVE_UNLESS(ripas_change(rec, PAGE, TOP, RMI_RIPAS_RAM, RSI_NO_CHANGE_DESTROYED));
	hand_write(rec, PAGE, VALUE + 1U);
	EXPECT_EQ(hand_read(rec, PAGE), VALUE + 1U);
}

CASE(memory_that_is_empty_goes_back_to_the_host_wiped,
     "RIPAS.data_destroy_empty RIPAS.set_empty_assigned")
{
	uint64_t value;

	LEAVE_UNLESS(prepare(RMI_ASSIGNED, RMI_RIPAS_RAM));
	LEAVE_UNLESS(ripas_change(rec, PAGE, TOP, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED));
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, realm->rd, PAGE).x[1], data);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, data), RMI_SUCCESS);
	EXPECT(ns_read(data, &value));
	EXPECT_EQ(value, 0);
	data = 0;
	expect_state(RMI_UNASSIGNED, RMI_RIPAS_EMPTY);
}

/* Pages of all kinds in one request, so that one flush serves for many. */
CASE(a_request_unmaps_all_of_its_pages, "RIPAS.set_empty_assigned RTT_SET_RIPAS.success")
{
	LEAVE_UNLESS(prepare(RMI_ASSIGNED, RMI_RIPAS_RAM));
	for (uint64_t ipa = TOP; ipa < PAGE + 8U * GRANULE_SIZE; ipa += GRANULE_SIZE) {
		EXPECT_EQ(realm_data_unknown(realm, ipa), RMI_SUCCESS);
		hand_write(rec, ipa, VALUE);
	}
	LEAVE_UNLESS(ripas_change(rec, PAGE, PAGE + 8U * GRANULE_SIZE, RMI_RIPAS_EMPTY,
				  RSI_NO_CHANGE_DESTROYED));
	for (uint64_t ipa = PAGE; ipa < PAGE + 8U * GRANULE_SIZE; ipa += GRANULE_SIZE) {
		EXPECT_EQ(hand_do(rec, HAND_READ, ipa, 8).gprs[HAND_FAULTS], 1);
	}
}
