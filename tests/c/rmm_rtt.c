/* SPDX-License-Identifier: BSD-3-Clause */
#include "rmm_fixture.h"

#define TABLE2	    PAGE(33)
#define NS_DESC(pa) ((pa) | 6U << 2 | 3U << 6)

static uint64_t create(uint64_t rtt, uint64_t ipa, int64_t level)
{
	return rmi(RMI_RTT_CREATE, RD, rtt, ipa, (uint64_t)level, 0);
}

static uint64_t destroy(uint64_t ipa, int64_t level)
{
	return rmi(RMI_RTT_DESTROY, RD, ipa, (uint64_t)level, 0, 0);
}

static uint64_t fold(uint64_t ipa, int64_t level)
{
	return rmi(RMI_RTT_FOLD, RD, ipa, (uint64_t)level, 0, 0);
}

static uint64_t map(uint64_t ipa, int64_t level, uint64_t desc)
{
	return rmi(RMI_RTT_MAP_UNPROTECTED, RD, ipa, (uint64_t)level, desc, 0);
}

static uint64_t unmap(uint64_t ipa, int64_t level)
{
	return rmi(RMI_RTT_UNMAP_UNPROTECTED, RD, ipa, (uint64_t)level, 0, 0);
}

static void every_command_rejects_bad_names_of_tables(void)
{
	static const struct {
		uint64_t ipa;
		int64_t level;
	} names[] = {
		{ IPA_RAM, 2 },		{ IPA_RAM, 4 },		{ IPA_RAM, -1 },
		{ IPA_RAM, INT64_MIN }, { IPA_RAM, INT64_MAX }, { IPA_RAM + GRANULE_SIZE, 3 },
		{ IPA_RAM + 1U, 3 },	{ IPA_SPACE, 3 },	{ UINT64_MAX & ~(BLOCK - 1U), 3 },
	};

	start_realm();
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		EXPECT_EQ(create(TABLE, names[n].ipa, names[n].level), RMI_ERROR_INPUT);
		EXPECT_EQ(destroy(names[n].ipa, names[n].level), RMI_ERROR_INPUT);
		EXPECT_EQ(fold(names[n].ipa, names[n].level), RMI_ERROR_INPUT);
	}
	EXPECT(granule_is(pa_make(TABLE), GRANULE_DELEGATED));
}

static void every_command_rejects_what_is_no_rd(void)
{
	static const uint64_t rds[] = { RD + 8U, UNTRACKED, UNUSED, TABLE, ROOTS, UINT64_MAX };

	start_realm();
	for (size_t n = 0; n < sizeof(rds) / sizeof(rds[0]); n++) {
		EXPECT_EQ(rmi(RMI_RTT_CREATE, rds[n], TABLE, IPA_RAM, 3, 0), RMI_ERROR_INPUT);
		EXPECT_EQ(rmi(RMI_RTT_DESTROY, rds[n], IPA_RAM, 3, 0, 0), RMI_ERROR_INPUT);
		EXPECT_EQ(rmi(RMI_RTT_FOLD, rds[n], IPA_RAM, 3, 0, 0), RMI_ERROR_INPUT);
		EXPECT_EQ(rmi(RMI_RTT_READ_ENTRY, rds[n], IPA_RAM, 3, 0, 0), RMI_ERROR_INPUT);
		EXPECT_EQ(rmi(RMI_RTT_MAP_UNPROTECTED, rds[n], IPA_SHARED, 3, NS_DESC(UNUSED), 0),
			  RMI_ERROR_INPUT);
		EXPECT_EQ(rmi(RMI_RTT_UNMAP_UNPROTECTED, rds[n], IPA_SHARED, 3, 0, 0),
			  RMI_ERROR_INPUT);
		EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, rds[n], IPA_RAM, IPA_RAM + BLOCK, 0, 0),
			  RMI_ERROR_INPUT);
	}
}

