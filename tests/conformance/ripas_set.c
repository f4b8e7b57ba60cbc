/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_RTT_SET_RIPAS: what it refuses, and how far it goes; ripas_change.c has what it changes. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "pe.h"
#include "probe.h"
#include "space.h"
#include "tap.h"

#define PAGE	   UINT64_C(0x100000) /* unassigned RAM of the hand's realm */
#define END	   (PAGE + 4U * GRANULE_SIZE)
#define SPIN_TICKS UINT64_C(300000000)

static struct rig_realm *realm;
static struct rig_rec *rec;

static struct call set(uint64_t base, uint64_t top)
{
	return rmi(RMI_RTT_SET_RIPAS, realm->rd, rec->pa, base, top);
}

static uint64_t set_in(uint64_t rd)
{
	return rmi_status(RMI_RTT_SET_RIPAS, rd, rec->pa, PAGE, END);
}

static uint64_t set_for(uint64_t pa)
{
	return rmi_status(RMI_RTT_SET_RIPAS, realm->rd, pa, PAGE, END);
}

static uint64_t set_from(uint64_t base)
{
	return set(base, END).x[0];
}

static uint64_t set_to(uint64_t top)
{
	return set(PAGE, top).x[0];
}

static void expect_done(uint64_t base, uint64_t top, uint64_t out)
{
	struct call result = set(base, top);

	EXPECT_EQ(result.x[0], RMI_SUCCESS);
	EXPECT_EQ(result.x[1], out);
}

static bool prepare(void)
{
	realm = hand_realm(1);
	rec = &realm->recs[0];
	return hand_begin(rec);
}

/* The hand's REC, stopped with a request for EMPTY from `base` to `top`. */
static bool prepare_request(uint64_t base, uint64_t top)
{
	return prepare() && ripas_ask(rec, base, top, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED);
}

/* The realm learns that its request went as far as `top`, and goes on. */
static void expect_answer(uint64_t top)
{
	struct outcome outcome = hand_resume(rec);

	EXPECT(outcome.done);
	EXPECT_EQ(outcome.gprs[1], RSI_SUCCESS);
	EXPECT_EQ(outcome.gprs[2], top);
	EXPECT_EQ(outcome.gprs[3], RSI_ACCEPT);
}

static void expect_untouched(void)
{
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_RAM);
	expect_answer(PAGE);
}

CASE(set_ripas_refuses_a_region_of_nothing, "RTT_SET_RIPAS.range IPA_STATE_SET.unanswered")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	EXPECT_EQ(set(PAGE, PAGE).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(set(PAGE, PAGE - GRANULE_SIZE).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(set(PAGE, 0).x[0], RMI_ERROR_INPUT);
	expect_untouched();
}

CASE(set_ripas_refuses_an_unaligned_rd, "RTT_SET_RIPAS.rd_align")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	refuses_unaligned(set_in, realm->rd);
	expect_untouched();
}

CASE(set_ripas_refuses_an_untracked_rd, "RTT_SET_RIPAS.rd_bound")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	refuses_untracked(set_in);
	expect_untouched();
}

CASE(set_ripas_refuses_what_is_no_rd, "RTT_SET_RIPAS.rd_state")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	refuses_other_states(set_in, ZOO_RD);
	EXPECT_EQ(set_in(rec->pa), RMI_ERROR_INPUT);
	expect_untouched();
}

CASE(set_ripas_refuses_an_unaligned_rec, "RTT_SET_RIPAS.rec_align")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	refuses_unaligned(set_for, rec->pa);
	expect_untouched();
}

CASE(set_ripas_refuses_an_untracked_rec, "RTT_SET_RIPAS.rec_bound")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	refuses_untracked(set_for);
	expect_untouched();
}

CASE(set_ripas_refuses_what_is_no_rec, "RTT_SET_RIPAS.rec_state")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	refuses_other_states(set_for, ZOO_REC);
	EXPECT_EQ(set_for(realm->rd), RMI_ERROR_INPUT);
	expect_untouched();
}

static void spin(void *argument)
{
	(void)hand_do((struct rig_rec *)argument, HAND_SPIN, SPIN_TICKS);
}

/* Until the other PE has entered the REC, it has no request. */
CASE(set_ripas_refuses_a_rec_that_runs, "RTT_SET_RIPAS.rec_running")
{
	uint64_t status = RMI_ERROR_INPUT;

	LEAVE_UNLESS(prepare());
	pe_send(1, spin, rec);
	while (pe_busy(1) && status == RMI_ERROR_INPUT) {
		status = set_from(PAGE);
	}
	pe_join(1);
	EXPECT_EQ(status, RMI_ERROR_REC);
}

