/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exception vectors of R-EL2. From a lower EL only the realm can come, and only while realm_enter()
 * is on the stack: control goes back to its caller. From R-EL2 itself the C handler either mends a
 * guarded access or panics.
 */
#include "limits.h"

/* X0 to X17, X18 and X30, and a frame record: what the C handler may change or a backtrace needs. */
#define FRAME_SIZE   192
#define FRAME_X18    144
#define FRAME_RECORD 176

	.macro current name, kind
	.balign 128
	sub	sp, sp, #FRAME_SIZE
	/* Test bit STACK_HALF_SHIFT of SP with no register to spare. */
	add	sp, sp, x0
	sub	x0, sp, x0
	tbz	x0, #STACK_HALF_SHIFT, stack_overflow
	sub	x0, sp, x0
	sub	sp, sp, x0
	stp	x0, x1, [sp]
	mov	x0, #\kind
	b	current_el
	.endm

	.macro lower kind
	.balign 128
	stp	x0, x1, [sp, #-16]!
	mov	x0, #\kind
	b	realm_exit
	.endm

	.text
	.balign 2048
	.global vectors
vectors:
	current	sync_sp0, 0
	current	irq_sp0, 1
	current	fiq_sp0, 2
	current	serror_sp0, 3
	current	sync_spx, 0
	current	irq_spx, 1
	current	fiq_spx, 2
	current	serror_spx, 3
	lower	0
	lower	1
	lower	2
	lower	3
	lower	0
	lower	1
	lower	2
	lower	3

	.type current_el, %function
current_el:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #FRAME_X18]
	/* So that a backtrace goes on where the exception was taken. */
	mrs	x2, elr_el2
	stp	x29, x2, [sp, #FRAME_RECORD]
	add	x29, sp, #FRAME_RECORD
	bl	exception_current_el
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
	.size current_el, . - current_el

	/* The stack is lost: report from one spare stack, which PEs in such trouble share. */
stack_overflow:
	adrp	x0, overflow_stack_end
	add	x0, x0, :lo12:overflow_stack_end
	mov	sp, x0
	bl	exception_stack_overflow

	.bss
	.balign 16
	.skip	4096
overflow_stack_end:
	.skip	16