static void create_needs_a_delegated_granule(void)
{
	start_realm();
	EXPECT_EQ(create(UNUSED, IPA_RAM, 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(RD, IPA_RAM, 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(ROOTS, IPA_RAM, 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(TABLE + 8U, IPA_RAM, 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(TABLE, IPA_RAM, 3), RMI_SUCCESS);
	(void)delegate(TABLE2);
	EXPECT_EQ(create(TABLE, IPA_RAM + BLOCK, 3), RMI_ERROR_INPUT);
	EXPECT_EQ(create(TABLE2, IPA_RAM, 3), RTT_ERROR(2));
	EXPECT(granule_is(pa_make(TABLE2), GRANULE_DELEGATED));
}

static void children_inherit_what_the_parent_said(void)
{
	start_realm();
	(void)delegate(TABLE2);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + BLOCK, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(create(TABLE, IPA_RAM, 3), RMI_SUCCESS);
	EXPECT_EQ(entry_ripas(IPA_RAM, 3), RMI_RIPAS_RAM);
	EXPECT_EQ(regs.x[1], 3);
	EXPECT_EQ(entry_ripas(IPA_RAM + BLOCK - GRANULE_SIZE, 3), RMI_RIPAS_RAM);
	EXPECT_EQ(entry_ripas(IPA_RAM + BLOCK, 2), RMI_RIPAS_EMPTY);
	/* No TLB can hold what was never mapped. */
	EXPECT_EQ(fake_entry_flushes + fake_realm_flushes, 0);

	EXPECT_EQ(map(IPA_SHARED, 2, NS_DESC(DATA)), RMI_SUCCESS);
	EXPECT_EQ(create(TABLE2, IPA_SHARED, 3), RMI_SUCCESS);
	EXPECT_EQ(fake_entry_flushes, 1);
	EXPECT_EQ(entry_state(IPA_SHARED + 5U * GRANULE_SIZE, 3), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[3], NS_DESC(DATA + 5U * GRANULE_SIZE));
}

static void destroy_tells_where_to_go_on(void)
{
	start_mapped();
	EXPECT_EQ(destroy(IPA_RAM, 3), RTT_ERROR(3));
	EXPECT_EQ(regs.x[2], IPA_RAM);
	EXPECT_EQ(destroy(IPA_RAM + BLOCK, 3), RTT_ERROR(2));
	EXPECT_EQ(regs.x[2], IPA_SHARED);
	EXPECT_EQ(destroy(IPA_RAM - BLOCK, 3), RTT_ERROR(2));
	EXPECT_EQ(regs.x[2], IPA_RAM);
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, RD, IPA_RAM, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(destroy(IPA_RAM, 3), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], TABLE);
	EXPECT_EQ(regs.x[2], IPA_SHARED);
	EXPECT_EQ(entry_ripas(IPA_RAM, 2), RMI_RIPAS_DESTROYED);
	EXPECT(granule_is(pa_make(TABLE), GRANULE_DELEGATED));
}

static void unprotected_tables_are_destroyed_with_their_mappings(void)
{
	start_realm();
	EXPECT_EQ(create(TABLE, IPA_SHARED, 3), RMI_SUCCESS);
	EXPECT_EQ(map(IPA_SHARED + GRANULE_SIZE, 3, NS_DESC(UNUSED)), RMI_SUCCESS);
	EXPECT_EQ(destroy(IPA_SHARED, 3), RMI_SUCCESS);
	EXPECT_EQ(fake_realm_flushes, 1);
	EXPECT_EQ(entry_state(IPA_SHARED, 2), RMI_UNASSIGNED);
}

static void fold_needs_equal_contiguous_entries(void)
{
	start_mapped();
	EXPECT_EQ(fold(IPA_RAM, 3), RTT_ERROR(3));
	EXPECT_EQ(fold(IPA_RAM + BLOCK, 3), RTT_ERROR(2));
	for (uint64_t n = 1; n < RTT_ENTRY_COUNT; n++) {
		EXPECT_EQ(delegate(DATA + n * GRANULE_SIZE), RMI_SUCCESS);
	}
	for (uint64_t n = 1; n < RTT_ENTRY_COUNT; n++) {
		/* The seventh and the eighth page change places. */
		uint64_t from = n == 7U ? 8U : n == 8U ? 7U : n;

		EXPECT_EQ(rmi(RMI_DATA_CREATE_UNKNOWN, RD, DATA + from * GRANULE_SIZE,
			      IPA_RAM + n * GRANULE_SIZE, 0, 0),
			  RMI_SUCCESS);
	}
	EXPECT_EQ(fold(IPA_RAM, 3), RTT_ERROR(3));
	EXPECT_EQ(entry_state(IPA_RAM, 2), RMI_TABLE);
}

static void fold_and_unfold_a_block_of_data(void)
{
	start_mapped();
	for (uint64_t at = GRANULE_SIZE; at < BLOCK; at += GRANULE_SIZE) {
		EXPECT_EQ(delegate(DATA + at), RMI_SUCCESS);
		EXPECT_EQ(rmi(RMI_DATA_CREATE_UNKNOWN, RD, DATA + at, IPA_RAM + at, 0, 0),
			  RMI_SUCCESS);
	}
	EXPECT_EQ(fold(IPA_RAM, 3), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], TABLE);
	EXPECT_EQ(fake_realm_flushes, 1);
	EXPECT_EQ(entry_state(IPA_RAM, 2), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[3], DATA);
	EXPECT_EQ(regs.x[4], RMI_RIPAS_RAM);
	/* A block is not a page to destroy. */
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, RD, IPA_RAM + GRANULE_SIZE, 0, 0, 0), RTT_ERROR(2));
	EXPECT_EQ(regs.x[2], IPA_RAM + GRANULE_SIZE);
	EXPECT_EQ(create(TABLE, IPA_RAM, 3), RMI_SUCCESS);
	EXPECT_EQ(entry_state(IPA_RAM + 9U * GRANULE_SIZE, 3), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[3], DATA + 9U * GRANULE_SIZE);
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, RD, IPA_RAM + GRANULE_SIZE, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], DATA + GRANULE_SIZE);
}