CASE(set_ripas_refuses_a_rec_of_another_realm, "RTT_SET_RIPAS.rec_owner")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	EXPECT_EQ(set_in(realm_make()->rd), RMI_ERROR_REC);
	expect_untouched();
}

CASE(set_ripas_refuses_a_rec_without_a_request, "RTT_SET_RIPAS.no_request")
{
	struct rig_rec *fresh;

	realm = hand_realm(2);
	fresh = &realm->recs[1];
	rec = &realm->recs[0];
	LEAVE_UNLESS(hand_begin(rec));
	EXPECT_EQ(set_from(PAGE), RMI_ERROR_INPUT);
	EXPECT_EQ(set_from(0), RMI_ERROR_INPUT);
	EXPECT_EQ(set_for(fresh->pa), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_RTT_SET_RIPAS, realm->rd, fresh->pa, 0, GRANULE_SIZE),
		  RMI_ERROR_INPUT);
	EXPECT_ENTRY(realm, PAGE, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_RAM);
}

CASE(a_request_ends_when_the_realm_goes_on, "RTT_SET_RIPAS.no_request IPA_STATE_SET.unanswered")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	expect_untouched();
	EXPECT_EQ(set_from(PAGE), RMI_ERROR_INPUT);
}

CASE(set_ripas_refuses_another_base, "RTT_SET_RIPAS.base")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	EXPECT_EQ(set_from(PAGE - GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(set_from(PAGE + GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(set_from(0), RMI_ERROR_INPUT);
	refuses_unaligned(set_from, PAGE);
	expect_untouched();
}

CASE(set_ripas_refuses_what_is_done, "RTT_SET_RIPAS.base")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	expect_done(PAGE, PAGE + GRANULE_SIZE, PAGE + GRANULE_SIZE);
	EXPECT_EQ(set_from(PAGE), RMI_ERROR_INPUT);
	EXPECT_EQ(set_from(PAGE + 2U * GRANULE_SIZE), RMI_ERROR_INPUT);
	expect_done(PAGE + GRANULE_SIZE, END, END);
	EXPECT_EQ(set_from(PAGE), RMI_ERROR_INPUT);
	EXPECT_EQ(set(END, END + GRANULE_SIZE).x[0], RMI_ERROR_INPUT);
	expect_answer(END);
}

CASE(set_ripas_refuses_more_than_was_asked_for, "RTT_SET_RIPAS.top")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	EXPECT_EQ(set_to(END + GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(set_to(RIG_UNPROTECTED), RMI_ERROR_INPUT);
	EXPECT_EQ(set_to(UINT64_MAX - GRANULE_SIZE + 1U), RMI_ERROR_INPUT);
	expect_untouched();
}

CASE(set_ripas_wants_a_top_of_granules, "RTT_SET_RIPAS.top_align")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	refuses_unaligned(set_to, PAGE + GRANULE_SIZE);
	expect_untouched();
}

CASE(set_ripas_wants_a_base_aligned_to_the_tables, "RTT_SET_RIPAS.base_align")
{
	uint64_t base = 2U * BLOCK_SIZE + GRANULE_SIZE;

	LEAVE_UNLESS(prepare_request(base, 4U * BLOCK_SIZE));
	EXPECT_EQ(set(base, 4U * BLOCK_SIZE).x[0], rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(realm_tables(realm, base, PAGE_LEVEL), RMI_SUCCESS);
	expect_done(base, 4U * BLOCK_SIZE, 3U * BLOCK_SIZE);
	expect_done(3U * BLOCK_SIZE, 4U * BLOCK_SIZE, 4U * BLOCK_SIZE);
	expect_answer(4U * BLOCK_SIZE);
}

CASE(set_ripas_refuses_less_than_an_entry, "RTT_SET_RIPAS.no_progress")
{
	uint64_t base = 2U * BLOCK_SIZE;

	LEAVE_UNLESS(prepare_request(base, base + GRANULE_SIZE));
	EXPECT_EQ(set(base, base + GRANULE_SIZE).x[0], rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(realm_tables(realm, base, PAGE_LEVEL), RMI_SUCCESS);
	expect_done(base, base + GRANULE_SIZE, base + GRANULE_SIZE);
	expect_answer(base + GRANULE_SIZE);
}

CASE(set_ripas_looks_at_base_before_the_tables, "RTT_SET_RIPAS.base_before_walk")
{
	LEAVE_UNLESS(prepare_request(2U * BLOCK_SIZE, 4U * BLOCK_SIZE));
	EXPECT_EQ(set(2U * BLOCK_SIZE + GRANULE_SIZE, 4U * BLOCK_SIZE).x[0], RMI_ERROR_INPUT);
	expect_done(2U * BLOCK_SIZE, 4U * BLOCK_SIZE, 4U * BLOCK_SIZE);
}

CASE(set_ripas_looks_at_top_before_the_progress, "RTT_SET_RIPAS.top_align_before_progress")
{
	uint64_t base = 2U * BLOCK_SIZE;

	LEAVE_UNLESS(prepare_request(base, 2U * base));
	EXPECT_EQ(set(base, base + 8U).x[0], RMI_ERROR_INPUT);
	EXPECT_EQ(set(base, base + GRANULE_SIZE + 8U).x[0], RMI_ERROR_INPUT);
}

/* One page of the request was destroyed; the request leaves it alone. */
CASE(set_ripas_stops_at_destroyed, "RTT_SET_RIPAS.destroyed RTT_SET_RIPAS.partial")
{
	uint64_t gone = PAGE + 2U * GRANULE_SIZE;

	LEAVE_UNLESS(prepare());
	EXPECT_EQ(realm_data_unknown(realm, gone), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, gone), RMI_SUCCESS);
	LEAVE_UNLESS(ripas_ask(rec, PAGE, END, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED));
	expect_done(PAGE, END, gone);
	EXPECT_EQ(set(gone, END).x[0], rmi_rtt_error(PAGE_LEVEL));
	EXPECT_ENTRY(realm, gone, PAGE_LEVEL, .level = PAGE_LEVEL, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_DESTROYED);
	expect_answer(gone);
}

CASE(set_ripas_goes_to_the_end_of_a_table, "RTT_SET_RIPAS.partial RTT_SET_RIPAS.success")
{
	uint64_t base = BLOCK_SIZE - GRANULE_SIZE;
	uint64_t top = 4U * BLOCK_SIZE;

	LEAVE_UNLESS(prepare_request(base, top));
	expect_done(base, top, BLOCK_SIZE);
	expect_done(BLOCK_SIZE, top, top);
	expect_answer(top);
}

CASE(set_ripas_stops_at_a_table, "RTT_SET_RIPAS.partial")
{
	uint64_t top = 6U * BLOCK_SIZE;

	LEAVE_UNLESS(prepare_request(2U * BLOCK_SIZE, top));
	EXPECT_EQ(realm_tables(realm, 4U * BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	expect_done(2U * BLOCK_SIZE, top, 4U * BLOCK_SIZE);
	expect_done(4U * BLOCK_SIZE, top, 5U * BLOCK_SIZE);
	expect_done(5U * BLOCK_SIZE, top, top);
	expect_answer(top);
}

CASE(set_ripas_stops_before_an_entry_that_reaches_above_top, "RTT_SET_RIPAS.partial")
{
	LEAVE_UNLESS(prepare_request(2U * BLOCK_SIZE, 3U * BLOCK_SIZE + GRANULE_SIZE));
	expect_done(2U * BLOCK_SIZE, 3U * BLOCK_SIZE + GRANULE_SIZE, 3U * BLOCK_SIZE);
	EXPECT_EQ(set(3U * BLOCK_SIZE, 3U * BLOCK_SIZE + GRANULE_SIZE).x[0],
		  rmi_rtt_error(BLOCK_LEVEL));
	expect_answer(3U * BLOCK_SIZE);
}

CASE(the_host_may_do_part_of_a_request, "RTT_SET_RIPAS.success RTT_SET_RIPAS.partial")
{
	LEAVE_UNLESS(prepare_request(PAGE, END));
	expect_done(PAGE, PAGE + GRANULE_SIZE, PAGE + GRANULE_SIZE);
	EXPECT_EQ(realm_entry(realm, PAGE, PAGE_LEVEL).ripas, RMI_RIPAS_EMPTY);
	EXPECT_EQ(realm_entry(realm, PAGE + GRANULE_SIZE, PAGE_LEVEL).ripas, RMI_RIPAS_RAM);
	expect_answer(PAGE + GRANULE_SIZE);
}

CASE(set_ripas_that_fails_changes_nothing, "RTT_SET_RIPAS.no_effect")
{
	LEAVE_UNLESS(prepare_request(2U * BLOCK_SIZE, 3U * BLOCK_SIZE));
	EXPECT_EQ(set(2U * BLOCK_SIZE, 3U * BLOCK_SIZE - GRANULE_SIZE).x[0],
		  rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(set(2U * BLOCK_SIZE + GRANULE_SIZE, 3U * BLOCK_SIZE).x[0], RMI_ERROR_INPUT);
	expect_done(2U * BLOCK_SIZE, 3U * BLOCK_SIZE, 3U * BLOCK_SIZE);
	expect_answer(3U * BLOCK_SIZE);
}
