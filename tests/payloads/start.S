/* SPDX-License-Identifier: BSD-3-Clause */
/* A realm's first instruction: EL1, MMU and caches off, interrupts masked, X0 from the plan. */

	.section .text.entry, "ax"
	.global payload_entry
	.type payload_entry, %function
payload_entry:
	ldr	x1, =vectors
	msr	vbar_el1, x1
	ldr	x1, =stack_top
	mov	sp, x1
	ldr	x1, =bss_start
	ldr	x2, =bss_end
1:	cmp	x1, x2
	b.hs	2f
	stp	xzr, xzr, [x1], #16
	b	1b
2:	isb
	bl	payload_main
	b	power_off
	.size payload_entry, . - payload_entry

	/* void smc(struct call *call); X0 to X10 in and out */
	.text
	.global smc
	.type smc, %function
smc:
	stp	x0, x30, [sp, #-16]!
	mov	x11, x0
	ldp	x0, x1, [x11]
	ldp	x2, x3, [x11, #16]
	ldp	x4, x5, [x11, #32]
	ldp	x6, x7, [x11, #48]
	ldp	x8, x9, [x11, #64]
	ldr	x10, [x11, #80]
	smc	#0
	ldr	x11, [sp]
	stp	x0, x1, [x11]
	stp	x2, x3, [x11, #16]
	stp	x4, x5, [x11, #32]
	stp	x6, x7, [x11, #48]
	stp	x8, x9, [x11, #64]
	str	x10, [x11, #80]
	ldp	x0, x30, [sp], #16
	ret
	.size smc, . - smc

	/* void fetch_from(uint64_t ipa); take_exception brings an instruction abort back here. */
	.global fetch_from
	.type fetch_from, %function
fetch_from:
	str	x30, [sp, #-16]!
	blr	x0
	ldr	x30, [sp], #16
	ret
	.size fetch_from, . - fetch_from

	.macro vector handler
	.balign 128
	b	\handler
	.endm

	.balign 2048
vectors:
	.rept 4
	vector	unexpected
	.endr
	vector	synchronous
	.rept 11
	vector	unexpected
	.endr

	.type synchronous, %function
synchronous:
	sub	sp, sp, #176
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #144]
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	mrs	x2, far_el1
	mov	x3, x30
	bl	take_exception
	msr	elr_el1, x0
	ldp	x18, x30, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #176
	eret
	.size synchronous, . - synchronous