static void fold_of_unassigned_entries_keeps_their_ripas(void)
{
	start_realm();
	EXPECT_EQ(create(TABLE, IPA_RAM, 3), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + GRANULE_SIZE, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(fold(IPA_RAM, 3), RTT_ERROR(3));
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + BLOCK, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(fold(IPA_RAM, 3), RMI_SUCCESS);
	EXPECT_EQ(entry_ripas(IPA_RAM, 2), RMI_RIPAS_RAM);
}

/* A table at `level` of blocks, contiguous from `pa` on, as if a host had folded so much memory. */
static void plant_blocks(int32_t level, uint64_t pa)
{
	uint64_t *entries = fake_memory(TABLE);
	struct rtt_entry block = { .state = RTT_ASSIGNED, .ripas = RMI_RIPAS_RAM };

	for (uint64_t n = 0; n < RTT_ENTRY_COUNT; n++) {
		block.pa = pa_make(pa + n * rtt_entry_size(level));
		entries[n] = rtt_encode(&block, level);
	}
}

static void start_wide_realm(uint8_t bits, int64_t start_level)
{
	start();
	realm_params()->s2sz = bits;
	((struct rmi_realm_params *)fake_memory(PARAMS))->rtt_level_start = start_level;
	((struct rmi_realm_params *)fake_memory(PARAMS))->rtt_num_start = 1;
	EXPECT_EQ(realm_create(), RMI_SUCCESS);
}

/* On QEMU so much DATA takes minutes to make. */
static void fold_and_unfold_a_gigabyte_of_data(void)
{
	uint64_t pa = UINT64_C(0x100000000);

	start_wide_realm(39, 1);
	EXPECT_EQ(create(TABLE, IPA_RAM, 2), RMI_SUCCESS);
	plant_blocks(2, pa + BLOCK);
	EXPECT_EQ(fold(IPA_RAM, 2), RTT_ERROR(2));
	plant_blocks(2, pa);
	EXPECT_EQ(fold(IPA_RAM, 2), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], TABLE);
	EXPECT_EQ(entry_state(IPA_RAM, 1), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[3], pa);
	EXPECT_EQ(create(TABLE, IPA_RAM, 2), RMI_SUCCESS);
	EXPECT_EQ(entry_state(IPA_RAM + 511U * BLOCK, 2), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[3], pa + 511U * BLOCK);
	EXPECT_EQ(regs.x[4], RMI_RIPAS_RAM);
}

static void fold_makes_no_block_of_level_0(void)
{
	start_wide_realm(48, 0);
	EXPECT_EQ(create(TABLE, 0, 1), RMI_SUCCESS);
	plant_blocks(1, 0);
	EXPECT_EQ(fold(0, 1), RTT_ERROR(0));
	EXPECT_EQ(entry_state(0, 0), RMI_TABLE);
}

static void map_rejects_bad_descriptors(void)
{
	static const uint64_t bad[] = {
		NS_DESC(UNUSED) | 1U,	      NS_DESC(UNUSED) | 2U,
		NS_DESC(UNUSED) | 1U << 5,    NS_DESC(UNUSED) | 1U << 10,
		NS_DESC(UNUSED) | 1ULL << 48, NS_DESC(UNUSED) | 1ULL << 53,
		NS_DESC(UNUSED) | 1ULL << 55, NS_DESC(UNUSED) | 1ULL << 63,
		UNUSED | 4U << 2 | 3U << 6,
	};

	start_realm();
	EXPECT_EQ(create(TABLE, IPA_SHARED, 3), RMI_SUCCESS);
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		EXPECT_EQ(map(IPA_SHARED, 3, bad[n]), RMI_ERROR_INPUT);
	}
	EXPECT_EQ(map(IPA_SHARED + BLOCK, 2, NS_DESC(DATA + GRANULE_SIZE)), RMI_ERROR_INPUT);
	EXPECT_EQ(entry_state(IPA_SHARED, 3), RMI_UNASSIGNED);
}

