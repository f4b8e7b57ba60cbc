/* SPDX-License-Identifier: BSD-3-Clause */
/* void smc_call(struct smc_regs *regs); SMCCC 1.2 lets the callee change X0 to X17. */
	.text
	.global smc_call
	.type smc_call, %function
smc_call:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x0, [sp, #16]
	mov	x9, x0
	ldp	x0, x1, [x9]
	ldp	x2, x3, [x9, #16]
	ldp	x4, x5, [x9, #32]
	ldp	x6, x7, [x9, #48]
	smc	#0
	ldr	x9, [sp, #16]
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	stp	x4, x5, [x9, #32]
	stp	x6, x7, [x9, #48]
	ldp	x29, x30, [sp], #32
	ret
	.size smc_call, . - smc_call
