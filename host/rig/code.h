/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Code for the hand, in the words of the assembler:
 *	CODE(load_byte, "ldrb w0, [x0]");
 *	outcome = hand_run(rec, load_byte, ipa);
 * What follows the code's name is in X0 to X5 when it is called; outcome.gprs[1] on is what they
 * hold afterwards. An instruction that the realm takes an exception from is left out.
 */
#pragma once

#include "hand_order.h"

#define CODE(name, text)                                                                           \
	__asm__(".pushsection .rodata.code, \"a\"\n"                                               \
		".balign 4\n" #name "_start:\n"                                                    \
		".arch_extension sve\n"                                                            \
		".arch_extension sme\n"                                                            \
		".arch_extension memtag\n"                                                         \
		".arch_extension fp\n" text "\n"                                                   \
		"ret\n" #name "_end:\n"                                                            \
		".popsection\n");                                                                  \
	extern const uint32_t name##_start[], name##_end[]

/* The order, the REC run once; and the same over interrupts of the host, to the outcome. */
struct outcome code_order(struct rig_rec *rec, const uint32_t *start, const uint32_t *end,
			  const uint64_t *x, size_t count);
struct outcome code_do(struct rig_rec *rec, const uint32_t *start, const uint32_t *end,
		       const uint64_t *x, size_t count);
#define hand_start(rec, name, ...)                                                                 \
	code_order((rec), name##_start, name##_end, RIG_WORDS(__VA_ARGS__))
#define hand_run(rec, name, ...) code_do((rec), name##_start, name##_end, RIG_WORDS(__VA_ARGS__))

/* A64 code at EL0, until an exception to EL1; or what `words` hold, with another SPSR_EL1. */
#define SPSR_EL0_A64 UINT64_C(0x3C0)
#define SPSR_EL0_A32 UINT64_C(0x1D0)
#define SPSR_EL0_T32 UINT64_C(0x1F0)
struct outcome code_drop(struct rig_rec *rec, uint64_t spsr, const uint32_t *start,
			 const uint32_t *end, const uint64_t *x, size_t count);
#define hand_drop(rec, spsr, name, ...)                                                            \
	code_drop((rec), (spsr), name##_start, name##_end, RIG_WORDS(__VA_ARGS__))