static void map_rejects_bad_places(void)
{
	start_realm();
	EXPECT_EQ(map(IPA_RAM, 2, NS_DESC(DATA)), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SPACE, 2, NS_DESC(DATA)), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SHARED + GRANULE_SIZE, 2, NS_DESC(DATA)), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SHARED, 1, NS_DESC(0)), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SHARED, 0, NS_DESC(0)), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SHARED, 4, NS_DESC(0)), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SHARED, INT64_MIN, NS_DESC(0)), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SHARED, 3, NS_DESC(UNUSED)), RTT_ERROR(2));
	EXPECT_EQ(map(IPA_SHARED, 2, NS_DESC(DATA)), RMI_SUCCESS);
	EXPECT_EQ(map(IPA_SHARED, 2, NS_DESC(DATA)), RTT_ERROR(2));
	EXPECT_EQ(map(IPA_SHARED, 3, NS_DESC(UNUSED)), RTT_ERROR(2));
}

static void unmap_undoes_map_and_flushes(void)
{
	start_realm();
	EXPECT_EQ(unmap(IPA_SHARED, 2), RTT_ERROR(2));
	EXPECT_EQ(regs.x[1], IPA_SHARED + (UINT64_C(1) << 30));
	EXPECT_EQ(unmap(IPA_RAM, 2), RMI_ERROR_INPUT);
	EXPECT_EQ(map(IPA_SHARED, 2, NS_DESC(DATA)), RMI_SUCCESS);
	EXPECT_EQ(map(IPA_SHARED + 2U * BLOCK, 2, NS_DESC(DATA)), RMI_SUCCESS);
	EXPECT_EQ(unmap(IPA_SHARED, 3), RTT_ERROR(2));
	EXPECT_EQ(fake_entry_flushes, 0);
	EXPECT_EQ(unmap(IPA_SHARED, 2), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], IPA_SHARED + 2U * BLOCK);
	EXPECT_EQ(fake_entry_flushes, 1);
}

static void read_entry_rejects_bad_places(void)
{
	start_mapped();
	EXPECT_EQ(rmi(RMI_RTT_READ_ENTRY, RD, IPA_RAM, 1, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_READ_ENTRY, RD, IPA_RAM, 4, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_READ_ENTRY, RD, IPA_RAM + GRANULE_SIZE, 2, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_READ_ENTRY, RD, IPA_SPACE, 3, 1, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(regs.x[4], 0);
	EXPECT_EQ(entry_state(IPA_RAM, 2), RMI_TABLE);
	EXPECT_EQ(regs.x[3], TABLE);
	EXPECT_EQ(regs.x[4], 0);
	EXPECT_EQ(entry_state(IPA_RAM, 3), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[3], DATA);
}

static void ripas_needs_a_new_realm_and_room_to_start(void)
{
	start_realm();
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM + 1U, IPA_RAM + BLOCK, 0, 0),
		  RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + 0x800U, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_SHARED + BLOCK, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_SHARED, IPA_SPACE, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + GRANULE_SIZE, 0, 0), RTT_ERROR(2));
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM + GRANULE_SIZE, IPA_RAM + 2U * BLOCK, 0, 0),
		  RTT_ERROR(2));
	EXPECT_EQ(create(TABLE, IPA_RAM, 3), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + 2U * BLOCK, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], IPA_RAM + BLOCK);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM + BLOCK, IPA_SHARED, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], IPA_SHARED);
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_RTT_INIT_RIPAS, RD, IPA_RAM, IPA_RAM + BLOCK, 0, 0), RMI_ERROR_REALM);
}

static const struct tap_case cases[] = {
	TAP_CASE(every_command_rejects_bad_names_of_tables),
	TAP_CASE(every_command_rejects_what_is_no_rd),
	TAP_CASE(create_needs_a_delegated_granule),
	TAP_CASE(children_inherit_what_the_parent_said),
	TAP_CASE(destroy_tells_where_to_go_on),
	TAP_CASE(unprotected_tables_are_destroyed_with_their_mappings),
	TAP_CASE(fold_needs_equal_contiguous_entries),
	TAP_CASE(fold_and_unfold_a_block_of_data),
	TAP_CASE(fold_of_unassigned_entries_keeps_their_ripas),
	TAP_CASE(fold_and_unfold_a_gigabyte_of_data),
	TAP_CASE(fold_makes_no_block_of_level_0),
	TAP_CASE(map_rejects_bad_descriptors),
	TAP_CASE(map_rejects_bad_places),
	TAP_CASE(unmap_undoes_map_and_flushes),
	TAP_CASE(read_entry_rejects_bad_places),
	TAP_CASE(ripas_needs_a_new_realm_and_room_to_start),
};

TAP_MAIN(cases)
