/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of RIPAS, granted while the REC that asked goes on, or while another REC asks, too. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "duel.h"
#include "pair.h"
#include "space.h"
#include "tap.h"

#define PAGES	   8U
#define END	   (ASK_RAM + PAGES * GRANULE_SIZE)
#define REALMS_OWN UINT64_C(0x4F776E4F776E4F77)

static struct pair pair;
static struct outcome answer;
static uint64_t refusal; /* what ended the grant, or RMI_SUCCESS */
static unsigned int all;
static unsigned int some;

/* Page by page, as far as the RMM goes along; returns where that ends. */
static uint64_t grant(void)
{
	uint64_t at = ASK_RAM;

	refusal = RMI_SUCCESS;
	while (at < END && refusal == RMI_SUCCESS) {
		struct call result = rmi(RMI_RTT_SET_RIPAS, pair.first->realm->rd, pair.first->pa,
					 at, at + GRANULE_SIZE);

		refusal = result.x[0];
		at = refusal == RMI_SUCCESS ? result.x[1] : at;
	}
	return at;
}

static uint64_t go_on(void)
{
	answer = hand_resume(pair.first);
	return RMI_SUCCESS;
}

static void before_grant(void)
{
	EXPECT(ripas_force(pair.first, ASK_RAM, END, RMI_RIPAS_RAM));
	EXPECT(ripas_ask(pair.first, ASK_RAM, END, RMI_RIPAS_EMPTY, RSI_NO_CHANGE_DESTROYED));
}

/* The realm was told of every page that changed, and of no other. */
static void after_grant(uint64_t mine, uint64_t theirs)
{
	(void)theirs;
	while (!answer.done && pair.first->run->exit.exit_reason == RMI_EXIT_IRQ) {
		answer = hand_resume(pair.first);
	}
	EXPECT(answer.done);
	EXPECT_EQ(answer.gprs[1], RSI_SUCCESS);
	EXPECT_EQ(answer.gprs[2], mine);
	for (uint64_t ipa = ASK_RAM; ipa < END; ipa += GRANULE_SIZE) {
		EXPECT_EQ(realm_entry(pair.first->realm, ipa, PAGE_LEVEL).ripas,
			  ipa < mine ? RMI_RIPAS_EMPTY : RMI_RIPAS_RAM);
	}
	if (refusal == RMI_SUCCESS) {
		all++;
	} else {
		EXPECT(refusal == RMI_ERROR_REC || refusal == RMI_ERROR_INPUT);
		some++;
	}
}

static bool was_granted_whole_and_in_part(void)
{
	return all != 0U && some != 0U;
}

CASE(a_rec_goes_on_while_its_request_is_granted, "RACE.ripas_request")
{
	static const struct duel duel = { .before = before_grant,
					  .mine = grant,
					  .theirs = go_on,
					  .after = after_grant,
					  .seen = was_granted_whole_and_in_part };

	all = 0;
	some = 0;
	pair = pair_make();
	EXPECT(duel_fight(&duel, DUEL_ROUNDS) != 0U);
	EXPECT(all != 0U);
	EXPECT(some != 0U);
}

static unsigned int won_by_empty;
static unsigned int won_by_ram;

static uint64_t make_empty(void)
{
	return ripas_force(pair.first, ASK_RAM, END, RMI_RIPAS_EMPTY) ? RMI_SUCCESS
								      : RMI_ERROR_INPUT;
}

static uint64_t make_ram(void)
{
	return ripas_force(pair.second, ASK_RAM, END, RMI_RIPAS_RAM) ? RMI_SUCCESS
								     : RMI_ERROR_INPUT;
}

/* Pages change in one command, so that one side had the last word on all of them. */
static void after_both(uint64_t mine, uint64_t theirs)
{
	uint64_t ripas = realm_entry(pair.first->realm, ASK_RAM, PAGE_LEVEL).ripas;
	struct outcome outcome;

	EXPECT_EQ(mine, RMI_SUCCESS);
	EXPECT_EQ(theirs, RMI_SUCCESS);
	for (uint64_t ipa = ASK_RAM; ipa < END; ipa += GRANULE_SIZE) {
		EXPECT_EQ(realm_entry(pair.first->realm, ipa, PAGE_LEVEL).ripas, ripas);
	}
	outcome = hand_do(pair.first, HAND_READ, ASK_RAM, 8);
	if (ripas == RMI_RIPAS_RAM) {
		won_by_ram++;
		EXPECT_EQ(outcome.gprs[HAND_FAULTS], 0);
		EXPECT_EQ(outcome.gprs[1], REALMS_OWN);
	} else {
		won_by_empty++;
		EXPECT_EQ(ripas, RMI_RIPAS_EMPTY);
		EXPECT_EQ(outcome.gprs[HAND_FAULTS], 1);
	}
}

static bool each_had_the_last_word(void)
{
	return won_by_empty != 0U && won_by_ram != 0U;
}

CASE(two_recs_have_one_ripas_changed_to_and_fro, "RACE.ripas_requests")
{
	static const struct duel duel = { .mine = make_empty,
					  .theirs = make_ram,
					  .after = after_both,
					  .seen = each_had_the_last_word };

	won_by_empty = 0;
	won_by_ram = 0;
	pair = pair_make();
	pair_turn_on(&pair);
	EXPECT_EQ(realm_data_unknown(pair.first->realm, ASK_RAM), RMI_SUCCESS);
	hand_write(pair.first, ASK_RAM, REALMS_OWN);
	EXPECT(duel_fight(&duel, DUEL_ROUNDS) != 0U);
	EXPECT(won_by_empty != 0U);
	EXPECT(won_by_ram != 0U);
}
