/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_REALM_CREATE; the shapes of the IPA space are in realm_shape.c. */
#include <abi/rmi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "realm.h"
#include "space.h"
#include "tap.h"

#define ROOTS 8U

static struct rig_realm *realm;

static uint64_t feature(uint64_t mask)
{
	return field_get(rmi(RMI_FEATURES, 0).x[1], mask);
}

static uint64_t create_at(uint64_t rd)
{
	return rmi_status(RMI_REALM_CREATE, rd, (uintptr_t)realm->params);
}

static uint64_t create_from(uint64_t params)
{
	return rmi_status(RMI_REALM_CREATE, realm->rd, params);
}

static uint64_t create_with_roots(uint64_t base)
{
	realm->params->rtt_base = base;
	return realm_create(realm);
}

/* Nothing was made of the parameters as they are now, and with `good` ones all is as before. */
static void expect_refused(const struct rmi_realm_params *good)
{
	EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
	EXPECT(granule_is_delegated(realm->rd));
	for (uint64_t n = 0; n < good->rtt_num_start; n++) {
		EXPECT(granule_is_delegated(good->rtt_base + n * GRANULE_SIZE));
	}
	memcpy(realm->params, good, sizeof(*good));
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

static struct rmi_realm_params *prepare(void)
{
	static struct rmi_realm_params good;

	realm = realm_prepare();
	memcpy(&good, realm->params, sizeof(good));
	return &good;
}

CASE(realm_create_makes_a_new_realm, "REALM_CREATE.success")
{
	realm = realm_prepare();
	LEAVE_UNLESS(EXPECT_EQ(realm_create(realm), RMI_SUCCESS));
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, realm->rd), RMI_ERROR_INPUT);
	for (uint64_t n = 0; n < ROOTS; n++) {
		EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE,
				     realm->params->rtt_base + n * GRANULE_SIZE),
			  RMI_ERROR_INPUT);
	}
	/* Only a NEW realm takes RAM. */
	EXPECT_EQ(rmi_status(RMI_RTT_INIT_RIPAS, realm->rd, 0, BLOCK_SIZE), RMI_SUCCESS);
}

CASE(a_new_realm_is_empty_and_unassigned_all_over, "REALM_CREATE.tables")
{
	realm = realm_make();
	for (uint64_t ipa = 0; ipa < 2U * RIG_UNPROTECTED; ipa += BLOCK_SIZE) {
		if (!EXPECT_ENTRY(realm, ipa, BLOCK_LEVEL, .level = BLOCK_LEVEL,
				  .state = RMI_UNASSIGNED, .ripas = RMI_RIPAS_EMPTY)) {
			return;
		}
	}
}

CASE(the_upper_half_of_a_new_realm_is_unprotected, "REALM_CREATE.tables")
{
	realm = realm_make();
	EXPECT_EQ(rmi_status(RMI_RTT_MAP_UNPROTECTED, realm->rd, RIG_UNPROTECTED - BLOCK_SIZE,
			     BLOCK_LEVEL, RIG_UNPROTECTED | UNPROTECTED_RW),
		  RMI_ERROR_INPUT);
	EXPECT_EQ(realm_share(realm, RIG_UNPROTECTED, 0x80000000, BLOCK_LEVEL), RMI_SUCCESS);
	EXPECT_EQ(realm_ram(realm, RIG_UNPROTECTED - BLOCK_SIZE, RIG_UNPROTECTED, false),
		  RMI_SUCCESS);
}

CASE(realm_create_refuses_an_unaligned_rd, "REALM_CREATE.rd_align")
{
	realm = realm_prepare();
	refuses_unaligned(create_at, realm->rd);
}

CASE(realm_create_refuses_an_untracked_rd, "REALM_CREATE.rd_bound")
{
	realm = realm_prepare();
	refuses_untracked(create_at);
}

CASE(realm_create_refuses_an_rd_that_is_not_delegated, "REALM_CREATE.rd_state")
{
	realm = realm_prepare();
	refuses_other_states(create_at, ZOO_DELEGATED);
}

