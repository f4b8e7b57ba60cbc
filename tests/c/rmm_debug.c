/* SPDX-License-Identifier: BSD-3-Clause */
/* Debug registers of a realm: what traps, and what the PE holds while the REC runs. */
#include "pe.h"
#include "realm.h"
#include "rec.h"
#include "rmm_fixture.h"

#define RT	     6U
#define READ_ACCESS  (1U | RT << 5)
#define WRITE_ACCESS (RT << 5)
#define BVR(n)	     ESR_SYSREG(2, 0, 0, (n), 4)
#define BCR(n)	     ESR_SYSREG(2, 0, 0, (n), 5)
#define WVR(n)	     ESR_SYSREG(2, 0, 0, (n), 6)
#define WCR(n)	     ESR_SYSREG(2, 0, 0, (n), 7)
#define MDSCR	     ESR_SYSREG(2, 0, 0, 2, 2)
#define OSLAR	     ESR_SYSREG(2, 0, 1, 0, 4)
#define OSLSR	     ESR_SYSREG(2, 0, 1, 1, 4)
#define CLAIMSET     ESR_SYSREG(2, 0, 7, 8, 6)
#define CLAIMCLR     ESR_SYSREG(2, 0, 7, 9, 6)
#define TRACE	     ESR_SYSREG(2, 1, 0, 0, 4)
#define VECTORS	     UINT64_C(0x40000)
#define UNDEFINED_AT (VECTORS + 0x200U)
#define HOST_VALUE   UINT64_C(0x4057000)
#define ENABLED	     UINT64_C(0x1E3)
#define LINKED_TO(n) (UINT64_C(0x100000) | (uint64_t)(n) << 16)

/* What the PE holds while the realm runs. */
struct held {
	uint64_t bvr0, bcr0, bvr4, bvr5, bcr4, wvr0, wcr0, oslar;
};

static uint64_t access_esr;
static uint64_t gpr_out;
static struct held held;
static unsigned int runs;

static enum realm_vector access_once(uint64_t gprs[RMI_GPRS])
{
	if (access_esr != 0U && runs++ == 0U) {
		write_sysreg(ESR_EL2, access_esr);
		return REALM_VECTOR_SYNC;
	}
	gpr_out = gprs[RT];
	held = (struct held){
		read_sysreg(DBGBVR0_EL1), read_sysreg(DBGBCR0_EL1), read_sysreg(DBGBVR4_EL1),
		read_sysreg(DBGBVR5_EL1), read_sysreg(DBGBCR4_EL1), read_sysreg(DBGWVR0_EL1),
		read_sysreg(DBGWCR0_EL1), read_sysreg(OSLAR_EL1),
	};
	return REALM_VECTOR_IRQ;
}

static void run(uint64_t esr, uint64_t value)
{
	access_esr = esr;
	rec()->gprs[RT] = value;
	runs = 0;
	fake_realm = access_once;
	(void)enter(REC);
}

static void write_register(uint64_t name, uint64_t value)
{
	run(ESR_EC(EC_SYSREG) | ESR_IL | name | WRITE_ACCESS, value);
}

static uint64_t read_register(uint64_t name)
{
	run(ESR_EC(EC_SYSREG) | ESR_IL | name | READ_ACCESS, 0xBAD);
	return gpr_out;
}

/* A realm with two breakpoints and two watchpoints, and a host that uses its own. */
static void start_debug(void)
{
	start();
	realm_params()->num_bps = 1;
	((struct rmi_realm_params *)fake_memory(PARAMS))->num_wps = 1;
	(void)realm_create();
	(void)rec_params();
	(void)rec_create(REC);
	(void)rmi(RMI_REALM_ACTIVATE, RD, 0, 0, 0, 0);
	rec()->shared.VBAR_EL1_ = VECTORS;
	write_sysreg(DBGBVR0_EL1, HOST_VALUE);
	write_sysreg(DBGBVR4_EL1, HOST_VALUE + 4U);
	write_sysreg(DBGWVR0_EL1, HOST_VALUE + 8U);
	write_sysreg(DBGBCR0_EL1, ENABLED);
	write_sysreg(DBGWCR0_EL1, ENABLED);
	write_sysreg(MDSCR_EL1, MDSCR_MDE);
	write_sysreg(OSLSR_EL1, OSLSR_OSLK);
}

static bool host_is_as_before(void)
{
	return read_sysreg(DBGBVR0_EL1) == HOST_VALUE &&
	       read_sysreg(DBGBVR4_EL1) == HOST_VALUE + 4U &&
	       read_sysreg(DBGWVR0_EL1) == HOST_VALUE + 8U && read_sysreg(DBGBVR5_EL1) == 0U &&
	       read_sysreg(DBGBCR0_EL1) == ENABLED && read_sysreg(DBGWCR0_EL1) == ENABLED &&
	       read_sysreg(MDSCR_EL1) == MDSCR_MDE;
}

