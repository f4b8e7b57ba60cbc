/* SPDX-License-Identifier: BSD-3-Clause */
#include "cpu_features.h"
#include "rmm_fixture.h"

static void expect_refused(void)
{
	EXPECT_EQ(realm_create(), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(RD), GRANULE_DELEGATED));
	EXPECT(granule_is(pa_make(ROOTS), GRANULE_DELEGATED));
}

static void create_rejects_parameters_it_cannot_read(void)
{
	start();
	EXPECT_EQ(rmi(RMI_REALM_CREATE, RD, PARAMS + 8U, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REALM_CREATE, RD, UNTRACKED, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REALM_CREATE, RD, REC, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REALM_CREATE, RD, RD, 0, 0, 0), RMI_ERROR_INPUT);
	fake_ns_fault = (PARAMS - FAKE_DRAM_BASE) / GRANULE_SIZE + 1U;
	expect_refused();
}

static void create_rejects_features_that_are_not_offered(void)
{
	for (unsigned int bit = 0; bit < 64U; bit++) {
		if (bit != RMI_REALM_FLAG_SVE_SHIFT) {
			start();
			realm_params()->flags = UINT64_C(1) << bit;
			expect_refused();
		}
	}
	start();
	realm_params()->hash_algo = 2;
	expect_refused();
	realm_params()->num_bps = 0;
	expect_refused();
	realm_params()->num_bps = 6;
	expect_refused();
	realm_params()->num_wps = 0;
	expect_refused();
	realm_params()->num_wps = 4;
	expect_refused();
}

static void create_rejects_illegal_stage_2_shapes(void)
{
	static const struct {
		uint8_t s2sz;
		int64_t level;
		uint32_t count;
	} shapes[] = {
		{ 31, 2, 2 },	       { 49, 0, 2 },	     { 255, 0, 1 },	   { 0, 2, 1 },
		{ 32, 2, 1 },	       { 32, 2, 3 },	     { 32, 2, 8 },	   { 35, 2, 32 },
		{ 32, 3, 16 },	       { 30, 1, 1 },	     { 39, 0, 1 },	   { 48, 0, 0 },
		{ 48, 0, 2 },	       { 44, 1, 32 },	     { 40, 1, 1 },	   { 32, -1, 1 },
		{ 32, 4, 1 },	       { 32, INT64_MIN, 4 }, { 32, INT64_MAX, 4 }, { 32, 2, 0 },
		{ 32, 2, UINT32_MAX },
	};

	for (size_t n = 0; n < sizeof(shapes) / sizeof(shapes[0]); n++) {
		start();
		realm_params()->s2sz = shapes[n].s2sz;
		((struct rmi_realm_params *)fake_memory(PARAMS))->rtt_level_start = shapes[n].level;
		((struct rmi_realm_params *)fake_memory(PARAMS))->rtt_num_start = shapes[n].count;
		expect_refused();
	}
}

static void create_accepts_every_legal_stage_2_shape(void)
{
	for (unsigned int bits = 32; bits <= 48U; bits++) {
		for (int64_t level = 0; level <= 2; level++) {
			unsigned int one = 12U + 9U * (unsigned int)(4 - level);
			struct rmi_realm_params *params;
			uint32_t count = bits <= one ? 1U : 1U << (bits - one);

			if (bits <= one - 9U || bits > one + (level == 0 ? 0U : 4U)) {
				continue;
			}
			fake_reset();
			params = realm_params();
			params->s2sz = (uint8_t)bits;
			params->rtt_level_start = level;
			params->rtt_num_start = count;
			params->rtt_base = DATA;
			EXPECT_EQ(delegate(RD), RMI_SUCCESS);
			for (uint32_t n = 0; n < count; n++) {
				EXPECT_EQ(delegate(DATA + n * GRANULE_SIZE), RMI_SUCCESS);
			}
			EXPECT_EQ(realm_create(), RMI_SUCCESS);
			EXPECT_EQ(entry_state(0, level), RMI_UNASSIGNED);
			EXPECT_EQ(regs.x[1], level);
		}
	}
}

static void create_rejects_root_tables_it_cannot_have(void)
{
	start();
	realm_params()->rtt_base = ROOTS + GRANULE_SIZE;
	expect_refused();
	realm_params()->rtt_base = PAGE(1024);
	expect_refused();
	realm_params()->rtt_base = ROOTS;
	(void)rmi(RMI_GRANULE_UNDELEGATE, ROOTS + 3U * GRANULE_SIZE, 0, 0, 0, 0);
	expect_refused();
	(void)delegate(ROOTS + 3U * GRANULE_SIZE);
	EXPECT_EQ(realm_create(), RMI_SUCCESS);
}

