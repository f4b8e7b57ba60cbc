/* SPDX-License-Identifier: BSD-3-Clause */
/* The shapes of IPA spaces that RMI_REALM_CREATE takes, and realms that run in each of them. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>

#include "call.h"
#include "granules.h"
#include "space.h"
#include "tap.h"

#define MAX_ROOTS 16U
#define CONFIG	  UINT64_C(0x100000) /* RAM of the hand's realm that it does not use */

/* Arm ARM D8.2: what a stage 2 of 4 KiB granules can look like; widths from 32 on. */
static unsigned int legal_roots(unsigned int s2sz, int level)
{
	switch (level) {
	case 0:
		return s2sz >= 40U && s2sz <= 48U ? 1U : 0U;
	case 1:
		if (s2sz >= 32U && s2sz <= 39U) {
			return 1U;
		}
		return s2sz >= 40U && s2sz <= 43U ? 1U << (s2sz - 39U) : 0U;
	case 2:
		return s2sz >= 32U && s2sz <= 34U ? 1U << (s2sz - 30U) : 0U;
	default:
		return 0U;
	}
}

/* One set of granules for every shape: each realm is destroyed before the next. */
static struct rig_realm *prepare(void)
{
	struct rig_realm *realm = realm_prepare();

	realm->params->rtt_base =
		granules_take_delegated(MAX_ROOTS, MAX_ROOTS * (uint64_t)GRANULE_SIZE);
	return realm;
}

static void expect_create(struct rig_realm *realm, unsigned int s2sz, int64_t level,
			  unsigned int roots, uint64_t wanted)
{
	uint64_t found;

	realm->params->s2sz = (uint8_t)s2sz;
	realm->params->rtt_level_start = level;
	realm->params->rtt_num_start = roots;
	found = realm_create(realm);
	if (found != wanted) {
		tap_fail("%u bits from level %d with %u tables: 0x%lx", s2sz, (int)level, roots,
			 (unsigned long)found);
	}
	if (found == RMI_SUCCESS) {
		EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, realm->rd), RMI_SUCCESS);
	}
}

CASE(realm_create_takes_every_legal_shape, "REALM_CREATE.shape")
{
	struct rig_realm *realm = prepare();
	uint64_t max = rmi(RMI_FEATURES, 0).x[1] & RMI_FEATURE0_S2SZ_MASK;

	for (unsigned int s2sz = 32; s2sz <= min_u64(max, 48); s2sz++) {
		for (int level = 0; level <= 2; level++) {
			unsigned int roots = legal_roots(s2sz, level);

			if (roots != 0U) {
				expect_create(realm, s2sz, level, roots, RMI_SUCCESS);
			}
		}
	}
}

CASE(realm_create_refuses_any_other_number_of_tables, "REALM_CREATE.shape")
{
	struct rig_realm *realm = prepare();

	for (unsigned int s2sz = 32; s2sz <= 48U; s2sz++) {
		for (int level = 0; level <= 2; level++) {
			for (unsigned int roots = 0; roots <= 2U * MAX_ROOTS; roots++) {
				if (roots == 0U || roots != legal_roots(s2sz, level)) {
					expect_create(realm, s2sz, level, roots, RMI_ERROR_INPUT);
				}
			}
		}
	}
}

CASE(realm_create_refuses_absurd_numbers_of_tables, "REALM_CREATE.shape")
{
	struct rig_realm *realm = prepare();

	expect_create(realm, 33, 2, 0x80000000U, RMI_ERROR_INPUT);
	expect_create(realm, 33, 2, 0x80000008U, RMI_ERROR_INPUT);
	expect_create(realm, 33, 2, UINT32_MAX, RMI_ERROR_INPUT);
}

CASE(realm_create_refuses_start_levels_that_are_none, "REALM_CREATE.shape")
{
	static const int64_t levels[] = {
		INT64_MIN, -2, -1, 3, 4, INT64_C(0x100000002), INT64_MAX
	};
	struct rig_realm *realm = prepare();

	for (size_t n = 0; n < ARRAY_COUNT(levels); n++) {
		for (unsigned int roots = 1; roots <= MAX_ROOTS; roots *= 2U) {
			expect_create(realm, 33, levels[n], roots, RMI_ERROR_INPUT);
			expect_create(realm, 48, levels[n], roots, RMI_ERROR_INPUT);
		}
	}
}

CASE(realm_create_refuses_widths_that_are_too_small, "REALM_CREATE.s2sz")
{
	struct rig_realm *realm = prepare();

	for (unsigned int s2sz = 0; s2sz < 32U; s2sz++) {
		for (unsigned int roots = 1; roots <= MAX_ROOTS; roots *= 2U) {
			for (int level = 0; level <= 3; level++) {
				expect_create(realm, s2sz, level, roots, RMI_ERROR_INPUT);
			}
		}
	}
}

CASE(realm_create_refuses_widths_above_the_offered, "REALM_CREATE.s2sz")
{
	struct rig_realm *realm = prepare();
	unsigned int max = (unsigned int)(rmi(RMI_FEATURES, 0).x[1] & RMI_FEATURE0_S2SZ_MASK);

	for (unsigned int s2sz = max + 1U; s2sz <= 0xFFU; s2sz++) {
		for (int level = -1; level <= 2; level++) {
			expect_create(realm, s2sz, level, 1, RMI_ERROR_INPUT);
		}
	}
}

