/* SPDX-License-Identifier: BSD-3-Clause */
/* RMI_REC_CREATE: what it makes. */
#include <abi/rmi.h>
#include <abi/rsi.h>
#include <lib/bits.h>
#include <lib/string.h>

#include "call.h"
#include "granules.h"
#include "probe.h"
#include "rig.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define PROGRAM_IPA	     UINT64_C(0x40000)
#define CALL_OFFSET	     0x800U
#define SCTLR_M		     bit64(0)
#define SCTLR_C		     bit64(2)
#define SCTLR_I		     bit64(12)
#define MPIDR_RES1	     bit64(31)
#define SPSR_EL1H	     UINT64_C(0x5)
#define DAIF_ALL	     UINT64_C(0x3C0)
#define FEATURE_ORDER(value) (((value)&RMI_FEATURE0_MAX_RECS_ORDER_MASK) >> 38)

/*
 * Tells by host calls what the REC starts with: X0 to X30, then the registers that an exception or
 * the hand's own start would change.
 */
__asm__(".pushsection .rodata.code, \"a\"\n"
	".balign 4\n"
	"first_state_start:\n"
	"	msr	tpidr_el1, x0\n"
	"	adr	x0, first_state_start + 0x800\n"
	"	stp	x1, x2, [x0, #16]\n"
	"	stp	x3, x4, [x0, #32]\n"
	"	stp	x5, x6, [x0, #48]\n"
	"	stp	x7, x8, [x0, #64]\n"
	"	stp	x9, x10, [x0, #80]\n"
	"	stp	x11, x12, [x0, #96]\n"
	"	stp	x13, x14, [x0, #112]\n"
	"	stp	x15, x16, [x0, #128]\n"
	"	stp	x17, x18, [x0, #144]\n"
	"	stp	x19, x20, [x0, #160]\n"
	"	stp	x21, x22, [x0, #176]\n"
	"	stp	x23, x24, [x0, #192]\n"
	"	stp	x25, x26, [x0, #208]\n"
	"	stp	x27, x28, [x0, #224]\n"
	"	stp	x29, x30, [x0, #240]\n"
	"	mrs	x1, tpidr_el1\n"
	"	str	x1, [x0, #8]\n"
	"	mov	x20, x0\n"
	"	movz	x21, #0xC400, lsl #16\n"
	"	movk	x21, #0x0199\n"
	"	mov	x0, x21\n"
	"	mov	x1, x20\n"
	"	smc	#0\n"
	"	mrs	x0, CurrentEL\n"
	"	mrs	x1, SPSel\n"
	"	stp	x0, x1, [x20, #8]\n"
	"	mrs	x0, DAIF\n"
	"	mrs	x1, NZCV\n"
	"	stp	x0, x1, [x20, #24]\n"
	"	mrs	x0, SCTLR_EL1\n"
	"	mrs	x1, CPACR_EL1\n"
	"	stp	x0, x1, [x20, #40]\n"
	"	mrs	x0, VBAR_EL1\n"
	"	mov	x1, sp\n"
	"	stp	x0, x1, [x20, #56]\n"
	"	mrs	x0, TTBR0_EL1\n"
	"	mrs	x1, TCR_EL1\n"
	"	stp	x0, x1, [x20, #72]\n"
	"	mrs	x0, CNTV_CTL_EL0\n"
	"	mrs	x1, CNTP_CTL_EL0\n"
	"	stp	x0, x1, [x20, #88]\n"
	"	mrs	x0, CNTKCTL_EL1\n"
	"	mrs	x1, MDSCR_EL1\n"
	"	stp	x0, x1, [x20, #104]\n"
	"	mrs	x0, SP_EL0\n"
	"	mrs	x1, TPIDR_EL0\n"
	"	stp	x0, x1, [x20, #120]\n"
	"	mov	x0, x21\n"
	"	mov	x1, x20\n"
	"	smc	#0\n"
	"	b	.\n"
	"first_state_end:\n"
	".popsection\n");
extern const uint8_t first_state_start[], first_state_end[];

enum first_register {
	FIRST_EL,
	FIRST_SPSEL,
	FIRST_DAIF,
	FIRST_NZCV,
	FIRST_SCTLR,
	FIRST_REST, /* this and the rest are 0 */
	FIRST_COUNT = 16,
};

/* A realm whose REC runs that program. */
static struct rig_rec *first_state(void)
{
	struct rig_realm *realm = realm_make();
	uint64_t source = granule_take();
	struct rig_rec *rec;