CASE(realm_create_refuses_an_rd_among_its_tables, "REALM_CREATE.rd_alias")
{
	realm = realm_prepare();
	for (uint64_t n = 0; n < ROOTS; n++) {
		EXPECT_EQ(create_at(realm->params->rtt_base + n * GRANULE_SIZE), RMI_ERROR_INPUT);
	}
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

CASE(realm_create_takes_an_rd_next_to_its_tables, "REALM_CREATE.rd_alias")
{
	uint64_t pa = granules_take_delegated(3U * ROOTS, ROOTS * GRANULE_SIZE);
	struct rig_realm *after = realm_prepare();
	struct rig_realm *before = realm_prepare();

	after->params->rtt_base = pa;
	after->rd = pa + ROOTS * GRANULE_SIZE;
	EXPECT_EQ(realm_create(after), RMI_SUCCESS);
	before->params->rtt_base = pa + 2U * ROOTS * GRANULE_SIZE;
	before->rd = before->params->rtt_base - GRANULE_SIZE;
	EXPECT_EQ(realm_create(before), RMI_SUCCESS);
}

CASE(realm_create_refuses_unaligned_parameters, "REALM_CREATE.params_align")
{
	realm = realm_prepare();
	refuses_unaligned(create_from, (uintptr_t)realm->params);
}

CASE(realm_create_refuses_parameters_that_are_no_memory_of_the_hosts, "REALM_CREATE.params_bound")
{
	realm = realm_prepare();
	refuses_untracked(create_from);
}

CASE(realm_create_refuses_parameters_in_granules_of_realms, "REALM_CREATE.params_pas")
{
	realm = realm_prepare();
	refuses_other_states(create_from, ZOO_UNDELEGATED);
	EXPECT_EQ(create_from(realm->rd), RMI_ERROR_INPUT);
}

CASE(realm_create_survives_parameters_in_absent_memory, "REALM_CREATE.params_pas")
{
	realm = realm_prepare();
	EXPECT_EQ(create_from(0xC0000000), RMI_ERROR_INPUT);
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

CASE(realm_create_refuses_an_unknown_hash, "REALM_CREATE.hash")
{
	static const uint8_t unknown[] = { 2, 3, 0x7F, 0x80, 0xFF };
	const struct rmi_realm_params *good = prepare();

	for (size_t n = 1; n < ARRAY_COUNT(unknown); n++) {
		realm->params->hash_algo = unknown[n];
		EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
	}
	realm->params->hash_algo = unknown[0];
	expect_refused(good);
}

CASE(realm_create_takes_the_hashes_of_the_feature_register, "REALM_CREATE.hash")
{
	static const struct {
		uint8_t algorithm;
		uint64_t mask;
	} hashes[] = { { RMI_HASH_SHA_256, RMI_FEATURE0_HASH_SHA_256_MASK },
		       { RMI_HASH_SHA_512, RMI_FEATURE0_HASH_SHA_512_MASK } };

	for (size_t n = 0; n < ARRAY_COUNT(hashes); n++) {
		realm = realm_prepare();
		realm->params->hash_algo = hashes[n].algorithm;
		EXPECT_EQ(realm_create(realm),
			  feature(hashes[n].mask) != 0U ? RMI_SUCCESS : RMI_ERROR_INPUT);
	}
}

static void refuses_flag_unless_offered(uint64_t flag, uint64_t mask)
{
	const struct rmi_realm_params *good = prepare();

	realm->params->flags = flag;
	if (feature(mask) != 0U) {
		tap_note("offered; another area tests it");
	} else {
		expect_refused(good);
	}
}

CASE(realm_create_refuses_lpa2_unless_offered, "REALM_CREATE.lpa2")
{
	refuses_flag_unless_offered(RMI_REALM_FLAG_LPA2_MASK, RMI_FEATURE0_LPA2_MASK);
}

CASE(realm_create_refuses_sve_unless_offered, "REALM_CREATE.sve")
{
	refuses_flag_unless_offered(RMI_REALM_FLAG_SVE_MASK, RMI_FEATURE0_SVE_EN_MASK);
}

CASE(realm_create_refuses_a_pmu_unless_offered, "REALM_CREATE.pmu")
{
	refuses_flag_unless_offered(RMI_REALM_FLAG_PMU_MASK, RMI_FEATURE0_PMU_EN_MASK);
}

CASE(realm_create_refuses_a_vector_length_above_the_offered, "REALM_CREATE.sve_vl")
{
	const struct rmi_realm_params *good = prepare();

	realm->params->flags = RMI_REALM_FLAG_SVE_MASK;
	realm->params->sve_vl = (uint8_t)(feature(RMI_FEATURE0_SVE_VL_MASK) + 1U);
	expect_refused(good);
}

CASE(realm_create_refuses_more_counters_than_offered, "REALM_CREATE.pmu_num_ctrs")
{
	const struct rmi_realm_params *good = prepare();

	realm->params->flags = RMI_REALM_FLAG_PMU_MASK;
	realm->params->pmu_num_ctrs = (uint8_t)(feature(RMI_FEATURE0_PMU_NUM_CTRS_MASK) + 1U);
	expect_refused(good);
}

CASE(realm_create_refuses_breakpoints_it_has_not, "REALM_CREATE.num_bps")
{
	const struct rmi_realm_params *good = prepare();

	realm->params->num_bps = 0;
	EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
	realm->params->num_bps = 0xFF;
	EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
	realm->params->num_bps = (uint8_t)(feature(RMI_FEATURE0_NUM_BPS_MASK) + 1U);
	expect_refused(good);
}

CASE(realm_create_refuses_watchpoints_it_has_not, "REALM_CREATE.num_wps")
{
	const struct rmi_realm_params *good = prepare();

	realm->params->num_wps = 0;
	EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
	realm->params->num_wps = 0xFF;
	EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
	realm->params->num_wps = (uint8_t)(feature(RMI_FEATURE0_NUM_WPS_MASK) + 1U);
	expect_refused(good);
}

CASE(realm_create_takes_all_breakpoints_and_watchpoints,
     "REALM_CREATE.num_bps REALM_CREATE.num_wps")
{
	realm = realm_prepare();
	realm->params->num_bps = (uint8_t)feature(RMI_FEATURE0_NUM_BPS_MASK);
	realm->params->num_wps = (uint8_t)feature(RMI_FEATURE0_NUM_WPS_MASK);
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

CASE(realm_create_refuses_tables_that_are_not_naturally_aligned, "REALM_CREATE.rtt_align")
{
	uint64_t pa;

	realm = realm_prepare();
	pa = granules_take_delegated(2U * ROOTS, 2U * ROOTS * GRANULE_SIZE);
	refuses_unaligned(create_with_roots, pa);
	for (uint64_t n = 1; n < ROOTS; n++) {
		EXPECT_EQ(create_with_roots(pa + n * GRANULE_SIZE), RMI_ERROR_INPUT);
	}
	EXPECT_EQ(create_with_roots(pa + ROOTS * GRANULE_SIZE), RMI_SUCCESS);
}

CASE(realm_create_refuses_untracked_tables, "REALM_CREATE.rtt_state")
{
	realm = realm_prepare();
	refuses_untracked(create_with_roots);
}

CASE(realm_create_refuses_a_table_that_is_not_delegated, "REALM_CREATE.rtt_state")
{
	const struct rmi_realm_params *good = prepare();

	for (uint64_t n = 0; n < ROOTS; n++) {
		uint64_t root = good->rtt_base + n * GRANULE_SIZE;

		EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, root), RMI_SUCCESS);
		EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
		EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, root), RMI_SUCCESS);
	}
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

