/* SPDX-License-Identifier: BSD-3-Clause */
/* External aborts that the host has a realm take, as EL1 sees them. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define ADDRESS	   (STOP_UNPROTECTED + 0x7F8U)
#define CODE_AT	   (HAND_CALLS + 8U + 8U * sizeof(uint64_t)) /* gprs[8] of the RsiHostCall */
#define SPSR_MASK  UINT64_C(0xFFFF3FF) /* without the flags, and BTYPE of the call to the code */
#define SPSR_EL1H  UINT64_C(0x3C5)
#define SPSR_EL1T  UINT64_C(0x3C4)
#define NZCV	   UINT64_C(0xF0000000)
#define VECTOR_SP0 0x000U

CODE(load, "ldr w1, [x0]");
CODE(store, "str w1, [x0]");
CODE(load_with_flags, "mov x2, #0xF0000000\nmsr nzcv, x2\nldr w1, [x0]");
CODE(load_sp0, "msr spsel, #0\nldr w1, [x0]\nmsr spsel, #1");
CODE(load_el0, "ldr w1, [x0]\nsvc #0");
CODE(load_pair, "ldp x1, x2, [x0]");

static struct outcome inject(struct rig_rec *rec)
{
	return stop_resume_with(rec, RMI_ENTER_INJECT_SEA_MASK);
}

CASE(an_injected_abort_is_that_of_the_access, "SEA.syndrome SEA.registers SEA.vector")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(!hand_start(rec, load, ADDRESS, 0x77).done);
	outcome = inject(rec);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], ADDRESS);
	EXPECT_EQ(outcome.gprs[HAND_ELR], CODE_AT);
	EXPECT_EQ(outcome.gprs[HAND_SPSR] & SPSR_MASK, SPSR_EL1H);
	EXPECT_EQ(outcome.gprs[2], 0x77);
}

CASE(an_injected_abort_of_a_store_says_so, "SEA.syndrome")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(!hand_start(rec, store, ADDRESS, 0x77).done);
	outcome = inject(rec);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_WNR_BIT | ESR_SEA, VECTOR_SAME));
}

CASE(an_access_without_syndrome_may_be_aborted, "SEA.any_unprotected")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(!hand_start(rec, load_pair, ADDRESS).done);
	outcome = inject(rec);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_FAR], ADDRESS);
}

CASE(an_injected_abort_keeps_the_flags_for_the_return, "SEA.registers")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(!hand_start(rec, load_with_flags, ADDRESS).done);
	outcome = inject(rec);
	EXPECT_EQ(outcome.gprs[HAND_SPSR] & NZCV, NZCV);
}

CASE(an_injected_abort_uses_the_vector_of_the_stack_pointer, "SEA.vector")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(!hand_start(rec, load_sp0, ADDRESS).done);
	outcome = inject(rec);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SP0));
	EXPECT_EQ(outcome.gprs[HAND_SPSR] & SPSR_MASK, SPSR_EL1T);
	EXPECT_EQ(outcome.gprs[HAND_ELR], CODE_AT + 4U);
}

CASE(an_injected_abort_of_el0_is_one_from_a_lower_level, "SEA.syndrome SEA.vector")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(!hand_drop(rec, SPSR_EL0_A64, load_el0, ADDRESS).done);
	outcome = inject(rec);
	EXPECT(took_exception(&outcome, ESR_DATA_LOWER | ESR_SEA, VECTOR_LOWER));
	EXPECT_EQ(outcome.gprs[HAND_FAR], ADDRESS);
	EXPECT_EQ(outcome.gprs[HAND_ELR], CODE_AT);
	EXPECT_EQ(outcome.gprs[HAND_SPSR] & SPSR_MASK, SPSR_EL0_A64);
}

CASE(an_injected_abort_comes_before_an_emulation, "SEA.both")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	EXPECT(!hand_start(rec, load, ADDRESS, 0x77).done);
	rec->run->enter.gprs[0] = 0x1234;
	outcome = stop_resume_with(rec, RMI_ENTER_INJECT_SEA_MASK | RMI_ENTER_EMUL_MMIO_MASK);
	EXPECT(took_exception(&outcome, ESR_DATA_SAME | ESR_SEA, VECTOR_SAME));
	EXPECT_EQ(outcome.gprs[HAND_ELR], CODE_AT);
	EXPECT_EQ(outcome.gprs[2], 0x77);
}

CASE(an_abort_is_injected_once, "SEA.once")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, load, ADDRESS).done);
	EXPECT(inject(rec).done);
	rec->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = 0;
}

CASE(an_abort_that_cannot_be_emulated_is_not_emulated_with_an_injection_either, "SEA.both")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, load_pair, ADDRESS).done);
	rec->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK | RMI_ENTER_EMUL_MMIO_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = 0;
	EXPECT(inject(rec).done);
}
