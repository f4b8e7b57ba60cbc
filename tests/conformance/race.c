/* SPDX-License-Identifier: BSD-3-Clause */
/* Two host calls on the same granules at once. */
#include <abi/rmi.h>

#include "call.h"
#include "duel.h"
#include "granules.h"
#include "probe.h"
#include "realm.h"
#include "tap.h"

#define ROUNDS DUEL_ROUNDS

static uint64_t granule;
static struct rig_realm *one;
static struct rig_realm *two;
static struct rig_rec *rec;
static unsigned int mine_won;
static unsigned int theirs_won;
static unsigned int wrong;

static void begin(void)
{
	mine_won = 0;
	theirs_won = 0;
	wrong = 0;
}

/* Counts a round that one side must have won, the other lost with `error`. */
static void count(uint64_t mine, uint64_t theirs, uint64_t error)
{
	if (mine == RMI_SUCCESS && theirs == error) {
		mine_won++;
	} else if (theirs == RMI_SUCCESS && mine == error) {
		theirs_won++;
	} else {
		tap_note("0x%lx and 0x%lx", (unsigned long)mine, (unsigned long)theirs);
		wrong++;
	}
}

static bool each_won_or_worse(void)
{
	return wrong != 0U || (mine_won != 0U && theirs_won != 0U);
}

static void expect_race(void)
{
	EXPECT_EQ(wrong, 0);
	EXPECT(mine_won != 0U);
	EXPECT(theirs_won != 0U);
}

static uint64_t delegate(void)
{
	return rmi_status(RMI_GRANULE_DELEGATE, granule);
}

static uint64_t undelegate(void)
{
	return rmi_status(RMI_GRANULE_UNDELEGATE, granule);
}

static void after_delegate(uint64_t mine, uint64_t theirs)
{
	count(mine, theirs, RMI_ERROR_INPUT);
	EXPECT(!granule_is_undelegated(granule));
	EXPECT_EQ(undelegate(), RMI_SUCCESS);
}

CASE(of_two_delegations_one_succeeds, "RACE.delegate")
{
	static const struct duel duel = { .mine = delegate,
					  .theirs = delegate,
					  .after = after_delegate,
					  .seen = each_won_or_worse };

	begin();
	granule = granule_take();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	expect_race();
}

static void before_undelegate(void)
{
	EXPECT_EQ(delegate(), RMI_SUCCESS);
}

static void after_undelegate(uint64_t mine, uint64_t theirs)
{
	count(mine, theirs, RMI_ERROR_INPUT);
	EXPECT(granule_is_undelegated(granule));
}

CASE(of_two_undelegations_one_succeeds, "RACE.undelegate")
{
	static const struct duel duel = { .before = before_undelegate,
					  .mine = undelegate,
					  .theirs = undelegate,
					  .after = after_undelegate,
					  .seen = each_won_or_worse };

	begin();
	granule = granule_take();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	expect_race();
}

static unsigned int both;
static unsigned int first_only;

static void after_either(uint64_t mine, uint64_t theirs)
{
	if (mine != RMI_SUCCESS) {
		wrong++;
	} else if (theirs == RMI_SUCCESS) {
		both++;
		EXPECT(granule_is_undelegated(granule));
	} else {
		first_only++;
		EXPECT_EQ(theirs, RMI_ERROR_INPUT);
		EXPECT_EQ(undelegate(), RMI_SUCCESS);
	}
}

static bool came_both_ways_or_worse(void)
{
	return wrong != 0U || (both != 0U && first_only != 0U);
}

CASE(a_delegation_and_an_undelegation_come_one_after_the_other, "RACE.undelegate")
{
	static const struct duel duel = { .mine = delegate,
					  .theirs = undelegate,
					  .after = after_either,
					  .seen = came_both_ways_or_worse };

	begin();
	both = 0;
	first_only = 0;
	granule = granule_take();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	EXPECT_EQ(wrong, 0);
	EXPECT(both != 0U && first_only != 0U);
}

static uint64_t create_one(void)
{
	return realm_create(one);
}

static uint64_t create_two(void)
{
	return realm_create(two);
}

static void after_create(uint64_t mine, uint64_t theirs)
{
	count(mine, theirs, RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, mine == RMI_SUCCESS ? one->rd : two->rd),
		  RMI_SUCCESS);
}

