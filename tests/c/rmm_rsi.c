/* SPDX-License-Identifier: BSD-3-Clause */
/* The realm's calls, made by a fake realm; and the host's part in those that need it. */
#include "hash.h"
#include "rmm_call.h"

#define PAGE_IPA IPA_RAM

static uint64_t rsi(uint64_t fid, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return call_realm((const uint64_t[]){ fid, a, b, c, d }, 5);
}

static void unknown_functions_are_not_supported(void)
{
	static const uint64_t fids[] = {
		0xC400019A,  0xC400018F, SMCCC_ARCH_FEATURES, PSCI_MIGRATE_INFO_TYPE,
		RMI_VERSION, 0,		 UINT32_MAX,
	};

	start_active();
	for (size_t n = 0; n < sizeof(fids) / sizeof(fids[0]); n++) {
		EXPECT_EQ(rsi(fids[n], 1, 2, 3, 4), UINT64_MAX);
		EXPECT_EQ(answers[1] | answers[2] | answers[3], 0);
		EXPECT_EQ(answers[4], 4);
		EXPECT_EQ(answers[30], UINT64_C(0x7777777777777777));
	}
}

static void version_and_features(void)
{
	start_active();
	EXPECT_EQ(rsi(RSI_VERSION, 0x10001, 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(answers[1], 0x10000);
	EXPECT_EQ(rsi(RSI_VERSION | SMCCC_FID_SVE_HINT, 0x10000, 0, 0, 0), RSI_SUCCESS);
	EXPECT_EQ(rsi(RSI_FEATURES, 0, 0, 0, 0), RSI_SUCCESS);
	EXPECT_EQ(answers[1], 0);
	EXPECT_EQ(rsi(SMCCC_VERSION, 0, 0, 0, 0), SMCCC_VERSION_1_2);
	EXPECT_EQ(rsi(PSCI_VERSION, 0, 0, 0, 0), PSCI_VERSION_1_1);
}

static void config_rejects_bad_addresses(void)
{
	start_active();
	EXPECT_EQ(rsi(RSI_REALM_CONFIG, PAGE_IPA + 8U, 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_REALM_CONFIG, IPA_SHARED, 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_REALM_CONFIG, UINT64_C(0xFFFFFFFFFFFFF000), 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_REALM_CONFIG, EMPTY, 0, 0, 0), RSI_ERROR_INPUT);
}

static void config_fills_a_page(void)
{
	const struct rsi_realm_config *config = fake_memory(DATA);

	start_active();
	memset(fake_memory(DATA), 0xEE, GRANULE_SIZE);
	EXPECT_EQ(rsi(RSI_REALM_CONFIG, PAGE_IPA, 0, 0, 0), RSI_SUCCESS);
	EXPECT_EQ(config->ipa_width, IPA_BITS);
	EXPECT_EQ(config->hash_algo, RMI_HASH_SHA_256);
	EXPECT_EQ(config->pad_9[0], 0);
	EXPECT_EQ(((uint8_t *)fake_memory(DATA))[GRANULE_SIZE - 1U], 0);
}

static void a_missing_page_makes_the_host_map_it_and_the_realm_call_again(void)
{
	start_active();
	(void)rsi(RSI_REALM_CONFIG, MISSING, 0, 0, 0);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->esr, ESR_EC(EC_DATA_LOWER) | 7U);
	EXPECT_EQ(result()->hpfar, MISSING >> 8);
	EXPECT_EQ(rec()->gprs[0], RSI_REALM_CONFIG);
	EXPECT_EQ(rec()->gprs[1], MISSING);
	(void)delegate(DATA + GRANULE_SIZE);
	EXPECT_EQ(rmi(RMI_DATA_CREATE_UNKNOWN, RD, DATA + GRANULE_SIZE, MISSING, 0, 0),
		  RMI_SUCCESS);
	EXPECT_EQ(rsi(RSI_REALM_CONFIG, MISSING, 0, 0, 0), RSI_SUCCESS);
}

static void measurement_commands_reject_bad_indices(void)
{
	start_active();
	EXPECT_EQ(rsi(RSI_MEASUREMENT_READ, 5, 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(answers[4], 0);
	EXPECT_EQ(rsi(RSI_MEASUREMENT_READ, UINT64_MAX, 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_MEASUREMENT_EXTEND, 0, 1, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_MEASUREMENT_EXTEND, 5, 1, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_MEASUREMENT_EXTEND, 1, 65, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_MEASUREMENT_EXTEND, 1, UINT64_MAX, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_MEASUREMENT_READ, 1, 0, 0, 0), RSI_SUCCESS);
	EXPECT_EQ(answers[1], 0);
}

static void extend_takes_its_value_from_x3_on(void)
{
	_Alignas(16) uint8_t input[32 + 16] = { 0 };
	struct digest expected;

	start_active();
	EXPECT_EQ(rsi(RSI_MEASUREMENT_EXTEND, 4, 10, UINT64_C(0x1122334455667788), 0x99AA),
		  RSI_SUCCESS);
	memcpy(input + 32, (uint64_t[]){ UINT64_C(0x1122334455667788), 0x99AA }, 10);
	hash_bytes(RMI_HASH_SHA_256, input, 42, &expected);
	EXPECT_EQ(rsi(RSI_MEASUREMENT_READ, 4, 0, 0, 0), RSI_SUCCESS);
	EXPECT(memcmp(&answers[1], &expected, sizeof(expected)) == 0);
	EXPECT_EQ(answers[9], UINT64_C(0x7777777777777777));
}

static void ripas_requests_are_checked(void)
{
	start_active();
	EXPECT_EQ(rsi(RSI_IPA_STATE_SET, IPA_RAM + 1U, IPA_RAM + BLOCK, 1, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_IPA_STATE_SET, IPA_RAM, IPA_RAM, 1, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_IPA_STATE_SET, IPA_RAM + BLOCK, IPA_RAM, 1, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_IPA_STATE_SET, IPA_RAM, IPA_SHARED + GRANULE_SIZE, 1, 0),
		  RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_IPA_STATE_SET, IPA_RAM, IPA_RAM + BLOCK, 2, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_IPA_STATE_GET, IPA_RAM, IPA_RAM, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_IPA_STATE_GET, IPA_SHARED, IPA_SHARED + BLOCK, 0, 0), RSI_ERROR_INPUT);
}

static uint64_t set_ripas(uint64_t base, uint64_t top)
{
	return rmi(RMI_RTT_SET_RIPAS, RD, REC, base, top, 0);
}

static void the_host_changes_ripas_only_as_asked(void)
{
	start_active();
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + BLOCK), RMI_ERROR_INPUT);
	(void)rsi(RSI_IPA_STATE_SET, IPA_RAM, IPA_RAM + 2U * GRANULE_SIZE, RMI_RIPAS_EMPTY, 0);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_RIPAS_CHANGE);
	EXPECT_EQ(result()->ripas_base, IPA_RAM);
	EXPECT_EQ(result()->ripas_top, IPA_RAM + 2U * GRANULE_SIZE);
	EXPECT_EQ(result()->ripas_value, RMI_RIPAS_EMPTY);
	EXPECT_EQ(set_ripas(IPA_RAM + GRANULE_SIZE, IPA_RAM + 2U * GRANULE_SIZE), RMI_ERROR_INPUT);
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + BLOCK), RMI_ERROR_INPUT);
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + 0x800U), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_SET_RIPAS, RD, RD, IPA_RAM, IPA_RAM + GRANULE_SIZE, 0),
		  RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_RTT_SET_RIPAS, RD, REC2, IPA_RAM, IPA_RAM + GRANULE_SIZE, 0),
		  RMI_ERROR_INPUT);
	rec()->running = true;
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + GRANULE_SIZE), RMI_ERROR_REC);
	rec()->running = false;
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + GRANULE_SIZE), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], IPA_RAM + GRANULE_SIZE);
	/* The mapped page was taken away. */
	EXPECT_EQ(fake_entry_flushes, 1);
	EXPECT_EQ(entry_state(IPA_RAM, 3), RMI_ASSIGNED);
	EXPECT_EQ(regs.x[4], RMI_RIPAS_EMPTY);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[0], RSI_SUCCESS);
	EXPECT_EQ(answers[1], IPA_RAM + GRANULE_SIZE);
	EXPECT_EQ(answers[2], RSI_ACCEPT);
	EXPECT_EQ(set_ripas(IPA_RAM + GRANULE_SIZE, IPA_RAM + 2U * GRANULE_SIZE), RMI_ERROR_INPUT);
}

