/* SPDX-License-Identifier: BSD-3-Clause */
/* RECs: creation, what entry refuses, and what comes of each exception of the realm. */
#include "rmm_exception.h"

static void create_rejects_bad_parameters(void)
{
	start_realm();
	(void)rec_params();
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, REC, PARAMS + 16U, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, REC, REC2, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_CREATE, REC, REC, PARAMS, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, RD, PARAMS, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, UNUSED, PARAMS, 0, 0), RMI_ERROR_INPUT);
	rec_params()->mpidr = 1;
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
	rec_params()->mpidr = 0x10;
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
	rec_params()->mpidr = UINT64_C(1) << 31 << 1;
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
	rec_params()->num_aux = 0;
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
	rec_params()->num_aux = 1;
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
	rec_params()->num_aux = 3;
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(REC), GRANULE_DELEGATED));
	EXPECT(granule_is(pa_make(AUX_OF(REC)), GRANULE_DELEGATED));
	(void)rec_params();
	EXPECT_EQ(rec_create(REC), RMI_SUCCESS);
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
}

static void create_rejects_bad_auxiliary_granules(void)
{
	static const uint64_t bad[] = { 0, AUX_OF(REC) + 16U, UNTRACKED, UNUSED, RD, REC, ROOTS };

	start_realm();
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		rec_params()->aux[0] = bad[n];
		EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
		EXPECT(granule_is(pa_make(REC), GRANULE_DELEGATED));
	}
	rec_params()->aux[1] = AUX_OF(REC);
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
	(void)rec_params();
	EXPECT_EQ(rec_create(REC), RMI_SUCCESS);
	EXPECT(granule_is(pa_make(AUX_OF(REC)), GRANULE_REC_AUX));
	EXPECT(granule_is(pa_make(SPARE_OF(REC)), GRANULE_REC_AUX));
	rec_params()->mpidr = 1;
	((struct rmi_rec_params *)fake_memory(PARAMS))->aux[0] = DATA;
	EXPECT_EQ(rmi(RMI_REC_CREATE, RD, AUX_OF(REC), PARAMS, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rec_create(REC2), RMI_SUCCESS);
}

static void auxiliary_granules_are_given_back_with_their_rec(void)
{
	start_realm();
	(void)rec_params();
	EXPECT_EQ(rec_create(REC), RMI_SUCCESS);
	memset(fake_memory(AUX_OF(REC)), 1, GRANULE_SIZE);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, AUX_OF(REC), 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, AUX_OF(REC), 0, 0, 0, 0), RMI_SUCCESS);
	for (size_t n = 0; n < GRANULE_SIZE; n++) {
		EXPECT_EQ(((uint8_t *)fake_memory(AUX_OF(REC)))[n], 0);
	}
}

static void create_is_for_new_realms_and_in_order(void)
{
	start_realm();
	(void)rec_params();
	for (unsigned int n = 0; n < 18U; n++) {
		EXPECT_EQ(delegate(PAGE(100 + n)), RMI_SUCCESS);
		EXPECT_EQ(delegate(AUX_OF(PAGE(100 + n))), RMI_SUCCESS);
		EXPECT_EQ(delegate(SPARE_OF(PAGE(100 + n))), RMI_SUCCESS);
		rec_params()->mpidr = (n % 16U) | (uint64_t)(n / 16U) << 8;
		EXPECT_EQ(rec_create(PAGE(100 + n)), RMI_SUCCESS);
	}
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0), RMI_SUCCESS);
	(void)rec_params();
	EXPECT_EQ(rec_create(REC), RMI_ERROR_REALM);
}

static void destroyed_recs_are_not_made_again(void)
{
	start_realm();
	(void)rec_params();
	EXPECT_EQ(rec_create(REC), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC, 0, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rec_create(REC), RMI_ERROR_INPUT);
}