/* Nothing of either realm was lost. */
static void expect_create_race(void)
{
	static const struct duel duel = { .mine = create_one,
					  .theirs = create_two,
					  .after = after_create,
					  .seen = each_won_or_worse };

	begin();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	expect_race();
	EXPECT(granule_is_delegated(one->rd));
	EXPECT(granule_is_delegated(two->rd));
	EXPECT(granule_is_delegated(one->params->rtt_base));
	EXPECT(granule_is_delegated(two->params->rtt_base));
}

CASE(of_two_realms_one_gets_the_rd, "RACE.realm_create")
{
	one = realm_prepare();
	two = realm_prepare();
	two->rd = one->rd;
	expect_create_race();
}

CASE(of_two_realms_one_gets_the_tables, "RACE.realm_create")
{
	one = realm_prepare();
	two = realm_prepare();
	two->params->rtt_base = one->params->rtt_base;
	expect_create_race();
}

CASE(of_two_realms_one_gets_the_vmid, "RACE.vmid")
{
	one = realm_prepare();
	two = realm_prepare();
	two->params->vmid = one->params->vmid;
	expect_create_race();
}

static void after_create_undelegate(uint64_t mine, uint64_t theirs)
{
	count(mine, theirs, RMI_ERROR_INPUT);
	if (mine == RMI_SUCCESS) {
		EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, one->rd), RMI_SUCCESS);
	} else {
		EXPECT_EQ(delegate(), RMI_SUCCESS);
	}
}

CASE(a_granule_goes_into_a_realm_or_back_to_the_host, "RACE.realm_create RACE.undelegate")
{
	static const struct duel duel = { .mine = create_one,
					  .theirs = undelegate,
					  .after = after_create_undelegate,
					  .seen = each_won_or_worse };

	begin();
	one = realm_prepare();
	granule = one->params->rtt_base + 7U * GRANULE_SIZE;
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	expect_race();
}

static void before_destroy(void)
{
	EXPECT_EQ(realm_create(one), RMI_SUCCESS);
}

static uint64_t destroy_realm(void)
{
	return rmi_status(RMI_REALM_DESTROY, one->rd);
}

static uint64_t create_rec(void)
{
	return rec_create(rec);
}

static void after_destroy(uint64_t mine, uint64_t theirs)
{
	count(mine, theirs, mine == RMI_SUCCESS ? RMI_ERROR_INPUT : RMI_ERROR_REALM);
	if (theirs == RMI_SUCCESS) {
		EXPECT_EQ(rmi_status(RMI_REC_DESTROY, rec->pa), RMI_SUCCESS);
		EXPECT_EQ(destroy_realm(), RMI_SUCCESS);
	}
}

CASE(a_realm_gets_a_rec_or_is_destroyed, "RACE.realm_destroy")
{
	static const struct duel duel = { .before = before_destroy,
					  .mine = destroy_realm,
					  .theirs = create_rec,
					  .after = after_destroy,
					  .seen = each_won_or_worse };

	begin();
	one = realm_make();
	rec = rec_prepare(one, 0, true);
	EXPECT_EQ(destroy_realm(), RMI_SUCCESS);
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	expect_race();
	EXPECT(granule_is_delegated(rec->pa));
}

static uint64_t create_data(void)
{
	return rmi_status(RMI_DATA_CREATE_UNKNOWN, one->rd, granule, 0);
}

static uint64_t create_table(void)
{
	return rmi_status(RMI_RTT_CREATE, one->rd, granule, 0x200000, 3);
}

static void after_table(uint64_t mine, uint64_t theirs)
{
	count(mine, theirs, RMI_ERROR_INPUT);
	if (mine == RMI_SUCCESS) {
		EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, one->rd, 0), RMI_SUCCESS);
	} else {
		EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, one->rd, 0x200000, 3), RMI_SUCCESS);
	}
}

CASE(a_granule_becomes_data_or_a_table, "RACE.delegated")
{
	static const struct duel duel = { .mine = create_data,
					  .theirs = create_table,
					  .after = after_table,
					  .seen = each_won_or_worse };

	begin();
	one = realm_make();
	EXPECT_EQ(realm_tables(one, 0, 3), RMI_SUCCESS);
	granule = granule_take_delegated();
	EXPECT(duel_fight(&duel, ROUNDS) != 0U);
	expect_race();
	EXPECT(granule_is_delegated(granule));
}
