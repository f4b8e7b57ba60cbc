/* SPDX-License-Identifier: BSD-3-Clause */
/* RSI_HOST_CALL. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>

#include "granules.h"
#include "pair.h"
#include "rig.h"
#include "space.h"
#include "tap.h"

#define IMM	 UINT64_C(0xBEEF)
#define GPR_AT	 offsetof(struct rsi_host_call, gprs)
#define REALMS	 UINT64_C(0x5265616C6D000000)
#define WORD_0	 (IMM | UINT64_C(0xABCD) << 16) /* what follows imm is not part of it */
#define HOSTS	 UINT64_C(0x486F737400000000)
#define LAST_GPR (RMI_GPRS - 1U)

static struct rig_rec *rec;

static uint64_t gpr_at(uint64_t ipa, unsigned int n)
{
	return ipa + GPR_AT + (uint64_t)n * sizeof(uint64_t);
}

/* A realm with the structure at `ipa`, filled by the realm. */
static void prepare(uint64_t ipa, unsigned int recs)
{
	rec = asker(recs);
	if (realm_data_unknown(rec->realm, align_down(ipa, GRANULE_SIZE)) != RMI_SUCCESS) {
		rig_give_up("no page for a host call");
	}
	hand_write(rec, ipa, WORD_0);
	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		hand_write(rec, gpr_at(ipa, n), REALMS + n);
	}
}

static void answer(void)
{
	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		rec->run->enter.gprs[n] = HOSTS + n;
	}
}

static void expect_call(uint64_t ipa)
{
	LEAVE_UNLESS(ask(rec, RMI_EXIT_HOST_CALL, RSI_HOST_CALL, ipa));
	EXPECT_EQ(rec->run->exit.imm, IMM);
	EXPECT(exit_shows_no_more(rec, RMI_GPRS));
	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		EXPECT_EQ(rec->run->exit.gprs[n], REALMS + n);
	}
}

static void expect_answered(uint64_t ipa)
{
	struct call result = ask_again(rec);

	EXPECT_EQ(result.x[0], RSI_SUCCESS);
	EXPECT_EQ(result.x[1] | result.x[2] | result.x[3], 0);
	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		EXPECT_EQ(hand_read(rec, gpr_at(ipa, n)), HOSTS + n);
	}
}

CASE(host_call_carries_31_registers_both_ways, "HOST_CALL.exit HOST_CALL.write_back")
{
	prepare(ASK_RAM, 1);
	expect_call(ASK_RAM);
	answer();
	expect_answered(ASK_RAM);
	EXPECT_EQ(hand_read(rec, ASK_RAM), WORD_0);
}

CASE(host_call_changes_nothing_beside_its_structure, "HOST_CALL.write_back")
{
	uint64_t ipa = ASK_RAM + 0x100;

	prepare(ipa, 1);
	hand_write(rec, ipa - sizeof(uint64_t), REALMS);
	hand_write(rec, ipa + sizeof(struct rsi_host_call), REALMS);
	expect_call(ipa);
	answer();
	expect_answered(ipa);
	EXPECT_EQ(hand_read(rec, ipa - sizeof(uint64_t)), REALMS);
	EXPECT_EQ(hand_read(rec, ipa + sizeof(struct rsi_host_call)), REALMS);
}

CASE(host_call_works_anywhere_in_a_page, "HOST_CALL.addr_align")
{
	static const uint64_t offsets[] = { 0x100, 0x800, 0xF00 };

	for (size_t n = 0; n < ARRAY_COUNT(offsets); n++) {
		prepare(ASK_RAM + offsets[n], 1);
		expect_call(ASK_RAM + offsets[n]);
		answer();
		expect_answered(ASK_RAM + offsets[n]);
	}
}

CASE(host_call_refuses_an_unaligned_address, "HOST_CALL.addr_align")
{
	static const uint64_t offsets[] = { 1, 8, 0x80, 0xFF, 0x180, 0xF80, 0xFFF };

	prepare(ASK_RAM, 1);
	for (size_t n = 0; n < ARRAY_COUNT(offsets); n++) {
		EXPECT_EQ(hand_smc(rec, RSI_HOST_CALL, ASK_RAM + offsets[n]).x[0], RSI_ERROR_INPUT);
	}
}

