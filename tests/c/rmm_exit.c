/* SPDX-License-Identifier: BSD-3-Clause */
/* Exits that are rare: external aborts, SErrors, what a realm finds in its vectors and ID
 * registers. */
#include <sys/wait.h>
#include <unistd.h>

#include "cpu_features.h"
#include "rmm_exception.h"

#define SERROR(aet)   (ESR_EC(0x2FU) | ESR_IL | REG_FIELD(aet, ESR_SERROR_AET_SHIFT) | 0x11U)
#define READ_ID(m, n) (ESR_EC(EC_SYSREG) | ESR_SYSREG(3, 0, 0, m, n) | 6U << 5 | 1U)
#define DSSBS	      (UINT64_C(1) << 44)

static void take_serror(uint64_t esr)
{
	take(esr, 0, 0);
	next_vector = REALM_VECTOR_SERROR;
}

static void an_external_abort_is_told_to_realm_and_host(void)
{
	const uint64_t status[] = { FSC_SEA, FSC_SEA_TTW_FIRST, FSC_SEA_TTW_LAST };

	for (size_t n = 0; n < sizeof(status) / sizeof(status[0]); n++) {
		start_active();
		take(DATA_ABORT(ESR_ISV | ESR_WNR | SRT(7) | status[n]), IPA_RAM, 0x123456);
		EXPECT_EQ(enter(REC), RMI_SUCCESS);
		EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
		EXPECT_EQ(result()->esr, ESR_EC(EC_DATA_LOWER) | status[n]);
		EXPECT_EQ(result()->far | result()->hpfar | result()->gprs[0], 0);
		EXPECT_EQ(rec()->shared.FAR_EL1_, 0x123456);
		EXPECT_EQ(rec()->shared.ESR_EL1_,
			  ESR_EC(EC_DATA_LOWER + 1U) | ESR_IL | ESR_WNR | ESR_EA | FSC_SEA);
	}
}

/* The realm goes on where it was: for it nothing has happened yet. */
static void a_restartable_external_abort_is_the_hosts_alone(void)
{
	start_active();
	write_sysreg(ELR_EL2, rec()->pc);
	take(DATA_ABORT(REG_FIELD(ESR_SET_UEO, ESR_SET_SHIFT) | FSC_SEA), IPA_RAM, 0x123456);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(rec()->shared.ESR_EL1_, 0);
	EXPECT_EQ(rec()->pc, IPA_RAM);
}

static void an_serror_that_the_realm_must_know_of_is_injected(void)
{
	const uint64_t fatal[] = { 1, 3 };

	for (size_t n = 0; n < sizeof(fatal) / sizeof(fatal[0]); n++) {
		start_active();
		take_serror(SERROR(fatal[n]));
		EXPECT_EQ(enter(REC), RMI_SUCCESS);
		EXPECT_EQ(result()->exit_reason, RMI_EXIT_SERROR);
		EXPECT_EQ(result()->esr, SERROR(fatal[n]) & ~ESR_IL);
		EXPECT(rec()->serror_pending);
		/* And stays until it was taken. */
		EXPECT_EQ(enter(REC), RMI_SUCCESS);
		EXPECT_EQ(rec()->shared.VSESR_EL2_ & ESR_SERROR_AET_MASK,
			  REG_FIELD(fatal[n], ESR_SERROR_AET_SHIFT));
		EXPECT(rec()->serror_pending);
	}
}

static void a_corrected_serror_is_the_hosts_alone(void)
{
	const uint64_t harmless[] = { 2, 6 };

	for (size_t n = 0; n < sizeof(harmless) / sizeof(harmless[0]); n++) {
		start_active();
		take_serror(SERROR(harmless[n]));
		EXPECT_EQ(enter(REC), RMI_SUCCESS);
		EXPECT_EQ(result()->exit_reason, RMI_EXIT_SERROR);
		EXPECT(!rec()->serror_pending);
	}
}

/* Whether entering the REC ends the program, as a panic does on the fake arch. */
static bool panics(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)close(STDERR_FILENO);
		(void)enter(REC);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child &&
	       !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void an_uncontained_serror_stops_the_pe(void)
{
	start_active();
	take_serror(SERROR(0));
	EXPECT(panics());
	take_serror(ESR_EC(0x2FU) | ESR_SERROR_IDS);
	EXPECT(panics());
	take_serror(SERROR(2));
	EXPECT(!panics());
}

