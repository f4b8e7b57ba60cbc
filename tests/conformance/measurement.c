/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What moves the RIM, and what does not. Its exact values are tested where they are predicted, in
 * Python; here one realm is compared with another, as each reads its own.
 */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "rim.h"
#include "space.h"
#include "tap.h"

#define HASH256_WORDS 4U
#define HERE	      (2U * BLOCK_SIZE) /* the first address that the hand's realm leaves alone */
#define FAR_AWAY      (8U * BLOCK_SIZE)

static void set_bps(struct rmi_realm_params *params)
{
	params->num_bps = 2;
}

static void set_wps(struct rmi_realm_params *params)
{
	params->num_wps = 2;
}

static void set_sha_512(struct rmi_realm_params *params)
{
	params->hash_algo = RMI_HASH_SHA_512;
}

static void shape(struct rmi_realm_params *params, uint8_t s2sz, int level, unsigned int roots)
{
	params->s2sz = s2sz;
	params->rtt_level_start = level;
	params->rtt_num_start = roots;
	params->rtt_base = granules_take_delegated(roots, (uint64_t)roots * GRANULE_SIZE);
}

static void set_34_bits(struct rmi_realm_params *params)
{
	shape(params, 34, 2, 16);
}

static void set_40_bits_from_1(struct rmi_realm_params *params)
{
	shape(params, 40, 1, 2);
}

static void set_40_bits_from_0(struct rmi_realm_params *params)
{
	shape(params, 40, 0, 1);
}

static void set_what_does_not_count(struct rmi_realm_params *params)
{
	memset(params->rpv, 0x77, sizeof(params->rpv));
	params->vmid = 0x7F;
}

CASE(equal_realms_have_equal_rims, "RIM.deterministic")
{
	EXPECT(rim_equal(rim_of(NULL, NULL), rim_of(NULL, NULL)));
}

CASE(breakpoints_and_watchpoints_are_measured, "RIM.params")
{
	struct rim plain = rim_of(NULL, NULL);
	struct rim bps = rim_of(set_bps, NULL);
	struct rim wps = rim_of(set_wps, NULL);

	EXPECT(!rim_equal(plain, bps));
	EXPECT(!rim_equal(plain, wps));
	EXPECT(!rim_equal(bps, wps));
}

CASE(the_ipa_width_is_measured, "RIM.params")
{
	EXPECT(!rim_equal(rim_of(NULL, NULL), rim_of(set_34_bits, NULL)));
}

CASE(a_rim_is_as_long_as_its_hash, "RIM.hash RIM.params")
{
	struct rim short_one = rim_of(NULL, NULL);
	struct rim long_one = rim_of(set_sha_512, NULL);
	uint64_t upper = 0;

	for (unsigned int n = HASH256_WORDS; n < RIM_WORDS; n++) {
		EXPECT_EQ(short_one.word[n], 0);
		upper |= long_one.word[n];
	}
	EXPECT(upper != 0U);
	EXPECT(short_one.word[0] != long_one.word[0]);
}

CASE(the_tables_are_not_measured, "RIM.not_params")
{
	EXPECT(rim_equal(rim_of(set_40_bits_from_1, NULL), rim_of(set_40_bits_from_0, NULL)));
}

CASE(vmid_and_rpv_are_not_measured, "RIM.not_params")
{
	EXPECT(rim_equal(rim_of(NULL, NULL), rim_of(set_what_does_not_count, NULL)));
}

static void set_sve(struct rmi_realm_params *params)
{
	params->flags = RMI_REALM_FLAG_SVE_MASK;
}

static void set_sve_of_256_bits(struct rmi_realm_params *params)
{
	params->flags = RMI_REALM_FLAG_SVE_MASK;
	params->sve_vl = 1;
}

CASE(sve_and_its_vector_length_are_measured, "RIM.params_sve")
{
	uint64_t features = rmi(RMI_FEATURES, 0).x[1];
	struct rim plain = rim_of(NULL, NULL);

	if ((features & RMI_FEATURE0_SVE_EN_MASK) == 0U) {
		tap_note("SVE is not offered");
		return;
	}
	EXPECT(!rim_equal(plain, rim_of(set_sve, NULL)));
	if ((features & RMI_FEATURE0_SVE_VL_MASK) != 0U) {
		EXPECT(!rim_equal(rim_of(set_sve, NULL), rim_of(set_sve_of_256_bits, NULL)));
	}
}

static uint64_t page_of(uint64_t word)
{
	uint64_t page = granule_take();

	EXPECT(ns_write(page + 0x800, word));
	return page;
}

