/* SPDX-License-Identifier: BSD-3-Clause */
/* RSI_IPA_STATE_SET and RSI_IPA_STATE_GET. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>

#include "ask.h"
#include "granules.h"
#include "space.h"
#include "tap.h"

#define TOP	 (ASK_RAM + 4U * GRANULE_SIZE)
#define MIDDLE	 (ASK_RAM + 2U * GRANULE_SIZE)
#define E_BASE	 ASK_EMPTY
#define E_MIDDLE (E_BASE + 2U * GRANULE_SIZE)
#define E_TOP	 (E_BASE + 4U * GRANULE_SIZE)

static struct rig_rec *rec;

static uint64_t set(uint64_t base, uint64_t top, uint64_t ripas)
{
	return hand_smc(rec, RSI_IPA_STATE_SET, base, top, ripas, RSI_NO_CHANGE_DESTROYED).x[0];
}

/* The realm asks, the host changes [base, done), and the realm sees the response. */
static void expect_response(uint64_t base, uint64_t done, uint64_t top, uint64_t ripas,
			    uint64_t entry_flags, uint64_t response)
{
	struct call result;

	LEAVE_UNLESS(ask(rec, RMI_EXIT_RIPAS_CHANGE, RSI_IPA_STATE_SET, base, top, ripas, 0));
	if (done > base) {
		LEAVE_UNLESS(ripas_grant(rec, base, done));
	}
	rec->run->enter.flags = entry_flags;
	result = ask_again(rec);
	rec->run->enter.flags = 0;
	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT_EQ(result.x[1], done);
	EXPECT_EQ(result.x[2], response);
	EXPECT_EQ(result.x[3], 0);
}

static struct rig_rec *fine_asker(void)
{
	rec = asker(1);
	(void)realm_tables(rec->realm, E_BASE, PAGE_LEVEL);
	return rec;
}

CASE(ipa_state_set_asks_the_host, "IPA_STATE_SET.exit")
{
	(void)fine_asker();
	LEAVE_UNLESS(ask(rec, RMI_EXIT_RIPAS_CHANGE, RSI_IPA_STATE_SET, E_BASE, E_TOP,
			 RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED));
	EXPECT_EQ(rec->run->exit.ripas_base, E_BASE);
	EXPECT_EQ(rec->run->exit.ripas_top, E_TOP);
	EXPECT_EQ(rec->run->exit.ripas_value, RMI_RIPAS_RAM);
	EXPECT(exit_shows_no_more(rec, 0));
	EXPECT_EQ(rec->run->exit.imm, 0);
	(void)ask_again(rec);
	LEAVE_UNLESS(ask(rec, RMI_EXIT_RIPAS_CHANGE, RSI_IPA_STATE_SET, ASK_RAM, TOP,
			 RMI_RIPAS_EMPTY, 0));
	EXPECT_EQ(rec->run->exit.ripas_value, RMI_RIPAS_EMPTY);
	(void)ask_again(rec);
}

CASE(ipa_state_set_takes_the_whole_protected_half, "IPA_STATE_SET.exit")
{
	struct call result;

	rec = asker(1);
	LEAVE_UNLESS(ask(rec, RMI_EXIT_RIPAS_CHANGE, RSI_IPA_STATE_SET, 0, RIG_UNPROTECTED,
			 RMI_RIPAS_RAM, 0));
	result = ask_again(rec);
	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT_EQ(result.x[1], 0);
}

CASE(ipa_state_set_refuses_unaligned_addresses, "IPA_STATE_SET.align")
{
	static const uint64_t offsets[] = { 1, 8, 0x800, 0xFFF };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(offsets); n++) {
		EXPECT_EQ(set(ASK_RAM + offsets[n], TOP, RMI_RIPAS_RAM), RSI_ERROR_INPUT);
		EXPECT_EQ(set(ASK_RAM, TOP + offsets[n], RMI_RIPAS_RAM), RSI_ERROR_INPUT);
	}
}