static void destroyed_memory_changes_only_if_the_realm_says_so(void)
{
	start_active();
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, RD, IPA_RAM, 0, 0, 0), RMI_SUCCESS);
	(void)rsi(RSI_IPA_STATE_SET, IPA_RAM, IPA_RAM + GRANULE_SIZE, RMI_RIPAS_RAM, 0);
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + GRANULE_SIZE), RTT_ERROR(3));
	entry()->flags = RMI_ENTER_RIPAS_REJECT_MASK;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[1], IPA_RAM);
	EXPECT_EQ(answers[2], RSI_REJECT);
	entry()->flags = 0;
	(void)rsi(RSI_IPA_STATE_SET, IPA_RAM, IPA_RAM + GRANULE_SIZE, RMI_RIPAS_RAM,
		  RSI_CHANGE_DESTROYED);
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + GRANULE_SIZE), RMI_SUCCESS);
	entry()->flags = RMI_ENTER_RIPAS_REJECT_MASK;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[2], RSI_ACCEPT);
}

static void a_change_stops_at_the_end_of_a_table_and_above_top(void)
{
	start_active();
	(void)rsi(RSI_IPA_STATE_SET, IPA_RAM, IPA_RAM + BLOCK + GRANULE_SIZE, RMI_RIPAS_RAM, 0);
	EXPECT_EQ(set_ripas(IPA_RAM, IPA_RAM + BLOCK + GRANULE_SIZE), RMI_SUCCESS);
	EXPECT_EQ(regs.x[1], IPA_RAM + BLOCK);
	EXPECT_EQ(set_ripas(IPA_RAM + BLOCK, IPA_RAM + BLOCK + GRANULE_SIZE), RTT_ERROR(2));
	EXPECT_EQ(fake_entry_flushes + fake_realm_flushes, 0);
}

