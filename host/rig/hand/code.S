/* SPDX-License-Identifier: BSD-3-Clause */
/* Instructions out of an order: gprs[8] on, with X0 to X5 in and out in gprs[1] to gprs[6]. */
#define FRAME	   112
#define FRAME_ARG  96
#define CODE	   64
#define SPSR	   56

	.macro code_enter
	stp	x29, x30, [sp, #-FRAME]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	str	x0, [sp, #FRAME_ARG]
	add	x17, x0, #CODE
	ldr	x16, [x0, #SPSR]
	dsb	ish
	ic	iallu
	dsb	ish
	isb
	.endm

	.macro code_operands
	ldp	x2, x3, [x0, #24]
	ldp	x4, x5, [x0, #40]
	ldp	x0, x1, [x0, #8]
	.endm

	.macro code_leave
	ldr	x16, [sp, #FRAME_ARG]
	stp	x0, x1, [x16, #8]
	stp	x2, x3, [x16, #24]
	stp	x4, x5, [x16, #40]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #FRAME
	ret
	.endm

	/* void code_call(uint64_t *gprs): as a function, at EL1. */
	.text
	.global code_call
	.type code_call, %function
code_call:
	code_enter
	code_operands
	blr	x17
	code_leave
	.size code_call, . - code_call

	/* void code_drop(uint64_t *gprs): with SPSR gprs[7], until an exception comes back. */
	.global code_drop
	.type code_drop, %function
code_drop:
	code_enter
	msr	elr_el1, x17
	msr	spsr_el1, x16
	code_operands
	eret
	.global code_back
code_back:
	code_leave
	.size code_drop, . - code_drop