CASE(ipa_state_set_refuses_a_region_of_no_size, "IPA_STATE_SET.size")
{
	rec = asker(1);
	EXPECT_EQ(set(ASK_RAM, ASK_RAM, RMI_RIPAS_RAM), RSI_ERROR_INPUT);
	EXPECT_EQ(set(TOP, ASK_RAM, RMI_RIPAS_RAM), RSI_ERROR_INPUT);
	EXPECT_EQ(set(0, 0, RMI_RIPAS_RAM), RSI_ERROR_INPUT);
	EXPECT_EQ(set(UINT64_MAX - GRANULE_SIZE + 1U, 0, RMI_RIPAS_RAM), RSI_ERROR_INPUT);
}

CASE(ipa_state_set_refuses_what_is_not_protected, "IPA_STATE_SET.bound")
{
	static const unsigned int bits[] = { 32, 33, 40, 48, 52, 63 };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(bits); n++) {
		uint64_t base = bit64(bits[n]);

		EXPECT_EQ(set(base, base + GRANULE_SIZE, RMI_RIPAS_RAM), RSI_ERROR_INPUT);
		EXPECT_EQ(set(ASK_RAM, base + GRANULE_SIZE, RMI_RIPAS_RAM), RSI_ERROR_INPUT);
		EXPECT_EQ(set(base | ASK_RAM, base | TOP, RMI_RIPAS_EMPTY), RSI_ERROR_INPUT);
	}
	EXPECT_EQ(
		set(RIG_UNPROTECTED - GRANULE_SIZE, RIG_UNPROTECTED + GRANULE_SIZE, RMI_RIPAS_RAM),
		RSI_ERROR_INPUT);
}

CASE(ipa_state_set_refuses_other_values, "IPA_STATE_SET.ripas")
{
	static const uint64_t values[] = { RMI_RIPAS_DESTROYED, 3,	   4, 255, 256, 257,
					   0x100000001,		UINT64_MAX };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(values); n++) {
		EXPECT_EQ(set(ASK_RAM, TOP, values[n]), RSI_ERROR_INPUT);
	}
}

CASE(a_change_to_ram_that_is_done_is_accepted, "IPA_STATE_SET.done")
{
	(void)fine_asker();
	expect_response(E_BASE, E_TOP, E_TOP, RMI_RIPAS_RAM, 0, RSI_ACCEPT);
	EXPECT_EQ(realm_entry(rec->realm, E_BASE, PAGE_LEVEL).ripas, RMI_RIPAS_RAM);
}

CASE(a_change_that_is_done_cannot_be_refused_any_more, "IPA_STATE_SET.done")
{
	(void)fine_asker();
	expect_response(E_BASE, E_TOP, E_TOP, RMI_RIPAS_RAM, RMI_ENTER_RIPAS_REJECT_MASK,
			RSI_ACCEPT);
}

CASE(a_change_to_ram_can_be_refused_whole, "IPA_STATE_SET.reject")
{
	(void)fine_asker();
	expect_response(E_BASE, E_BASE, E_TOP, RMI_RIPAS_RAM, RMI_ENTER_RIPAS_REJECT_MASK,
			RSI_REJECT);
	EXPECT_EQ(realm_entry(rec->realm, E_BASE, PAGE_LEVEL).ripas, RMI_RIPAS_EMPTY);
}

CASE(a_change_to_ram_can_be_refused_in_part, "IPA_STATE_SET.reject")
{
	(void)fine_asker();
	expect_response(E_BASE, E_MIDDLE, E_TOP, RMI_RIPAS_RAM, RMI_ENTER_RIPAS_REJECT_MASK,
			RSI_REJECT);
}

CASE(a_change_that_is_done_in_part_goes_on_from_there, "IPA_STATE_SET.partial")
{
	(void)fine_asker();
	expect_response(E_BASE, E_BASE, E_TOP, RMI_RIPAS_RAM, 0, RSI_ACCEPT);
	expect_response(E_BASE, E_MIDDLE, E_TOP, RMI_RIPAS_RAM, 0, RSI_ACCEPT);
	expect_response(E_MIDDLE, E_TOP, E_TOP, RMI_RIPAS_RAM, 0, RSI_ACCEPT);
	expect_response(ASK_RAM, MIDDLE, TOP, RMI_RIPAS_EMPTY, 0, RSI_ACCEPT);
}

