/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hand: a program at R-EL1 that does what the rig orders, one thing at a time, so that a case
 * reads in one place. It asks by RSI_HOST_CALL; the host's answer, in gprs, is the next order, and
 * the call after that carries the outcome.
 */
#pragma once

/* IPAs: the image, then for each REC a page of stack and a page with its RsiHostCall. */
#define HAND_BASE	0x10000
#define HAND_IMAGE_SIZE 0x4000
#define HAND_STACKS	0x20000
#define HAND_CALLS	0x30000
#define HAND_MAX_RECS	8
#define HAND_IMM	0x4A4D

/* gprs[0] of an order; operands from gprs[1] on, results there too. */
#define HAND_START	0 /* never ordered: what the first call reports */
#define HAND_SMC	1 /* X0 to X17 in and out; gprs[19]: other registers changed */
#define HAND_READ	2 /* address, bytes -> value */
#define HAND_WRITE	3 /* address, bytes, value */
#define HAND_READ_PAIR	4 /* address -> two words, by LDP */
#define HAND_FETCH	5 /* address to branch to, which should return */
#define HAND_GET	6 /* number of a register -> value */
#define HAND_SET	7 /* number of a register, value */
#define HAND_WFI	8
#define HAND_WFE	9
#define HAND_HVC	10
#define HAND_SPIN	11 /* ticks of CNTVCT_EL0 */
#define HAND_FILL	12 /* word: into V0 to V31 and the other state that FP and SIMD have */
#define HAND_SUM	13 /* -> XOR of V0 to V31, FPCR, FPSR */
#define HAND_TIME	14 /* an SMC as HAND_SMC has it; gprs[19]: ticks that it took */
#define HAND_REPEAT	15 /* what (below), its argument, turns: stops the REC once a turn */
#define HAND_POLL	16 /* address, ticks, value: reads until it, a fault or so late -> [3] read */
#define HAND_CODE	17 /* the code in gprs[8] to gprs[19], called with X0 to X5 as gprs[1] on */
#define HAND_DROP	18 /* the same with SPSR_EL1 gprs[7], until an exception to EL1 */
#define HAND_LISTEN	19 /* ticks: IRQs are unmasked until one was taken, or for so long */
#define HAND_SVE_FILL	20 /* seed: into what SVE has (sve.h) */
#define HAND_SVE_SUM	21 /* -> digest of what SVE has, bytes of a vector */
#define HAND_CODE_WORDS 24 /* instructions at most */

/* What is repeated, and how many instructions a turn has. */
#define HAND_REPEAT_READ	  0 /* address */
#define HAND_REPEAT_WRITE	  1 /* address */
#define HAND_REPEAT_WFI		  2
#define HAND_REPEAT_CALL	  3 /* RSI_HOST_CALL: address of the RsiHostCall */
#define HAND_REPEAT_CALL_FP	  4 /* the same, and a vector register is written before it */
#define HAND_REPEAT_RIPAS	  5 /* address of a page that becomes EMPTY, RAM, EMPTY … */
#define HAND_REPEAT_ACCESS_LENGTH 3
#define HAND_REPEAT_CALL_LENGTH	  6
#define HAND_REPEAT_RIPAS_LENGTH  8

/* Behind every outcome: exceptions since the order, and the last one's registers. */
#define HAND_FAULTS 20
#define HAND_ESR    21
#define HAND_ELR    22
#define HAND_FAR    23
#define HAND_SPSR   24
#define HAND_VECTOR 25 /* its offset from VBAR_EL1 */
#define HAND_INTID  26 /* of the last IRQ, which was acknowledged and ended */

#ifndef __ASSEMBLER__
/* Numbers of the registers that HAND_GET and HAND_SET take. */
enum hand_register {
#define READ_WRITE(name) HAND_REG_##name,
#define READ_ONLY(name)	 HAND_REG_##name,
#define WRITE_ONLY(name) HAND_REG_##name,
#include "registers.def"
#undef READ_WRITE
#undef READ_ONLY
#undef WRITE_ONLY
};
#endif