CASE(host_call_refuses_what_is_not_protected, "HOST_CALL.addr_bound")
{
	static const unsigned int bits[] = { 32, 33, 40, 47, 48, 52, 63 };

	prepare(ASK_RAM, 1);
	EXPECT_EQ(realm_share(rec->realm, RIG_UNPROTECTED | ASK_RAM, granule_take(), PAGE_LEVEL),
		  RMI_SUCCESS);
	for (size_t n = 0; n < ARRAY_COUNT(bits); n++) {
		EXPECT_EQ(hand_smc(rec, RSI_HOST_CALL, bit64(bits[n]) | ASK_RAM).x[0],
			  RSI_ERROR_INPUT);
	}
}

CASE(host_call_into_a_page_of_a_block, "HOST_CALL.exit HOST_CALL.write_back")
{
	uint64_t ipa = ASK_EMPTY + 7U * GRANULE_SIZE;

	rec = asker(1);
	(void)realm_make_block(rec->realm, ASK_EMPTY);
	LEAVE_UNLESS(ripas_force(rec, ASK_EMPTY, ASK_EMPTY + BLOCK_SIZE, RMI_RIPAS_RAM));
	hand_write(rec, ipa, IMM);
	hand_write(rec, gpr_at(ipa, LAST_GPR), REALMS);
	LEAVE_UNLESS(ask(rec, RMI_EXIT_HOST_CALL, RSI_HOST_CALL, ipa));
	EXPECT_EQ(rec->run->exit.imm, IMM);
	EXPECT_EQ(rec->run->exit.gprs[LAST_GPR], REALMS);
	answer();
	expect_answered(ipa);
}

static struct rig_rec *turn_other_on(void)
{
	struct pair pair = { .first = rec, .second = &rec->realm->recs[1] };

	pair_turn_on(&pair);
	return pair.second;
}

/* Takes the page away while the host call is open, and enters: the exit of a missing page. */
static void lose_page(void)
{
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, rec->realm->rd, ASK_RAM), RMI_SUCCESS);
	EXPECT(!hand_resume(rec).done);
	EXPECT(exit_is_missing(rec, ASK_RAM, PAGE_LEVEL));
	EXPECT_EQ(rec->run->exit.imm, 0);
}

CASE(an_answer_to_a_page_that_went_away_is_not_written, "HOST_CALL.page_gone")
{
	prepare(ASK_RAM, 1);
	expect_call(ASK_RAM);
	lose_page();
	EXPECT_EQ(realm_data_unknown(rec->realm, ASK_RAM), RMI_SUCCESS);
	EXPECT(!hand_resume(rec).done);
	EXPECT(exit_is_missing(rec, ASK_RAM, PAGE_LEVEL));
}

CASE(a_host_call_stays_open_until_its_page_is_back, "HOST_CALL.page_gone HOST_CALL.pending")
{
	struct rig_rec *other;

	prepare(ASK_RAM, 2);
	other = turn_other_on();
	expect_call(ASK_RAM);
	lose_page();
	LEAVE_UNLESS(ripas_force(other, ASK_RAM, ASK_RAM + GRANULE_SIZE, RMI_RIPAS_RAM));
	EXPECT(!hand_resume(rec).done);
	EXPECT(exit_is_missing(rec, ASK_RAM, PAGE_LEVEL));
	EXPECT_EQ(realm_data_unknown(rec->realm, ASK_RAM), RMI_SUCCESS);
	answer();
	expect_answered(ASK_RAM);
}

CASE(an_answer_to_a_page_that_became_empty_is_not_written, "HOST_CALL.page_empty")
{
	struct rig_rec *other;

	prepare(ASK_RAM, 2);
	other = turn_other_on();
	expect_call(ASK_RAM);
	LEAVE_UNLESS(ripas_force(other, ASK_RAM, ASK_RAM + GRANULE_SIZE, RMI_RIPAS_EMPTY));
	EXPECT(!hand_resume(rec).done);
	EXPECT(exit_is_missing(rec, ASK_RAM, PAGE_LEVEL));
	LEAVE_UNLESS(ripas_force(other, ASK_RAM, ASK_RAM + GRANULE_SIZE, RMI_RIPAS_RAM));
	answer();
	expect_answered(ASK_RAM);
}

CASE(a_refused_entry_leaves_a_host_call_open, "HOST_CALL.pending")
{
	prepare(ASK_RAM, 1);
	expect_call(ASK_RAM);
	rec->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = 0;
	answer();
	expect_answered(ASK_RAM);
}