static void state_get_finds_runs(void)
{
	start_active();
	EXPECT_EQ(rsi(RSI_IPA_STATE_GET, IPA_RAM, IPA_RAM + 4U * BLOCK, 0, 0), RSI_SUCCESS);
	EXPECT_EQ(answers[1], IPA_RAM + BLOCK);
	EXPECT_EQ(answers[2], RMI_RIPAS_RAM);
	EXPECT_EQ(rsi(RSI_IPA_STATE_GET, IPA_RAM + GRANULE_SIZE, IPA_RAM + 3U * GRANULE_SIZE, 0, 0),
		  RSI_SUCCESS);
	EXPECT_EQ(answers[1], IPA_RAM + 3U * GRANULE_SIZE);
	EXPECT_EQ(rsi(RSI_IPA_STATE_GET, EMPTY + GRANULE_SIZE, EMPTY + 2U * BLOCK, 0, 0),
		  RSI_SUCCESS);
	EXPECT_EQ(answers[1], EMPTY + 2U * BLOCK);
	EXPECT_EQ(answers[2], RMI_RIPAS_EMPTY);
	EXPECT_EQ(rsi(RSI_IPA_STATE_GET, IPA_RAM - GRANULE_SIZE, IPA_RAM + BLOCK, 0, 0),
		  RSI_SUCCESS);
	EXPECT_EQ(answers[1], IPA_RAM);
}

static void host_calls_pass_registers_both_ways(void)
{
	struct rsi_host_call *host_call;

	start_active();
	EXPECT_EQ(rsi(RSI_HOST_CALL, PAGE_IPA + 0x80U, 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_HOST_CALL, IPA_SHARED, 0, 0, 0), RSI_ERROR_INPUT);
	EXPECT_EQ(rsi(RSI_HOST_CALL, EMPTY, 0, 0, 0), RSI_ERROR_INPUT);
	host_call = (struct rsi_host_call *)((uint8_t *)fake_memory(DATA) + 0xF00U);
	host_call->imm = 0xBEEF;
	host_call->gprs[0] = 1;
	host_call->gprs[30] = 31;
	(void)rsi(RSI_HOST_CALL, PAGE_IPA + 0xF00U, 0, 0, 0);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_HOST_CALL);
	EXPECT_EQ(result()->imm, 0xBEEF);
	EXPECT_EQ(result()->gprs[0], 1);
	EXPECT_EQ(result()->gprs[30], 31);
	entry()->gprs[0] = 41;
	entry()->gprs[30] = 42;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[0], RSI_SUCCESS);
	EXPECT_EQ(host_call->imm, 0xBEEF);
	EXPECT_EQ(host_call->gprs[0], 41);
	EXPECT_EQ(host_call->gprs[30], 42);
}

