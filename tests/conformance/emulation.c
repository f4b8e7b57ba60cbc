/* SPDX-License-Identifier: BSD-3-Clause */
/* Data aborts that the host may emulate: what it learns of them, and what it gives back. */
#include <abi/rmi.h>
#include <abi/rsi.h>

#include "call.h"
#include "gic.h"
#include "granules.h"
#include "pe.h"
#include "space.h"
#include "stop.h"
#include "tap.h"

#define OFFSET	     UINT64_C(0x7F8)
#define ADDRESS	     (STOP_UNPROTECTED + OFFSET)
#define FAULT	     (STOP_TRANSLATION + 2U)
#define SHOWN	     (STOP_ESR | STOP_FAR | STOP_HPFAR)
#define PATTERN	     UINT64_C(0x8899AABBCCDDEEFF)
#define LOW_POSITIVE UINT64_C(0x1122334455667718)
#define OTHER_PE     1U

enum size {
	BYTE,
	HALF,
	WORD,
	DOUBLE,
};

/* The marker tells that the instruction was stepped over, once. */
#define LOAD(name, text)  CODE(name, "mov x5, #0\n" text "\nadd x5, x5, #1")
#define STORE(name, text) CODE(name, "mov x5, #0\n" text "\nadd x5, x5, #1")

LOAD(load_byte, "ldrb w1, [x0]");
LOAD(load_half, "ldrh w1, [x0]");
LOAD(load_word, "ldr w1, [x0]");
LOAD(load_double, "ldr x1, [x0]");
LOAD(load_signed_byte, "ldrsb w1, [x0]");
LOAD(load_signed_byte_x, "ldrsb x1, [x0]");
LOAD(load_signed_half, "ldrsh w1, [x0]");
LOAD(load_signed_half_x, "ldrsh x1, [x0]");
LOAD(load_signed_word_x, "ldrsw x1, [x0]");
LOAD(load_zero, "mov x1, #0x55\nldr xzr, [x0]");
LOAD(load_high, "mov x6, x30\nldr x30, [x0]\nmov x1, x30\nmov x30, x6");
LOAD(load_post_index, "ldr w1, [x0], #8");
STORE(store_byte, "strb w1, [x0]");
STORE(store_half, "strh w1, [x0]");
STORE(store_word, "str w1, [x0]");
STORE(store_double, "str x1, [x0]");
STORE(store_zero, "str xzr, [x0]");
STORE(store_high, "mov x6, x30\nmov x30, x1\nstr x30, [x0]\nmov x30, x6");
STORE(store_pair, "stp x1, x2, [x0]");

/* That the REC stopped at an access of this kind. */
static bool stopped(const struct rig_rec *rec, enum size size, uint64_t more, unsigned int fields)
{
	return stop_is(rec, RMI_EXIT_SYNC, SHOWN | fields) &&
	       EXPECT_EQ(rec->run->exit.esr,
			 STOP_ESR_ABORT_LOWER | STOP_ESR_ISV | STOP_ESR_SAS(size) | FAULT | more) &&
	       EXPECT_EQ(rec->run->exit.far, OFFSET) &&
	       EXPECT_EQ(rec->run->exit.hpfar, STOP_UNPROTECTED >> 8);
}

static struct outcome answer(struct rig_rec *rec, uint64_t value)
{
	rec->run->enter.gprs[0] = value;
	return stop_resume_with(rec, RMI_ENTER_EMUL_MMIO_MASK);
}

/* The load stops so; with `given` it loads `loaded`. */
#define EXPECT_LOAD(code, size, more, given, loaded)                                               \
	do {                                                                                       \
		struct rig_rec *rec_ = stop_rec(1);                                                \
		EXPECT(!hand_start(rec_, code, ADDRESS, PATTERN).done);                            \
		EXPECT(stopped(rec_, (size), (more), 0));                                          \
		came_back(answer(rec_, (given)), (loaded));                                        \
	} while (0)

static void came_back(struct outcome outcome, uint64_t loaded)
{
	EXPECT(took_none(&outcome));
	EXPECT_EQ(outcome.gprs[1], ADDRESS);
	EXPECT_EQ(outcome.gprs[2], loaded);
	EXPECT_EQ(outcome.gprs[6], 1);
}