CASE(a_change_to_empty_cannot_be_refused, "IPA_STATE_SET.empty")
{
	rec = asker(1);
	expect_response(ASK_RAM, ASK_RAM, TOP, RMI_RIPAS_EMPTY, RMI_ENTER_RIPAS_REJECT_MASK,
			RSI_ACCEPT);
	expect_response(ASK_RAM, MIDDLE, TOP, RMI_RIPAS_EMPTY, RMI_ENTER_RIPAS_REJECT_MASK,
			RSI_ACCEPT);
	expect_response(ASK_RAM, TOP, TOP, RMI_RIPAS_EMPTY, RMI_ENTER_RIPAS_REJECT_MASK,
			RSI_ACCEPT);
}

CASE(a_refusal_is_of_no_other_exit, "IPA_STATE_SET.reject")
{
	(void)fine_asker();
	rec->run->enter.flags = RMI_ENTER_RIPAS_REJECT_MASK;
	EXPECT_EQ(hand_smc(rec, RSI_VERSION, RSI_ABI_VERSION_1_0).x[2], RSI_ABI_VERSION_1_0);
	rec->run->enter.flags = 0;
	expect_response(E_BASE, E_BASE, E_TOP, RMI_RIPAS_RAM, 0, RSI_ACCEPT);
}

/* DATA in the middle of the region was destroyed behind the realm's back. */
static void destroy_middle(void)
{
	EXPECT_EQ(realm_data_unknown(rec->realm, MIDDLE), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, rec->realm->rd, MIDDLE), RMI_SUCCESS);
}

CASE(destroyed_memory_is_not_changed_unless_the_realm_says_so, "IPA_STATE_SET.destroyed")
{
	struct call moved;

	rec = asker(1);
	destroy_middle();
	LEAVE_UNLESS(ask(rec, RMI_EXIT_RIPAS_CHANGE, RSI_IPA_STATE_SET, ASK_RAM, TOP, RMI_RIPAS_RAM,
			 RSI_NO_CHANGE_DESTROYED));
	moved = rmi(RMI_RTT_SET_RIPAS, rec->realm->rd, rec->pa, ASK_RAM, TOP);
	EXPECT_EQ(moved.x[0], RMI_SUCCESS);
	EXPECT_EQ(moved.x[1], MIDDLE);
	EXPECT_EQ(ask_again(rec).x[1], MIDDLE);
	EXPECT_EQ(realm_entry(rec->realm, MIDDLE, PAGE_LEVEL).ripas, RMI_RIPAS_DESTROYED);
}

CASE(destroyed_memory_is_changed_if_the_realm_says_so, "IPA_STATE_SET.change_destroyed")
{
	rec = asker(1);
	destroy_middle();
	LEAVE_UNLESS(ripas_change(rec, ASK_RAM, TOP, RMI_RIPAS_RAM, RSI_CHANGE_DESTROYED));
	EXPECT_EQ(realm_entry(rec->realm, MIDDLE, PAGE_LEVEL).ripas, RMI_RIPAS_RAM);
}

CASE(a_request_ends_with_the_next_entry, "IPA_STATE_SET.lapse")
{
	(void)fine_asker();
	expect_response(E_BASE, E_BASE, E_TOP, RMI_RIPAS_RAM, 0, RSI_ACCEPT);
	EXPECT_EQ(rmi_status(RMI_RTT_SET_RIPAS, rec->realm->rd, rec->pa, E_BASE, E_TOP),
		  RMI_ERROR_INPUT);
	EXPECT_EQ(realm_entry(rec->realm, E_BASE, PAGE_LEVEL).ripas, RMI_RIPAS_EMPTY);
}

static struct call get(uint64_t base, uint64_t top)
{
	return hand_smc(rec, RSI_IPA_STATE_GET, base, top);
}

CASE(ipa_state_get_refuses_unaligned_addresses, "IPA_STATE_GET.align")
{
	static const uint64_t offsets[] = { 1, 8, 0x800, 0xFFF };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(offsets); n++) {
		EXPECT_EQ(get(ASK_RAM + offsets[n], TOP).x[0], RSI_ERROR_INPUT);
		EXPECT_EQ(get(ASK_RAM, TOP + offsets[n]).x[0], RSI_ERROR_INPUT);
	}
}