static void a_host_call_waits_for_its_page_to_come_back(void)
{
	start_active();
	(void)rsi(RSI_HOST_CALL, PAGE_IPA + 0x100U, 0, 0, 0);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_HOST_CALL);
	EXPECT_EQ(rmi(RMI_DATA_DESTROY, RD, PAGE_IPA, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->hpfar, PAGE_IPA >> 8);
	EXPECT_EQ(rec()->pending, REC_PENDING_HOST_CALL);
}

static void psci_features_lists_what_there_is(void)
{
	start_active();
	EXPECT_EQ(rsi(PSCI_FEATURES, SMCCC_VERSION, 0, 0, 0), PSCI_SUCCESS);
	EXPECT_EQ(rsi(PSCI_FEATURES, PSCI_CPU_SUSPEND_64, 0, 0, 0), PSCI_SUCCESS);
	EXPECT_EQ(rsi(PSCI_FEATURES, 0xC4000012, 0, 0, 0), PSCI_NOT_SUPPORTED);
	EXPECT_EQ(rsi(PSCI_FEATURES, RSI_VERSION, 0, 0, 0), PSCI_NOT_SUPPORTED);
}

static void cpu_on_is_checked(void)
{
	start_active();
	EXPECT_EQ(rsi(PSCI_CPU_ON_64, 1, IPA_SHARED, 7, 0), PSCI_INVALID_ADDRESS);
	EXPECT_EQ(rsi(PSCI_CPU_ON_64, 2, IPA_RAM, 7, 0), PSCI_INVALID_PARAMETERS);
	EXPECT_EQ(rsi(PSCI_CPU_ON_64, 0x10, IPA_RAM, 7, 0), PSCI_INVALID_PARAMETERS);
	EXPECT_EQ(rsi(PSCI_CPU_ON_64, UINT64_C(1) << 31, IPA_RAM, 7, 0), PSCI_INVALID_PARAMETERS);
	EXPECT_EQ(rsi(PSCI_CPU_ON_64, 0, IPA_RAM, 7, 0), PSCI_ALREADY_ON);
	EXPECT_EQ(rsi(PSCI_AFFINITY_INFO_64, 0, 1, 0, 0), PSCI_INVALID_PARAMETERS);
	EXPECT_EQ(rsi(PSCI_AFFINITY_INFO_64, 9, 0, 0, 0), PSCI_INVALID_PARAMETERS);
	EXPECT_EQ(rsi(PSCI_AFFINITY_INFO_64, 0, 0, 0, 0), PSCI_AFFINITY_ON);
}

static uint64_t complete(uint64_t calling, uint64_t target, int64_t status)
{
	return rmi(RMI_PSCI_COMPLETE, calling, target, (uint64_t)status, 0, 0);
}