static void enter_rejects_bad_addresses(void)
{
	start_active();
	EXPECT_EQ(rmi(RMI_REC_ENTER, RD, RUN, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_ENTER, REC + 8U, RUN, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_ENTER, UNTRACKED, RUN, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_ENTER, REC, RUN + 16U, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_ENTER, REC, UNTRACKED, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_ENTER, REC, RD, 0, 0, 0), RMI_ERROR_INPUT);
	EXPECT_EQ(rmi(RMI_REC_ENTER, REC, REC, 0, 0, 0), RMI_ERROR_INPUT);
	fake_ns_fault = (RUN - FAKE_DRAM_BASE) / GRANULE_SIZE + 1U;
	EXPECT_EQ(enter(REC), RMI_ERROR_INPUT);
}

static void enter_rejects_states(void)
{
	start_mapped();
	(void)rec_params();
	(void)rec_create(REC);
	EXPECT_EQ(enter(REC), RMI_ERROR_REALM);
	rec()->running = true;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC, 0, 0, 0, 0), RMI_ERROR_REC);
	rec()->running = false;
	EXPECT_EQ(rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0), RMI_SUCCESS);
	rec()->runnable = false;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	rec()->runnable = true;
	rec()->pending = REC_PENDING_PSCI;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	rec()->pending = REC_PENDING_NONE;
	realm_set_state(fake_memory(RD), REALM_SYSTEM_OFF);
	EXPECT_EQ(enter(REC), rmi_status(RMI_ERROR_REALM, 1));
}

static void expect_gic_refused(uint64_t lr)
{
	entry()->gicv3_lrs[1] = lr;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	entry()->gicv3_lrs[1] = 0;
}

static void enter_rejects_gic_state(void)
{
	const uint64_t pending = UINT64_C(1) << 62;

	start_active();
	for (unsigned int bit = 0; bit < 64U; bit++) {
		entry()->gicv3_hcr = UINT64_C(1) << bit;
		EXPECT_EQ(enter(REC), (entry()->gicv3_hcr & RMI_GIC_HCR_HOST_MASK) != 0U
					      ? RMI_SUCCESS
					      : RMI_ERROR_REC);
	}
	entry()->gicv3_hcr = 0;
	expect_gic_refused(pending | UINT64_C(1) << 61 | 40U); /* HW */
	expect_gic_refused(pending | UINT64_C(1) << 40 | 40U); /* pINTID */
	expect_gic_refused(pending | UINT64_C(0x81) << 48 |
			   40U); /* priority bits that are not there */
	expect_gic_refused(pending | 1020U);
	expect_gic_refused(pending | 1056U);
	expect_gic_refused(pending | 4096U);
	expect_gic_refused(pending | 0x1000000U);
	entry()->gicv3_lrs[0] = pending | 40U;
	expect_gic_refused(pending << 1 | 40U);
	entry()->gicv3_lrs[1] = pending | 8192U | UINT64_C(1) << 41 | UINT64_C(0x80) << 48;
	/* What is not live is not looked at, nor are registers that do not exist. */
	entry()->gicv3_lrs[2] = UINT64_C(1) << 61 | 40U;
	entry()->gicv3_lrs[4] = UINT64_MAX;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(result()->gicv3_lrs[0], pending | 40U);
	EXPECT_EQ(result()->gicv3_lrs[4], 0);
}

static void enter_rejects_completions_of_what_was_not(void)
{
	start_active();
	entry()->flags = RMI_ENTER_EMUL_MMIO_MASK;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	entry()->flags = RMI_ENTER_INJECT_SEA_MASK;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	entry()->flags = 0;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
}

static void a_failing_entry_does_not_write_the_exit(void)
{
	start_active();
	memset(result(), 0xEE, sizeof(*result()));
	entry()->gicv3_hcr = 1;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	EXPECT_EQ(result()->exit_reason, 0xEE);
	EXPECT_EQ(result()->esr, UINT64_C(0xEEEEEEEEEEEEEEEE));
}

static void an_irq_shows_nothing_of_the_realm(void)
{
	start_active();
	rec()->gprs[0] = 0x5EC7E7;
	memset(result(), 0xEE, sizeof(*result()));
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		EXPECT_EQ(result()->gprs[n], 0);
	}
	EXPECT_EQ(result()->esr | result()->far | result()->hpfar, 0);
}