static void create_rejects_an_rd_among_the_root_tables(void)
{
	start();
	for (unsigned int n = 0; n < ROOT_COUNT; n++) {
		EXPECT_EQ(rmi(RMI_REALM_CREATE, ROOTS + n * GRANULE_SIZE, PARAMS, 0, 0, 0),
			  RMI_ERROR_INPUT);
	}
	EXPECT_EQ(rmi(RMI_REALM_CREATE, UNUSED, PARAMS, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REALM_CREATE, RD + 8U, PARAMS, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(realm_create(), RMI_SUCCESS);
}

static void create_rejects_a_vmid_of_more_bits_than_the_pe_has(void)
{
	const char *missing;

	start();
	write_sysreg(ID_AA64MMFR1_EL1, read_sysreg(ID_AA64MMFR1_EL1) & ~UINT64_C(0xF0));
	EXPECT(cpu_features_probe(&missing));
	realm_params()->vmid = 0x100;
	EXPECT_EQ(realm_create(), RMI_ERROR_INPUT);
	realm_params()->vmid = 0xFF;
	EXPECT_EQ(realm_create(), RMI_SUCCESS);
}

static void create_rejects_a_vmid_in_use(void)
{
	start_realm();
	for (unsigned int n = 0; n < ROOT_COUNT; n++) {
		(void)delegate(PAGE(40) + n * GRANULE_SIZE);
	}
	realm_params()->rtt_base = PAGE(40);
	EXPECT_EQ(rmi(RMI_REALM_CREATE, REC, PARAMS, 0, 0, 0), RMI_ERROR_INPUT);
	((struct rmi_realm_params *)fake_memory(PARAMS))->vmid = 65535;
	EXPECT_EQ(rmi(RMI_REALM_CREATE, REC, PARAMS, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(fake_realm_flushes, 1);
	(void)realm_params();
	EXPECT_EQ(realm_create(), RMI_SUCCESS);
}

static void activate_is_for_new_realms(void)
{
	start();
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD + 1U, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, UNTRACKED, 0, 0, 0, 0), RMI_ERROR_INPUT);
	(void)realm_create();
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0), RMI_ERROR_REALM);
}

static void destroy_needs_a_realm_without_recs_and_tables(void)
{
	start_active();
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, REC, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_ERROR_REALM);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_ERROR_REALM);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC2, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_ERROR_REALM);
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, RD, IPA_RAM, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_ERROR_REALM);
	EXPECT_EQ(rmi(RMI_RTT_DESTROY, RD, IPA_RAM, 3, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(ROOTS), GRANULE_DELEGATED));
}

static void what_is_given_back_is_zero(void)
{
	static const uint64_t given_back[] = { RD, REC, TABLE, DATA, ROOTS };

	destroy_needs_a_realm_without_recs_and_tables();
	for (size_t n = 0; n < sizeof(given_back) / sizeof(given_back[0]); n++) {
		const uint8_t *bytes = fake_memory(given_back[n]);

		EXPECT(granule_is(pa_make(given_back[n]), GRANULE_DELEGATED));
		for (size_t at = 0; at < GRANULE_SIZE; at++) {
			EXPECT_EQ(bytes[at], 0);
		}
	}
}

static void unprotected_mappings_do_not_keep_a_realm_alive(void)
{
	start_realm();
	EXPECT_EQ(rmi(RMI_RTT_MAP_UNPROTECTED, RD, IPA_SHARED, 2, DATA | 6U << 2 | 3U << 6, 0),
		  RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REALM_DESTROY, RD, 0, 0, 0, 0), RMI_SUCCESS);
}

static const struct tap_case cases[] = {
	TAP_CASE(create_rejects_parameters_it_cannot_read),
	TAP_CASE(create_rejects_features_that_are_not_offered),
	TAP_CASE(create_rejects_illegal_stage_2_shapes),
	TAP_CASE(create_rejects_root_tables_it_cannot_have),
	TAP_CASE(create_rejects_an_rd_among_the_root_tables),
	TAP_CASE(create_rejects_a_vmid_of_more_bits_than_the_pe_has),
	TAP_CASE(create_rejects_a_vmid_in_use),
	TAP_CASE(create_accepts_every_legal_stage_2_shape),
	TAP_CASE(activate_is_for_new_realms),
	TAP_CASE(destroy_needs_a_realm_without_recs_and_tables),
	TAP_CASE(what_is_given_back_is_zero),
	TAP_CASE(unprotected_mappings_do_not_keep_a_realm_alive),
};

TAP_MAIN(cases)