/* A page of RAM at the very end of the protected half, one for the config, and two shared ones. */
static struct rig_realm *make(unsigned int s2sz, int level, unsigned int roots, uint64_t page)
{
	struct rig_realm *realm = realm_of_shape(s2sz, level, roots);
	uint64_t shared = realm_shared_bit(realm);

	hand_load(realm);
	EXPECT_EQ(realm_ram(realm, shared - GRANULE_SIZE, shared, true), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, shared - GRANULE_SIZE), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, CONFIG), RMI_SUCCESS);
	EXPECT_EQ(realm_share(realm, shared, page, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_share(realm, 2U * shared - GRANULE_SIZE, page, PAGE_LEVEL), RMI_SUCCESS);
	(void)hand_rec(realm);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	return realm;
}

/* The hand reaches all ends of the space; nothing lies behind it. */
static void runs_in(unsigned int s2sz, int level, unsigned int roots)
{
	uint64_t page = granule_take();
	struct rig_realm *realm = make(s2sz, level, roots, page);
	struct rig_rec *rec = &realm->recs[0];
	uint64_t shared = realm_shared_bit(realm);
	uint64_t value;

	LEAVE_UNLESS(hand_begin(rec));
	EXPECT_EQ(hand_smc(rec, RSI_REALM_CONFIG, CONFIG).x[0], RSI_SUCCESS);
	EXPECT_EQ(hand_read(rec, CONFIG), s2sz);
	hand_write(rec, shared - sizeof(uint64_t), s2sz);
	EXPECT_EQ(hand_read(rec, shared - sizeof(uint64_t)), s2sz);
	hand_write(rec, shared, 0x5A5A);
	EXPECT_EQ(hand_read(rec, 2U * shared - GRANULE_SIZE), 0x5A5A);
	EXPECT(ns_read(page, &value));
	EXPECT_EQ(value, 0x5A5A);
	EXPECT_EQ(realm_entry(realm, 2U * shared, PAGE_LEVEL).status, RMI_ERROR_INPUT);
	EXPECT_EQ(realm_entry(realm, bit64(63), PAGE_LEVEL).status, RMI_ERROR_INPUT);
}

/* Levels above the start level and below 3 are none of this realm's. */
static void has_levels_from(unsigned int s2sz, int level, unsigned int roots)
{
	struct rig_realm *realm = realm_of_shape(s2sz, level, roots);

	for (int each = -1; each <= NO_SUCH_LEVEL; each++) {
		EXPECT_EQ(realm_entry(realm, 0, each).status,
			  each >= level && each <= PAGE_LEVEL ? RMI_SUCCESS : RMI_ERROR_INPUT);
	}
	EXPECT_ENTRY(realm, 0, PAGE_LEVEL, .level = (uint64_t)level, .state = RMI_UNASSIGNED,
		     .ripas = RMI_RIPAS_EMPTY);
}

CASE(realms_have_the_levels_from_their_start_level_on, "IPA_SPACE.levels")
{
	has_levels_from(34, 2, 16);
	has_levels_from(39, 1, 1);
	has_levels_from(43, 1, 16);
	has_levels_from(48, 0, 1);
}

CASE(a_realm_of_32_bits_from_level_2_runs, "IPA_SPACE.level_2")
{
	runs_in(32, 2, 4);
}

CASE(a_realm_of_33_bits_from_level_2_runs, "IPA_SPACE.level_2")
{
	runs_in(33, 2, 8);
}

CASE(a_realm_of_34_bits_from_level_2_runs, "IPA_SPACE.level_2")
{
	runs_in(34, 2, 16);
}

CASE(a_realm_of_32_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(32, 1, 1);
}

CASE(a_realm_of_33_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(33, 1, 1);
}

CASE(a_realm_of_34_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(34, 1, 1);
}

CASE(a_realm_of_35_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(35, 1, 1);
}

CASE(a_realm_of_36_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(36, 1, 1);
}

CASE(a_realm_of_37_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(37, 1, 1);
}

CASE(a_realm_of_38_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(38, 1, 1);
}

CASE(a_realm_of_39_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(39, 1, 1);
}

CASE(a_realm_of_40_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(40, 1, 2);
}

CASE(a_realm_of_41_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(41, 1, 4);
}

CASE(a_realm_of_42_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(42, 1, 8);
}

CASE(a_realm_of_43_bits_from_level_1_runs, "IPA_SPACE.level_1")
{
	runs_in(43, 1, 16);
}

CASE(a_realm_of_40_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(40, 0, 1);
}

CASE(a_realm_of_41_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(41, 0, 1);
}

CASE(a_realm_of_42_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(42, 0, 1);
}

CASE(a_realm_of_43_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(43, 0, 1);
}

CASE(a_realm_of_44_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(44, 0, 1);
}

CASE(a_realm_of_45_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(45, 0, 1);
}

CASE(a_realm_of_46_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(46, 0, 1);
}

CASE(a_realm_of_47_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(47, 0, 1);
}

CASE(a_realm_of_48_bits_from_level_0_runs, "IPA_SPACE.level_0")
{
	runs_in(48, 0, 1);
}
