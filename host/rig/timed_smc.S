/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uint64_t timed_smc(struct call *call), uint64_t timed_nothing(struct call *call): X0 to X17 in and
 * out; returns the ticks of CNTVCT_EL0 that an SMC took, or a NOP in its place. For the rig (EL2)
 * and the hand (EL1) alike.
 */
	.macro timed name, what:vararg
	.text
	.global \name
	.type \name, %function
\name:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	mov	x19, x0
	ldp	x0, x1, [x19]
	ldp	x2, x3, [x19, #16]
	ldp	x4, x5, [x19, #32]
	ldp	x6, x7, [x19, #48]
	ldp	x8, x9, [x19, #64]
	ldp	x10, x11, [x19, #80]
	ldp	x12, x13, [x19, #96]
	ldp	x14, x15, [x19, #112]
	ldp	x16, x17, [x19, #128]
	isb
	mrs	x20, cntvct_el0
	\what
	isb
	mrs	x18, cntvct_el0
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	stp	x4, x5, [x19, #32]
	stp	x6, x7, [x19, #48]
	stp	x8, x9, [x19, #64]
	stp	x10, x11, [x19, #80]
	stp	x12, x13, [x19, #96]
	stp	x14, x15, [x19, #112]
	stp	x16, x17, [x19, #128]
	sub	x0, x18, x20
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
	.size \name, . - \name
	.endm

	timed	timed_smc, smc #0
	timed	timed_nothing, nop
