/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For exception vectors: what a C handler may change is saved around a call to it. The frame holds X0
 * to X18 and X30, and ends with a frame record, for backtraces.
 */
#define EXCEPTION_FRAME_SIZE   192
#define EXCEPTION_FRAME_X18    144
#define EXCEPTION_FRAME_RECORD 176

	/* A vector of a stack that is known to be good: makes the frame, and goes on with X0 = kind. */
	.macro	exception_vector kind, taker
	.balign 128
	sub	sp, sp, #EXCEPTION_FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x0, #\kind
	b	\taker
	.endm

	/*
	 * With SP at a frame that has X0 and X1 already, and X0 = kind: goes on where
	 * uint64_t handler(uint32_t kind, uint64_t lr) says.
	 */
	.macro	exception_call handler, el=2
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #EXCEPTION_FRAME_X18]
	/* A record as of a call by the interrupted instruction: it returns behind it. */
	mrs	x1, elr_el\el
	add	x1, x1, #4
	stp	x29, x1, [sp, #EXCEPTION_FRAME_RECORD]
	add	x29, sp, #EXCEPTION_FRAME_RECORD
	mov	x1, x30
	bl	\handler
	msr	elr_el\el, x0
	ldr	x29, [sp, #EXCEPTION_FRAME_RECORD]
	ldp	x18, x30, [sp, #EXCEPTION_FRAME_X18]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #EXCEPTION_FRAME_SIZE
	eret
	.endm