CASE(realm_create_refuses_tables_of_another_realm, "REALM_CREATE.rtt_state")
{
	const struct rmi_realm_params *good = prepare();

	realm->params->rtt_base = realm_make()->params->rtt_base;
	expect_refused(good);
}

CASE(realm_create_refuses_a_vmid_in_use, "REALM_CREATE.vmid")
{
	struct rig_realm *other = realm_make();
	const struct rmi_realm_params *good = prepare();

	realm->params->vmid = other->params->vmid;
	expect_refused(good);
}

CASE(a_vmid_is_free_again_after_the_realm, "REALM_CREATE.vmid REALM_DESTROY.success")
{
	realm = realm_make();
	EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, realm->rd), RMI_SUCCESS);
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

CASE(a_failed_realm_create_takes_no_vmid, "REALM_CREATE.vmid REALM_CREATE.no_effect")
{
	uint64_t table;

	realm = realm_prepare();
	table = realm->params->rtt_base;
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, table), RMI_SUCCESS);
	EXPECT_EQ(realm_create(realm), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi_status(RMI_GRANULE_DELEGATE, table), RMI_SUCCESS);
	EXPECT_EQ(realm_create(realm), RMI_SUCCESS);
}

/* The PE tells: with FEAT_VMID16, as here, all 16 bits count. */
CASE(vmids_differ_by_any_of_their_bits, "REALM_CREATE.vmid_width")
{
	struct rig_realm *low = realm_prepare();
	struct rig_realm *high = realm_prepare();

	low->params->vmid = 0x34;
	high->params->vmid = 0x8034;
	EXPECT_EQ(realm_create(low), RMI_SUCCESS);
	EXPECT_EQ(realm_create(high), RMI_SUCCESS);
}