/* The store stops so and shows `shown`; whatever the entry holds then changes nothing. */
#define EXPECT_STORE(code, size, more, stored, shown)                                              \
	do {                                                                                       \
		struct rig_rec *rec_ = stop_rec(1);                                                \
		EXPECT(!hand_start(rec_, code, ADDRESS, (stored)).done);                           \
		EXPECT(stopped(rec_, (size), STOP_ESR_WNR | (more), STOP_GPR0));                   \
		EXPECT_EQ(rec_->run->exit.gprs[0], (shown));                                       \
		came_back(answer(rec_, PATTERN), (stored));                                        \
	} while (0)

CASE(an_emulated_byte_is_loaded_without_what_lies_above, "EMULATION.read EMULATION.exit_read")
{
	EXPECT_LOAD(load_byte, BYTE, 0, PATTERN, 0xFF);
}

CASE(an_emulated_half_word_is_loaded_without_what_lies_above, "EMULATION.read EMULATION.exit_read")
{
	EXPECT_LOAD(load_half, HALF, 0, PATTERN, 0xEEFF);
}

CASE(an_emulated_word_is_loaded_without_what_lies_above, "EMULATION.read EMULATION.exit_read")
{
	EXPECT_LOAD(load_word, WORD, 0, PATTERN, 0xCCDDEEFF);
}

CASE(an_emulated_double_word_is_loaded_whole, "EMULATION.read EMULATION.exit_read")
{
	EXPECT_LOAD(load_double, DOUBLE, STOP_ESR_SF, PATTERN, PATTERN);
}

CASE(an_emulated_signed_byte_is_extended_to_the_register, "EMULATION.sign")
{
	EXPECT_LOAD(load_signed_byte, BYTE, 0, PATTERN, 0xFFFFFFFF);
	EXPECT_LOAD(load_signed_byte, BYTE, 0, LOW_POSITIVE, 0x18);
	EXPECT_LOAD(load_signed_byte_x, BYTE, STOP_ESR_SF, PATTERN, UINT64_MAX);
	EXPECT_LOAD(load_signed_byte_x, BYTE, STOP_ESR_SF, LOW_POSITIVE, 0x18);
}

CASE(an_emulated_signed_half_word_is_extended_to_the_register, "EMULATION.sign")
{
	EXPECT_LOAD(load_signed_half, HALF, 0, PATTERN, 0xFFFFEEFF);
	EXPECT_LOAD(load_signed_half, HALF, 0, LOW_POSITIVE, 0x7718);
	EXPECT_LOAD(load_signed_half_x, HALF, STOP_ESR_SF, PATTERN, UINT64_C(0xFFFFFFFFFFFFEEFF));
}

CASE(an_emulated_signed_word_is_extended_to_the_register, "EMULATION.sign")
{
	EXPECT_LOAD(load_signed_word_x, WORD, STOP_ESR_SF, PATTERN, UINT64_C(0xFFFFFFFFCCDDEEFF));
	EXPECT_LOAD(load_signed_word_x, WORD, STOP_ESR_SF, LOW_POSITIVE, 0x55667718);
}

CASE(an_emulated_load_to_the_zero_register_is_dropped, "EMULATION.zero_register")
{
	EXPECT_LOAD(load_zero, DOUBLE, STOP_ESR_SF, PATTERN, 0x55);
}

CASE(an_emulated_load_finds_its_register, "EMULATION.register")
{
	EXPECT_LOAD(load_high, DOUBLE, STOP_ESR_SF, PATTERN, PATTERN);
}

CASE(an_emulated_store_of_a_byte_shows_one_byte, "EMULATION.write EMULATION.exit_write")
{
	EXPECT_STORE(store_byte, BYTE, 0, PATTERN, 0xFF);
}

CASE(an_emulated_store_of_a_half_word_shows_two_bytes, "EMULATION.write EMULATION.exit_write")
{
	EXPECT_STORE(store_half, HALF, 0, PATTERN, 0xEEFF);
}

CASE(an_emulated_store_of_a_word_shows_four_bytes, "EMULATION.write EMULATION.exit_write")
{
	EXPECT_STORE(store_word, WORD, 0, PATTERN, 0xCCDDEEFF);
}

CASE(an_emulated_store_of_a_double_word_shows_it, "EMULATION.write EMULATION.exit_write")
{
	EXPECT_STORE(store_double, DOUBLE, STOP_ESR_SF, PATTERN, PATTERN);
}

CASE(an_emulated_store_of_the_zero_register_shows_zero, "EMULATION.zero_register")
{
	EXPECT_STORE(store_zero, DOUBLE, STOP_ESR_SF, PATTERN, 0);
}

