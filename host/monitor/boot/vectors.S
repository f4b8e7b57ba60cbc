/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exception vectors of NS-EL2. Nothing runs below us in the Normal world and interrupts are masked,
 * so whatever comes is a fault of our own: the C handler mends a guarded access or panics.
 */

#define FRAME_SIZE 192
#define FRAME_X18  144
#define FRAME_RECORD 176

	.macro vector kind
	.balign 128
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x0, #\kind
	b	take
	.endm

	.text
	.balign 2048
	.global vectors
vectors:
	.rept 4
	vector	0
	vector	1
	vector	2
	vector	3
	.endr

	.type take, %function
take:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #FRAME_X18]
	/* A frame record, so that a backtrace shows where the exception was taken. */
	mrs	x1, elr_el2
	stp	x29, x1, [sp, #FRAME_RECORD]
	add	x29, sp, #FRAME_RECORD
	bl	exception_take
	msr	elr_el2, x0
	ldr	x29, [sp, #FRAME_RECORD]
	ldp	x18, x30, [sp, #FRAME_X18]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #FRAME_SIZE
	eret
	.size take, . - take