static void an_emulated_read_is_narrowed_and_extended(void)
{
	start_active();
	take(DATA_ABORT(ESR_ISV | BYTE | ESR_SSE | SRT(3) | ESR_SF | TRANSLATION),
	     IPA_SHARED + 0x9000000, 0xFFFF000012345678);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->esr, ESR_EC(EC_DATA_LOWER) | ESR_ISV | ESR_SF | TRANSLATION);
	EXPECT_EQ(result()->hpfar, (IPA_SHARED + 0x9000000) >> 8);
	EXPECT_EQ(result()->far, 0x678);
	EXPECT_EQ(result()->gprs[0], 0);
	entry()->flags = RMI_ENTER_EMUL_MMIO_MASK;
	entry()->gprs[0] = 0xFFF80;
	write_sysreg(ELR_EL2, rec()->pc);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[3], UINT64_C(0xFFFFFFFFFFFFFF80));
	/* Once only. */
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
}

static void a_32_bit_sign_extension_stays_in_32_bits(void)
{
	start_active();
	take(DATA_ABORT(ESR_ISV | BYTE | ESR_SSE | SRT(3) | TRANSLATION), IPA_SHARED, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	entry()->flags = RMI_ENTER_EMUL_MMIO_MASK;
	entry()->gprs[0] = 0x80;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[3], UINT64_C(0xFFFFFF80));
}

static void an_emulated_write_shows_only_what_is_written(void)
{
	start_active();
	rec()->gprs[5] = UINT64_C(0x1122334455667788);
	take(DATA_ABORT(ESR_ISV | WORD | SRT(5) | ESR_WNR | TRANSLATION), IPA_SHARED, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->gprs[0], 0x55667788);
	entry()->flags = RMI_ENTER_EMUL_MMIO_MASK;
	entry()->gprs[0] = 0x99;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[5], UINT64_C(0x1122334455667788));
}

static void the_zero_register_reads_zero_and_keeps_nothing(void)
{
	start_active();
	take(DATA_ABORT(ESR_ISV | WORD | SRT(31) | ESR_WNR | TRANSLATION), IPA_SHARED, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->gprs[0], 0);
	take(DATA_ABORT(ESR_ISV | WORD | SRT(31) | TRANSLATION), IPA_SHARED, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	entry()->flags = RMI_ENTER_EMUL_MMIO_MASK;
	entry()->gprs[0] = 1;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
}

static void an_abort_without_decoding_hides_all_but_the_cause(void)
{
	start_active();
	take(DATA_ABORT(WORD | ESR_SF | ESR_WNR | SRT(9) | TRANSLATION), IPA_SHARED, 0x123);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->esr, ESR_EC(EC_DATA_LOWER) | TRANSLATION);
	EXPECT_EQ(result()->far, 0);
	entry()->flags = RMI_ENTER_EMUL_MMIO_MASK;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
	entry()->flags = RMI_ENTER_INJECT_SEA_MASK;
	write_sysreg(VBAR_EL1, 0);
	rec()->shared.VBAR_EL1_ = 0x1000;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(rec()->shared.FAR_EL1_, 0x123);
	EXPECT_EQ(rec()->shared.ESR_EL1_ & (ESR_EC_MASK | ESR_FSC_MASK),
		  ESR_EC(EC_DATA_SAME) | FSC_SEA);
}

static void a_32_bit_process_is_not_decoded(void)
{
	start_active();
	rec()->pstate = SPSR_AARCH32 | 0x10;
	write_sysreg(SPSR_EL2, rec()->pstate);
	take(DATA_ABORT(ESR_ISV | WORD | SRT(5) | TRANSLATION), IPA_SHARED, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->esr, ESR_EC(EC_DATA_LOWER) | TRANSLATION);
}