static void make_room(struct rig_realm *realm)
{
	EXPECT_EQ(realm_tables(realm, HERE, PAGE_LEVEL), RMI_SUCCESS);
}

static void put(struct rig_realm *realm, uint64_t ipa, uint64_t word, uint64_t flags)
{
	make_room(realm);
	EXPECT_EQ(realm_data(realm, ipa, page_of(word), flags), RMI_SUCCESS);
}

static void put_1(struct rig_realm *realm)
{
	put(realm, HERE, 1, RMI_DATA_MEASURE);
}

static void put_1_elsewhere_in_memory(struct rig_realm *realm)
{
	(void)granules_take(7, GRANULE_SIZE);
	put(realm, HERE, 1, RMI_DATA_MEASURE);
}

static void put_2(struct rig_realm *realm)
{
	put(realm, HERE, 2, RMI_DATA_MEASURE);
}

static void put_1_above(struct rig_realm *realm)
{
	put(realm, HERE + GRANULE_SIZE, 1, RMI_DATA_MEASURE);
}

static void put_1_unmeasured(struct rig_realm *realm)
{
	put(realm, HERE, 1, RMI_DATA_NO_MEASURE);
}

static void put_2_unmeasured(struct rig_realm *realm)
{
	put(realm, HERE, 2, RMI_DATA_NO_MEASURE);
}

static void put_1_unmeasured_above(struct rig_realm *realm)
{
	put(realm, HERE + GRANULE_SIZE, 1, RMI_DATA_NO_MEASURE);
}

static void put_upwards(struct rig_realm *realm)
{
	put(realm, HERE, 1, RMI_DATA_MEASURE);
	put(realm, HERE + GRANULE_SIZE, 1, RMI_DATA_MEASURE);
}

static void put_downwards(struct rig_realm *realm)
{
	put(realm, HERE + GRANULE_SIZE, 1, RMI_DATA_MEASURE);
	put(realm, HERE, 1, RMI_DATA_MEASURE);
}

CASE(data_is_measured_by_content_and_place, "RIM.data")
{
	struct rim one = rim_of(NULL, put_1);

	EXPECT(rim_equal(one, rim_of(NULL, put_1_elsewhere_in_memory)));
	EXPECT(!rim_equal(one, rim_of(NULL, NULL)));
	EXPECT(!rim_equal(one, rim_of(NULL, put_2)));
	EXPECT(!rim_equal(one, rim_of(NULL, put_1_above)));
}

CASE(unmeasured_data_is_measured_by_its_place_only, "RIM.data_unmeasured")
{
	struct rim one = rim_of(NULL, put_1_unmeasured);

	EXPECT(rim_equal(one, rim_of(NULL, put_2_unmeasured)));
	EXPECT(!rim_equal(one, rim_of(NULL, NULL)));
	EXPECT(!rim_equal(one, rim_of(NULL, put_1)));
	EXPECT(!rim_equal(one, rim_of(NULL, put_1_unmeasured_above)));
}

CASE(the_order_of_data_is_measured, "RIM.order")
{
	EXPECT(!rim_equal(rim_of(NULL, put_upwards), rim_of(NULL, put_downwards)));
}

static void init_coarse(struct rig_realm *realm)
{
	EXPECT_EQ(realm_ram(realm, HERE, HERE + BLOCK_SIZE, false), RMI_SUCCESS);
}

static void init_fine(struct rig_realm *realm)
{
	EXPECT_EQ(realm_ram(realm, HERE, HERE + BLOCK_SIZE, true), RMI_SUCCESS);
}

static void init_above(struct rig_realm *realm)
{
	EXPECT_EQ(realm_ram(realm, HERE + BLOCK_SIZE, HERE + 2U * BLOCK_SIZE, false), RMI_SUCCESS);
}

static void init_again(struct rig_realm *realm)
{
	init_coarse(realm);
	init_coarse(realm);
}

/* The same entries, in one call or in two. */
static void init_two(struct rig_realm *realm)
{
	EXPECT_EQ(realm_ram(realm, HERE, HERE + 2U * BLOCK_SIZE, false), RMI_SUCCESS);
}

static void init_two_one_by_one(struct rig_realm *realm)
{
	init_coarse(realm);
	init_above(realm);
}

CASE(ram_is_measured_by_its_entries, "RIM.ripas")
{
	struct rim coarse = rim_of(NULL, init_coarse);

	EXPECT(!rim_equal(coarse, rim_of(NULL, NULL)));
	EXPECT(!rim_equal(coarse, rim_of(NULL, init_fine)));
	EXPECT(!rim_equal(coarse, rim_of(NULL, init_above)));
	EXPECT(rim_equal(rim_of(NULL, init_two), rim_of(NULL, init_two_one_by_one)));
}

