/* SPDX-License-Identifier: BSD-3-Clause */
/* An SMC that shows every register; the same for the rig (EL2) and the hand (EL1). */
#include "call_registers.S"

	.text
	/* void call_smc(struct call *call); X0 to X17 in and out, and whether X18 to X30 stayed. */
	.global call_smc
	.type call_smc, %function
call_smc:
	stp	x29, x30, [sp, #-112]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	str	x0, [sp, #96]
	.irp	n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
	mov	x\n, #(0xCA00 + \n)
	.endr
	mov	x30, x0
	call_load x30
	smc	#0
	call_store x30
	mov	x1, #0
	.irp	n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
	mov	x2, #(0xCA00 + \n)
	eor	x2, x2, x\n
	orr	x1, x1, x2
	.endr
	ldr	x0, [sp, #96]
	str	x1, [x0, #144]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #112
	ret
	.size call_smc, . - call_smc