static void an_access_to_missing_ram_goes_to_the_host(void)
{
	start_active();
	take(DATA_ABORT(ESR_ISV | WORD | SRT(5) | ESR_WNR | TRANSLATION), IPA_RAM + GRANULE_SIZE,
	     7);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->esr, ESR_EC(EC_DATA_LOWER) | TRANSLATION);
	EXPECT_EQ(result()->hpfar, (IPA_RAM + GRANULE_SIZE) >> 8);
	EXPECT_EQ(result()->far | result()->gprs[0], 0);
	take(FETCH_ABORT(TRANSLATION), IPA_RAM + GRANULE_SIZE, 7);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->esr, ESR_EC(EC_INSTR_LOWER) | TRANSLATION);
	entry()->flags = RMI_ENTER_INJECT_SEA_MASK;
	EXPECT_EQ(enter(REC), RMI_ERROR_REC);
}

static void an_access_to_mapped_ram_is_tried_again(void)
{
	start_active();
	take(DATA_ABORT(TRANSLATION), IPA_RAM, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(runs, 2);
}

static void expect_sea_without_exit(uint64_t esr, uint64_t ipa)
{
	start_active();
	rec()->shared.VBAR_EL1_ = 0x40000;
	take(esr, ipa, 0xABC);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(runs, 2);
	EXPECT_EQ(rec()->shared.FAR_EL1_, 0xABC);
	EXPECT_EQ(rec()->shared.ESR_EL1_ & ESR_FSC_MASK, FSC_SEA);
}

static void accesses_to_empty_and_fetches_from_shared_memory_are_the_realms(void)
{
	expect_sea_without_exit(DATA_ABORT(TRANSLATION), IPA_RAM + BLOCK);
	expect_sea_without_exit(FETCH_ABORT(TRANSLATION), IPA_RAM + BLOCK);
	expect_sea_without_exit(FETCH_ABORT(PERMISSION), IPA_SHARED);
}

static void an_injected_abort_has_of_the_syndrome_what_stage_1_gives(void)
{
	expect_sea_without_exit(DATA_ABORT(ESR_ISV | WORD | SRT(3) | ESR_SF | ESR_IL | ESR_CM |
					   ESR_WNR | ESR_FNV | ESR_S1PTW | TRANSLATION),
				IPA_RAM + BLOCK);
	EXPECT_EQ(rec()->shared.ESR_EL1_,
		  ESR_EC(EC_DATA_SAME) | ESR_IL | ESR_CM | ESR_WNR | ESR_EA | FSC_SEA);
}

static void an_access_beyond_the_ipa_space_is_an_address_size_fault(void)
{
	start_active();
	take(DATA_ABORT(UINT64_C(4)), IPA_SPACE, 0xABC);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(rec()->shared.ESR_EL1_ & ESR_FSC_MASK, 0);
}

static void a_write_to_a_read_only_shared_page_hides_the_instruction(void)
{
	start_active();
	EXPECT_EQ(rmi(RMI_RTT_MAP_UNPROTECTED, RD, IPA_SHARED, 2, DATA | 6U << 2 | 1U << 6, 0),
		  RMI_SUCCESS);
	take(DATA_ABORT(ESR_ISV | WORD | ESR_WNR | PERMISSION), 0, IPA_SHARED);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->esr, ESR_EC(EC_DATA_LOWER) | PERMISSION);
	EXPECT_EQ(result()->hpfar, IPA_SHARED >> 8);
}

static void a_permission_fault_whose_address_is_lost_is_tried_again(void)
{
	start_active();
	fake_stage1_is_unreadable = true;
	take(DATA_ABORT(ESR_ISV | WORD | ESR_WNR | PERMISSION), 0, IPA_SHARED);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(runs, 2);
}

