/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exception vectors of R-EL2. From a lower EL only the realm can come, and only while realm_enter()
 * is on the stack: control goes back to its caller. From R-EL2 itself the C handler either mends a
 * guarded access or panics.
 */
#include <arch/exception_frame.S>

#include "limits.h"

	.macro current name, kind
	.balign 128
	sub	sp, sp, #EXCEPTION_FRAME_SIZE
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
	exception_call exception_current_el
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