CASE(ipa_state_get_refuses_a_region_of_no_size, "IPA_STATE_GET.size")
{
	rec = asker(1);
	EXPECT_EQ(get(ASK_RAM, ASK_RAM).x[0], RSI_ERROR_INPUT);
	EXPECT_EQ(get(TOP, ASK_RAM).x[0], RSI_ERROR_INPUT);
	EXPECT_EQ(get(UINT64_MAX - GRANULE_SIZE + 1U, 0).x[0], RSI_ERROR_INPUT);
}

CASE(ipa_state_get_refuses_what_is_not_protected, "IPA_STATE_GET.bound")
{
	static const unsigned int bits[] = { 32, 33, 40, 48, 52, 63 };

	rec = asker(1);
	for (size_t n = 0; n < ARRAY_COUNT(bits); n++) {
		uint64_t base = bit64(bits[n]);

		EXPECT_EQ(get(base, base + GRANULE_SIZE).x[0], RSI_ERROR_INPUT);
		EXPECT_EQ(get(ASK_RAM, base + GRANULE_SIZE).x[0], RSI_ERROR_INPUT);
	}
	EXPECT_EQ(get(0, RIG_UNPROTECTED).x[0], RSI_SUCCESS);
}

/* Walks [base, top) in as many calls as it takes: all of it has this RIPAS, and each call moves. */
static void expect_ripas(uint64_t base, uint64_t top, uint64_t ripas)
{
	while (base < top) {
		struct call result = get(base, top);

		LEAVE_UNLESS(EXPECT_EQ(result.x[0], RSI_SUCCESS));
		LEAVE_UNLESS(EXPECT(result.x[1] > base && result.x[1] <= top));
		LEAVE_UNLESS(EXPECT_EQ(result.x[2], ripas));
		EXPECT_EQ(result.x[3], 0);
		base = result.x[1];
	}
}

CASE(ipa_state_get_tells_each_ripas, "IPA_STATE_GET.success")
{
	(void)fine_asker();
	destroy_middle();
	EXPECT_EQ(realm_data_unknown(rec->realm, ASK_RAM), RMI_SUCCESS);
	expect_ripas(0, MIDDLE, RMI_RIPAS_RAM);
	expect_ripas(MIDDLE, MIDDLE + GRANULE_SIZE, RMI_RIPAS_DESTROYED);
	expect_ripas(MIDDLE + GRANULE_SIZE, ASK_EMPTY, RMI_RIPAS_RAM);
	expect_ripas(ASK_EMPTY, RIG_UNPROTECTED, RMI_RIPAS_EMPTY);
}

CASE(ipa_state_get_stops_where_the_ripas_changes, "IPA_STATE_GET.run")
{
	rec = asker(1);
	destroy_middle();
	EXPECT(get(ASK_RAM, TOP).x[1] <= MIDDLE);
	EXPECT_EQ(get(MIDDLE - GRANULE_SIZE, TOP).x[1], MIDDLE);
	EXPECT_EQ(get(MIDDLE, TOP).x[1], MIDDLE + GRANULE_SIZE);
}

CASE(ipa_state_get_stops_at_the_top, "IPA_STATE_GET.run")
{
	rec = asker(1);
	EXPECT_EQ(get(ASK_RAM, ASK_RAM + GRANULE_SIZE).x[1], ASK_RAM + GRANULE_SIZE);
	/* One entry of 2 MiB holds it all, and more. */
	EXPECT_EQ(get(ASK_EMPTY + GRANULE_SIZE, ASK_EMPTY + 2U * GRANULE_SIZE).x[1],
		  ASK_EMPTY + 2U * GRANULE_SIZE);
}

CASE(ipa_state_get_does_not_go_into_a_table_of_another_ripas, "IPA_STATE_GET.run")
{
	struct call result;

	rec = asker(1);
	LEAVE_UNLESS(ripas_force(rec, ASK_EMPTY, ASK_EMPTY + BLOCK_SIZE, RMI_RIPAS_RAM));
	EXPECT_EQ(realm_tables(rec->realm, ASK_EMPTY + BLOCK_SIZE, PAGE_LEVEL), RMI_SUCCESS);
	result = get(ASK_EMPTY, ASK_EMPTY + 3U * BLOCK_SIZE);
	EXPECT_EQ(result.x[1], ASK_EMPTY + BLOCK_SIZE);
	EXPECT_EQ(result.x[2], RMI_RIPAS_RAM);
}