CASE(an_emulated_store_finds_its_register, "EMULATION.register")
{
	EXPECT_STORE(store_high, DOUBLE, STOP_ESR_SF, PATTERN, PATTERN);
}

CASE(an_access_with_write_back_cannot_be_emulated, "EMULATION.no_syndrome")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, load_post_index, ADDRESS).done);
	EXPECT(stop_is(rec, RMI_EXIT_SYNC, STOP_ESR | STOP_HPFAR));
	EXPECT_EQ(rec->run->exit.esr, STOP_ESR_ABORT_LOWER | FAULT);
	rec->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = 0;
}

CASE(a_store_of_a_pair_cannot_be_emulated_and_shows_nothing, "EMULATION.no_syndrome")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, store_pair, ADDRESS, PATTERN, PATTERN).done);
	EXPECT(stop_is(rec, RMI_EXIT_SYNC, STOP_ESR | STOP_HPFAR));
	EXPECT_EQ(rec->run->exit.esr, STOP_ESR_ABORT_LOWER | FAULT);
}

CASE(an_access_that_the_host_does_not_answer_is_made_again, "EMULATION.retry")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, store_word, ADDRESS, PATTERN).done);
	for (unsigned int n = 0; n < 3U; n++) {
		stop_soil(rec);
		EXPECT(!hand_resume(rec).done);
		EXPECT(stopped(rec, WORD, STOP_ESR_WNR, STOP_GPR0));
	}
	came_back(answer(rec, 0), PATTERN);
}

CASE(an_access_is_made_to_the_page_that_the_host_maps, "EMULATION.retry")
{
	struct rig_rec *rec = stop_rec(1);
	uint64_t page = granule_take();

	EXPECT(!hand_start(rec, store_double, ADDRESS, PATTERN).done);
	EXPECT_EQ(realm_share(rec->realm, STOP_UNPROTECTED, page, PAGE_LEVEL), RMI_SUCCESS);
	came_back(hand_resume(rec), PATTERN);
	EXPECT_EQ(*(uint64_t *)(uintptr_t)(page + OFFSET), PATTERN);
}

CASE(an_access_at_el0_is_emulated_as_well, "EMULATION.el0")
{
	struct rig_rec *rec = stop_rec(1);
	struct outcome outcome;

	CODE(load_and_call, "ldr w1, [x0]\nsvc #0");
	EXPECT(!hand_drop(rec, SPSR_EL0_A64, load_and_call, ADDRESS).done);
	EXPECT(stopped(rec, WORD, 0, 0));
	outcome = answer(rec, PATTERN);
	EXPECT(took_exception(&outcome, ESR_SVC, VECTOR_LOWER));
	EXPECT_EQ(outcome.gprs[2], PATTERN & UINT32_MAX);
}

static struct outcome elsewhere;

static void answer_there(void *rec)
{
	elsewhere = stop_resume_with(rec, RMI_ENTER_EMUL_MMIO_MASK);
	while (!elsewhere.done && ((struct rig_rec *)rec)->run->exit.exit_reason == RMI_EXIT_IRQ) {
		elsewhere = hand_resume(rec);
	}
}

CASE(an_emulation_is_completed_on_another_pe, "EMULATION.migration")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, load_double, ADDRESS).done);
	rec->run->enter.gprs[0] = PATTERN;
	pe_send(OTHER_PE, answer_there, rec);
	pe_join(OTHER_PE);
	came_back(elsewhere, PATTERN);
}

CASE(an_access_can_be_emulated_only_at_the_entry_after_its_exit, "EMULATION.last_exit")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, load_word, ADDRESS).done);
	gic_kick(pe_index());
	EXPECT(!hand_resume(rec).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	rec->run->enter.flags = RMI_ENTER_EMUL_MMIO_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = RMI_ENTER_INJECT_SEA_MASK;
	EXPECT_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = 0;
	(void)gic_drain();
	EXPECT(!hand_resume(rec).done);
	EXPECT(stopped(rec, WORD, 0, 0));
}

CASE(an_access_is_emulated_though_an_interrupt_ends_the_run_at_once, "EMULATION.last_exit")
{
	struct rig_rec *rec = stop_rec(1);

	EXPECT(!hand_start(rec, load_double, ADDRESS).done);
	gic_kick(pe_index());
	EXPECT(!answer(rec, PATTERN).done);
	EXPECT(stop_is(rec, RMI_EXIT_IRQ, 0));
	(void)gic_drain();
	came_back(hand_resume(rec), PATTERN);
}
