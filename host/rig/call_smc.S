/* SPDX-License-Identifier: BSD-3-Clause */
/* An SMC that shows every register; the same for the rig (EL2) and the hand (EL1). */
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
	ldp	x0, x1, [x30]
	ldp	x2, x3, [x30, #16]
	ldp	x4, x5, [x30, #32]
	ldp	x6, x7, [x30, #48]
	ldp	x8, x9, [x30, #64]
	ldp	x10, x11, [x30, #80]
	ldp	x12, x13, [x30, #96]
	ldp	x14, x15, [x30, #112]
	ldp	x16, x17, [x30, #128]
	smc	#0
	stp	x0, x1, [x30]
	stp	x2, x3, [x30, #16]
	stp	x4, x5, [x30, #32]
	stp	x6, x7, [x30, #48]
	stp	x8, x9, [x30, #64]
	stp	x10, x11, [x30, #80]
	stp	x12, x13, [x30, #96]
	stp	x14, x15, [x30, #112]
	stp	x16, x17, [x30, #128]
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