static void cpu_on_starts_the_target_with_secrets_kept(void)
{
	const struct rec *target = fake_memory(REC2);

	start_active();
	EXPECT_EQ(complete(REC, REC2, 0), RMI_ERROR_INPUT);
	(void)rsi(UINT64_C(0x5EC7E700000000) | SMCCC_FID_SVE_HINT | PSCI_CPU_ON_64, 1,
		  IPA_RAM + 0x40U, 0x5EC7E7, 0);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_PSCI);
	EXPECT_EQ(result()->gprs[0], PSCI_CPU_ON_64);
	EXPECT_EQ(result()->gprs[1], 1);
	EXPECT_EQ(result()->gprs[2] | result()->gprs[3], 0);
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	EXPECT_EQ(enter(REC2), RMI_ERROR_REC);
	EXPECT_EQ(complete(REC, REC, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(complete(REC2, REC, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(complete(REC, RD, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(complete(REC, REC2, PSCI_INVALID_PARAMETERS), RMI_ERROR_INPUT);
	EXPECT_EQ(complete(REC, REC2, 0), RMI_SUCCESS);
	EXPECT_EQ(target->pc, IPA_RAM + 0x40U);
	EXPECT_EQ(target->gprs[0], 0x5EC7E7);
	EXPECT(target->runnable);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[0], PSCI_SUCCESS);
	EXPECT_EQ(complete(REC, REC2, 0), RMI_ERROR_INPUT);
}

static void the_host_may_deny_only_what_is_off(void)
{
	start_active();
	(void)rsi(PSCI_CPU_ON_64, 1, IPA_RAM, 0, 0);
	EXPECT_EQ(complete(REC, REC2, PSCI_DENIED), RMI_SUCCESS);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[0], PSCI_DENIED);
	EXPECT(!((struct rec *)fake_memory(REC2))->runnable);
	(void)rsi(PSCI_CPU_ON_64, 1, IPA_RAM, 0, 0);
	((struct rec *)fake_memory(REC2))->runnable = true;
	EXPECT_EQ(complete(REC, REC2, PSCI_DENIED), RMI_ERROR_INPUT);
	EXPECT_EQ(complete(REC, REC2, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[0], PSCI_ALREADY_ON);
}

static void a_caller_whose_denial_came_too_late_goes_on(void)
{
	start_active();
	(void)rsi(PSCI_CPU_ON_64, 1, IPA_RAM, 0, 0);
	((struct rec *)fake_memory(REC2))->runnable = true;
	EXPECT_EQ(complete(REC, REC2, PSCI_INVALID_PARAMETERS), RMI_ERROR_INPUT);
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	EXPECT_EQ(complete(REC, REC2, PSCI_DENIED), RMI_ERROR_INPUT);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[0], PSCI_ALREADY_ON);
	EXPECT_EQ(complete(REC, REC2, PSCI_SUCCESS), RMI_ERROR_INPUT);
}

static void affinity_info_is_the_rmms_answer(void)
{
	start_active();
	(void)rsi(PSCI_AFFINITY_INFO_64, 1, 0, 0, 0);
	EXPECT_EQ(result()->gprs[1], 1);
	EXPECT_EQ(complete(REC, REC2, PSCI_DENIED), RMI_ERROR_INPUT);
	EXPECT_EQ(complete(REC, REC2, PSCI_SUCCESS), RMI_SUCCESS);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(answers[0], PSCI_AFFINITY_OFF);
}

static void off_and_suspend_tell_the_host_the_function_only(void)
{
	start_active();
	(void)rsi(PSCI_CPU_SUSPEND_64, 1, 2, 3, 0);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_PSCI);
	EXPECT_EQ(result()->gprs[0], PSCI_CPU_SUSPEND_64);
	EXPECT_EQ(result()->gprs[1] | result()->gprs[2] | result()->gprs[3], 0);
	(void)rsi(PSCI_CPU_OFF, 1, 2, 3, 0);
	EXPECT_EQ(result()->gprs[0], PSCI_CPU_OFF);
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
}

static void system_off_ends_the_realm(void)
{
	start_active();
	(void)rsi(PSCI_SYSTEM_RESET, 0, 0, 0, 0);
	EXPECT_EQ(result()->gprs[0], PSCI_SYSTEM_RESET);
	EXPECT_EQ(enter(REC), rmi_status(RMI_ERROR_REALM, 1));
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0), RMI_ERROR_REALM);
}

static const struct tap_case cases[] = {
	TAP_CASE(unknown_functions_are_not_supported),
	TAP_CASE(version_and_features),
	TAP_CASE(config_rejects_bad_addresses),
	TAP_CASE(config_fills_a_page),
	TAP_CASE(a_missing_page_makes_the_host_map_it_and_the_realm_call_again),
	TAP_CASE(measurement_commands_reject_bad_indices),
	TAP_CASE(extend_takes_its_value_from_x3_on),
	TAP_CASE(ripas_requests_are_checked),
	TAP_CASE(the_host_changes_ripas_only_as_asked),
	TAP_CASE(destroyed_memory_changes_only_if_the_realm_says_so),
	TAP_CASE(a_change_stops_at_the_end_of_a_table_and_above_top),
	TAP_CASE(state_get_finds_runs),
	TAP_CASE(host_calls_pass_registers_both_ways),
	TAP_CASE(a_host_call_waits_for_its_page_to_come_back),
	TAP_CASE(psci_features_lists_what_there_is),
	TAP_CASE(cpu_on_is_checked),
	TAP_CASE(cpu_on_starts_the_target_with_secrets_kept),
	TAP_CASE(the_host_may_deny_only_what_is_off),
	TAP_CASE(a_caller_whose_denial_came_too_late_goes_on),
	TAP_CASE(affinity_info_is_the_rmms_answer),
	TAP_CASE(off_and_suspend_tell_the_host_the_function_only),
	TAP_CASE(system_off_ends_the_realm),
};

TAP_MAIN(cases)