static void an_fiq_shows_nothing_of_the_realm(void)
{
	start_active();
	take(UINT64_MAX, 0, 0);
	next_vector = REALM_VECTOR_FIQ;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_FIQ);
	EXPECT_EQ(result()->esr | result()->far | result()->hpfar, 0);
}

static void expect_vector(uint64_t pstate, uint64_t offset)
{
	start_active();
	rec()->shared.VBAR_EL1_ = 0x40000;
	rec()->shared.SCTLR_EL1_ = SCTLR_SPAN;
	rec()->pstate = pstate;
	take(ESR_EC(EC_UNKNOWN) | ESR_IL, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(rec()->shared.SPSR_EL1_, pstate);
	EXPECT_EQ(rec()->pc, 0x40000 + offset);
	EXPECT_EQ(rec()->pstate, SPSR_EL1H | SPSR_DAIF | (pstate & SPSR_NZCV));
}

static void each_mode_has_its_vector(void)
{
	expect_vector(SPSR_EL1T, 0x000);
	expect_vector(SPSR_EL1H | SPSR_NZCV, 0x200);
	expect_vector(SPSR_EL0T, 0x400);
	expect_vector(SPSR_AARCH32, 0x600);
}

static void an_exception_sets_pan_and_ssbs_as_sctlr_says(void)
{
	start_active();
	rec()->shared.SCTLR_EL1_ = DSSBS;
	rec()->pstate = SPSR_EL0T;
	take(FETCH_ABORT(TRANSLATION), IPA_RAM + BLOCK, 0x9);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(rec()->pstate, SPSR_EL1H | SPSR_DAIF | SPSR_PAN | SPSR_SSBS);
	/* From EL0 the class is that of a lower EL. */
	EXPECT_EQ(rec()->shared.ESR_EL1_ & ESR_EC_MASK, ESR_EC(EC_INSTR_LOWER));
}

static uint64_t hcr_inside;

static enum realm_vector look_at_hcr(uint64_t gprs[RMI_GPRS])
{
	(void)gprs;
	hcr_inside = read_sysreg(HCR_EL2);
	return REALM_VECTOR_IRQ;
}

static void waiting_traps_if_the_host_says_so(void)
{
	start_active();
	fake_realm = look_at_hcr;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(hcr_inside & (HCR_TWI | HCR_TWE), 0);
	entry()->flags = RMI_ENTER_TRAP_WFI_MASK;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(hcr_inside & (HCR_TWI | HCR_TWE), HCR_TWI);
	entry()->flags = RMI_ENTER_TRAP_WFE_MASK;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(hcr_inside & (HCR_TWI | HCR_TWE), HCR_TWE);
}

#define FSC_ALIGNMENT UINT64_C(0x21)

static unsigned int faults;

static void a_fetch_from_shared_memory_is_the_realms_fault(void)
{
	start_active();
	take(FETCH_ABORT(TRANSLATION), IPA_SHARED, IPA_SHARED);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(rec()->shared.ESR_EL1_ & (ESR_EC_MASK | ESR_FSC_MASK),
		  ESR_EC(EC_INSTR_LOWER + 1U) | FSC_SEA);
}

static void an_access_to_shared_memory_that_was_mapped_meanwhile_is_tried_again(void)
{
	start_active();
	EXPECT_EQ(rmi(RMI_RTT_MAP_UNPROTECTED, RD, IPA_SHARED, 2, DATA | 6U << 2 | 3U << 6, 0),
		  RMI_SUCCESS);
	take(DATA_ABORT(ESR_ISV | WORD | TRANSLATION), IPA_SHARED, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
	EXPECT_EQ(runs, 2);
}

/* As of an unaligned access to what the host mapped as Device memory: trying again helps nobody. */
static enum realm_vector fault_again(uint64_t gprs[RMI_GPRS])
{
	(void)gprs;
	if (++faults > 1U) {
		return REALM_VECTOR_IRQ;
	}
	write_sysreg(ESR_EL2, DATA_ABORT(ESR_ISV | WORD | SRT(3) | FSC_ALIGNMENT));
	write_sysreg(FAR_EL2, 0x1001);
	write_sysreg(HPFAR_EL2, IPA_SHARED >> 8);
	return REALM_VECTOR_SYNC;
}

static void a_fault_at_mapped_memory_that_will_not_go_away_is_the_hosts(void)
{
	start_active();
	EXPECT_EQ(rmi(RMI_RTT_MAP_UNPROTECTED, RD, IPA_SHARED, 2, DATA | 3U << 6, 0), RMI_SUCCESS);
	faults = 0;
	fake_realm = fault_again;
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(faults, 1);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->hpfar, IPA_SHARED >> 8);
}

static void a_permission_fault_on_a_walk_says_where_itself(void)
{
	start_active();
	fake_stage1_is_unreadable = true;
	take(DATA_ABORT(ESR_S1PTW | ESR_WNR | PERMISSION), IPA_SHARED, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_SYNC);
	EXPECT_EQ(result()->hpfar, IPA_SHARED >> 8);
}

/* The run page went while the realm ran: the host loses the exit, and nothing else. */
static enum realm_vector lose_run_page(uint64_t gprs[RMI_GPRS])
{
	(void)gprs;
	(void)delegate(RUN);
	return REALM_VECTOR_IRQ;
}

static void a_run_page_that_goes_away_costs_the_host_its_exit(void)
{
	start_active();
	fake_realm = lose_run_page;
	EXPECT_EQ(enter(REC), RMI_ERROR_INPUT);
	EXPECT(granule_is(pa_make(RUN), GRANULE_DELEGATED));
	fake_realm = NULL;
	EXPECT_EQ(rmi(RMI_GRANULE_UNDELEGATE, RUN, 0, 0, 0, 0), RMI_SUCCESS);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(rmi(RMI_REC_DESTROY, REC, 0, 0, 0, 0), RMI_SUCCESS);
}

static uint64_t id_register(unsigned int crm, unsigned int op2)
{
	take(READ_ID(crm, op2), 0, 0);
	(void)enter(REC);
	return seen[6];
}

static void every_id_register_shows_what_realms_can_use_and_no_more(void)
{
	start_active();
	write_sysreg(ID_AA64ISAR0_EL1, UINT64_MAX);
	write_sysreg(ID_AA64ISAR1_EL1, UINT64_MAX);
	write_sysreg(ID_AA64MMFR1_EL1, UINT64_MAX);
	write_sysreg(ID_AA64MMFR2_EL1, UINT64_MAX);
	write_sysreg(ID_AA64PFR1_EL1, UINT64_MAX);
	write_sysreg(ID_AA64ZFR0_EL1, UINT64_MAX);
	write_sysreg(ID_AA64MMFR0_EL1, UINT64_C(0xF0000005));
	EXPECT_EQ(id_register(6, 0), ~UINT64_C(0xF000000));
	EXPECT_EQ(id_register(6, 1), UINT64_MAX >> 4);
	EXPECT_EQ(id_register(7, 1) & 0xF0, 0); /* VMIDBits */
	EXPECT_EQ(id_register(7, 2) & UINT64_C(0xF000F000F000000), 0);
	EXPECT_EQ(id_register(4, 1), 0xFF);
	/* A granule of 4 KiB that the PE does not have at stage 1 is not invented. */
	EXPECT_EQ(id_register(7, 0) >> 28 & 0xF, 0xF);
	/* No SVE, no SVE features; and what the space has no name for reads zero. */
	EXPECT_EQ(id_register(4, 4), 0);
	EXPECT_EQ(id_register(4, 0) >> 32 & 0xF, 0);
	EXPECT_EQ(id_register(4, 7), 0);
}

static void a_register_outside_of_the_id_space_reads_zero(void)
{
	start_active();
	rec()->gprs[6] = UINT64_MAX;
	take(ESR_EC(EC_SYSREG) | ESR_SYSREG(3, 3, 9, 12, 0) | 6U << 5 | 1U, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(seen[6], 0);
	/* And a write to it is lost. */
	take(ESR_EC(EC_SYSREG) | ESR_SYSREG(3, 3, 9, 12, 0) | 6U << 5, 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->exit_reason, RMI_EXIT_IRQ);
}

static void a_physical_timer_that_fires_ends_the_run_once(void)
{
	start_active();
	rec()->timers.cntp_ctl = CNT_CTL_ENABLE | CNT_CTL_ISTATUS;
	take(ESR_EC(EC_UNKNOWN), 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(runs, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(runs, 2);
	EXPECT_EQ(read_sysreg(CNTHCTL_EL2) & (CNTHCTL_CNTVMASK | CNTHCTL_CNTPMASK),
		  CNTHCTL_CNTPMASK);
}

static void a_pe_that_lacks_something_is_named(void)
{
	static const struct {
		const char *name;
		const char *what;
		uint64_t value;
	} lacks[] = {
		{ "ID_AA64PFR0_EL1", "FEAT_RME", UINT64_C(0x1301001121112222) },
		{ "ID_AA64PFR0_EL1", "FEAT_RAS", UINT64_C(0x1311001101112222) },
		{ "ID_AA64ISAR0_EL1", "FEAT_SHA512", UINT64_C(0x1221111110211120) },
		{ "ID_AA64MMFR2_EL1", "FEAT_S2FWB", UINT64_C(0x1221001112011011) },
		{ "ID_AA64MMFR0_EL1", "48 bits of physical address", UINT64_C(0x2100022200101124) },
	};

	for (size_t n = 0; n < sizeof(lacks) / sizeof(lacks[0]); n++) {
		const char *missing = "";

		start();
		fake_sysreg_write(lacks[n].name, lacks[n].value);
		EXPECT(!cpu_features_probe(&missing));
		EXPECT_EQ(strcmp(missing, lacks[n].what), 0);
	}
	/* The features outlive the case. */
	start();
}

static void a_pe_with_more_list_registers_than_rmi_has_uses_what_rmi_has(void)
{
	const char *missing;

	start_active();
	write_sysreg(ICH_VTR_EL2, UINT64_C(0xF8FC001F));
	EXPECT(cpu_features_probe(&missing));
	EXPECT_EQ(cpu_features()->gic_lr_count, RMI_GIC_LRS);
	EXPECT_EQ(cpu_features()->gic_apr_count, 4);
	entry()->gicv3_lrs[RMI_GIC_LRS - 1U] = UINT64_C(1) << 62 | 40U;
	take(ESR_EC(EC_UNKNOWN), 0, 0);
	EXPECT_EQ(enter(REC), RMI_SUCCESS);
	EXPECT_EQ(result()->gicv3_lrs[RMI_GIC_LRS - 1U], UINT64_C(1) << 62 | 40U);
	start();
}

static const struct tap_case cases[] = {
	TAP_CASE(an_external_abort_is_told_to_realm_and_host),
	TAP_CASE(a_restartable_external_abort_is_the_hosts_alone),
	TAP_CASE(an_serror_that_the_realm_must_know_of_is_injected),
	TAP_CASE(a_corrected_serror_is_the_hosts_alone),
	TAP_CASE(an_uncontained_serror_stops_the_pe),
	TAP_CASE(an_fiq_shows_nothing_of_the_realm),
	TAP_CASE(each_mode_has_its_vector),
	TAP_CASE(an_exception_sets_pan_and_ssbs_as_sctlr_says),
	TAP_CASE(waiting_traps_if_the_host_says_so),
	TAP_CASE(a_fetch_from_shared_memory_is_the_realms_fault),
	TAP_CASE(an_access_to_shared_memory_that_was_mapped_meanwhile_is_tried_again),
	TAP_CASE(a_fault_at_mapped_memory_that_will_not_go_away_is_the_hosts),
	TAP_CASE(a_permission_fault_on_a_walk_says_where_itself),
	TAP_CASE(a_run_page_that_goes_away_costs_the_host_its_exit),
	TAP_CASE(every_id_register_shows_what_realms_can_use_and_no_more),
	TAP_CASE(a_register_outside_of_the_id_space_reads_zero),
	TAP_CASE(a_physical_timer_that_fires_ends_the_run_once),
	TAP_CASE(a_pe_that_lacks_something_is_named),
	TAP_CASE(a_pe_with_more_list_registers_than_rmi_has_uses_what_rmi_has),
};

TAP_MAIN(cases)