	memcpy((void *)(uintptr_t)source, first_state_start,
	       (size_t)(first_state_end - first_state_start));
	if (realm_ram(realm, 0, BLOCK_SIZE, true) != RMI_SUCCESS ||
	    realm_data(realm, PROGRAM_IPA, source, RMI_DATA_MEASURE) != RMI_SUCCESS) {
		rig_give_up("the program cannot be loaded");
	}
	rec = rec_prepare(realm, PROGRAM_IPA, true);
	for (unsigned int n = 0; n < RMI_REC_CREATE_GPRS; n++) {
		rec->params->gprs[n] = call_fill(n);
	}
	if (rec_create(rec) != RMI_SUCCESS || realm_activate(realm) != RMI_SUCCESS) {
		rig_give_up("the program cannot be started");
	}
	memset(rec->run->enter.gprs, 0xEE, sizeof(rec->run->enter.gprs));
	return rec;
}

CASE(a_rec_starts_with_the_registers_of_its_parameters, "REC_CREATE.gprs REC_CREATE.success")
{
	struct rig_rec *rec = first_state();

	EXPECT_EQ(rec_enter(rec), RMI_SUCCESS);
	LEAVE_UNLESS(EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_HOST_CALL));
	for (unsigned int n = 0; n < RMI_GPRS; n++) {
		EXPECT_EQ(rec->run->exit.gprs[n], n < RMI_REC_CREATE_GPRS ? call_fill(n) : 0U);
	}
}

CASE(a_rec_starts_at_el1_as_after_a_reset, "REC_CREATE.pstate REC_CREATE.reset")
{
	struct rig_rec *rec = first_state();
	const uint64_t *gprs = rec->run->exit.gprs;

	EXPECT_EQ(rec_enter(rec), RMI_SUCCESS);
	EXPECT_EQ(rec_enter(rec), RMI_SUCCESS);
	LEAVE_UNLESS(EXPECT_EQ(rec->run->exit.exit_reason, RMI_EXIT_HOST_CALL));
	EXPECT_EQ(gprs[FIRST_EL], 1U << 2);
	EXPECT_EQ(gprs[FIRST_SPSEL], 1);
	EXPECT_EQ(gprs[FIRST_DAIF], DAIF_ALL);
	EXPECT_EQ(gprs[FIRST_NZCV], 0);
	EXPECT_EQ(gprs[FIRST_SCTLR] & (SCTLR_M | SCTLR_C | SCTLR_I), 0);
	for (unsigned int n = FIRST_REST; n < FIRST_COUNT; n++) {
		if (!EXPECT_EQ(gprs[n], 0)) {
			tap_note("register %u", n);
		}
	}
}

CASE(rec_create_makes_rec_and_auxiliary_granules, "REC_CREATE.success")
{
	struct rig_rec *rec = rec_prepare(realm_make(), 0, true);

	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
	EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, rec->pa), RMI_ERROR_INPUT);
	for (uint64_t n = 0; n < rec->params->num_aux; n++) {
		EXPECT_EQ(rmi_status(RMI_GRANULE_UNDELEGATE, rec->params->aux[n]), RMI_ERROR_INPUT);
	}
	EXPECT_EQ(rmi_status(RMI_REALM_DESTROY, rec->realm->rd), RMI_ERROR_REALM);
}

CASE(a_rec_that_is_not_runnable_is_not_entered, "REC_CREATE.runnable REC_ENTER.runnable")
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *rec = rec_prepare(realm, 0, false);

	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	stop_soil(rec);
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	EXPECT(stop_untouched(rec));
}

CASE(rec_create_ignores_unknown_flags, "REC_CREATE.flags")
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *runnable = rec_prepare(realm, 0, true);
	struct rig_rec *other;

	/* So that it stops at its first instruction. */
	EXPECT_EQ(realm_ram(realm, 0, BLOCK_SIZE, true), RMI_SUCCESS);
	runnable->params->flags |= ~UINT64_C(1);
	EXPECT_EQ(rec_create(runnable), RMI_SUCCESS);
	other = rec_prepare(realm, 0, false);
	other->params->flags = ~UINT64_C(1);
	EXPECT_EQ(rec_create(other), RMI_SUCCESS);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT_EQ(rec_enter(other), RMI_ERROR_REC);
	EXPECT_EQ(rec_enter(runnable), RMI_SUCCESS);
}

/* The RIM of a hand's realm in whose making RMI_REC_CREATE failed, or did not. */
static struct call rim_after(bool failures)
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *failing;

	hand_load(realm);
	if (failures) {
		failing = rec_prepare(realm, 0, true);
		failing->params->mpidr = 1;
		EXPECT_EQ(rec_create(failing), RMI_ERROR_INPUT);
		failing->params->mpidr = 0;
		failing->params->num_aux++;
		EXPECT_EQ(rec_create(failing), RMI_ERROR_INPUT);
		EXPECT(granule_is_delegated(failing->pa));
		realm->rec_count = 0;
	}
	(void)hand_rec(realm);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	EXPECT(hand_begin(&realm->recs[0]));
	return hand_smc(&realm->recs[0], RSI_MEASUREMENT_READ, 0);
}