static void sgis_go_to_the_host_and_other_registers_do_not(void)
{
	start_active();
	rec()->gprs[4] = 0x1234;
	take(ESR_EC(EC_SYSREG) | ESR_IL | ESR_SYSREG(3, 0, 12, 11, 5) | 4U << 5, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->gprs[0], 0x1234);
	/* ID_AA64PFR0_EL1 into X6: EL0 and EL1 are AArch64 only, no EL2, EL3, SVE, RME. */
	take(ESR_EC(EC_SYSREG) | ESR_SYSREG(3, 0, 0, 4, 0) | 6U << 5 | 1U, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(seen[6], UINT64_C(0x1101000021110011));
	/* A debug register reads 0, and nothing happens on writing it. */
	take(ESR_EC(EC_SYSREG) | ESR_SYSREG(2, 0, 0, 0, 5) | 6U << 5 | 1U, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[6], 0);
}

static void a_trapped_instruction_is_stepped_over_as_if_it_had_run(void)
{
	start_active();
	take(ESR_EC(EC_SYSREG) | ESR_IL | ESR_SYSREG(3, 0, 12, 11, 5), 0, 0);
	write_sysreg(ELR_EL2, IPA_RAM);
	write_sysreg(SPSR_EL2, SPSR_EL1H | SPSR_DAIF | SPSR_BTYPE);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(rec()->pc, IPA_RAM + 4U);
	EXPECT_EQ(rec()->pstate, SPSR_EL1H | SPSR_DAIF);
}

static void id_registers_hide_what_realms_cannot_use(void)
{
	start_active();
	rec()->gprs[6] = UINT64_MAX;
	/* DFR0: breakpoints as the realm was created with, no PMU, no OS Double Lock. */
	take(ESR_EC(EC_SYSREG) | ESR_SYSREG(3, 0, 0, 5, 0) | 6U << 5 | 1U, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[6], UINT64_C(0xF00030500A));
	/* MMFR0: 48 bits of PA, no LPA2, no FGT, ECV without offset. */
	take(ESR_EC(EC_SYSREG) | ESR_SYSREG(3, 0, 0, 7, 0) | 6U << 5 | 1U, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[6] & 0xF, 5);
	EXPECT_EQ(seen[6] >> 28 & 0xF, 0);
	EXPECT_EQ(seen[6] >> 56, 0x10);
	/* ISAR2: no MOPS. */
	take(ESR_EC(EC_SYSREG) | ESR_SYSREG(3, 0, 0, 6, 2) | 6U << 5 | 1U, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[6] & 0xF0000, 0);
}

static void undefined_instructions_stay_in_the_realm(void)
{
	static const uint64_t classes[] = { EC_HVC64, EC_SVE, EC_SME, EC_UNKNOWN, EC_LS64 };

	for (size_t n = 0; n < sizeof(classes) / sizeof(classes[0]); n++) {
		start_active();
		take(ESR_EC(classes[n]) | ESR_IL, 0, 0);
		EXPECT_EQ(enter(REC), RMI_SUCCESS);
		EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
		EXPECT_EQ(rec()->shared.ESR_EL1_, ESR_IL);
	}
}

static void unknown_exceptions_stop_the_realm_and_say_nothing(void)
{
	start_active();
	take(ESR_EC(0x3DU) | 0x1234, IPA_RAM, 0x99);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->esr | result()->far | result()->hpfar, 0);
}

static void what_aarch32_traps_with_is_undefined(void)
{
	static const uint64_t classes[] = { 0x01, 0x03, 0x04, 0x05, 0x06, 0x08, 0x0C, 0x18 };

	for (size_t n = 0; n < sizeof(classes) / sizeof(classes[0]); n++) {
		start_active();
		rec()->pstate = SPSR_AARCH32;
		rec()->pc = IPA_RAM;
		take(ESR_EC(classes[n]), 0, 0);
		EXPECT_EQ(enter(REC), RMI_SUCCESS);
		EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
		EXPECT_EQ(rec()->shared.ESR_EL1_, ESR_IL);
		EXPECT_EQ(rec()->shared.ELR_EL1_, IPA_RAM);
	}
}

static void a_trapped_wfi_shows_which(void)
{
	start_active();
	take(ESR_EC(EC_WFX) | ESR_IL | UINT64_C(0x1E00000) | 1U, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->esr, ESR_EC(EC_WFX) | 1U);
}

static void a_timer_that_fires_ends_the_run_once(void)
{
	start_active();
	rec()->timers.cntv_ctl = CNT_CTL_ENABLE | CNT_CTL_ISTATUS;
	fake_realm = one_exception;
	runs = 1;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(result()->cntv_ctl, CNT_CTL_ENABLE | CNT_CTL_ISTATUS);
	EXPECT_EQ(runs, 1);
	/* The host knows: now the line is masked and the realm runs. */
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(runs, 2);
	EXPECT_EQ(read_sysreg(CNTHCTL_EL2) & (CNTHCTL_CNTVMASK | CNTHCTL_CNTPMASK),
		  CNTHCTL_CNTVMASK);
	/* The interrupt stays pending, which may be the host's doing: the realm runs all the same.
	 */
	write_sysreg(ICC_HPPIR1_EL1, 27);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(runs, 3);
}