CASE(ram_is_measured_again_if_it_is_ram_already, "RIM.ripas_again")
{
	EXPECT(!rim_equal(rim_of(NULL, init_coarse), rim_of(NULL, init_again)));
}

static void add_rec(struct rig_realm *realm, uint64_t pc, uint64_t x7, bool runnable)
{
	struct rig_rec *rec = rec_prepare(realm, pc, runnable);

	rec->params->gprs[7] = x7;
	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
}

static void add_runnable(struct rig_realm *realm)
{
	add_rec(realm, 0x1000, 1, true);
}

static void add_runnable_with_other_pc(struct rig_realm *realm)
{
	add_rec(realm, 0x1004, 1, true);
}

static void add_runnable_with_other_x7(struct rig_realm *realm)
{
	add_rec(realm, 0x1000, 2, true);
}

static void add_not_runnable(struct rig_realm *realm)
{
	add_rec(realm, 0x1000, 1, false);
}

CASE(a_runnable_rec_is_measured, "RIM.rec")
{
	struct rim one = rim_of(NULL, add_runnable);

	EXPECT(rim_equal(one, rim_of(NULL, add_runnable)));
	EXPECT(!rim_equal(one, rim_of(NULL, NULL)));
	EXPECT(!rim_equal(one, rim_of(NULL, add_runnable_with_other_pc)));
	EXPECT(!rim_equal(one, rim_of(NULL, add_runnable_with_other_x7)));
}

CASE(a_rec_that_is_not_runnable_is_not_measured, "RIM.rec_not_runnable")
{
	EXPECT(rim_equal(rim_of(NULL, NULL), rim_of(NULL, add_not_runnable)));
}

static void do_what_is_not_measured(struct rig_realm *realm)
{
	EXPECT_EQ(realm_tables(realm, HERE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, HERE), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_DATA_DESTROY, realm->rd, HERE), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_FOLD, realm->rd, HERE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, granule_take(), PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_entry(realm, HERE, BLOCK_LEVEL).status, RMI_SUCCESS);
	EXPECT_EQ(realm_tables(realm, 2U * HERE, PAGE_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_RTT_DESTROY, realm->rd, 2U * HERE, PAGE_LEVEL), RMI_SUCCESS);
}

CASE(other_commands_do_not_move_the_rim, "RIM.not_measured")
{
	EXPECT(rim_equal(rim_of(NULL, NULL), rim_of(NULL, do_what_is_not_measured)));
}

static void fail_at_everything(struct rig_realm *realm)
{
	uint64_t data = granule_take_delegated();
	uint64_t source = page_of(1);
	struct rig_rec *rec = rec_prepare(realm, 0, true);

	rec->params->mpidr = rec_mpidr(7);
	EXPECT_EQ(rec_create(rec), RMI_ERROR_INPUT);
	realm->rec_count--;
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE, realm->rd, data, HERE, source, 1),
		  rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE, realm->rd, data, HERE, source, 2), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE, realm->rd, data, HAND_BASE, source, 1),
		  rmi_rtt_error(PAGE_LEVEL));
	EXPECT_EQ(rmi_status(RMI_DATA_CREATE, realm->rd, data, HERE, data, 1), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, HERE, HERE + GRANULE_SIZE),
		  rmi_rtt_error(BLOCK_LEVEL));
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, HAND_BASE, HERE),
		  rmi_rtt_error(PAGE_LEVEL));
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, HERE, HERE), RMI_ERROR_INPUT);
}

CASE(failing_commands_do_not_move_the_rim, "RIM.failures")
{
	EXPECT(rim_equal(rim_of(NULL, NULL), rim_of(NULL, fail_at_everything)));
}

CASE(nothing_moves_the_rim_of_an_active_realm, "RIM.frozen")
{
	struct rig_realm *realm = hand_realm(1);
	struct rig_rec *rec = &realm->recs[0];
	struct rim before;

	LEAVE_UNLESS(hand_begin(rec));
	before = rim_read(rec);
	EXPECT(ripas_change(rec, FAR_AWAY, FAR_AWAY + BLOCK_SIZE, RMI_RIPAS_RAM,
			    RSI_NO_CHANGE_DESTROYED));
	do_what_is_not_measured(realm);
	EXPECT_EQ(realm_data(realm, HERE, page_of(1), RMI_DATA_MEASURE), RMI_ERROR_REALM);
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, HERE, HERE + BLOCK_SIZE),
		  RMI_ERROR_REALM);
	EXPECT_EQ(realm_activate(realm), RMI_ERROR_REALM);
	EXPECT(rim_equal(before, rim_read(rec)));
}