CASE(rec_create_that_fails_takes_nothing_and_measures_nothing, "REC_CREATE.no_effect")
{
	struct call plain = rim_after(false);
	struct call after = rim_after(true);

	EXPECT_EQ(plain.x[0], RSI_SUCCESS);
	EXPECT_EQ(memcmp(plain.x, after.x, sizeof(plain.x)), 0);
}

CASE(a_realm_has_as_many_recs_as_advertised, "REC_CREATE.maximum REC_CREATE.mpidr_index")
{
	uint64_t order = FEATURE_ORDER(rmi(RMI_FEATURES, 0).x[1]);
	struct rig_realm *realm = realm_make();
	unsigned int maximum = (1U << order) - 1U;
	struct rig_rec *rec = rec_prepare(realm, 0, true);
	uint64_t first = rec->pa;

	for (unsigned int n = 0; n < maximum; n++) {
		rec->params->mpidr = rec_mpidr(n);
		if (!EXPECT_EQ(rec_create(rec), RMI_SUCCESS)) {
			tap_note("REC %u", n);
		}
		(void)rmi(RMI_REC_DESTROY, rec->pa);
	}
	rec->params->mpidr = rec_mpidr(maximum);
	EXPECT_EQ(rec_create(rec), RMI_ERROR_REALM);
	EXPECT(granule_is_delegated(first));
}

CASE(as_many_recs_as_advertised_live_at_once, "REC_CREATE.maximum REC_CREATE.mpidr_index")
{
	unsigned int maximum = (1U << FEATURE_ORDER(rmi(RMI_FEATURES, 0).x[1])) - 1U;
	struct rig_realm *realm = realm_make();
	struct rig_rec *rec = rec_prepare(realm, 0, true);
	uint64_t own = rec->pa;
	unsigned int each = 1U + (unsigned int)rec->params->num_aux;
	uint64_t granules = granules_take_delegated(maximum * each, GRANULE_SIZE);
	unsigned int made = 0;

	for (; made < maximum; made++) {
		rec->pa = granules + made * each * GRANULE_SIZE;
		for (uint64_t n = 0; n < rec->params->num_aux; n++) {
			rec->params->aux[n] = rec->pa + (1U + n) * GRANULE_SIZE;
		}
		rec->params->mpidr = rec_mpidr(made);
		if (!EXPECT_EQ(rec_create(rec), RMI_SUCCESS)) {
			break;
		}
	}
	for (unsigned int n = 0; n < made; n++) {
		EXPECT_EQ(rmi_status(RMI_REC_DESTROY, granules + n * each * GRANULE_SIZE),
			  RMI_SUCCESS);
	}
	rec->pa = own;
}

/* The hand in a REC of this index, behind others that are there for the numbering alone. */
static uint64_t mpidr_of(unsigned int index)
{
	struct rig_realm *realm = realm_make();
	struct rig_rec *rec;

	hand_load(realm);
	for (unsigned int n = 0; n < index; n++) {
		EXPECT_EQ(rec_create(rec_prepare(realm, 0, false)), RMI_SUCCESS);
	}
	rec = rec_prepare(realm, HAND_BASE, true);
	rec->params->gprs[0] = 0;
	EXPECT_EQ(realm_data_unknown(realm, HAND_STACKS), RMI_SUCCESS);
	EXPECT_EQ(realm_data_unknown(realm, HAND_CALLS), RMI_SUCCESS);
	EXPECT_EQ(rec_create(rec), RMI_SUCCESS);
	EXPECT_EQ(realm_activate(realm), RMI_SUCCESS);
	return hand_begin(rec) ? hand_do(rec, HAND_GET, HAND_REG_MPIDR_EL1).gprs[1] : 0U;
}

CASE(mpidr_el1_shows_the_affinities_of_the_rec, "REC_CREATE.mpidr_el1 REC_CREATE.mpidr_index")
{
	EXPECT_EQ(mpidr_of(0), MPIDR_RES1);
	EXPECT_EQ(mpidr_of(1), MPIDR_RES1 | 1U);
	EXPECT_EQ(mpidr_of(15), MPIDR_RES1 | 15U);
	EXPECT_EQ(mpidr_of(16), MPIDR_RES1 | 0x100U);
	EXPECT_EQ(mpidr_of(17), MPIDR_RES1 | 0x101U);
}