static void a_timer_that_is_deasserted_is_told_before_the_realm_runs(void)
{
	start_active();
	rec()->cntp_reported = true;
	fake_realm = one_exception;
	runs = 1;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(result()->cntp_ctl, 0);
	EXPECT_EQ(runs, 1);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(runs, 2);
}

static void host_registers_survive_a_run(void)
{
	start_active();
	write_sysreg(TTBR0_EL1, 0x1111);
	write_sysreg(TPIDR_EL0, 0x2222);
	write_sysreg(CNTV_CVAL_EL0, 0x3333);
	rec()->shared.TTBR0_EL1_ = 0x4444;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(read_sysreg(TTBR0_EL1), 0x1111);
	EXPECT_EQ(read_sysreg(TPIDR_EL0), 0x2222);
	EXPECT_EQ(read_sysreg(CNTV_CVAL_EL0), 0x3333);
	EXPECT_EQ(rec()->shared.TTBR0_EL1_, 0x4444);
	EXPECT_EQ(read_sysreg(ICH_HCR_EL2), 0);
	EXPECT_EQ(read_sysreg(VTTBR_EL2), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(create_rejects_bad_parameters),
	TAP_CASE(create_rejects_bad_auxiliary_granules),
	TAP_CASE(auxiliary_granules_are_given_back_with_their_rec),
	TAP_CASE(create_is_for_new_realms_and_in_order),
	TAP_CASE(destroyed_recs_are_not_made_again),
	TAP_CASE(enter_rejects_bad_addresses),
	TAP_CASE(enter_rejects_states),
	TAP_CASE(enter_rejects_gic_state),
	TAP_CASE(enter_rejects_completions_of_what_was_not),
	TAP_CASE(a_failing_entry_does_not_write_the_exit),
	TAP_CASE(an_irq_shows_nothing_of_the_realm),
	TAP_CASE(an_emulated_read_is_narrowed_and_extended),
	TAP_CASE(a_32_bit_sign_extension_stays_in_32_bits),
	TAP_CASE(an_emulated_write_shows_only_what_is_written),
	TAP_CASE(the_zero_register_reads_zero_and_keeps_nothing),
	TAP_CASE(an_abort_without_decoding_hides_all_but_the_cause),
	TAP_CASE(a_32_bit_process_is_not_decoded),
	TAP_CASE(an_access_to_missing_ram_goes_to_the_host),
	TAP_CASE(an_access_to_mapped_ram_is_tried_again),
	TAP_CASE(accesses_to_empty_and_fetches_from_shared_memory_are_the_realms),
	TAP_CASE(an_injected_abort_has_of_the_syndrome_what_stage_1_gives),
	TAP_CASE(an_access_beyond_the_ipa_space_is_an_address_size_fault),
	TAP_CASE(a_write_to_a_read_only_shared_page_hides_the_instruction),
	TAP_CASE(a_permission_fault_whose_address_is_lost_is_tried_again),
	TAP_CASE(sgis_go_to_the_host_and_other_registers_do_not),
	TAP_CASE(a_trapped_instruction_is_stepped_over_as_if_it_had_run),
	TAP_CASE(id_registers_hide_what_realms_cannot_use),
	TAP_CASE(undefined_instructions_stay_in_the_realm),
	TAP_CASE(unknown_exceptions_stop_the_realm_and_say_nothing),
	TAP_CASE(what_aarch32_traps_with_is_undefined),
	TAP_CASE(a_trapped_wfi_shows_which),
	TAP_CASE(a_timer_that_fires_ends_the_run_once),
	TAP_CASE(a_timer_that_is_deasserted_is_told_before_the_realm_runs),
	TAP_CASE(host_registers_survive_a_run),
};

TAP_MAIN(cases)
