/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exception vectors of NS-EL2. Nothing runs below us in the Normal world and interrupts are masked,
 * so whatever comes is a fault of our own: the C handler mends a guarded access or panics.
 */
#include <arch/exception_frame.S>

	.macro vector kind
	.balign 128
	sub	sp, sp, #EXCEPTION_FRAME_SIZE
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
	exception_call exception_take
	.size take, . - take
