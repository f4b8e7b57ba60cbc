/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uint64_t timed_smc(struct call *call), uint64_t timed_nothing(struct call *call): X0 to X17 in and
 * out; returns the ticks of CNTVCT_EL0 that an SMC took, or a NOP in its place. For the rig (EL2)
 * and the hand (EL1) alike.
 */
#include "call_registers.S"

	.macro timed name, what:vararg
	.text
	.global \name
	.type \name, %function
\name:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	mov	x19, x0
	call_load x19
	isb
	mrs	x20, cntvct_el0
	\what
	isb
	mrs	x18, cntvct_el0
	call_store x19
	sub	x0, x18, x20
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
	.size \name, . - \name
	.endm

	timed	timed_smc, smc #0
	timed	timed_nothing, nop