static void registers_keep_the_bits_that_they_have(void)
{
	start_debug();
	write_register(BVR(1), 0x123456789);
	write_register(BCR(1), UINT64_MAX);
	write_register(WVR(1), UINT64_MAX);
	write_register(WCR(1), UINT64_MAX);
	EXPECT_EQ(read_register(BVR(1)), 0x123456789);
	EXPECT_EQ(read_register(BCR(1)), DBGBCR_BITS);
	EXPECT_EQ(read_register(WVR(1)), UINT64_MAX - 3U);
	EXPECT_EQ(read_register(WCR(1)), DBGWCR_BITS);
	EXPECT_EQ(read_register(BVR(0)) | read_register(BCR(0)), 0);
	EXPECT_EQ(read_register(WVR(0)) | read_register(WCR(0)), 0);
	EXPECT(host_is_as_before());
}

static void registers_beyond_the_negotiated_are_undefined(void)
{
	static const uint64_t beyond[] = { BVR(2),  BCR(2),  WVR(2),  WCR(2),
					   BVR(15), BCR(15), WVR(15), WCR(15) };

	for (size_t n = 0; n < sizeof(beyond) / sizeof(beyond[0]); n++) {
		start_debug();
		write_register(beyond[n], 1);
		EXPECT_EQ(rec()->pc, UNDEFINED_AT);
		EXPECT_EQ(rec()->shared.ESR_EL1_, ESR_IL);
		start_debug();
		EXPECT_EQ(read_register(beyond[n]), 0xBAD);
		EXPECT_EQ(rec()->pc, UNDEFINED_AT);
	}
}

static void the_pe_holds_nothing_of_a_realm_that_does_not_debug(void)
{
	start_debug();
	write_register(BVR(0), 0x5000);
	write_register(BCR(0), ENABLED);
	EXPECT_EQ(held.bvr0, HOST_VALUE);
	EXPECT_EQ(held.bvr4, HOST_VALUE + 4U);
	EXPECT(!pe_this()->host_debug.away);
	EXPECT(host_is_as_before());
}

static void the_pe_holds_the_realms_while_it_debugs(void)
{
	start_debug();
	write_register(BVR(0), 0x5000);
	write_register(BCR(0), ENABLED | LINKED_TO(1));
	write_register(OSLAR, 0);
	write_register(MDSCR, UINT64_MAX);
	EXPECT_EQ(read_register(MDSCR), MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE);
	/* The realm's two are the last two of six. */
	EXPECT_EQ(held.bvr4, 0x5000);
	EXPECT_EQ(held.bcr4, ENABLED | LINKED_TO(5));
	EXPECT_EQ(held.bvr0 | held.bcr0 | held.wvr0 | held.bvr5, 0);
	EXPECT_EQ(held.wcr0 & ENABLED, 0);
	EXPECT_EQ(held.oslar, 0);
	EXPECT(host_is_as_before());
	EXPECT_EQ(read_sysreg(OSLAR_EL1), 1);
	/* Also on the next entry, without an access. */
	run(0, 0);
	EXPECT_EQ(held.bvr4, 0x5000);
	EXPECT(host_is_as_before());
	write_register(OSLAR, 1);
	EXPECT_EQ(held.oslar, 1);
	write_register(MDSCR, 0);
	run(0, 0);
	EXPECT_EQ(held.bvr4, HOST_VALUE + 4U);
}

static void links_to_no_breakpoint_of_the_realms_do_not_lead_outside(void)
{
	start_debug();
	write_register(MDSCR, MDSCR_MDE);
	write_register(BCR(0), LINKED_TO(15));
	EXPECT_EQ(held.bcr4, LINKED_TO(5));
}

static void the_os_lock_begins_locked(void)
{
	start_debug();
	EXPECT_EQ(read_register(OSLSR), OSLSR_OSLM_LOCK | OSLSR_OSLK);
	write_register(OSLAR, 2);
	EXPECT_EQ(read_register(OSLSR), OSLSR_OSLM_LOCK);
	write_register(OSLAR, 1);
	EXPECT_EQ(read_register(OSLSR), OSLSR_OSLM_LOCK | OSLSR_OSLK);
}

static void claim_tags_are_set_and_cleared(void)
{
	start_debug();
	write_register(CLAIMSET, 0x1F1);
	write_register(CLAIMCLR, 0x110);
	EXPECT_EQ(read_register(CLAIMCLR), 0xE1);
	EXPECT_EQ(read_register(CLAIMSET), 0xFF);
}

static void trace_registers_are_no_debug_registers(void)
{
	start_debug();
	write_register(BVR(0), 7);
	write_register(TRACE, 9);
	EXPECT_EQ(read_register(TRACE), 0);
	EXPECT_EQ(read_register(BVR(0)), 7);
}

static const struct tap_case cases[] = {
	TAP_CASE(registers_keep_the_bits_that_they_have),
	TAP_CASE(registers_beyond_the_negotiated_are_undefined),
	TAP_CASE(the_pe_holds_nothing_of_a_realm_that_does_not_debug),
	TAP_CASE(the_pe_holds_the_realms_while_it_debugs),
	TAP_CASE(links_to_no_breakpoint_of_the_realms_do_not_lead_outside),
	TAP_CASE(the_os_lock_begins_locked),
	TAP_CASE(claim_tags_are_set_and_cleared),
	TAP_CASE(trace_registers_are_no_debug_registers),
};

TAP_MAIN(cases)
